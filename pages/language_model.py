"""A language model that one can look into: the next token, how it is chosen, and a text read back."""

from __future__ import annotations

from ui import (
    frame,
    language_model,
    language_model_choice,
    language_model_circle,
    language_model_compare,
    language_model_inside,
    language_model_read,
    language_model_style,
    language_model_teach,
)
from ui.language_model import Desk


@frame.fragment
def closer() -> None:
    """The tabs; each reruns without what stands above, and only the open one is computed."""
    found = language_model.quietly()
    for name, tab in language_model.tabs():
        if tab.open:
            with tab, frame.told():
                show(name, found)


def show(tab: str, found: Desk | None) -> None:
    """What stands under a tab."""
    match tab:
        case "side":
            language_model_compare.side()
        case "read":
            language_model_read.read(found)
        case "circle":
            language_model_circle.circle()
        case "teach":
            language_model_teach.teach()
        case _ if found is None:
            language_model.nothing()
        case "choice":
            language_model_choice.choice(found)
        case "inside":
            language_model_inside.inside(found)
        case "lens":
            language_model_inside.layers(found)
        case "cache":
            language_model_compare.cache(found)


with frame.page("language_model"):
    language_model_style.style()
    language_model.recall()
    language_model.bench(language_model.signature())
    language_model.cards()
    with language_model.inside():
        closer()
