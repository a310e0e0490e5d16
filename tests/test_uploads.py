"""Uploads: how many a visit may bring, and that they stay in memory."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser
from streamlit.testing.v1 import AppTest

from core import i18n
from core.errors import GlassboxError
from ui import uploads
from ui.uploads import FILES, MEGABYTES, SPAN, Gate

ROOT = Path(__file__).resolve().parent.parent
MEGA = 1_000_000


def test_a_minute_holds_so_many_files() -> None:
    gate = Gate()
    for number in range(FILES):
        gate.admit(str(number), 10, now=number * 0.5)
    with pytest.raises(GlassboxError) as refused:
        gate.admit("one more", 10, now=40)
    assert refused.value.key == "uploads.error.often"
    assert refused.value.values == {"files": FILES, "megabytes": MEGABYTES, "seconds": 20}
    for language in i18n.LANGUAGES:
        assert str(FILES) in i18n.text(language, refused.value.key, **refused.value.values)
    gate.admit("3", 10, now=40)  # drawn anew: it was let in already
    gate.admit("one more", 10, now=SPAN)  # the first is a minute old
    with pytest.raises(GlassboxError):
        gate.admit("yet another", 10, now=SPAN)


def test_a_minute_holds_so_many_megabytes() -> None:
    gate = Gate()
    for name in "abc":
        gate.admit(name, 100 * MEGA, now=0)
    with pytest.raises(GlassboxError) as refused:
        gate.admit("d", 1, now=59.5)
    assert refused.value.values["seconds"] == 1
    gate.admit("d", 1, now=60)


def test_a_file_alone_is_the_readers_matter() -> None:
    Gate().admit("huge", 10 * MEGABYTES * MEGA, now=0)


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.integers(0, 200 * MEGA), st.integers(0, 90)), min_size=1, max_size=200
    )
)
def test_in_no_minute_is_more_let_in(files: list[tuple[float, int, int]]) -> None:
    gate, now, let_in = Gate(), 0.0, []
    known: set[str] = set()
    for pause, size, name in files:
        now += pause
        try:
            gate.admit(str(name), size, now)
        except GlassboxError as refused:
            assert 0 < refused.values["seconds"] <= SPAN
        else:
            if str(name) not in known:
                let_in.append((now, size))
                known.add(str(name))
    for begun, _ in let_in:
        minute = [size for time, size in let_in if begun <= time < begun + SPAN]
        assert len(minute) <= FILES
        assert sum(minute) <= MEGABYTES * MEGA or len(minute) == 1


def test_two_visits_do_not_wait_for_one_another() -> None:
    def script() -> None:
        import streamlit as st

        from core.errors import GlassboxError
        from ui import uploads

        for number in range(st.session_state.get("count", 0)):
            try:
                uploads.admit(str(number), 1)
            except GlassboxError as error:
                st.error(str(error))

    one, other = AppTest.from_function(script), AppTest.from_function(script)
    one.session_state["count"], other.session_state["count"] = FILES + 1, FILES
    assert len(one.run().error) == 1
    assert not other.run().error


def test_pictures_dropped_together_count_as_one_file() -> None:
    def script() -> None:
        import streamlit as st

        from ui import state, uploads

        uploads.pictures(tuple((f"{number}.jpg", bytes([number])) for number in range(100)))
        st.text(len(state.visit().kept["uploads_gate"].lately))

    assert AppTest.from_function(script).run().text[0].value == "1"


def test_there_is_one_way_to_an_uploaded_file() -> None:
    """Every file of a widget passes `ui.uploads`; `ui.photo` counts the bytes that it takes."""
    for path in sorted((ROOT / "ui").glob("*.py")):
        if path.name in ("uploads.py", "photo.py"):
            continue
        text = path.read_text(encoding="utf-8")
        if "st.file_uploader(" not in text and "st.camera_input(" not in text:
            continue
        buffers = {"io.BytesIO()", "io.StringIO()", "io.StringIO(newline='')"}
        tree = ast.parse(text)
        made = {
            ast.unparse(target)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and ast.unparse(node.value) in buffers
            for target in node.targets
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "getvalue":
                assert ast.unparse(node.value) in made, f"{path.name}: {ast.unparse(node)}"


def test_an_upload_stays_in_memory() -> None:
    """As Streamlit's server reads it: a form of one file of 5 MB, in pieces."""
    boundary = "glassbox"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
    body = head + bytes(5 * 2**20) + f"\r\n--{boundary}--\r\n".encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async def parse() -> UploadFile:
        headers = Headers({"content-type": f"multipart/form-data; boundary={boundary}"})
        form = await MultiPartParser(headers, pieces()).parse()
        file = form["file"]
        assert isinstance(file, UploadFile)
        return file

    assert MultiPartParser.spool_max_size > 110 * MEGA
    assert uploads.FILES
    with ThreadPoolExecutor(1) as apart:  # a browser test before this one may have left its loop running here
        file = apart.submit(asyncio.run, parse()).result()
    assert file.size == 5 * 2**20
    assert file._in_memory
    file.file.close()
