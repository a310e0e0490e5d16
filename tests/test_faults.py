"""What goes wrong around the app: what a visitor had is still there, or it is said why not."""

from __future__ import annotations

import errno
import logging
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core import disk, i18n, memory
from core.errors import GlassboxError
from ui import cache
from ui import log as _log  # noqa: F401 - it sets the filter

ROOT = Path(__file__).resolve().parent.parent


def opened(page: str, **query: str) -> AppTest:
    """A page in a visit of its own."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    if page != "home":
        app.switch_page(f"pages/{page}.py")
    for name, value in ({"lang": "en"} | query).items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def notices(app: AppTest) -> list[str]:
    return [box.value for box in app.info]


LEFT = {language: i18n.text(language, "frame.left_behind") for language in i18n.LANGUAGES}


@pytest.mark.parametrize(
    ("page", "query"),
    [("classify", {"image": "own"}), ("feature_maps", {"model": "own"}), ("fine_tune", {"set": "own"})],
)
def test_a_link_to_what_another_visit_had_says_so(page: str, query: dict[str, str]) -> None:
    app = opened(page, **query)
    assert notices(app).count(LEFT["en"]) == 1
    assert LEFT["zh"] in notices(opened(page, **(query | {"lang": "zh"})))


def test_it_is_said_once_and_not_to_others() -> None:
    app = opened("classify", image="own")
    assert app.query_params["image"] == "tabby_cat"
    app.switch_page("pages/preprocess.py").run()
    assert not notices(app), "it is told on the page that was opened"
    for query in ({}, {"image": "red_panda"}, {"image": "nonsense"}):
        assert LEFT["en"] not in notices(opened("classify", **query))


def test_the_link_of_ones_own_photo_says_that_it_is_ones_own() -> None:
    def script() -> None:
        from core.imaging.samples import samples
        from ui import state

        state.restore("home")
        state.choose(state.photo_of(samples()["espresso"].read(), "mine.jpg"))

    own = AppTest.from_function(script)
    own.query_params["image"] = "own"
    own.run()
    assert not own.exception
    assert own.query_params["image"] == "own"
    assert "left_behind" not in own.session_state["visit"].kept, "it has been brought again"
    own.run()
    assert own.session_state["visit"].photo.name == "mine.jpg", "the marker does not put it away"


# --- memory that runs short ------------------------------------------------------------------------


def test_what_is_dropped_from_all_sessions_is_made_again_and_no_run_ends() -> None:
    def script() -> None:
        import streamlit as st

        from core.imaging.samples import samples
        from ui import cache

        data = samples()["espresso"].read()
        st.session_state["owner"] = cache.queue_owner()
        st.session_state["decoded"] = id(cache.decoded("espresso", data))
        st.session_state["numbers"] = cache.numbers("espresso", cache.decoded("espresso", data).image)

    from ui import cache

    sleeping = AppTest.from_function(script).run()
    before = [sleeping.session_state["decoded"], sleeping.session_state["owner"]]
    sleeping.run()
    assert [sleeping.session_state["decoded"], sleeping.session_state["owner"]] == before
    numbers = sleeping.session_state["numbers"]
    held = cache._resource_caches.get_stats()
    cache.drop()
    dropped = cache._resource_caches.get_stats()

    def count(stats: object) -> int:
        return sum(len(values) for values in stats.values()) if isinstance(stats, dict) else -1

    assert count(dropped) < count(held)
    sleeping.run()
    assert not sleeping.exception
    assert sleeping.session_state["owner"] == before[1], "its runs go on"
    assert sleeping.session_state["numbers"] == numbers


def test_a_page_relieves_the_memory_when_it_runs_short(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[str] = []
    monkeypatch.setattr(memory, "_droppers", {"test": lambda: dropped.append("results")})
    monkeypatch.setattr(memory, "_looked", -memory.PAUSE)
    monkeypatch.setattr(memory, "_dropped", {memory.RESULTS: -memory.REST, memory.MODELS: -memory.REST})
    monkeypatch.setenv("GLASSBOX_MEMORY", "10")
    app = opened("classify")
    assert set(dropped) == {"results"}
    assert not app.error and app.title[0].value == "What is it?"


def test_a_training_that_is_put_off_is_told_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("fine_tune")
    monkeypatch.setenv("GLASSBOX_MEMORY", "10")
    app.button(key="fine_tune_start").click().run()
    assert not app.exception
    [refused] = [box.value for box in app.error]
    assert "put off" in refused and "10 MB" in refused
    workshop = app.session_state["visit"].kept["tuning"]
    assert workshop.job is None and workshop.dataset.examples
    assert workshop.refused.key == "memory.error.training"


# --- the log ---------------------------------------------------------------------------------------


def test_a_fault_is_noted_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    def script() -> None:
        import streamlit as st

        def click() -> None:
            raise ValueError("".join(("sec", "ret")))

        st.button("go", on_click=click)

    from streamlit import config

    assert not config.get_option("logger.enableRich"), "it would write past the logger"
    logger = logging.getLogger("streamlit.error_util")
    logger.addHandler(caplog.handler)
    try:
        app = AppTest.from_function(script).run()
        app.button[0].click().run()
    finally:
        logger.removeHandler(caplog.handler)
    assert app.exception
    assert "ValueError" in caplog.text and "click" in caplog.text
    assert "secret" not in caplog.text


# --- a disk that is full ---------------------------------------------------------------------------

FULL_DISK = """
import resource, signal, sys
import keras
from core.errors import GlassboxError
from core.tuning import export
from core.vision import uploaded
inputs = keras.Input((16, 16, 3))
network = keras.Model(inputs, keras.layers.Dense(300)(keras.layers.Flatten()(inputs)))
data = export._keras_file(network)
assert len(data) > 800_000
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # as if there were no more room
for act in (lambda: export._keras_file(network), lambda: uploaded.read_model(data, "own.keras")):
    try:
        act()
    except GlassboxError as error:
        print(error.key)
