"""Damaged files of numbers are found when they are first asked for, and told in a sentence."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import assets, checksums, i18n
from core.errors import GlassboxError
from training import checksums as command

ROOT = Path(__file__).resolve().parent.parent


def test_the_list_is_up_to_date() -> None:
    """If not: `python -m training.checksums`."""
    listed = assets.path(checksums.LIST).read_text(encoding="utf-8").splitlines()
    assert listed == command.lines()
    assert {"vision/efficientnet_lite0_int8.tflite", "language/pretrained.npz"} <= set(checksums.listed())


def test_sha256sum_reads_the_list() -> None:
    done = subprocess.run(["sha256sum", "--check", "--quiet", checksums.LIST], cwd=assets.ROOT)
    assert done.returncode == 0


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of assets with one file of numbers and its list."""
    for language in i18n.LANGUAGES:
        i18n.catalogue(language)  # read before the folder is another one
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    (tmp_path / "vision").mkdir()
    (tmp_path / "vision" / "net.npz").write_bytes(b"numbers")
    line = hashlib.sha256(b"numbers").hexdigest() + "  vision/net.npz\n"
    (tmp_path / checksums.LIST).write_text(line)
    checksums.listed.cache_clear()
    yield tmp_path
    checksums.listed.cache_clear()


def test_a_whole_file_is_read_through_once(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    digest = checksums.digest
    monkeypatch.setattr(checksums, "digest", lambda file: read.append(file) or digest(file))
    file = shipped / "vision" / "net.npz"
    assert checksums.whole("vision", "net.npz") == checksums.whole("vision", "net.npz") == file
    assert read == [file]
    os.utime(file, (1, 1))
    checksums.whole("vision", "net.npz")
    assert read == [file, file]


@pytest.mark.parametrize("damage", [b"numberz", b"number", b"", None])
def test_a_damaged_file_is_told_and_one_that_is_mended_is_used(shipped: Path, damage: bytes | None) -> None:
    file = shipped / "vision" / "net.npz"
    checksums.whole("vision", "net.npz")
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
        os.utime(file, (2, 2))
    for _ in range(2):
        with pytest.raises(GlassboxError) as told:
            checksums.whole("vision", "net.npz")
        assert told.value.key == "error.damaged_file"
        for language in i18n.LANGUAGES:
            sentence = i18n.text(language, told.value.key, **told.value.values)
            assert "assets/vision/net.npz" in sentence and "git pull" in sentence
    file.write_bytes(b"numbers")
    assert checksums.whole("vision", "net.npz") == file


def test_a_file_in_the_making_passes(shipped: Path) -> None:
    (shipped / "new.npz").write_bytes(b"x")
    assert checksums.whole("new.npz").name == "new.npz"


def test_core_reads_files_of_numbers_no_other_way() -> None:
    for path in sorted((ROOT / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "read_weights"):
                assert "assets.path" not in ast.unparse(node), path.name
