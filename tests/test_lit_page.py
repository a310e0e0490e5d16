"""The page Locked-image tuning without a browser: words against pictures, searching, the lesson, the link."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import assets, i18n
from core.errors import GlassboxError
from core.imaging import decode
from core.imaging.samples import samples
from core.lit import answers, embed_images, towers
from core.lit.contrast import matrix_loss
from core.lit.pairs import sample_pairs
from core.lit.types import LessonFinished, LessonStep
from core.tuning.queue import queue
from tests.pressing import no_worker_is_left, press  # noqa: F401  (a fixture that works by being here)
from tests.test_pages import opened, words_of
from ui import lit, lit_ask, lit_lesson, lit_matrix, lit_search
from ui.components import fits

PAGE = "pages/locked_image_tuning.py"
ROOT = Path(__file__).resolve().parent.parent


def bench(app: AppTest) -> lit.Bench:
    found: lit.Bench = app.session_state["visit"].kept["lit"]
    return found


def headline(app: AppTest) -> str:
    return next(str(one.value) for one in app.markdown if str(one.value).startswith("## "))


def share(app: AppTest) -> float:
    text = headline(app).rsplit(":primary[", 1)[1]
    return float("".join(sign for sign in text if sign.isdigit() or sign == "."))


# --- words against a picture -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "prompts", "best"),
    [
        ("en", "a cat\na dog\na cup of coffee", "a cat"),
        ("zh", "一只狗\n一只猫\n一杯咖啡", "一只猫"),
        ("en", "一只狗\na cat\n一座桥", "a cat"),
    ],
)
def test_typed_words_name_the_photo(language: str, prompts: str, best: str) -> None:
    app = opened(PAGE, lang=language, image="tabby_cat", prompts=prompts)
    assert not app.error
    assert headline(app).startswith(f"## {best}")
    assert bench(app).prompts == tuple(prompts.splitlines())
    places = next(
        str(one.value) for one in app.caption if "cosine" in str(one.value) or "余弦" in str(one.value)
    )
    assert places.startswith(":material/check_circle:")  # the 49 places are the cosine


def test_the_page_gives_the_probabilities_of_core() -> None:
    prompts = ["a cat", "一只狗", "a bridge"]
    app = opened(PAGE, lang="en", image="tabby_cat", prompts="\n".join(prompts), none="False")
    image = decode(samples()["tabby_cat"].read())
    texts = answers.templated(prompts, answers.TEMPLATES)
    expected = answers.zero_shot(image, texts)
    assert share(app) == pytest.approx(100 * float(expected.max()), abs=0.1)


def test_a_lower_temperature_is_surer_and_is_in_the_link() -> None:
    cool, warm = (
        opened(PAGE, lang="en", prompts="a cat\na dog\na bird", temperature=one) for one in ("0.02", "0.5")
    )
    assert share(cool) > share(warm)
    assert cool.query_params["temperature"] in ("0.02", ["0.02"])


ODD = {
    "ten thousand": "cat " * 2_500,
    "emoji": "😺\n🐶\n🚀",
    "HTML": "<script>alert(1)</script>\n<b>a cat</b>\n[x](javascript:y) **z** $q$",
    "two hundred": "\n".join(f"a thing of number {number}" for number in range(200)),
    "all the same": "\n".join(["a cat"] * 200),
    "blank lines": "\n \n\t\n",
    "another script": "собака\na cat",
    "nothing to read": "\u200b\u200b\na cat",
    "braces": "{}\n{0.__class__}\na cat",
}


@pytest.mark.parametrize("prompts", ODD.values(), ids=ODD.keys())
def test_odd_prompts_are_an_answer_or_a_sentence(prompts: str) -> None:
    app = opened(PAGE, lang="en")
    lit.write(bench(app), prompts.splitlines())
    app.run()
    assert not app.exception
    assert not app.error
    assert headline(app)
    assert "<script>" not in words_of(app).replace("\\<", "")
    if prompts == ODD["all the same"]:
        assert bench(app).prompts == ("a cat",)
        assert "199" in words_of(app)  # it is said
    if prompts == ODD["blank lines"]:
        assert i18n.text("en", "lit.ask.empty") in words_of(app)


def test_more_prompts_than_can_be_compared_are_refused_and_nothing_is_lost() -> None:
    app = opened(PAGE, lang="zh")
    before = bench(app).prompts
    lit.write(bench(app), [f"猫 {number}" for number in range(answers.MOST_PROMPTS + 1)])
    app.run()
    assert bench(app).prompts == before
    assert str(answers.MOST_PROMPTS) in app.error[0].value


def test_what_cannot_be_read_has_its_sentence_beside_it_and_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lit.cache, "lit_texts", towers.embed_texts)
    read = lit.read(["собака", "a cat"], dict(answers.TEMPLATES))
    look = lit.compare(read, embed_images([decode(samples()["tabby_cat"].read())])[0], 0.05, none=False)
    assert [one.problem.key if one.problem else "" for one in look.prompts] == [
        "lit.error.unknown_script",
        "",
    ]
    assert look.prompts[1].probability == pytest.approx(1)
    assert look.order[-1].prompt == "собака"
    assert lit_ask.fit(look.prompts[0]).kind == "problem"


@pytest.mark.parametrize("template", ["no place", "{} and {}", "{"])
def test_a_broken_template_is_told_and_can_be_mended(template: str) -> None:
    app = opened(PAGE, lang="en", template_en=template)
    assert "Template" in app.error[0].value or "template" in app.error[0].value
    assert headline(app)  # the words alone are compared meanwhile
    field = next(box for box in app.text_input if box.key == "lit_template_en")
    field.set_value("a drawing of {}").run()
    assert not app.error
    assert app.query_params["template_en"] in ("a drawing of {}", ["a drawing of {}"])


def test_prompts_are_added_removed_and_brought_back() -> None:
    app = opened(PAGE, lang="en")
    found = bench(app)
    first = found.prompts
    lit.add(found, "  a red bicycle \n一只猫\n")
    assert found.prompts == (*first, "a red bicycle", "一只猫")
    assert found.chosen == "a red bicycle"
    lit.remove(found, first[0])
    app.run()
    assert not app.error
    assert app.query_params["prompts"]
    press(app, "lit_undo")
    press(app, "lit_undo")
    assert found.prompts == first
    assert "prompts" not in app.query_params


def test_a_set_follows_the_language_and_the_visitor_s_own_words_stay() -> None:
    app = opened(PAGE, lang="en")
    press(app, "lit_set_kinds")
    assert app.query_params["prompts_set"] in ("kinds", ["kinds"])
    assert bench(app).prompts == tuple(lit.examples()["kinds"]["en"])
    next(group for group in app.button_group if group.key == "language").set_value("zh").run()
    assert bench(app).prompts == tuple(lit.examples()["kinds"]["zh"])
    lit.add(bench(app), "a zebra")
    next(group for group in app.button_group if group.key == "language").set_value("en").run()
    assert bench(app).prompts[-1] == "a zebra"


def test_words_of_the_tuning_are_told_from_those_that_never_were_in_it() -> None:
    app = opened(PAGE, lang="en", image="goldfish", prompts="goldfish", none="False")
    assert i18n.text("en", "lit.seen.pictures.about") in words_of(app)
    kinds = {
        name: lit_ask.fit(lit.Answered(name, name, seen)).kind
        for name, seen in (("a", "new"), ("b", "words"))
    }  # type: ignore[arg-type]
    assert kinds == {"a": "new", "b": "seen"}
    for language in i18n.LANGUAGES:
        assert all(lit.known.how_seen(prompt) == "new" for prompt in lit.examples()["new"][language])


@pytest.mark.parametrize(
    "query",
    [
        {"tab": "none"},
        {"temperature": "nan"},
        {"temperature": "-1"},
        {"prompts_set": "../etc"},
        {"find": "<b>"},
        {"none": "perhaps"},
    ],
)
def test_a_link_that_lies_opens_the_page_all_the_same(query: dict[str, str]) -> None:
    app = opened(PAGE, lang="en", **query)
    assert not app.error


def test_asking_and_searching_need_no_tensorflow() -> None:
    script = (
        "import sys\nfrom tests.test_pages import opened\n"
        "for tab in ('ask', 'search', 'map', 'honest'):\n"
        f"    app = opened('{PAGE}', lang='en', tab=tab)\n"
        "    assert not app.error, tab\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, timeout=300)


# --- the field that adds prompts --------------------------------------------------------------------


def test_only_what_the_page_knows_is_taken_from_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    mounted: dict[str, Any] = {}
    state: dict[str, Any] = {}
    monkeypatch.setattr(fits, "_mount", lambda **given: mounted.update(given))
    monkeypatch.setattr(fits, "st", SimpleNamespace(session_state=state))
    item = fits.Fit("1", "x" * 10_000, "", "seen", 0.5, "50%", "")
    fits.fits(
        [item],
        key="k",
        alt="",
        words={},
        selected=None,
        on_add=lambda text: told.append(("add", text)),
        on_remove=lambda name: told.append(("remove", name)),
        on_pick=lambda name: told.append(("pick", name)),
    )
    assert len(mounted["data"]["items"][0]["text"]) == fits.MOST_SENT
    for act in ({"act": "pick", "value": "1"}, {"act": "pick", "value": "2"}, {"act": "remove", "value": ["1"]},
                {"act": "add", "value": " "}, {"act": "add", "value": "猫"}, "pick", None):  # fmt: skip
        state["k"] = {"act": act}
        mounted["on_act_change"]()
    assert told == [("pick", "1"), ("add", "猫")]


# --- searching -------------------------------------------------------------------------------------


def test_words_find_the_photo_of_a_folder() -> None:
    app = opened(PAGE, lang="en", tab="search", prompts="a bee on a flower")
    assert not app.error
    every = lit_search.pictures(bench(app))
    text = towers.embed_texts(["a photo of a bee on a flower"])[0]
    assert every.names[int((every.rows @ text).argmax())] == "bee"
    assert str(len(samples())) in words_of(app)


def test_pictures_of_one_s_own_are_searched_too() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("holiday/sea.jpg", samples()["bridge"].read())
        files.writestr("holiday/readme.txt", "no picture")
    app = opened(PAGE, lang="zh", tab="search")
    field = next(box for box in app.file_uploader if str(box.key).startswith("lit_folder"))
    field.upload("holiday.zip", archive.getvalue(), "application/zip").run()
    assert not app.exception
    assert not app.error
    found = bench(app)
    assert [one.name for one in found.folder.pictures] == ["holiday/sea.jpg"]
    assert "readme" in words_of(app)
    every = lit_search.pictures(found)
    near = every.rows @ every.rows[-1]
    assert every.names[int(near[:-1].argmax())] == "bridge"
    field = next(box for box in app.file_uploader if str(box.key).startswith("lit_folder"))
    field.upload("holiday.zip", b"this is no zip file", "application/zip").run()
    assert "holiday.zip" in app.error[0].value.replace("\\", "")
    assert len(found.folder.pictures) == 1
    press(app, "lit_folder_empty")
    assert not found.folder.pictures


@pytest.mark.parametrize("mode", lit_search.MODES)
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_way_to_search_answers(language: str, mode: str) -> None:
    app = opened(PAGE, lang=language, tab="search", find=mode)
    assert not app.error
    assert not app.exception


def test_a_sorted_folder_as_a_table_holds_no_formula() -> None:
    table = lit_search.sorted_csv([("=1+1.jpg", "@sum", 0.25), ("猫.jpg", "", 0.5)], "都不是").decode(
        "utf-8-sig"
    )
    assert table.splitlines() == [
        "picture,prompt,probability",
        "'=1+1.jpg,'@sum,0.2500",
        "猫.jpg,都不是,0.5000",
    ]


# --- the lesson ------------------------------------------------------------------------------------


def lesson_job(app: AppTest) -> lit.Job:
    return next(iter(bench(app).jobs.values()))


def test_a_lesson_runs_is_stopped_and_goes_on() -> None:
    app = opened(PAGE, lang="en", tab="lesson")
    press(app, "lit_start")
    job = lesson_job(app)
    until = time.monotonic() + 240
    while len(job.steps) < 2 and not job.run.over and time.monotonic() < until:
        time.sleep(0.05)
    app.run()
    assert not app.error
    assert any(button.key == "lit_stop" for button in app.button)
    press(app, "lit_stop")
    assert job.run.wait(120)
    app.run()
    app.run()
    finished = job.finished
    assert isinstance(finished, LessonFinished)
    assert finished.stopped == "by_visitor"
    assert 0 < finished.last.step < 150
    assert any(button.key == "lit_on" for button in app.button)
    assert f"{finished.last.matrix_loss:.3f}" in words_of(app)  # the formula's check
    assert lit_lesson.figures_csv(job).decode("utf-8-sig").count("\n") == len(finished.history) + 1
    with np.load(io.BytesIO(lit_lesson.weights_npz(job)), allow_pickle=False) as arrays:
        assert arrays["K"].shape == (384, 1280)
    # another page, and back: it is still there
    app.switch_page("pages/classify.py").run()
    app.switch_page(PAGE).run()
    assert lesson_job(app) is job
    press(app, "forget")
    assert not queue().runs(job.run.owner)


def test_captioned_pictures_of_one_s_own_come_first() -> None:
    app = opened(PAGE, lang="en", tab="lesson", image="crab")
    found = bench(app)
    lit_lesson._add(found, "mug.jpg", samples()["espresso"].read(), "my red mug\n桌上的红杯子")
    assert found.refused is None
    taught = lit_lesson.own_and_samples(found)
    assert (taught[0].name, taught[0].captions, taught[0].shown) == (
        "mug.jpg",
        ("my red mug",),
        "桌上的红杯子",
    )
    assert len(taught) == 1 + len(samples())
    app.run()
    assert "mug" in words_of(app)
    lit_lesson._add(found, "x.jpg", samples()["bee"].read(), " \n ")
    app.run()
    assert "x.jpg" in app.error[0].value.replace("\\", "")
    lit_lesson._add(found, "y.jpg", b"no picture", "a bee")
    assert isinstance(found.refused, GlassboxError)
    assert len(found.own) == 1
    press(app, "lit_own_remove_0")
    assert not found.own


def test_the_pull_on_a_cell_is_the_slope_of_the_loss() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=(4, 4)).astype(np.float32)
    _, by_row, by_column = matrix_loss(scores, 1.0)
    for i, j in ((0, 0), (1, 2), (3, 3)):
        losses = []
        for step in (1e-2, -1e-2):
            moved = scores.copy()
            moved[i, j] += step
            losses.append(matrix_loss(moved, 1.0)[0])
        assert lit_matrix.pull(by_row, by_column, i, j) == pytest.approx(
            (losses[0] - losses[1]) / 2e-2, abs=1e-3
        )


def test_the_formula_holds_the_matrix_s_own_numbers() -> None:
    matrix = np.eye(8, dtype=np.float32) * 0.5
    step = LessonStep(3, 1.0, matrix, 10.0, matrix_loss(matrix, 10.0)[0], 0.1, 0.01, 0.5, 1.0, 4.0)
    run = SimpleNamespace(id="1", over=True, result=None, events=(step,))
    job = lit.Job(run, "image", sample_pairs("en"), False)  # type: ignore[arg-type]
    script = AppTest.from_function(_draw_maths, kwargs={"job": job, "step": step}).run()
    assert not script.exception
    formulas = " ".join(str(one.value) for one in script.latex)
    assert "10.00 \\cdot (0.500) = 5.00" in formulas
    assert f"= {step.matrix_loss:.3f}" in formulas
    assert rf"\frac{{{np.exp(5):.2f}}}{{{np.exp(5) + 7:.2f}}}" in formulas  # the softmax of the first row
    assert any("check_circle" in str(one.value) for one in script.caption)


def _draw_maths(job, step):  # type: ignore[no-untyped-def]
    from ui import lit, lit_matrix

    lit_matrix.maths(lit.Bench(), job, step)


# --- honesty ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_published_figures_are_cited_and_ours_are_the_card_s(language: str) -> None:
    app = opened(PAGE, lang=language, tab="honest", prompts="goldfish\na doggo")
    assert not app.error
    shown = words_of(app)
    for one in assets.read_json("lit", "published.json"):
        assert one["url"] in shown
    for key in towers.card().figures:
        if key.startswith(("out_", "names_en_tiny", "captions_en_at_5")):
            assert f"lit.figure.{key}" in i18n.catalogue(language) or key.endswith(("rows", "at_1"))
