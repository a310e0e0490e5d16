"""The pieces of the classify page: the answer, where the network looked, what that is worth."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from core import vision
from core.errors import GlassboxError
from core.imaging import decode
from core.imaging.decode import EXTENSIONS
from core.types import Floats, Image
from core.vision import explain
from core.vision.faithfulness import Faithfulness
from core.vision.models import MODELS
from ui import cache, charts, frame, networks, state, style, uploads
from ui import tabs as lazy
from ui.components import Bar, bars, overlay, thumbnail
from ui.networks import label, other_label
from ui.words import percent, sentence, t

TABS = ("closer", "worth", "ways", "maths", "many")
TOP = 5
SURE, UNSURE = 0.5, 0.9  # quantiles of the entropy on known photos
MOST_AT_ONCE = 50


@dataclass(frozen=True)
class Answer:
    """What a network says of a photo."""

    model: str
    photo: state.Photo
    probabilities: Floats  # (classes,)
    seconds: float
    entropy: float  # bits

    @property
    def digest(self) -> str:
        return self.photo.digest

    @property
    def image(self) -> Image:
        """The pixels, asked for anew: a part of the page that waits to be run again must not hold them."""
        return self.photo.image

    @property
    def labels(self) -> tuple[str, ...]:
        return networks.model(self.model).labels

    @property
    def order(self) -> list[int]:
        """Label indices, the most probable first."""
        return [int(index) for index in np.argsort(-self.probabilities, kind="stable")]


def classify(model: str, photo: state.Photo | None) -> Answer:
    """The network's answer to the current photo.

    Raises:
        GlassboxError: there is no photo, or it cannot be used.
    """
    if photo is None:
        raise GlassboxError("error.no_photo")
    probabilities, seconds = cache.answer(model, photo.digest, photo.image)
    return Answer(model, photo, probabilities, seconds, entropy(probabilities))


def ahead() -> None:
    """Computes the answer to the current photo, where that is soon done."""
    name, photo = networks.named(networks.choice("classify_model", MODELS)), state.visit().photo
    if photo is not None and networks.quick(name):
        classify(name, photo)


def is_new(answer: Answer) -> bool:
    """Whether the visitor sees an answer for the first time; a click on a class of the same photo asks no more."""
    key, kept = (answer.model, answer.digest), state.visit().kept
    new: bool = kept.get("classify_answered") != key
    kept["classify_answered"] = key
    return new


def entropy(probabilities: Floats) -> float:
    """How unsure an answer is, in bits: `-sum p log2 p`."""
    p = probabilities.astype(np.float64)
    return float(-(p * np.log2(np.maximum(p, 1e-12))).sum())


def surprise(bits: float, model: str) -> float | None:
    """The share of known photos on which the network is surer than this, 0..1; None if it is not known."""
    figures = networks.model(model).card.figures
    known = sorted((figures[key], int(key.rsplit("_", 1)[1])) for key in figures if "known_entropy_" in key)
    if not known:
        return None
    return float(np.interp(bits, [0.0, *(k[0] for k in known)], [0.0, *(k[1] / 100 for k in known)]))


def chosen_class(answer: Answer) -> str:
    """The class whose heatmap is shown: the one picked or searched for, else the most probable."""
    picked = state.visit().kept.setdefault("classify_class", {})
    asked = state.from_url("class")
    if asked in answer.labels:
        picked[answer.digest] = asked
    while len(picked) > state.RECENT:
        del picked[next(iter(picked))]
    top = answer.labels[answer.order[0]]
    chosen: str = picked.get(answer.digest, top)
    if chosen not in answer.labels:  # of another network
        chosen = top
    state.to_url("class", None if chosen == top or networks.is_tuned(answer.model) else chosen)
    return chosen


def chosen_layer(model: vision.VisionModel) -> str:
    """The layer whose heatmap is shown; the last one at first."""
    last = model.card.layers[-1]
    return state.remember("classify_layer", last, options=model.card.layers, url="layer")


def pick(label_id: str, digest: str) -> None:
    """Shows another class's heatmap."""
    state.visit().kept.setdefault("classify_class", {})[digest] = label_id
    state.to_url("class", label_id)


