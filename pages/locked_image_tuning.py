"""A locked image tower and words: any prompt against any picture, and a tuning that one watches."""

from __future__ import annotations

from ui import frame, lit, lit_ask, lit_honest, lit_lesson, lit_map, lit_search, lit_style


def show(tab: str) -> None:
    """What stands under a tab; only the open one is computed."""
    match tab:
        case "ask":
            lit_ask.ask()
        case "search":
            lit_search.find()
        case "lesson":
            lit_lesson.learn()
        case "map":
            lit_map.draw()
        case "honest":
            lit_honest.honest()


with frame.page("locked_image_tuning") as here:
    lit_style.style()
    here.card = lit.card()
    for name, tab in lit.tabs():
        if tab.open:
            with tab, frame.told():
                show(name)
