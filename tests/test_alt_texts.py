"""Every picture and chart is told in words, in the visitor's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DRAWN = {"image", "plotly_chart", "pyplot", "altair_chart", "vega_lite_chart"}  # of Streamlit


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a method of Streamlit, or of a box of its, that draws a picture or a chart."""
    for folder in ("ui", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                drawn = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                if drawn and node.func.attr in DRAWN:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_what_is_drawn_has_an_alt_text_that_is_no_fixed_string() -> None:
    found = list(calls())
    assert len(found) > 10
    for place, call in found:
        alt = next((word.value for word in call.keywords if word.arg == "alt"), None)
        assert alt is not None, f"{place} has no alt text"
        assert not (isinstance(alt, ast.Constant) and alt.value), (
            f"{place} has the same alt text in all languages"
        )
