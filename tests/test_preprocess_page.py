"""The preprocess page: its chain, its words and numbers in both languages, and as a person uses it."""

from __future__ import annotations

import io
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect
from streamlit.testing.v1 import AppTest

from core import i18n
from core.errors import GlassboxError
from core.imaging import STEPS, Call, apply, decode, measure
from core.imaging.chain import PRESETS, clean_pictures, from_url, to_json, to_url
from core.imaging.samples import samples
from core.types import Image
from core.vision import classifier
from tests.browser import Visitor, visit
from tests.test_pages import opened, words_of
from ui import studio_chain, studio_maths, widgets
from ui.components.strip import _read
from ui.state import Photo
from ui.studio_chain import PHOTO, Studio

PAGE = "pages/preprocess.py"


class Given(Photo):
    """A photo that is decoded already."""

    def __init__(self, image: Image, digest: str = "given") -> None:
        super().__init__(digest, b"", "given.png")
        self.__dict__["pixels"] = image

    @property
    def image(self) -> Image:
        return self.__dict__["pixels"]  # type: ignore[no-any-return]


def studio(chain: str) -> Studio:
    found = Studio()
    found.load(from_url(chain))
    return found


def steps_of(found: Studio) -> str:
    return to_url(found.chain.calls)


# --- the chain that is being built ------------------------------------------------------------------


def test_a_step_comes_after_the_chosen_one() -> None:
    found = studio("median~canny")
    found.pick(found.chain.steps[0].id)
    found.add("gamma")
    assert steps_of(found) == "median~gamma~canny"
    assert found.chain.place == 2
    found.pick(PHOTO)
    found.add("flip")
    assert steps_of(found) == "flip~median~gamma~canny"


def test_every_change_can_be_undone_and_redone() -> None:
    found = studio("median~canny")
    first, second = found.chain.steps
    found.adjust(first.id, {"size": 9})
    found.switch(second.id, on=False)
    found.switch(second.id, on=False)  # said twice: the same
    found.reorder([second.id, first.id], second.id)
    found.remove(first.id)
    after = ["median~canny", "median.size_9~canny", "median.size_9~-canny", "-canny~median.size_9", "-canny"]
    assert steps_of(found) == after[-1]
    for wanted in reversed(after[:-1]):
        found.undo()
        assert steps_of(found) == wanted
    for wanted in after[1:]:
        found.redo()
        assert steps_of(found) == wanted
    found.undo()
    found.add("flip")
    found.redo()  # another way was taken: there is nothing to redo
    assert steps_of(found) == "-canny~flip~median.size_9"


def test_the_way_back_is_bounded() -> None:
    found = studio("gamma")
    (step,) = found.chain.steps
    for i in range(120):
        found.adjust(step.id, {"exponent": 0.5 + (i % 50) * 0.05})
    assert len(found.past) == studio_chain.MOST_UNDO == 50


def test_one_choice_in_a_menu_adds_once() -> None:
    found = studio("median~canny")
    for menu, step in (("one", "flip"), ("one", "flip"), ("one", "gamma"), ("two", "flip"), ("one", "flip")):
        found.add_once(menu, step)
    assert steps_of(found) == "median~canny~flip~gamma~flip"
    for turn in range(60):
        found.load([])
        found.add_once(str(turn), "flip")
    assert len(found.added) == studio_chain.MOST_UNDO


def test_choosing_a_step_is_no_change() -> None:
    found = studio("median~canny")
    before = len(found.past)
    found.pick(found.chain.steps[0].id)
    found.pick(12345)
    assert found.chain.place == 1
    assert len(found.past) == before


def test_the_neighbour_of_a_removed_step_is_chosen() -> None:
    found = studio("median~canny~flip")
    one, two, three = (step.id for step in found.chain.steps)
    found.pick(two)
    found.remove(two)
    assert found.chain.chosen == one
    found.remove(three)
    assert found.chain.chosen == one
    found.remove(one)
    assert found.chain.chosen == PHOTO
    assert not found.chain.steps


def test_an_order_of_other_steps_changes_nothing() -> None:
    found = studio("median~canny")
    one, two = (step.id for step in found.chain.steps)
    for order in ([one], [one, one], [one, two, 99], []):
        found.reorder(order, one)
        assert steps_of(found) == "median~canny"
    found.reorder([two, one], two)
    assert steps_of(found) == "canny~median"


