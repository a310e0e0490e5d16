"""The rules of the house that a machine can hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RANK = {"assets": 0, "core": 1, "ui": 2, "pages": 3}
PAGES = sorted((ROOT / "pages").glob("*.py"))


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def imported_at_start(path: Path) -> set[str]:
    """What is imported when the module is, functions and `if TYPE_CHECKING` apart."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", sources("core", "ui", "pages"), ids=lambda path: str(path.relative_to(ROOT)))
def test_dependencies_point_one_way(path: Path) -> None:
    here = RANK[path.relative_to(ROOT).parts[0]]
    above = {name for name in imported(path) if RANK.get(name, -1) > here}
    assert not above
    assert not imported(path) & {"training", "benchmarks", "tests"}


@pytest.mark.parametrize("path", sources("core"), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_knows_nothing_of_the_page(path: Path) -> None:
    assert not imported(path) & {"streamlit", "plotly"}


@pytest.mark.parametrize("path", sources("core", "ui"), ids=lambda path: str(path.relative_to(ROOT)))
def test_tensorflow_is_imported_only_when_it_is_needed(path: Path) -> None:
    assert not imported_at_start(path) & {"tensorflow", "keras"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_short_and_draws_through_ui(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120
    assert not imported(path) & {"cv2", "keras", "tensorflow", "PIL", "plotly"}


@pytest.mark.parametrize("path", [*PAGES, ROOT / "streamlit_app.py"], ids=lambda path: path.name)
def test_a_page_holds_no_prose(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = [n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.FunctionDef | ast.ClassDef)]
    docs = {id(n.body[0].value) for n in documented if n.body and isinstance(n.body[0], ast.Expr)}
    texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    prose = [text.value for text in texts if " " in text.value.strip() and id(text) not in docs]
    assert not prose


def test_caches_and_session_state_have_one_home_each() -> None:
    for path in sources("ui", "pages"):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        assert name == "ui/cache.py" or "st.cache_" not in text, name
        assert name.startswith("ui/") or "session_state" not in text, name


def test_every_cache_is_bounded() -> None:
    for node in ast.walk(ast.parse((ROOT / "ui/cache.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                assert isinstance(decorator, ast.Call)
                assert "max_entries" in {keyword.arg for keyword in decorator.keywords}, node.name


def test_nothing_dangerous_is_called() -> None:
    for path in sources("core", "ui", "pages"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
                pair = (node.arg, node.value.value)
                assert pair not in {
                    ("allow_pickle", True),
                    ("safe_mode", False),
                    ("unsafe_allow_html", True),
                }, path
        assert not imported(path) & {"pickle", "dill", "joblib", "shelve"}, path


def test_what_contributing_names_is_there() -> None:
    """Each file, folder and module that it sends the reader to."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:core|ui|pages|assets|training|benchmarks|tests)/[\w/*.-]+)`", text)
    assert len(paths) > 15
    for path in paths:
        if not any(word.isupper() for word in re.findall(r"[A-Za-z]{3,}", path)):  # NAME: to be made
            assert list(ROOT.glob(path.rstrip("/"))), path


def test_a_step_a_model_and_a_language_are_named_in_one_place() -> None:
    """So that adding one takes the files that CONTRIBUTING.md says, and no other."""
    from core import i18n
    from core.vision.models import MODELS

    named = re.compile("|".join(f"[\"']{name}[\"']" for name in MODELS))
    for path in PAGES:
        assert not named.search(path.read_text(encoding="utf-8")), f"{path.name} lists models of its own"
    for language in i18n.LANGUAGES:
        common = (ROOT / "assets/messages" / language / "common.json").read_text(encoding="utf-8")
        words = i18n.catalogue(language)
        assert all(f'"model.{name}"' in common for name in MODELS)
        assert all(f"feature_maps.model.{name}" in words for name in MODELS)
    assert {path.name for path in (ROOT / "assets/messages").iterdir()} == set(i18n.LANGUAGES)
    assert set(i18n.TEXTS) <= set(i18n.LANGUAGES)
