"""Two pictures on top of each other with a line to drag between them."""

from __future__ import annotations

from core.types import Image
from ui.components._declare import declare
from ui.components.picture import data_uri

_mount = declare("compare")


def compare(
    before: Image,
    after: Image,
    *,
    key: str,
    label_before: str,
    label_after: str,
    alt: str,
    position: float = 0.5,
    pixelated: bool = False,
    before_digest: str | None = None,
    after_digest: str | None = None,
) -> None:
    """A before/after picture, its border dragged on the picture or moved with the arrow keys.

    Everything happens in the browser: no rerun. The place of the line stays when the pictures change.
    A second picture of another shape is shown whole, in the middle of the first one's frame.

    Args:
        before: uint8 (H, W, 3), seen to the left of the line. Gives the frame its shape.
        after: uint8 (H', W', 3), seen to the right of it.
        alt: what the two pictures show, for those who cannot see them.
        position: where the line begins, 0 (all after) to 1 (all before).
        pixelated: show single pixels as squares rather than smoothed.
        before_digest: names the pixels of `before`, where the caller has such a name already.
        after_digest: the same for `after`.
    """
    height, width = before.shape[:2]
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "width": width,
            "height": height,
            "position": position,
            "pixelated": pixelated,
            "before": {"source": data_uri(before, digest=before_digest), "label": label_before},
            "after": {"source": data_uri(after, digest=after_digest), "label": label_after},
        },
    )