def test_a_thirteenth_step_is_refused_and_nothing_is_lost() -> None:
    found = studio("~".join(["gamma"] * 12))
    with pytest.raises(GlassboxError, match="13"):
        found.add("flip")
    assert len(found.chain.steps) == 12


def test_only_what_changed_is_computed_again(cat: Image) -> None:
    found, photo = studio("median~gamma~canny"), Given(cat)
    before, _ = found.run(photo)
    found.adjust(found.chain.steps[1].id, {"exponent": 2.0})
    assert [call.step for call in found.undone(photo)] == ["gamma", "canny"]
    found.run(photo, upto=2)
    after, _ = found.run(photo)
    assert after[1].image is before[1].image
    assert not np.array_equal(after[2].image, before[2].image)
    expected = apply(cat, found.chain.calls)
    for picture, result in zip(after[1:], expected, strict=True):
        np.testing.assert_array_equal(picture.image, result.image)
    assert found.undone(photo) == []


def test_looking_at_an_earlier_step_loses_no_later_result(cat: Image) -> None:
    found, photo = studio("median~gamma~canny"), Given(cat)
    before, _ = found.run(photo)
    found.run(photo, upto=1)
    after, _ = found.run(photo)
    assert after[3].image is before[3].image


def test_results_go_when_the_photo_changes(cat: Image, noise: Image) -> None:
    found = studio("median")
    found.run(Given(cat, "one"))
    found.ask(found.run(Given(cat, "one"))[0])
    pictures, _ = found.run(Given(noise, "two"))
    np.testing.assert_array_equal(pictures[1].image, apply(noise, [Call.of("median")])[0].image)
    assert not found.opinions


def test_a_step_that_cannot_be_done_leaves_the_pictures_before_it(cat: Image) -> None:
    found, photo = studio("median~rescale.factor_4~rescale.factor_4~flip"), Given(cat)
    pictures, stopped = found.run(photo)
    assert stopped is not None and stopped.key == "error.step.large"
    assert [picture.image.shape[1] for picture in pictures] == [512, 512, 2048]
    again, stopped = found.run(photo)
    assert again[2].image is pictures[2].image
    found.remove(found.chain.steps[2].id)
    pictures, stopped = found.run(photo)
    assert stopped is None and len(pictures) == 4


def test_what_visitors_hold_is_bounded(cat: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_chain, "_shelf", [])
    one = cat.nbytes
    monkeypatch.setattr(studio_chain, "MOST_BYTES", int(2.5 * one))
    first, photo = studio("median~gamma~flip"), Given(cat)
    pictures, _ = first.run(photo)
    assert len(pictures) == 4  # all are shown, two are kept
    assert len(first.results) == 2
    monkeypatch.setattr(studio_chain, "MOST_BYTES_OF_ALL", int(4.5 * one))
    others = [studio("median~gamma"), studio("median~gamma")]
    for other in others:
        other.run(photo)
    assert [len(found.results) for found in (first, *others)] == [0, 2, 2]
    assert len(first.run(photo)[0]) == 4


