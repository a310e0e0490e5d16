"""What the tokens of a text read of one another in one attention head, as curves between them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from core.types import Floats
from ui.components._declare import declare, picking

_mount = declare("attention")


def attention(
    tokens: Sequence[tuple[str, str]],
    weights: Floats,
    *,
    key: str,
    alt: str,
    selected: int,
    words: Mapping[str, str],
    on_pick: Callable[[int], None],
) -> None:
    """The text; under the mouse, a finger or the arrow keys a token shows what it reads, and how much.

    Args:
        tokens: (what stands before it, its letters), the visitor's own, never taken for HTML.
        weights: (T, T), a row for each token that reads; rows sum to 1.
        alt: what the curves are, read out before the text.
        selected: the token whose row is told while no other one is under the mouse.
        words: `reads` and `read_by`, the two directions; `most`, over the list, with {token}.
        on_pick: called with a token's place before the page runs again.
    """

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "tokens": [list(token) for token in tokens],
            "weights": base64.b64encode(np.ascontiguousarray(weights, "<f4").tobytes()).decode("ascii"),
            "selected": selected,
            "words": dict(words),
        },
        on_pick_change=picking(key, range(len(tokens)), on_pick),
    )
