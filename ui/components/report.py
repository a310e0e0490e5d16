"""What is on the screen as one file."""

from __future__ import annotations

from ui.components._declare import declare

_mount = declare("report")


def report(
    *, key: str, label: str, working: str, help: str, name: str, language: str, foot: tuple[str, ...]
) -> None:
    """A small button that saves the page as it stands; no rerun, and nothing is sent.

    The report is made in the browser out of what the browser shows, so that it is what was seen, on every
    page and of every part of one: text as text, formulas as MathML, charts as SVG, pictures and canvases as
    data URIs, each element with the look that it had. It is built node by node out of a list of elements that
    are allowed: no script, no link and no address to load from gets into it, and its own policy forbids them.

    Args:
        label: the words on the button; `working` while it is made, `help` under the mouse.
        name: of the file, without its ending.
        foot: lines at the end; `{date}` and `{address}` in them are filled in.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "label": label,
            "working": working,
            "help": help,
            "name": name,
            "language": language,
            "foot": list(foot),
        },
        width="content",
    )