def test_a_chain_that_nobody_looks_at_keeps_no_pictures(cat: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(studio_chain, "_shelf", [])
    monkeypatch.setattr(studio_chain.time, "monotonic", lambda: now)
    seen, left, photo = studio("median"), studio("median"), Given(cat)
    for found in (left, seen):
        found.run(photo)
    now += studio_chain.IDLE - 1
    seen.run(photo)
    now += 2
    studio_chain.drop_of_idle()
    assert [len(found.results) for found in (seen, left)] == [1, 0]
    assert len(left.run(photo)[0]) == 2


def test_opinions_are_the_classifiers_own(cat: Image) -> None:
    found, photo = studio("gaussian_noise.sigma_60~-canny"), Given(cat)
    pictures, _ = found.run(photo)
    opinions = found.ask(pictures)
    expected = classifier("efficientnet_lite0").predict([picture.image for picture in pictures])
    for opinion, probabilities in zip(opinions, expected, strict=True):
        np.testing.assert_allclose(opinion.probabilities, probabilities, atol=1e-6)
    assert opinions[1] is opinions[2]  # a step that is off makes no new picture


def test_at_the_networks_own_size_it_is_not_cropped_again(cat: Image) -> None:
    found, photo = studio(to_url(PRESETS["network"])), Given(cat)
    pictures, _ = found.run(photo)
    opinions = found.ask(pictures)
    assert [opinion.as_it_is for opinion in opinions] == [False, False, True, True]
    np.testing.assert_allclose(opinions[-1].probabilities, opinions[0].probabilities, atol=0.02)
    small = np.ascontiguousarray(cat[:224, :224])
    found = studio("gamma")
    (whole, _) = found.ask(found.run(Given(small, "small"))[0])
    assert not whole.as_it_is  # a photo of that size is looked at as any other


@pytest.mark.parametrize(
    "value",
    [
        None,
        "pick",
        {},
        {"act": "explode", "id": "1"},
        {"act": "pick", "id": "9"},
        {"act": "move", "id": "1", "order": ["1", "9"]},
        {"act": "move", "id": "1", "order": "12"},
        {"act": "move", "id": "1", "order": [1, 2]},
    ],
)
def test_what_a_browser_cannot_mean_is_nothing(value: Any) -> None:
    assert _read(value, {"0", "1", "2"}) is None


def test_what_a_browser_says_is_read() -> None:
    assert _read({"act": "move", "id": "1", "order": ["2", "1"]}, {"1", "2"}) == ("move", "1", ("2", "1"))
    assert _read({"act": "remove", "id": "2"}, {"1", "2"}) == ("remove", "2", ())


# --- words and formulas -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_step_parameter_and_preset_has_its_words(language: str) -> None:
    catalogue = i18n.catalogue(language)
    for step in STEPS.values():
        prefix = f"step.{step.name}"
        wanted = [prefix, f"{prefix}.about", f"{prefix}.formula", f"preprocess.family.{step.family}"]
        wanted += [f"{prefix}.{p.name}" for p in step.parameters]
        wanted += [f"{prefix}.{p.name}.{choice}" for p in step.parameters for choice in p.choices]
        assert set(wanted) <= set(catalogue), step.name
    for name in PRESETS:
        assert {f"preprocess.preset.{name}", f"preprocess.preset.{name}.about"} <= set(catalogue)


def test_the_worked_pixel_is_the_steps_own(photos: dict[str, Image], noise: Image) -> None:
    worked = 0
    for image in (photos["espresso"], photos["lorikeet"][:, ::-1], noise, noise[:2, :3], noise[:1, :1]):
        for step in STEPS.values():
            try:
                (result,) = apply(image, [Call.of(step.name)])
            except GlassboxError:  # too small for the step
                continue
            found = studio_maths.worked(result)
            assert found.latex.count("{") == found.latex.count("}"), step.name
            assert found.at_pixel or found.value is None, step.name
            if found.value is not None:
                worked += 1
                case = studio_maths.Case(result)
                level = min(255, max(0, round(found.value)))
                assert abs(level - case.after) <= 1, (step.name, found.latex, case.after)
    assert worked > 60


@pytest.mark.parametrize(
    ("step", "values"),
    [
        ("laplacian", {"size": 1}),
        ("laplacian", {"size": 5}),
        ("sobel", {"size": 7, "direction": "vertical"}),
        ("equalise", {"channels": "rgb"}),
        ("normalise", {"method": "standardise"}),
        ("median", {"size": 15}),
        ("unsharp_mask", {"sigma": 9.0, "amount": 3.0}),
        ("threshold", {"level": 40, "foreground": "dark"}),
        ("white_balance", {"strength": 0.4}),
    ],
)
def test_the_worked_pixel_follows_the_parameters(step: str, values: dict[str, Any], cat: Image) -> None:
    (result,) = apply(cat, [Call.of(step, **values)])
    found = studio_maths.worked(result)
    assert found.value is not None
    assert abs(min(255, max(0, round(found.value))) - studio_maths.Case(result).after) <= 1


def test_numbers_are_written_as_finely_as_they_step() -> None:
    for step, wanted in (("resize", "%d"), ("gamma", "%.2f"), ("centre_crop", "%.3f"), ("bilateral", "%d")):
        parameter = next(p for p in STEPS[step].parameters if p.range is not None)
        assert widgets.number_format(parameter) == wanted, step


# --- the page, without a browser --------------------------------------------------------------------


def kept(app: AppTest) -> Studio:
    found: Studio = app.session_state["visit"].kept["studio"]
    return found


def button(app: AppTest, key: str) -> Any:
    return next(found for found in app.button if found.key == key)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_an_empty_chain_offers_the_stories(language: str) -> None:
    app = opened(PAGE, lang=language)
    assert not app.error
    for name in PRESETS:
        found = button(app, f"studio_preset_button_page_{name}")
        assert found.label == i18n.text(language, f"preprocess.preset.{name}")
    button(app, "studio_preset_button_page_network").click().run()
    assert not app.exception and not app.error
    assert kept(app).chain.calls == PRESETS["network"]
    assert kept(app).chain.place == 3
    assert app.query_params["chain"] in (to_url(PRESETS["network"]), [to_url(PRESETS["network"])])
    assert i18n.text(language, "preprocess.answer.as_it_is") in words_of(app)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("family", ["geometry", "damage", "denoise", "enhance", "edges", "segment"])
def test_a_step_of_each_family_fills_every_tab(family: str, language: str) -> None:
    names = [step.name for step in STEPS.values() if step.family == family and not step.slow]
    chain = "~".join(names[:4])
    app = opened(PAGE, lang=language, image="goldfish", chain=chain)
    for tab in ("numbers", "maths", "sweep", "take"):
        app.session_state["studio_tab"] = tab
        app.run()
        assert not app.exception and not app.error, tab
    assert to_url(kept(app).chain.calls) == chain
    assert 'if __name__ == "__main__"' in app.code[0].value
    assert json.loads(app.code[1].value) == json.loads(to_json(from_url(chain)))


def test_a_step_is_added_set_undone_and_redone() -> None:
    app = opened(PAGE, lang="en")
    pills = next(found for found in app.button_group if str(found.key).startswith("studio_add_damage"))
    pills.set_value("gaussian_noise").run()
    assert not app.exception and not app.error
    (step,) = kept(app).chain.steps
    slider = next(found for found in app.slider if found.key == f"studio_{step.id}_sigma")
    assert (slider.label, slider.value, slider.min, slider.max) == (
        i18n.text("en", "step.gaussian_noise.sigma"),
        25,
        1,
        100,
    )
    slider.set_value(70.0).run()
    assert steps_of(kept(app)) == "gaussian_noise.sigma_70"
    button(app, "studio_undo").click().run()
    assert steps_of(kept(app)) == "gaussian_noise"
    assert next(found for found in app.slider if found.key == f"studio_{step.id}_sigma").value == 25
    button(app, "studio_redo").click().run()
    assert steps_of(kept(app)) == "gaussian_noise.sigma_70"
    button(app, "studio_clear").click().run()
    assert not kept(app).chain.steps
    assert "chain" not in app.query_params


def test_a_link_restores_chain_and_chosen_step_and_both_survive_leaving() -> None:
    app = opened(PAGE, lang="zh", chain="median.size_9~-canny~flip", step="1")
    assert steps_of(kept(app)) == "median.size_9~-canny~flip"
    assert kept(app).chain.place == 1
    assert i18n.text("zh", "step.median") in words_of(app)
    app.switch_page("pages/classify.py").run()
    app.switch_page(PAGE).run()
    assert not app.exception and not app.error
    assert steps_of(kept(app)) == "median.size_9~-canny~flip"


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize(
    "chain", ["bogus", "median.size_4", "median.size_7~" * 13 + "flip", "%%%", "a" * 20_000]
)
def test_a_link_that_lies_is_told_in_a_sentence(chain: str, language: str) -> None:
    app = opened(PAGE, lang=language, chain=chain)
    assert len(app.error) == 1
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in app.error[0].value)
    assert chinese == (language == "zh")
    assert not kept(app).chain.steps
    app.run()
    assert not app.error  # once


