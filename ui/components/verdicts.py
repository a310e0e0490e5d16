"""What several networks think of one text, between "negative" and "positive"; one of them is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ui.components._declare import declare, picking

_mount = declare("verdicts")


class Verdict(NamedTuple):
    """One network's answer."""

    id: str
    name: str
    word: str  # positive, negative, neither
    positive: float | None  # its probability, 0..1; None: it cannot read the text
    text: str  # how sure it is, as a number
    before: float | None = None  # an earlier answer to stand beside it


def verdicts(
    items: Sequence[Verdict],
    *,
    key: str,
    alt: str,
    band: tuple[float, float],
    words: Mapping[str, str],
    selected: str | None = None,
    on_pick: Callable[[str], None] | None = None,
) -> None:
    """A bar for each network from the middle towards its side. Without `on_pick` they only show.

    Args:
        alt: what the bars show, read out before them.
        band: between which probabilities a network is said to be unsure.
        words: `negative`, `neither`, `positive`, over the bars; `before`, said of an earlier answer.
        selected: the id of the one chosen now.
        on_pick: called with the id before the page runs again.
    """

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "items": [item._asdict() for item in items],
            "band": list(band),
            "words": dict(words),
            "selected": selected,
            "still": on_pick is None,
        },
        on_pick_change=picking(key, [item.id for item in items], on_pick),
    )