def headline(answer: Answer) -> None:
    """The answer: one big word, one number, how sure."""
    top = answer.order[0]
    name = label(answer.model, answer.labels[top])
    sure = surprise(answer.entropy, answer.model)
    with st.container(key="headline", gap=None):
        engine = "classify.engine" if networks.quick(answer.model) else "classify.engine.keras"
        st.caption(t(engine, value=f"{answer.seconds * 1000:.1f}"))
        share = percent(float(answer.probabilities[top]))
        st.markdown(f"## {name}\u2002:primary[{share}]")
    if sure is None:
        _foreign(answer)
        return
    if sure >= UNSURE:
        st.warning(t("classify.unlike", share=percent(sure, 0)), icon=":material/help:")
    elif sure >= SURE:
        st.caption(":material/balance: " + t("classify.hesitates", share=percent(sure, 0)))
    else:
        st.caption(":material/check_circle: " + t("classify.sure", share=percent(1 - sure, 0)))


def _foreign(answer: Answer) -> None:
    """Says of a tuned network that the photo is none of its classes, if it is."""
    done = networks.tuned()
    if networks.is_tuned(answer.model) and done is not None and done.model is not None:
        _, distance, _ = cache.tuned_answer(done.key, answer.digest, done.tuned, done.model, answer.image)
        if distance > done.tuned.none_threshold:
            st.warning(t("networks.foreign"), icon=":material/help:")


def top_bars(answer: Answer, chosen: str) -> None:
    """The top classes as bars; a click shows where the network saw that class."""
    shown = answer.order[:TOP]
    if answer.labels.index(chosen) not in shown:
        shown = [*shown, answer.labels.index(chosen)]
    items, digest = [], answer.digest
    for index in shown:
        label_id = answer.labels[index]
        name, twin = label(answer.model, label_id), other_label(answer.model, label_id)
        share = float(answer.probabilities[index])
        items.append(Bar(label_id, name, twin, share, percent(share)))
    bars(
        items,
        key="classify_bars",
        alt=t("classify.bars"),
        selected=chosen,
        on_pick=lambda label_id: pick(
            label_id, digest
        ),  # kept by the session: not the answer, with its photo
    )


def heatmap(answer: Answer, chosen: str, layer: str) -> Floats:
    """The class's heatmap at the chosen layer, over what the network sees of the photo."""
    model = networks.model(answer.model)
    index = answer.labels.index(chosen)
    if layer == model.card.layers[-1] and networks.quick(answer.model):
        found = cache.last_map(answer.model, answer.digest, index, answer.image)
    else:
        with st.spinner(t("classify.loading_tensorflow"), show_time=True):
            found = cache.layer_maps(answer.model, answer.digest, index, answer.image)[layer]
    return explain.to_crop(found, model.preparation.side)


def picture(answer: Answer, chosen: str, layer: str, shown: Floats) -> None:
    """The photo under its heatmap, with the opacity slider."""
    name = label(answer.model, chosen)
    overlay(
        answer.image,
        shown,
        key="classify_overlay",
        alt=t("classify.overlay.alt", name=name),
        label=t("classify.opacity"),
        legend_low=t("classify.legend.low"),
        legend_high=t("classify.legend.high", name=name),
        photo_only=t("classify.photo_only"),
        seen=networks.model(answer.model).preparation.box(answer.image),
        image_digest=answer.digest,
    )
    if not shown.any():
        st.info(t("classify.empty_map", name=name), icon=":material/visibility_off:")


def tabs() -> list[tuple[str, TabContainer]]:
    """Tabs of which only the open one is computed; the link and another language keep it open."""
    return lazy.tabs("classify_tab", {name: t(f"classify.tab.{name}") for name in TABS})


def closer(answer: Answer, model: vision.VisionModel, chosen: str) -> None:
    """Any of the classes by name, any layer of the network."""
    search, layers = st.columns(2, gap="large")
    with search:
        digest = answer.digest
        key = f"classify_search_{digest}"
        names = networks.names(answer.model, answer.labels)
        st.session_state[key] = chosen
        st.selectbox(
            t("classify.search" if len(answer.labels) == 1000 else "networks.search"),
            answer.labels,
            key=key,
            format_func=names.__getitem__,
            on_change=lambda: pick(st.session_state[key], digest),
            help=t("classify.search.help") if len(answer.labels) == 1000 else None,
        )
    with layers:
        st.select_slider(
            t("classify.layer"),
            model.card.layers,
            key="classify_layer",
            format_func={name: layer_name(name, model) for name in model.card.layers}.__getitem__,
            on_change=state.keep,
            args=("classify_layer", "layer"),
            help=t("classify.layer.help"),
        )
    st.caption(t("classify.closer.note", layers=len(model.card.layers)))