def test_bad_json_is_told_and_nothing_is_lost() -> None:
    app = opened(PAGE, lang="en", chain="median~canny")
    app.session_state["studio_tab"] = "take"
    app.run()
    area = app.text_area[0]
    area.set_value('[{"step": "median", "args": {"size": 4}}]').run()
    button(app, "studio_paste_use").click().run()
    assert len(app.error) == 1
    assert steps_of(kept(app)) == "median~canny"
    assert app.text_area[0].value == '[{"step": "median", "args": {"size": 4}}]'
    app.text_area[0].set_value('[{"step": "median", "args": {"size": 7}}]').run()
    button(app, "studio_paste_use").click().run()
    assert not app.error
    assert steps_of(kept(app)) == "median.size_7"


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_step_that_cannot_be_done_is_told_where_it_can_be_mended(language: str) -> None:
    app = opened(PAGE, lang=language, chain="rescale.factor_4~rescale.factor_4")
    assert len(app.error) == 1
    assert i18n.text(language, "step.rescale") in app.error[0].value
    step = kept(app).chain.steps[1]
    next(found for found in app.slider if found.key == f"studio_{step.id}_factor").set_value(0.5).run()
    assert not app.error and not app.exception


def test_the_rescue_is_told_in_the_photos_own_figures(cat: Image) -> None:
    chain = "gaussian_noise.sigma_80~gaussian"
    app = opened(PAGE, lang="en", image="tabby_cat", chain=chain)
    results = apply(cat, from_url(chain))
    clean = clean_pictures(results)
    assert clean[1] is not None
    noisy, rescued = measure.psnr(results[0].image, cat), measure.psnr(results[1].image, clean[1])
    assert f"PSNR {noisy:.1f} → {rescued:.1f} dB ({rescued - noisy:+.1f} dB)" in words_of(app)
    tops = (
        classifier("efficientnet_lite0").predict([cat, *(result.image for result in results)]).argmax(axis=1)
    )
    name = i18n.text("en", "imagenet." + classifier("efficientnet_lite0").labels[tops[0]])
    flipped, back = tops[1] != tops[0], tops[2] == tops[0]
    fate = ("back" if back else "gone") if flipped else ("kept" if back else "lost")
    assert i18n.text("en", f"preprocess.rescue.{fate}", name=name) in words_of(app)


