"""A chain as a Python script that stands on OpenCV, Pillow and numpy alone.

The script is made of the steps' own source: each function that the chain needs, and what that function
needs in turn, without its decorator and annotations. So it gives the same pixels because it is the same
code.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import PIL

from core.imaging.chain import Call, checked
from core.imaging.steps import FAMILY_MODULES, STEPS, drawing

LINE = 110

MAIN = """
if __name__ == "__main__":
    photo = PIL.ImageOps.exif_transpose(PIL.Image.open(sys.argv[1])).convert("RGB")
    result = preprocess(np.array(photo))
    PIL.Image.fromarray(result).save(sys.argv[2] if len(sys.argv) > 2 else "preprocessed.png")
"""


@dataclass(frozen=True)
class _Definition:
    """A function or a constant of the step modules, as it goes into a script."""

    name: str
    text: str
    needs: frozenset[str]
    is_function: bool


def to_python(calls: Sequence[Call]) -> str:
    """The chain as a script with a function `preprocess(image)`, uint8 (height, width, 3) RGB to the same;
    run on a file, it writes the result beside it. Steps that are off are left out.

    Raises:
        GlassboxError: as `checked`.
    """
    calls = tuple(call for call in checked(calls) if call.on)
    roots = {call.step for call in calls}
    if any(STEPS[step].segments for step in roots):
        roots.add("draw_labels")
    needed = _closure(roots)
    names = frozenset().union(*(definition.needs for definition in needed))
    standard = [f"import {module}" for module in ("math", "sys") if module in names or module == "sys"]
    libraries = ["import cv2"] if "cv2" in names else []
    libraries += ["import numpy as np", "import PIL.Image", "import PIL.ImageOps"]
    constants = [definition.text for definition in needed if not definition.is_function]
    functions = [definition.text for definition in needed if definition.is_function]
    packages = "opencv-python pillow numpy"
    if "superpixels" in roots:
        packages += " scikit-image"
    head = (
        '"""A preprocessing chain, built in Glassbox.\n\n'
        f"Needs: pip install {packages}\n"
        f"Made with OpenCV {cv2.__version__}, Pillow {PIL.__version__}, numpy {np.__version__}.\n"
        'Use: python preprocess.py photo.jpg [result.png]\n"""\n'
    )
    parts = [head, "\n".join([*standard, "", *libraries])]
    if constants:
        parts.append("\n" + "\n".join(constants))
    parts += ["\n\n" + text for text in [*functions, _preprocess(calls)]]
    return "\n".join(parts) + "\n\n" + MAIN


def _preprocess(calls: Iterable[Call]) -> str:
    lines = ["def preprocess(image):", '    """The whole chain: RGB, uint8, (height, width, 3)."""']
    for call in calls:
        values = dict(call.args)
        view = values.pop("view", None) if STEPS[call.step].segments else None
        if view is None:
            lines.append(_assignment("image", call.step, "image", values))
        else:
            lines.append(_assignment("labels", call.step, "image", values))
            lines.append(_assignment("image", "draw_labels", "image, labels", {"view": view}))
    return "\n".join([*lines, "    return image"])


def _assignment(target: str, function: str, first: str, values: dict[str, Any]) -> str:
    arguments = ", ".join([first, *(f"{name}={_literal(value)}" for name, value in values.items())])
    line = f"    {target} = {function}({arguments})"
    return line if len(line) <= LINE else f"    {target} = {function}(\n        {arguments}\n    )"


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _closure(roots: Iterable[str]) -> list[_Definition]:
    """What the roots need, in the order in which it is defined."""
    definitions = _definitions()
    found: set[str] = set()
    queue = list(roots)
    while queue:
        name = queue.pop()
        if name in definitions and name not in found:
            found.add(name)
            queue += definitions[name].needs
    return [definition for name, definition in definitions.items() if name in found]


@functools.cache
def _definitions() -> dict[str, _Definition]:
    found: dict[str, _Definition] = {}
    for module in (drawing, *FAMILY_MODULES):
        source = inspect.getsource(module)
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                definition = _function(node, source, lines)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                text = "\n".join([*_comments_above(node.lineno, lines), *_lines_of(node, lines)])
                definition = _Definition(node.targets[0].id, text, _names(node.value), False)
            else:
                continue
            if definition.name in found:
                raise TypeError(f"{definition.name} is defined in two step modules: a script needs one")
            found[definition.name] = definition
    return found


def _function(node: ast.FunctionDef, source: str, lines: list[str]) -> _Definition:
    arguments = node.args
    listed = [argument.arg for argument in arguments.args]
    if arguments.kwonlyargs:
        listed.append("*")
    defaults = [default for default in arguments.kw_defaults if default is not None]
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        value = "" if default is None else f"={ast.get_source_segment(source, default)}"
        listed.append(argument.arg + value)
    if arguments.kwarg:
        listed.append(f"**{arguments.kwarg.arg}")
    line = f"def {node.name}({', '.join(listed)}):"
    if len(line) > LINE:
        line = "\n".join([f"def {node.name}(", *(f"    {item}," for item in listed), "):"])
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    body = lines[node.body[0].lineno - 1 : node.end_lineno]
    needs = frozenset().union(*(_names(part) for part in [*node.body, *defaults]))
    text = "\n".join([*_comments_above(first, lines), line, *body])
    return _Definition(node.name, text, needs, True)


def _comments_above(line: int, lines: list[str]) -> list[str]:
    start = line - 1
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    return lines[start : line - 1]


def _lines_of(node: ast.stmt, lines: list[str]) -> list[str]:
    return lines[node.lineno - 1 : node.end_lineno]


def _names(node: ast.AST) -> frozenset[str]:
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
