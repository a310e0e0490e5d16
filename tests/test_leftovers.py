"""What Streamlit would keep of a visit until its end: files that were read, and widgets that are gone."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

    from ui import leftovers, state, uploads
    from ui.components.copy_link import copy_link

    context = get_script_run_ctx()
    assert context is not None
    manager: Any = context.uploaded_file_mgr
    manager.add_file(context.session_id, UploadedFileRec("on its way", "a.png", "image/png", b"1234"))
    number = st.number_input("number", 0, 9, key="number")
    st.button("same", key="same")
    if number < 4:
        copy_link(key="link", label="copy", copied_label="copied")
    st.button("another", key=f"button_{number}", on_click=lambda: st.session_state.update(clicked=number))
    file = st.file_uploader("file", key=f"file_{st.session_state.setdefault('files', 0)}")
    if file is not None:
        if number % 2 == 0:
            uploads.contents(file)
        if number > 1:  # a fresh field, as the pages give one
            st.session_state["files"] += 1
            st.rerun()
    leftovers.let_go()
    metadata = leftovers._within(context.session_state)._new_widget_state.widget_metadata
    st.session_state["widgets"] = {name.rsplit("-", 1)[-1] for name in metadata}
    st.session_state["names"] = {one.name for one in manager.file_storage[context.session_id].values()}
    if number == 9:
        state.forget()
        st.session_state["forgotten"] = context.session_id not in manager.file_storage


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(page).run()
    assert not app.exception
    return app


def turn(app: AppTest, number: int) -> None:
    app.number_input(key="number").set_value(number).run()
    assert not app.exception


def test_of_a_widget_that_is_gone_nothing_is_left_after_some_runs(app: AppTest) -> None:
    always = {"number", "same", "file_0"}
    link = {"link", "link__events"}  # a component of ours, and what it tells
    for number in range(1, 4):
        turn(app, number)
        buttons = {f"button_{one}" for one in range(max(0, number - 2), number + 1)}
        assert app.session_state["widgets"] == always | link | buttons
    turn(app, 4)
    for _ in range(3):
        app.run()
    assert app.session_state["widgets"] == always | {"button_4"}


def test_a_widget_that_comes_again_is_heard_again(app: AppTest) -> None:
    for number in (1, 2, 3, 0):
        turn(app, number)
    app.button(key="button_0").click().run()
    assert app.session_state["clicked"] == 0


def test_a_file_stays_as_long_as_its_field_shows_it(app: AppTest) -> None:
    app.file_uploader(key="file_0").upload("mine.png", b"1234", "image/png").run()
    for _ in range(3):
        assert app.session_state["names"] == {"mine.png", "a.png"}
        app.run()
    assert app.file_uploader(key="file_0").value is not None


def test_a_file_that_was_read_goes_with_its_field_and_one_on_its_way_stays(app: AppTest) -> None:
    turn(app, 2)
    app.file_uploader(key="file_0").upload("mine.png", b"1234", "image/png").run()
    assert app.session_state["names"] == {"a.png"}


def test_so_does_one_that_was_shown_and_never_read(app: AppTest) -> None:
    turn(app, 1)
    app.file_uploader(key="file_0").upload("mine.png", b"1234", "image/png").run()
    assert app.session_state["names"] == {"mine.png", "a.png"}
    turn(app, 3)
    app.run()
    assert app.session_state["names"] == {"a.png"}


def test_who_is_forgotten_leaves_no_file(app: AppTest) -> None:
    turn(app, 9)
    assert app.session_state["forgotten"]