def test_the_numbers_are_those_of_the_picture(cat: Image) -> None:
    app = opened(PAGE, lang="en", chain="gaussian_noise~median")
    found = {metric.label: metric.value for metric in app.metric}
    noisy, filtered = (result.image for result in apply(cat, from_url("gaussian_noise~median")))
    seen = measure.numbers(filtered)
    assert found["Noise σ"] == f"{seen.noise:.1f}"
    assert found["Sharpness"] == f"{seen.sharpness:,.1f}"
    assert found["PSNR to the photo"] == f"{measure.psnr(filtered, cat):.1f} dB"
    assert found["SSIM to the photo"] == f"{measure.ssim(filtered, cat):.3f}"
    assert math.isclose(seen.width / seen.height, cat.shape[1] / cat.shape[0])
    assert not np.array_equal(noisy, filtered)


# --- the page, in a browser -------------------------------------------------------------------------


def titles(page: Page) -> list[str]:
    return page.locator(".st-key-studio_strip .card .title").all_inner_texts()


def expect_titles(page: Page, *names: str) -> None:
    wanted = [
        "Photo",
        *(f"{place} · {i18n.text('en', f'step.{name}')}" for place, name in enumerate(names, 1)),
    ]
    expect(page.locator(".st-key-studio_strip .card .title")).to_have_text(wanted)


def add(page: Page, step: str) -> None:
    families = page.locator(".st-key-studio_families")
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.get_by_role("button", name="Add a step").click()
    families.get_by_text(i18n.text("en", f"step.{step}"), exact=True).first.click()
    expect(families).to_be_hidden()


def shown(page: Page) -> str:
    """The address of the large picture after the step."""
    found = page.locator(".st-key-studio_picture img.after").get_attribute("src")
    assert found is not None
    return found


def drag(page: Page, thing: Locator, start: tuple[float, float], *ends: tuple[float, float]) -> None:
    """Presses at a fraction of the thing's box, moves over the others, lets go."""
    box = thing.bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, *ends)]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=6)
    page.mouse.up()