def layer_name(name: str, model: vision.VisionModel) -> str:
    """A layer as people count them: its place among the convolutions, and its own name."""
    return t("classify.layer.name", index=model.card.layers.index(name) + 1, name=name.rsplit("_", 1)[0])


def score(answer: Answer, chosen: str, layer: str, shown: Floats) -> Faithfulness:
    """Deletion and insertion curves of the heatmap shown."""
    index = answer.labels.index(chosen)
    return cache.scores(answer.model, answer.digest, index, f"grad_cam:{layer}", answer.image, shown)


def figures(answer: Answer, found: Faithfulness) -> None:
    """Three small figures under the answer."""
    unsure, deletion, insertion = st.columns(3, wrap=False)
    known = networks.model(answer.model).card.figures.get("known_entropy_50")
    typical = "–" if known is None else f"{known:.1f}"
    unsure.metric(
        t("classify.unsure"),
        t("unit.bits", value=f"{answer.entropy:.1f}"),
        delta=None if known is None else t("classify.typical", value=typical),
        delta_color="off",
        delta_arrow="off",
        help=None if known is None else t("classify.unsure.help", median=typical),
    )
    deletion.metric(
        t("classify.deletion"),
        f"{found.heatmap.deletion_area:.3f}",
        delta=t("classify.against", value=f"{found.random.deletion_area:.3f}"),
        delta_color="off",
        delta_arrow="off",
        help=t("classify.deletion.help"),
    )
    insertion.metric(
        t("classify.insertion"),
        f"{found.heatmap.insertion_area:.3f}",
        delta=t("classify.against", value=f"{found.random.insertion_area:.3f}"),
        delta_color="off",
        delta_arrow="off",
        help=t("classify.insertion.help"),
    )


def curves(found: Faithfulness) -> None:
    """The heatmap's curves beside those of a centred blob and of random maps, with a verdict."""
    better = found.heatmap.insertion_area - found.heatmap.deletion_area
    blob = found.centre.insertion_area - found.centre.deletion_area
    chance = found.random.insertion_area - found.random.deletion_area
    values = {"own": f"{better:.3f}", "centre": f"{blob:.3f}", "random": f"{chance:.3f}"}
    if better > max(blob, chance):
        st.success(t("classify.worth.better", **values), icon=":material/check:")
    elif better > chance:
        st.info(t("classify.worth.centre", **values), icon=":material/adjust:")
    else:
        st.warning(t("classify.worth.random", **values), icon=":material/close:")
    for column, kind in zip(st.columns(2, gap="large"), ("deletion", "insertion"), strict=True):
        with column:
            drawn = [
                charts.Line(
                    t(f"classify.map.{name}") + f" · {getattr(getattr(found, name), kind + '_area'):.3f}",
                    getattr(getattr(found, name), kind),
                    role,
                )
                for name, role in (("heatmap", "main"), ("centre", "second"), ("random", "muted"))
            ]
            st.markdown(f"**{t(f'classify.{kind}.title')}**")
            charts.lines(
                found.fractions,
                drawn,
                key=f"classify_{kind}",
                x_title=t(f"classify.{kind}.axis"),
                y_title=t("classify.probability"),
                alt=t(f"classify.{kind}.alt", own=f"{getattr(found.heatmap, kind + '_area'):.3f}"),
            )
    st.caption(t("classify.worth.method"))


