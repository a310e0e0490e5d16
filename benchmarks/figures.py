"""Runs the commands whose figures stand in the README, and writes those figures into it, in both languages.

    python -m benchmarks.figures                      # every command that needs no files
    python -m benchmarks.figures classify slider      # the figures of these names alone
    python -m benchmarks.figures --data FOLDER --photo PHOTO.jpg
    python -m benchmarks.figures --list               # what would run

A figure in the README is a marked number, `<!--classify.ours-->8.0<!---->`; the text around it is written by
people. A benchmark prints `figure classify.ours 8.0` (`tell`). The commands are those in the last column of the
README's table; rows without a marked number, and marks that no command has printed, are left as they are and
listed. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh-CN.md")
MARK = re.compile(r"<!--(?P<name>[a-z_0-9]+\.[a-z_0-9]+)-->(?P<value>[^<|\n]*)<!---->")
PRINTED = re.compile(r"^figure (?P<name>[a-z_0-9]+\.[a-z_0-9]+) (?P<value>.+)$", re.MULTILINE)
SAME = ("the same", "同上")  # what stands in a row whose command is that of the row above


@dataclass(frozen=True)
class Row:
    """A row of the README's table of figures."""

    what: str
    command: str  # "" where the row has none
    names: tuple[str, ...]  # of its marked numbers


def tell(about: str, **values: str) -> None:
    """Print figures as this command finds them: `tell("classify", ours="8.0")`."""
    for name, value in values.items():
        print(f"figure {about}.{name} {value}", flush=True)


def rows(text: str) -> list[Row]:
    """The rows of a README that end in a command."""
    found: list[Row] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3:
            continue
        command = found[-1].command if cells[2] in SAME and found else cells[2].strip("`")
        if command.startswith("python -m "):
            found.append(Row(cells[0], command, tuple(mark["name"] for mark in MARK.finditer(line))))
    return found


def written(text: str, figures: Mapping[str, str]) -> str:
    """A README with new numbers at its marks; marks that `figures` does not hold stay as they are."""

    def new(mark: re.Match[str]) -> str:
        name = mark["name"]
        return f"<!--{name}-->{figures.get(name, mark['value'])}<!---->"

    return MARK.sub(new, text)


def printed(output: str) -> dict[str, str]:
    """The figures in what a command printed."""
    return {found["name"]: found["value"].strip() for found in PRINTED.finditer(output)}


def chosen(found: Iterable[Row], asked: Iterable[str]) -> list[str]:
    """The commands to run, each once: all that have marked figures, or those of the names that were asked for."""
    wanted = set(asked)
    commands = [
        row.command
        for row in found
        if row.names and (not wanted or wanted & {name.split(".")[0] for name in row.names})
    ]
    return list(dict.fromkeys(commands))


def filled(command: str, data: Path | None, photo: Path | None) -> list[str] | None:
    """The command for this machine, None when it needs a file or folder that was not given."""
    given = {"FOLDER": data, "PHOTO.jpg": photo}
    parts = shlex.split(command)
    if any(given.get(part, part) is None or part in ("FILE", "NAME") for part in parts):
        return None
    return [sys.executable, *(str(given.get(part, part)) for part in parts[1:])]


def main() -> int:
    """Run, collect, write; 1 when a command failed, and its figures stay as they were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help="what stands before the point of a figure's name")
    parser.add_argument("--data", type=Path, help="the folder of data sets")
    parser.add_argument("--photo", type=Path, help="a photo as a telephone takes it")
    parser.add_argument("--list", action="store_true", help="print the commands and stop")
    asked = parser.parse_args()
    known = rows((ROOT / READMES[0]).read_text(encoding="utf-8"))
    figures: dict[str, str] = {}
    failed = 0
    for command in chosen(known, asked.names):
        parts = filled(command, asked.data, asked.photo)
        print(f"{'$' if parts else 'left out, a file is not given:'} {command}", flush=True)
        if asked.list or parts is None:
            continue
        done = subprocess.run(parts, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        failed |= done.returncode != 0
        figures |= printed(done.stdout) if done.returncode == 0 else {}
    if asked.list:
        return 0
    marks: set[str] = set()
    for readme in READMES:
        file = ROOT / readme
        text = file.read_text(encoding="utf-8")
        marks |= {mark["name"] for mark in MARK.finditer(text)}
        file.write_text(written(text, figures), encoding="utf-8")
    print("written:", *sorted(marks & set(figures)) or ["nothing"])
    print("as they were:", *sorted(marks - set(figures)) or ["none"])
    print("measured, in no README:", *sorted(set(figures) - marks) or ["none"])
    print("rows without a marked figure:", *(f"\n  {row.command}" for row in known if not row.names))
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