@pytest.mark.browser
def test_steps_are_added_reordered_undone_and_reopened(visitor: Visitor) -> None:
    page = visitor.open("/preprocess?lang=en")
    for step in ("gaussian_noise", "median", "flip"):
        add(page, step)
    expect_titles(page, "gaussian_noise", "median", "flip")
    visitor.ready()
    card = page.locator(".st-key-studio_strip .card").nth(3)
    drag(page, card, (0.5, 0.4), (0.2, 0.4), (-1.7, 0.4))
    expect_titles(page, "flip", "gaussian_noise", "median")
    expect(page).to_have_url(re.compile("chain=flip~gaussian_noise~median"))
    page.get_by_role("button", name="Undo").click()
    expect_titles(page, "gaussian_noise", "median", "flip")
    page.get_by_role("button", name="Redo").click()
    expect_titles(page, "flip", "gaussian_noise", "median")
    # with the keyboard alone, quicker than the answers come
    first = page.locator(".st-key-studio_strip .card").nth(1).locator(".pick")
    first.focus()
    for _ in range(2):
        page.keyboard.press("Alt+ArrowRight")
    expect_titles(page, "gaussian_noise", "median", "flip")
    page.keyboard.press("Delete")
    expect_titles(page, "gaussian_noise", "median")
    page.locator(".st-key-studio_strip .card.chosen .switch").click()
    expect(page.locator(".st-key-studio_strip .card").nth(2)).to_have_class(re.compile("off"))
    expect(page).to_have_url(re.compile("chain=gaussian_noise~-median"))
    visitor.ready()
    again = visitor.context.new_page()
    again.goto(page.url)
    expect_titles(again, "gaussian_noise", "median")
    expect(again.locator(".st-key-studio_strip .card").nth(2)).to_have_class(re.compile("off"))


@pytest.mark.browser
def test_what_is_done_before_the_answer_is_seen_adds_nothing_twice(visitor: Visitor) -> None:
    """On a busy machine the browser still holds the last choice in the menu when the next thing is done."""
    late: list[str | bytes] = []
    waiting = [False]

    def between(browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        browser.on_message(server.send)
        server.on_message(lambda said: late.append(said) if waiting[0] else browser.send(said))
        wires.append(browser)

    wires: list[WebSocketRoute] = []
    visitor.page.route_web_socket(re.compile("/_stcore/stream"), between)
    page = visitor.open("/preprocess?lang=en&chain=flip~median")
    page.get_by_role("button", name="Add a step").click()
    choice = page.locator(".st-key-studio_families").get_by_text(
        i18n.text("en", "step.gaussian_noise"), exact=True
    )
    expect(choice.first).to_be_visible()
    visitor.ready()
    waiting[0] = True
    choice.first.click()
    page.wait_for_timeout(1500)  # the server has added it; the browser does not know yet
    page.keyboard.press("Escape")
    page.locator(".st-key-studio_strip .card").nth(1).locator(".pick").press("Alt+ArrowRight")
    page.wait_for_timeout(500)
    waiting[0] = False
    for said in late:
        wires[-1].send(said)
    expect_titles(page, "flip", "median", "gaussian_noise")
    page.locator(".st-key-studio_strip .card.chosen .switch").click()
    expect(page).to_have_url(re.compile("chain=flip~median~-gaussian_noise(&|$)"))
    expect_titles(page, "flip", "median", "gaussian_noise")


@pytest.mark.browser
def test_a_slider_is_let_go_and_picture_and_opinion_follow(visitor: Visitor) -> None:
    page = visitor.open("/preprocess?lang=en&image=tabby_cat&chain=gaussian_noise")
    before, card = shown(page), page.locator(".st-key-studio_strip .card").nth(1)
    said = card.locator(".text").inner_text()
    thumb = page.locator('[data-testid="stSlider"] input[type=range]').first
    thumb.focus()
    for _ in range(50):
        page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("gaussian_noise.sigma_75"))
    expect(card.locator(".text")).not_to_have_text(said)
    assert shown(page) != before
    # the line between before and after is moved without the page running again
    line = page.locator(".st-key-studio_picture [role=slider]")
    expect(line).to_have_attribute("aria-valuenow", "50")
    drag(page, page.locator(".st-key-studio_picture .stage"), (0.5, 0.5), (0.25, 0.5))
    expect(line).to_have_attribute("aria-valuenow", "25")