"""


def test_a_full_disk_is_told_where_something_must_be_written() -> None:
    """The export of a network and the reading of a visitor's own: nothing else is ever written."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.stdout.split() == ["error.disk", "error.disk"], done.stderr[-1500:]


def test_only_a_full_disk_is_told_as_one() -> None:
    assert disk.is_full(OSError(errno.ENOSPC, "No space left on device"))
    assert disk.is_full(RuntimeError("Can't decrement id ref count (file write failed: ... errno = 28, ...)"))
    assert not disk.is_full(FileNotFoundError(errno.ENOENT, "no such file"))
    assert not disk.is_full(ValueError("28"))
    with pytest.raises(KeyError), disk.private_folder() as folder:
        assert folder.is_dir()
        raise KeyError("ours")
    assert not folder.exists()


def test_no_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(GlassboxError) as told, disk.private_folder():
        pytest.fail("there is none")
    assert told.value.key == "error.disk"


def test_nothing_else_is_written() -> None:
    """`core`, `ui` and `pages` write to no other place than `core.disk`'s folder."""
    writes = re.compile(r"tempfile\.|\.write_bytes\(|\.write_text\(|\.open\(\"[wax]|open\([^)]*\"[wax]b?\"")
    by_training = {"shipped.py", "models.py"}
    allowed = by_training | {"disk.py", "uploaded.py", "worker.py"}  # in its folder; into a pipe
    for folder in ("core", "ui", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name not in allowed:
                assert not writes.search(path.read_text(encoding="utf-8")), path


def test_what_sleepers_hold_goes_and_their_place_in_the_queue_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kept:
        def __init__(self, name: str) -> None:
            self.display_name, self.cleared = name, False

        def clear(self) -> None:
            self.cleared = True

    asleep = SimpleNamespace(session=SimpleNamespace(id="asleep"))
    storage = SimpleNamespace(list=lambda: [asleep])
    runtime = SimpleNamespace(_session_mgr=SimpleNamespace(_session_storage=storage))
    monkeypatch.setattr(cache.runtime, "exists", lambda: True)
    monkeypatch.setattr(cache.runtime, "get_instance", lambda: runtime)
    photo, place, other = Kept("ui.cache.decoded"), Kept("ui.cache.queue_owner"), Kept("ui.cache.decoded")
    monkeypatch.setitem(cache._resource_caches._function_caches, "asleep", {"a": photo, "b": place})
    monkeypatch.setitem(cache._resource_caches._function_caches, "awake", {"a": other})
    cleared: list[str] = []
    monkeypatch.setattr(cache._data_caches, "clear_session", cleared.append)
    cache.drop_of_sleepers()
    assert photo.cleared and not place.cleared and not other.cleared
    assert cleared == ["asleep"]
