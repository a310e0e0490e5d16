"""The address of this page, ready to be sent to somebody."""

from __future__ import annotations

from ui.components._declare import declare

_mount = declare("copy_link")


def copy_link(label: str, copied_label: str, *, key: str) -> None:
    """A small button that copies the page's address; no rerun.

    Where the browser forbids it, the address is shown, selected, to be copied by hand.

    Args:
        label: the words on the button.
        copied_label: what they turn into for two seconds.
    """
    _mount(key=key, data={"key": key, "label": label, "copied": copied_label}, width="content")