@pytest.mark.browser
def test_the_grabcut_rectangle_is_drawn_on_the_picture(visitor: Visitor) -> None:
    page = visitor.open("/preprocess?lang=en&image=lorikeet&chain=grabcut")
    stage = page.locator(".st-key-studio_picture .stage")
    drag(page, stage, (0.02, 0.02), (0.5, 0.5), (0.85, 0.95))
    expect(page).to_have_url(re.compile(r"grabcut\.left_0\.02\.top_0\.02\.right_0\.85\.bottom_0\.95"))
    visitor.ready()
    expect(page.locator(".st-key-studio_result img")).to_be_visible()
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)


@pytest.mark.browser
def test_the_code_and_the_picture_are_taken_away_and_agree(visitor: Visitor, tmp_path: Path) -> None:
    chain = "gaussian_noise.sigma_40~clahe~otsu.view_cutout"
    page = visitor.open(f"/preprocess?lang=en&image=espresso&chain={chain}")
    page.get_by_role("tab", name="Take it away").click()
    with page.expect_download() as code:
        page.locator(".st-key-studio_take_code button").click()
    with page.expect_download() as picture:
        page.locator(".st-key-studio_take_png button").click()
    script = Path(code.value.path()).read_text("utf-8")
    assert not re.search(r"^\s*(from|import) (core|ui|streamlit)", script, re.MULTILINE)
    namespace: dict[str, Any] = {"__name__": "exported"}
    exec(compile(script, "preprocess.py", "exec"), namespace)
    photo = decode(samples()["espresso"].read())
    made = namespace["preprocess"](photo.copy())
    saved = np.asarray(Pillow.open(io.BytesIO(Path(picture.value.path()).read_bytes())).convert("RGB"))
    np.testing.assert_array_equal(saved, made)
    np.testing.assert_array_equal(saved, apply(photo, from_url(chain))[-1].image)


@pytest.mark.browser
def test_a_value_of_the_sweep_is_taken_over(visitor: Visitor) -> None:
    page = visitor.open("/preprocess?lang=en&chain=gaussian_noise")
    page.get_by_role("tab", name="Seven values").click()
    row = page.locator(".st-key-studio_swept button .frame")
    expect(row).to_have_count(7)
    row.nth(6).click()
    expect(page).to_have_url(re.compile("gaussian_noise.sigma_100"))


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it_in_chinese(chromium: Browser, address: str, scheme: str) -> None:
    phone = visit(
        chromium,
        address,
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        locale="zh-CN",
        color_scheme=scheme,
    )
    page = phone.open("/preprocess?chain=gaussian_noise~median~otsu")
    expect(page.get_by_role("heading", level=1)).to_have_text(i18n.text("zh", "preprocess.title"))
    page.locator(".st-key-studio_strip .card").nth(1).tap()
    expect(page.locator(".st-key-studio_strip .card").nth(1)).to_have_class(re.compile("chosen"))
    # without a mouse a step is moved with its buttons
    page.locator(".st-key-studio_strip .card.chosen .right").tap()
    expect(page).to_have_url(re.compile("chain=median~gaussian_noise~otsu"))
    phone.ready()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    phone.context.close()
    assert not phone.complaints()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(3, 2), (1, 1), (1600, 40), (30, 1200)])
def test_odd_photos_pass_or_are_told(visitor: Visitor, tmp_path: Path, width: int, height: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Pillow.fromarray(pixels).save(tmp_path / "odd.png")
    page = visitor.open("/preprocess?lang=en&chain=gaussian_noise~median~grabcut")
    page.locator('input[type="file"]').first.set_input_files(tmp_path / "odd.png")
    expect(page.get_by_text("Your own photo stays with this visit")).to_be_visible(timeout=15_000)
    visitor.ready()
    expect(page.locator(".st-key-studio_strip .card")).to_have_count(4)
    expect(page.get_by_text(i18n.text("en", "error.unexpected"))).to_have_count(0)
    told = page.locator('[data-testid="stAlertContentError"]')
    expect(told).to_have_count(1 if min(width, height) < 8 else 0)
    assert len(titles(page)) == 4
