"""Writes `assets/CHECKSUMS`: `python -m training.checksums`, after a file of numbers was made anew and added."""

from __future__ import annotations

import subprocess
from pathlib import Path

from core import assets, checksums


def shipped() -> list[Path]:
    """The files of numbers that ship: those that git knows, or all where there is no git."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--", "."], cwd=assets.ROOT, capture_output=True, text=True
    )
    known = {assets.ROOT / name for name in asked.stdout.split("\0") if name}
    found = sorted(file for file in assets.ROOT.rglob("*") if file.suffix in checksums.KINDS)
    return [file for file in found if not known or file in known]


def lines() -> list[str]:
    """A line for each, as `sha256sum` writes them."""
    return [f"{checksums.digest(file)}  {file.relative_to(assets.ROOT).as_posix()}" for file in shipped()]


def main() -> None:
    written = lines()
    assets.path(checksums.LIST).write_text("\n".join(written) + "\n", encoding="utf-8")
    print(f"{len(written)} files of numbers are listed in assets/{checksums.LIST}.")


if __name__ == "__main__":
    main()
