"""Small components for acting on a picture: what Streamlit's own widgets cannot do.

Each is one function that takes uint8 (H, W, 3) arrays and words in the visitor's language, and may be
called wherever a widget may. Dragging, fading and zooming stay in the browser; a rerun happens when
something is chosen.
"""

from ui.components.bars import Bar, bars
from ui.components.colours import Scale, colour, stops
from ui.components.compare import compare
from ui.components.copy_link import copy_link
from ui.components.flow import Station, flow
from ui.components.gallery import GalleryItem, gallery
from ui.components.overlay import overlay
from ui.components.paste_image import paste_image
from ui.components.pick_point import pick_point
from ui.components.pick_rectangle import Rectangle, pick_rectangle
from ui.components.picture import data_uri, fingerprint, thumbnail
from ui.components.strip import Act, Card, strip

__all__ = [
    "Act",
    "Bar",
    "Card",
    "GalleryItem",
    "Rectangle",
    "Scale",
    "Station",
    "bars",
    "colour",
    "compare",
    "copy_link",
    "data_uri",
    "fingerprint",
    "flow",
    "gallery",
    "overlay",
    "paste_image",
    "pick_point",
    "pick_rectangle",
    "stops",
    "strip",
    "thumbnail",
]
