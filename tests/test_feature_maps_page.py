"""The page "Inside the network": what it shows is what the network computes, in both languages and a browser."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from core import i18n
from core.types import Image
from core.vision import feature_maps, inside, vision_model
from core.vision.arithmetic import kernel_of
from tests.browser import Visitor
from tests.test_pages import opened, words_of
from ui import engine, inside_pictures
from ui.components import colour, kernel_editor, network
from ui.inside import Network, keeps_channels, strongest, way
from ui.inside_network import draw

PAGE = "pages/feature_maps.py"
pytestmark = pytest.mark.filterwarnings(  # of Keras, when it saves a model
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def page(language: str = "en", **query: str) -> AppTest:
    app = opened(PAGE, lang=language, **({"model": "article_cnn"} | query))
    assert not app.error
    return app


def formulas(app: AppTest) -> str:
    return " ".join(str(element.value) for element in app.latex)


@pytest.fixture(scope="module")
def article() -> Network:
    return Network("article_cnn", vision_model("article_cnn"))


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A functional model inside a functional model, saved as a visitor would."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    backbone = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(6, 3, padding="same", name="first"),
            layers.ReLU(name="first_relu"),
            layers.MaxPooling2D(name="halve"),
            layers.Conv2D(8, 3, activation="relu", name="second"),
        ],
        name="backbone",
    )
    inputs = keras.Input((32, 32, 3), name="picture")
    x = layers.GlobalAveragePooling2D(name="mean")(backbone(inputs))
    file = tmp_path_factory.mktemp("models") / "my network.keras"
    keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x)).save(file)
    return file


# --- what is drawn ---------------------------------------------------------------------------------


def test_every_map_of_the_picture_is_the_networks_own(article: Network, cat: Image) -> None:
    drawn = draw(article, cat, 3)
    own = dict(feature_maps(article.model, cat, [column.layer for column in drawn.columns]))
    assert [column.layer for column in drawn.columns] == [
        *("pixels", "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "conv3", "relu3", "pool3"),
        *("flatten", "dense1", "relu4", "dense2"),
    ]  # the softmax is the classes' bars
    for column in drawn.columns:
        maps = own[column.layer][..., [each.channel for each in column.maps]]
        side = maps.shape[0]
        scale = inside_pictures.scale_of(maps)
        limit = inside_pictures.limit_of(maps, share=inside_pictures.MOST)
        sprite = pixels(column.source)
        for place in range(maps.shape[2]):
            shown = sprite[place * side : (place + 1) * side]
            assert np.abs(shown.astype(int) - colour(maps[..., place] / limit, scale)).max() <= 6, (
                column.layer
            )
    assert sum(bar.share for bar in drawn.classes) == pytest.approx(1, abs=1e-5)
    assert [bar.share for bar in drawn.classes] == sorted((bar.share for bar in drawn.classes), reverse=True)


def pixels(uri: str) -> Image:
    picture = Pillow.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB")
    return np.asarray(picture)


def test_links_join_only_what_is_made_of_one_another(article: Network, cat: Image) -> None:
    columns = {column.layer: column for column in draw(article, cat, 0).columns}
    assert columns["conv2"].links == "all"
    before = {column.layer: [each.channel for each in column.maps] for column in columns.values()}
    for name, source in (("relu1", "conv1"), ("pool3", "relu3")):
        links = columns[name].links
        assert links and links != "all"
        assert all(before[source][i] == before[name][j] for i, j in links)
        assert all(i == j for i, j in links)  # they stand side by side
    flat = columns["flatten"].links
    assert flat and flat != "all"
    assert all(before["flatten"][j] % 128 == before["pool3"][i] for i, j in flat)


def test_the_way_of_a_number_through_layers_that_take_one_at_a_time() -> None:
    graph = inside.graph(vision_model("efficientnet_lite0"))
    assert way(graph, "stem_relu") == ["stem_conv", "stem_norm", "stem_relu"]
    assert way(graph, "block3_add") == ["block3_add"]
    assert keeps_channels(graph, "block1_depthwise_conv", "block1_depthwise_relu")
    assert keeps_channels(graph, "stem_relu", "block1_depthwise_relu")  # a depthwise convolution mixes none
    assert not keeps_channels(graph, "block1_depthwise_relu", "block1_project_norm")
    assert not keeps_channels(graph, "block2_project_norm", "block3_add")  # a sum of two


def test_numbers_fit_into_cells() -> None:
    told = [inside_pictures.number(value) for value in (0.0, -0.12345, 0.00045, 1234.5, -2.5e-7, 6.0)]
    assert told == ["0", "−0.123", "4.5e−4", "1,234", "−2.5e−7", "6"]
    assert inside_pictures.tiny(0) == "0"
    assert inside_pictures.tiny(4.2e-9) == "4.2e−9"


def test_a_signed_scale_has_zero_in_its_middle_and_a_silent_map_does_no_harm() -> None:
    values = np.array([[-2.0, 0.0, 2.0]], np.float32)
    assert inside_pictures.scale_of(values) == "signed"
    assert inside_pictures.scale_of(np.abs(values)) == "viridis"
    left, middle, right = inside_pictures.hexes(values, "signed", 2.0)[0]
    assert left == "#053061" and right == "#67001f"
    assert min(int(middle[at : at + 2], 16) for at in (1, 3, 5)) > 240
    assert inside_pictures.limit_of(np.zeros((2, 2), np.float32)) == 1.0


@pytest.mark.parametrize(
    "value",
    [
        None,
        [[1, 2]],
        [[1, 2], [3, "4"]],
        [[1, 2], [3, float("nan")]],
        [[1, 2], [3, 1e9]],
        [[1, True], [1, 1]],
    ],
)
def test_a_kernel_that_is_none_is_not_taken(value: Any) -> None:
    assert kernel_editor._read(value, (2, 2)) is None
    assert np.array_equal(kernel_editor._read([[1, 2], [3, 4.5]], (2, 2)), [[1, 2], [3, 4.5]])  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, "conv1", ["conv9", 1], ["conv1", -1], ["conv1", "1"], ["conv1"]])
def test_a_click_on_nothing_chooses_nothing(value: Any) -> None:
    assert network._read(value, {"conv1"}) is None
    assert network._read(["conv1", 3], {"conv1"}) == ("conv1", 3)
    assert network._read(["conv1", None], {"conv1"}) == ("conv1", None)


def test_what_tensorflow_prepared_survives_a_run(article: Network) -> None:
    import keras

    assert article.graph
    page("en")  # the frame keeps it at the end of every run
    assert keras.backend.clear_session is engine._nothing


# --- the page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_page_tells_the_number_of_its_link(language: str, cat: Image) -> None:
    app = page(language, layer="conv1", channel="5", pixel="20-30", tab="arithmetic")
    [(_, maps)] = feature_maps("article_cnn", cat, ["conv1"])
    assert f"{maps[20, 30, 5]:.6g}".replace("-", "−") in app.success[0].value
    assert i18n.text(language, "arithmetic.convolution.formula") in formulas(app)
    kernel, bias = kernel_of(inside.graph(vision_model("article_cnn")).node("conv1"), 5)
    assert kernel.shape == (3, 3, 3)
    before = float(maps[20, 30, 5])
    assert f"{before:.4g}" in formulas(app)
    assert re.search(re.escape(f"{bias:.4g}".split("e")[0]), formulas(app))


@pytest.mark.parametrize(
    "query",
    [
        {"layer": "softmax", "channel": "3"},
        {"layer": "dense2"},
        {"layer": "flatten", "channel": "77"},
        {"layer": "pool3"},
        {"layer": "pixels"},
        {"model": "efficientnet_lite0", "layer": "block8_add"},
        {"model": "efficientnet_lite0", "layer": "block4_depthwise_relu"},
        {"model": "efficientnet_lite0", "layer": "pool"},
        {"model": "efficientnet_lite0", "layer": "logits"},
    ],
    ids=lambda query: query["layer"],
)
def test_every_kind_of_layer_is_told_and_proved(query: dict[str, str]) -> None:
    app = page(tab="arithmetic", **query)
    if query["layer"] != "pixels":
        assert "network’s own number" in app.success[0].value
        assert "Put together again in numpy, this is the network’s own map" in words_of(app)


@pytest.mark.parametrize(
    "query",
    [
        {"layer": "x"},
        {"channel": "9999"},
        {"channel": "-1"},
        {"pixel": "9999-0"},
        {"pixel": "a"},
        {"class": "n0"},
        {"tab": "x"},
        {"model": "x"},
    ],
)
def test_a_link_that_lies_opens_the_page_all_the_same(query: dict[str, str]) -> None:
    app = page(**query)
    assert app.select_slider[0].value in ("conv1", "stem_relu")


def test_the_strongest_place_is_within_the_map_and_nearest_to_its_middle() -> None:
    values = np.zeros((7, 9), np.float32)
    values[0, 8] = 9  # at the rim, where padding is read
    values[1, 1] = values[5, 5] = values[5, 7] = 6
    assert strongest(values) == (5, 5)
    assert strongest(np.array([[0, 1], [2, 0]], np.float32)) == (1, 0)  # nothing but rim
    assert strongest(np.ones((1, 1), np.float32)) == (0, 0)


def test_sliding_through_the_layers_keeps_channel_and_place() -> None:
    app = page(layer="conv1", channel="7", pixel="40-20")
    app.select_slider[0].set_value("relu1").run()
    assert app.query_params["layer"] in ("relu1", ["relu1"])
    assert app.query_params["channel"] in ("7", ["7"])
    app.select_slider[0].set_value("pool1").run()  # half as large: the same place
    assert app.query_params["pixel"] in ("20-10", ["20-10"])
    app.select_slider[0].set_value("conv2").run()  # other channels: the most telling one
    assert not app.error
    assert "conv2" in words_of(app)


@pytest.mark.parametrize("tab", ["kernel", "sandbox", "seeks", "statistics", "layers", "own"])
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_tab_opens(language: str, tab: str) -> None:
    app = page(language, tab=tab, layer="pool3" if tab == "seeks" else "relu2")
    assert not app.exception
    if tab == "layers":
        assert "51,479,114" in " ".join(metric.value for metric in app.metric)
        assert "205.9" in " ".join(metric.value for metric in app.metric)
        table = app.dataframe[0].value
        assert table.shape[0] == 15
        assert 4_194_816 in table.iloc[:, 5].tolist()  # dense1 at 64 x 64
    if tab == "sandbox":
        assert "= 5" in formulas(app)
        app.slider(key="inside_sandbox_stride").set_value(2).run()
        assert "= 3" in formulas(app)


def test_a_changed_kernel_changes_the_map() -> None:
    app = page(layer="conv1", channel="5", pixel="20-30", tab="kernel")
    assert i18n.text("en", "feature_maps.kernel.same").split(".")[0] in words_of(app)
    app.button(key="inside_kernel_zero").click().run()
    told = next(word.value for word in app.markdown if "became" in word.value)
    assert re.search(r"^\d+% of the map changed", told)
    app.button(key="inside_kernel_reset").click().run()
    assert "became" not in words_of(app)


def test_the_ascent_climbs_and_its_picture_stays() -> None:
    app = page(layer="pool1", tab="seeks")
    app.button(key="inside_ascend").click().run()
    assert not app.error
    [(_, step)] = app.session_state["visit"].kept["inside_ascents"].items()
    assert step.step == step.steps
    assert step.value > 0.5
    assert "128 steps of gradient ascent; the channel" in words_of(app)
    app.run()
    assert i18n.text("en", "feature_maps.seeks.again") in [button.label for button in app.button]


# --- a model of one's own --------------------------------------------------------------------------


def test_an_uploaded_model_is_looked_into_and_forgotten(nested: Path) -> None:
    app = page(model="own")
    app.file_uploader(key="inside_file_0").upload(nested.name, nested.read_bytes(), "").run()
    assert not app.error
    visit = app.session_state["visit"]
    assert visit.kept["inside_model_own"].name == "my network"
    assert "backbone/first" in app.select_slider[0].options or "first" in str(app.select_slider[0].options)
    app.select_slider[0].set_value("backbone/first_relu").run()
    assert not app.error
    assert "first_relu" in words_of(app)
    assert "uploaded" not in words_of(app)  # no key without its words
    app.button(key="forget").click().run()
    assert not app.exception
    assert "inside_model_own" not in app.session_state["visit"].kept


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_file_that_is_refused_is_told_in_words(language: str) -> None:
    app = page(language, model="own")
    app.file_uploader(key="inside_file_0").upload("model.keras", b"this is no model", "").run()
    assert not app.exception
    assert app.error[0].value == i18n.text(language, "uploaded.error.not_zip")
    assert "inside_model_own" not in app.session_state["visit"].kept


# --- a person at it --------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_layer_a_channel_a_pixel_a_kernel_and_a_model(visitor: Visitor, nested: Path) -> None:
    page = visitor.open("/feature_maps?lang=en&model=article_cnn")
    whole = page.locator(".st-key-inside_network")
    apart = page.locator(".st-key-inside_apart")
    whole.get_by_title(re.compile("^relu2")).first.click()  # the layer
    expect(apart).to_contain_text("relu2 ·")
    visitor.ready()
    page.get_by_role("tab", name="Channels").click()
    third = page.locator(".st-key-inside_channels button").nth(2)
    name = (third.text_content() or "").split(" ")[0]
    third.click()  # the channel
    expect(apart).to_contain_text(f"relu2 · channel {name}")
    assert f"channel={name}" in page.url
    visitor.ready()

    page.get_by_role("tab", name="The arithmetic").click()
    picture = page.locator(".st-key-inside_pixel .stage")
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] * 10.5 / 32, "y": box["height"] * 20.5 / 32})  # the pixel
    expect(page.get_by_role("heading", level=4)).to_contain_text("at row 20, column 10")
    expect(page.locator('[data-testid="stAlertContentSuccess"]')).to_contain_text("network’s own number")
    expect(page.locator(".st-key-inside_products_convolution .line")).to_have_count(3)
    visitor.ready()
    assert "pixel=20-10" in page.url

    page.get_by_role("tab", name="Change the kernel").click()
    weight = page.get_by_label("Weight in row 2, column 2")
    weight.fill("3")
    weight.press("Enter")
    expect(page.get_by_text(re.compile("of the map changed"))).to_be_visible(timeout=20_000)
    expect(weight).to_have_class("changed")
    page.get_by_role("button", name="The network’s own").click()
    expect(page.get_by_text("Nothing is changed yet")).to_be_visible(timeout=20_000)
    visitor.ready()

    page.get_by_role("radio", name="Your own model").click()
    page.locator(".st-key-inside_upload input[type=file]").set_input_files(nested)
    expect(whole.locator('.head[title^="backbone/second"]')).to_be_visible(timeout=120_000)
    visitor.ready()
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)
    expect(whole.get_by_text("class 0")).to_be_visible()


@pytest.mark.browser
def test_a_link_reopens_the_pixel_and_a_phone_cuts_nothing(visitor: Visitor) -> None:
    page = visitor.open(
        "/feature_maps?lang=zh&model=article_cnn&layer=pool1&channel=4&pixel=5-6&tab=arithmetic"
    )
    expect(page.get_by_role("heading", level=4)).to_contain_text("第 5 行第 6 列")
    expect(page.locator(".st-key-inside_products_max_pooling .marked")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 844})
    visitor.ready()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    weights = page.locator(".st-key-inside_network .scroll")
    assert weights.evaluate("scroll => scroll.scrollWidth > scroll.clientWidth")  # it scrolls by itself
