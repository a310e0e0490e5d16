"""Coverage-guided fuzzing: `python -m tests.fuzz TARGET [--seconds 60]`; needs `pip install atheris`.

TARGET is image, archive, table or keras. It starts from `tests/fuzz/corpus/TARGET` and from what was found
before in `build/fuzz/TARGET`, and keeps there each input that reaches code that none before has reached. The
first input that ends in anything but a sentence for the visitor, takes over `--longest` or over 2 GB stops it,
and lies in `build/fuzz` then: mend the fault, and put the input into the corpus, which `tests/test_fuzz.py`
goes through.

With `--keep` the corpus is made anew at the end: the smallest set of inputs that reaches all that was reached,
at most 60 kB of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path(__file__).resolve().parent.parent.parent / "build" / "fuzz"
MOST = 60_000  # bytes of a target's corpus


def fuzz(target: str, options: list[str]) -> None:
    """Never comes back: libFuzzer ends the process."""
    import atheris

    # Our own code alone is watched: the libraries behind it are thousands of modules, which take minutes to
    # prepare and then slow down every try.
    with atheris.instrument_imports(include=["core"]):
        from tests.fuzz import targets

    itself = (
        f"{sys.executable} -m tests.fuzz {target} --options"  # as libFuzzer calls it again for `-merge=1`
    )
    atheris.Setup([itself, *options], lambda data: targets.attempt(target, data))
    atheris.Fuzz()


def keep(target: str) -> None:
    """The smallest of the inputs that together reach everything, beside the seeds, as long as there is room."""
    smallest = FOUND / f"{target}-smallest"
    smallest.mkdir(parents=True, exist_ok=True)
    folders = [str(CORPUS / target), str(FOUND / target)]
    command = [sys.executable, "-m", "tests.fuzz", target, "--options", "-merge=1", str(smallest), *folders]
    subprocess.run(command, check=True)
    room = MOST - sum(file.stat().st_size for file in (CORPUS / target).glob("seed-*"))
    for old in (CORPUS / target).glob("found-*"):
        old.unlink()
    for file in sorted(smallest.iterdir(), key=lambda one: (one.stat().st_size, one.name)):
        room -= file.stat().st_size
        if room < 0:
            break
        (CORPUS / target / f"found-{file.name[:12]}").write_bytes(file.read_bytes())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("target", choices=("image", "archive", "table", "keras"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--longest", type=int, default=10, help="seconds of one input; more on a busy machine"
    )
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--options", nargs=argparse.REMAINDER, help="for libFuzzer alone")
    asked = parser.parse_args()
    if asked.options:
        fuzz(asked.target, asked.options)
    found = FOUND / asked.target
    found.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={asked.seconds}", "-max_len=65536", f"-timeout={asked.longest}"]
    options += ["-rss_limit_mb=2048", f"-artifact_prefix={FOUND}/{asked.target}-", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.fuzz", asked.target, "--options", *options]
    code = subprocess.run([*command, str(found), str(CORPUS / asked.target)]).returncode
    if asked.keep and code == 0:
        keep(asked.target)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
