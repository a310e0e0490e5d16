"""Every package, weight and picture that ships is listed with its licence."""

from __future__ import annotations

import fnmatch
import re
import subprocess

import pytest

from core import assets
from training import third_party
from training.third_party import ACCEPTED, CARRIED, FILE, packages

TEXT = FILE.read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in TEXT.splitlines() if "|" in line]


@pytest.mark.parametrize("package", packages(), ids=lambda package: package.name)
def test_a_package_is_listed_and_lets_anyone_use_it(package: third_party.Package) -> None:
    """If one is missing: `python -m training.third_party`, after a look at its licence."""
    assert [package.licence] == [row[1] for row in ROWS if row[0] == package.name]
    assert set(re.split(r" (?:AND|OR) ", package.licence)) <= ACCEPTED


def test_what_wheels_carry_is_told() -> None:
    assert all(f"- {name}: {what}" in TEXT for name, what in CARRIED.items())


def test_every_file_of_assets_is_listed() -> None:
    """If one is missing: a row in `training/third_party.py`, then `python -m training.third_party`."""
    asked = subprocess.run(["git", "ls-files", "-z", "."], cwd=assets.ROOT, capture_output=True, text=True)
    known = [name for name in asked.stdout.split("\0") if name]
    files = known or [
        file.relative_to(assets.ROOT).as_posix() for file in assets.ROOT.rglob("*") if file.is_file()
    ]
    patterns = {row[0].strip("`"): row for row in ROWS if row[0].startswith("`")}
    for file in files:
        rows = [row for pattern, row in patterns.items() if fnmatch.fnmatchcase(file, pattern)]
        assert rows, file
        assert all(licence and source for _, _, licence, source in rows), file


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("Apache Software License", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("The MIT License", "MIT"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("MPL-2.0 AND MIT", "MPL-2.0 AND MIT"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("Proprietary", "unknown"),
        ("GNU General Public License v3", "unknown"),
        ("Permitted", "unknown"),
    ],
)
def test_licences_are_read_from_what_packages_write(told: str, wanted: str) -> None:
    class Told:
        metadata = type(
            "M", (), {"get": lambda _, key: {"License": told}.get(key), "get_all": lambda *_: []}
        )()
        files = ()

    assert third_party._licence(Told()) == wanted  # type: ignore[arg-type]
