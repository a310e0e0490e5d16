"""The figures of the README: where they are marked, who prints them, how they are written."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from benchmarks import figures

ROOT = Path(__file__).resolve().parent.parent
README = """
| what | figure | command |
|---|---|---|
| speed <!--maps.photo-->a<!----> | <!--fast.ours-->8.0<!----> ms; `x` <!--fast.ratio-->9.2<!----> × | `python -m benchmarks.fast` |
| more | <!--fast_late.ours-->1<!----> | the same |
| of another | 12 of 13 | `python -m benchmarks.peers` |
| with data | <!--data.ours-->3<!----> | `python -m benchmarks.data --data FOLDER` |
"""
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def told(module: Path) -> set[str]:
    """The names of figures that a command can print: what its calls of `tell` begin with."""
    calls = [
        node for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
    ]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "tell"]
    return {keyword.arg for call in named for keyword in call.keywords if keyword.arg}


def test_a_row_is_read_with_its_command_and_its_marks() -> None:
    found = figures.rows(README)
    assert [row.command.split()[-1] for row in found] == [
        "benchmarks.fast",
        "benchmarks.fast",
        "benchmarks.peers",
        "FOLDER",
    ]
    assert found[0].names == ("maps.photo", "fast.ours", "fast.ratio")
    assert found[2].names == (), "a row that nobody has marked is left alone"
    assert figures.chosen(found, []) == [
        "python -m benchmarks.fast",
        "python -m benchmarks.data --data FOLDER",
    ]
    assert figures.chosen(found, ["data"]) == ["python -m benchmarks.data --data FOLDER"]


def test_a_command_that_needs_a_folder_waits_for_it() -> None:
    command = "python -m benchmarks.data --data FOLDER"
    assert figures.filled(command, None, None) is None
    assert figures.filled(command, Path("here"), None) == [
        sys.executable,
        "-m",
        "benchmarks.data",
        "--data",
        "here",
    ]


def test_printed_figures_are_written_at_their_marks_alone(capsys: pytest.CaptureFixture[str]) -> None:
    print("something 7.0")
    figures.tell("fast", ours="6.5", other="1")
    found = figures.printed(capsys.readouterr().out)
    assert found == {"fast.ours": "6.5", "fast.other": "1"}
    new = figures.written(README, found)
    assert new == README.replace("-->8.0<!", "-->6.5<!")
    assert figures.written(new, found) == new


def test_every_mark_of_the_readmes_is_of_a_command_that_prints_it() -> None:
    known = figures.rows((ROOT / "README.md").read_text(encoding="utf-8"))
    by_name = {name: row.command for row in known for name in row.names}
    assert len(by_name) > 30
    for name, command in by_name.items():
        module = ROOT / (command.split()[2].replace(".", "/") + ".py")
        module = module if module.exists() else module.with_suffix("") / "__main__.py"
        text = module.read_text(encoding="utf-8")
        about, value = name.split(".")
        named = value in told(module) or f'"{value}"' in text or f'tell("{about}", **' in text
        assert "import tell" in text and named, name
    for readme in figures.READMES:
        marks = figures.MARK.findall((ROOT / readme).read_text(encoding="utf-8"))
        assert {name for name, _ in marks} <= set(by_name), readme
        assert all(value.strip() == value and value for _, value in marks)


def test_both_readmes_have_the_same_figures() -> None:
    english, chinese = ((ROOT / readme).read_text(encoding="utf-8") for readme in figures.READMES)
    marks = figures.MARK.findall(english)
    assert len(marks) > 30
    assert figures.MARK.findall(chinese) == marks, "the same marks in the same order, with the same values"
    rows, ours = figures.rows(english), figures.rows(chinese)
    assert [(row.command, row.names) for row in ours] == [(row.command, row.names) for row in rows]


def test_figures_that_are_not_marked_are_the_same_in_both_readmes() -> None:
    ends = tuple(f"| {same} |" for same in figures.SAME)

    def numbers(readme: str) -> list[list[str]]:
        text = figures.MARK.sub("", (ROOT / readme).read_text(encoding="utf-8"))
        lines = [line for line in text.splitlines() if figures.rows(line) or line.endswith(ends)]
        return [NUMBER.findall(line.split("|")[2]) for line in lines]

    english, chinese = map(numbers, figures.READMES)
    assert sum(map(len, english)) > 30
    assert english == chinese


def test_every_picture_of_the_readmes_is_there_and_says_what_it_shows() -> None:
    pictures = [
        re.findall(r"!\[([^\]]*)\]\((docs/[^)]+)\)", (ROOT / readme).read_text(encoding="utf-8"))
        for readme in figures.READMES
    ]
    assert len(pictures[0]) == len(pictures[1]) > 3
    for alt, file in (picture for readme in pictures for picture in readme):
        assert alt and (ROOT / file).is_file(), file