def maths(answer: Answer, chosen: str) -> None:
    """The formulas of the answer and of the heatmap, with the numbers of this very case under them."""
    if answer.model != "efficientnet_lite0":
        st.info(t("classify.maths.other"), icon=":material/functions:")
        return
    found = cache.arithmetic(answer.digest, answer.labels.index(chosen), answer.image)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(t("classify.maths.logit", name=label(answer.model, chosen)))
        st.latex(r"z_c = b_c + \sum_k w_{k,c}\,\frac{1}{49}\sum_{i,j} A^k_{i,j}")
        first = " + ".join(f"{weight:.3f} \\cdot {mean:.3f}" for _, weight, mean in found.strongest[:2])
        st.latex(
            rf"\begin{{aligned}} z_c &= {found.bias:.3f} + {first} + \dots \\ &= {found.recomputed:.3f} \end{{aligned}}"
        )
        difference = abs(found.recomputed - found.logit)
        st.caption(
            ":material/check_circle: "
            + t("classify.maths.check", network=f"{found.logit:.3f}", difference=f"{difference:.0e}")
        )
    with right:
        st.markdown(t("classify.maths.softmax"))
        st.latex(r"p_c = \frac{e^{z_c}}{\sum_j e^{z_j}}")
        share = float(answer.probabilities[answer.labels.index(chosen)])
        st.latex(rf"p_c = \frac{{e^{{{found.logit:.3f}}}}}{{{found.total:.1f}}} = {share:.4f}")
        st.markdown(t("classify.maths.cam"))
        st.latex(r"M_c(i,j) = \max\Big(0,\ \sum_k w_{k,c}\,A^k_{i,j}\Big)")
    st.markdown(t("classify.maths.strongest"))
    st.dataframe(
        {
            t("classify.maths.channel"): [f"{channel}" for channel, _, _ in found.strongest],
            t("classify.maths.weight"): [round(weight, 4) for _, weight, _ in found.strongest],
            t("classify.maths.mean"): [round(mean, 4) for _, _, mean in found.strongest],
            t("classify.maths.product"): [round(weight * mean, 4) for _, weight, mean in found.strongest],
        },
        hide_index=True,
    )


@frame.fragment
def many(model: str, shown: bool) -> None:
    """Several photos at once: a table with thumbnails, and a CSV; what was brought stays while it is not `shown`."""
    files = st.file_uploader(
        t("classify.many.upload", most=MOST_AT_ONCE),
        type=list(EXTENSIONS),
        accept_multiple_files=True,
        key="classify_many",
        max_upload_size=100,
    )
    if not files:
        st.caption(t("classify.many.empty"))
    if not files or not shown:
        return
    if len(files) > MOST_AT_ONCE:
        st.warning(t("classify.many.too_many", count=len(files), most=MOST_AT_ONCE))
    rows = []
    bar = st.progress(0.0, t("classify.many.reading"))
    chosen = files[:MOST_AT_ONCE]
    for position, file in enumerate(chosen):
        rows.append(_row(model, file))
        bar.progress((position + 1) / len(chosen), t("classify.many.reading"))
    bar.empty()
    columns = ("photo", "file", "first", "probability", "second", "unsure", "problem")
    table = {t(f"classify.many.{name}"): [row[name] for row in rows] for name in columns}
    st.dataframe(
        table,
        hide_index=True,
        row_height=64,
        column_config={
            t("classify.many.photo"): st.column_config.ImageColumn(width="small"),
            t("classify.many.probability"): st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1, color=style.accent()
            ),
            t("classify.many.unsure"): st.column_config.NumberColumn(format="%.2f"),
        },
    )
    st.download_button(
        t("classify.many.download"),
        csv_of(rows),
        "glassbox.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _row(model: str, file: uploads.Brought) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(
        ("photo", "file", "first", "probability", "second", "unsure", "problem", "id"), None
    )
    row["file"] = file.name
    try:
        image = decode(uploads.contents(file))
    except GlassboxError as error:
        row["problem"] = sentence(error)
        return row
    probabilities = networks.classifier(model).predict([image])[0]
    first, second = (int(index) for index in np.argsort(-probabilities)[:2])
    labels = networks.model(model).labels
    row |= {
        "photo": thumbnail(image, side=96),
        "first": label(model, labels[first]),
        "probability": float(probabilities[first]),
        "second": label(model, labels[second]),
        "unsure": entropy(probabilities),
        "id": labels[first],
    }
    return row


def csv_of(rows: list[dict[str, object]]) -> bytes:
    """The table without its pictures, as UTF-8 that Excel recognises; no cell can be read as a formula."""
    text = io.StringIO()
    names = ("file", "id", "first", "probability", "second", "unsure", "problem")
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        safe = {
            name: f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
            for name, value in row.items()
        }
        writer.writerow(safe)
    return text.getvalue().encode("utf-8-sig")
