"""The arithmetic of one number, with the network's own beside it; a kernel to change; a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import streamlit as st

from core.types import Floats, Image
from core.vision.arithmetic import Arithmetic, edited, kernel_of, latex
from core.vision.structure import ELEMENTWISE
from ui import cache, inside, state, style
from ui import inside_pictures as pictures
from ui.components import compare, fingerprint, pick_point
from ui.components.kernel_editor import kernel_editor
from ui.components.products import Block, products
from ui.inside import POINTWISE, Look, named, short
from ui.inside_network import channel_name
from ui.words import t

MOST_CELLS = 81  # of a patch whose numbers are shown
ONE_BY_ONE = 8  # input channels that are shown where each adds one product
TERMS = 4  # of the sum that are written out
CHANNELS = 3  # and where each adds more


def one_number(look: Look) -> None:
    """A position of the map, where it looks on the photo, and how its number comes about."""
    left, right = st.columns([7, 15], gap="large")
    with left:
        look = _position(look)
    steps = chain(look)
    with left:
        _seen(look, steps[-1])
    with right:
        _head(look, steps)
        for place, step in enumerate(steps):
            _step(look, step, place, len(steps))


def _position(look: Look) -> Look:
    """The map large, its pixels as squares; a click chooses one."""
    values = look.map
    row, column = look.pixel
    if values.shape == (1, 1):
        st.markdown(t("feature_maps.arithmetic.vector"))
        return look
    picked = pick_point(
        pictures.coloured(values, pictures.scale_of(values), pictures.limit_of(values)),
        key="inside_pixel",
        alt=t("feature_maps.pixel.alt", layer=short(look.layer), index=look.channel),
        marker=(column, row),
        pixelated=True,
        coordinates=t("feature_maps.pixel.at"),
        hint=t("feature_maps.pixel.hint"),
        digest=f"{look.photo.digest} {look.network.key} {look.layer} {look.channel}",
    )
    if picked is not None and (picked[1], picked[0]) != look.pixel:
        inside.choose_pixel(look.network, picked[1], picked[0])
        state.to_url("pixel", f"{picked[1]}-{picked[0]}")
        look = replace(look, pixel=(picked[1], picked[0]))
    return look


def chain(look: Look) -> list[Arithmetic]:
    """The number's arithmetic, and before it that of the numbers it is made of one by one."""
    network, position = look.network, (*look.pixel, look.channel)
    return [
        cache.inside_position(network.key, look.photo.digest, layer, position, network.model, look.image)
        for layer in inside.way(network.graph, look.layer)
    ]


def _seen(look: Look, step: Arithmetic) -> None:
    """The receptive field on the photo, and what is inside it."""
    if step.box is None:
        st.caption(t("feature_maps.seen.none"))
        return
    left, top, right, bottom = step.box
    height, width = look.image.shape[:2]
    whole, inner = st.columns([3, 2], vertical_alignment="top", wrap=False)
    with whole:
        st.image(
            pictures.photo(framed(look.image, step.box)), alt=t("feature_maps.seen.alt"), width="stretch"
        )
    x, y = max(int(left), 0), max(int(top), 0)
    crop = look.image[y : min(int(np.ceil(bottom)), height), x : min(int(np.ceil(right)), width)]
    with inner:
        if crop.size:
            st.image(pictures.photo(_squares(crop)), alt=t("feature_maps.seen.crop"), width="stretch")
    seen = step.seen or (0, 0, 0, 0)
    st.caption(t("feature_maps.seen", width=seen[2] - seen[0], height=seen[3] - seen[1]))


def framed(image: Image, box: tuple[float, float, float, float]) -> Image:
    """A photo at most 512 pixels wide with the box drawn on it, the rest darker."""
    scale = min(1.0, 512 / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image.copy()
    left, top, right, bottom = (round(at * scale) for at in box)
    dimmed = (small * 0.45 + 20).astype(np.uint8)
    x, y = slice(max(left, 0), max(right, left + 1)), slice(max(top, 0), max(bottom, top + 1))
    dimmed[y, x] = small[y, x]
    margin = 3 if right - left < 12 else 0  # a frame around a few pixels would cover them
    colour = tuple(int(style.accent()[at : at + 2], 16) for at in (1, 3, 5))
    cv2.rectangle(dimmed, (left - margin - 1, top - margin - 1), (right + margin, bottom + margin), colour, 2)
    return np.asarray(dimmed)


def _squares(crop: Image) -> Image:
    """A crop enlarged without smoothing, so that its pixels are seen where there are few."""
    times = max(1, 160 // max(crop.shape[:2]))
    return np.ascontiguousarray(crop.repeat(times, axis=0).repeat(times, axis=1))


def _head(look: Look, steps: list[Arithmetic]) -> None:
    """The result first: the network's own number, and whether ours is the same."""
    last = steps[-1]
    name = f"{short(look.layer)} · {channel_name(look.network, look.layer, look.channel)}"
    row, column = look.pixel
    where = "" if look.map.shape == (1, 1) else t("feature_maps.at", row=row, column=column)
    st.markdown(f"#### {name}{where} = {pictures.number(last.network)}")
    if last.value is not None and all(step.agrees for step in steps if step.value is not None):
        st.success(
            t(
                "feature_maps.agrees",
                network=f"{last.network:.6g}".replace("-", "−"),
                value=f"{last.value:.6g}".replace("-", "−"),
                difference=pictures.tiny(last.difference),
                tolerance=pictures.tiny(last.tolerance),
            ),
            icon=":material/check_circle:",
        )
    elif last.value is None:
        st.info(t("arithmetic.other.about"), icon=":material/help:")
    else:
        st.error(
            t(
                "feature_maps.disagrees",
                network=f"{last.network:.6g}",
                value=f"{last.value:.6g}",
                difference=pictures.tiny(last.difference),
                tolerance=pictures.tiny(last.tolerance),
            ),
            icon=":material/cancel:",
        )


def _step(look: Look, step: Arithmetic, place: int, count: int) -> None:
    """One layer's part in the number."""
    number = f"{place + 1}. " if count > 1 else ""
    tick = ":green[:material/check:]" if step.agrees else ""
    st.markdown(
        f"**{number}{named(step.kind)}** · {short(step.layer)} {tick}",
        help=t(f"arithmetic.{step.kind}.about"),
    )
    st.latex(t(step.formula))
    _numbers(look, step)
    st.latex(t(step.numbers, **step.latex))


def _numbers(look: Look, step: Arithmetic) -> None:
    """The patch, the kernel and the products, of the input channels that add most."""
    rows, columns = step.patch.shape[:2]
    if step.kind in POINTWISE or step.kind == "other" or rows * columns > MOST_CELLS:
        return
    order = _order(step)
    many = rows * columns > 1
    shown = order[: CHANNELS if many else ONE_BY_ONE]
    patch = step.patch[..., shown]
    scale, limit = pictures.scale_of(patch), pictures.limit_of(patch)
    kernel_limit = 1.0 if step.kernel is None else pictures.limit_of(step.kernel[..., shown])
    product_limit = 1.0 if step.products is None else pictures.limit_of(step.products[..., shown])
    blocks = []
    for index in shown:
        source, channel = _origin(step, index), step.channels[index]
        title = f"{short(source)} · {channel_name(look.network, source, channel)}" if source else ""
        values = step.patch[..., index]
        block = Block(title, pictures.cells(values, scale, limit, step.padded.tolist()))
        if step.kernel is not None and step.products is not None and step.partial is not None:
            block = block._replace(
                kernel=pictures.cells(step.kernel[..., index], "signed", kernel_limit),
                products=pictures.cells(step.products[..., index], "signed", product_limit),
                total=_total(step, index) if many and len(order) > 1 else "",
            )
        elif step.kind in ("max_pooling", "global_max_pooling"):
            masked = np.where(step.padded, -np.inf, values)
            best = np.unravel_index(int(masked.argmax()), masked.shape)
            block = block._replace(marked=(int(best[0]), int(best[1])))
        blocks.append(block)
    others = ""
    left = order[len(shown) :]
    if left and step.partial is not None:
        value = pictures.number(float(_sums(step)[left].sum()))
        others = t("feature_maps.products.rest", count=f"{len(left):,}", value=value)
    elif left:
        others = t("feature_maps.products.more", count=f"{len(left):,}")
    words = {name: t(f"feature_maps.products.{name}") for name in ("patch", "kernel", "product")}
    products(
        blocks,
        key=f"inside_products_{step.kind}",
        alt=t("feature_maps.products.alt", layer=short(step.layer)),
        words=words,
        rest=others,
    )
    if step.partial is not None and len(order) > 1:
        sums = _sums(step)
        told = order[:TERMS]
        terms = [latex(float(sums[index]), 3) for index in told]
        if len(order) > len(told):
            rest = latex(float(sums[order[len(told) :]].sum()), 3)
            terms.append(rf"\underbrace{{{rest}}}_{{\ldots}}")
        st.latex(rf"\sum = {' + '.join(terms)} = {latex(step.total)}")


def _origin(step: Arithmetic, index: int) -> str:
    """The layer that the patch's channel at `index` comes from; "" if that is not told."""
    if step.kind in ELEMENTWISE:  # an operand each; one that is used twice or constant is not told apart
        return step.sources[index] if len(step.sources) == len(step.channels) else ""
    if step.kind == "concatenate":
        return step.sources[int(step.terms["input"]) - 1] if len(step.sources) > 1 else ""
    return step.sources[0] if step.sources else ""


def _total(step: Arithmetic, index: int) -> str:
    """What a channel's products add up to; in a separable convolution, what that is weighted with."""
    assert step.partial is not None
    total = f"Σ = {pictures.number(float(step.partial[index]))}"
    if step.weights is None:
        return total
    weight, value = float(step.weights[index]), float(_sums(step)[index])
    return f"{total} · {pictures.number(weight)} = {pictures.number(value)}"


def _sums(step: Arithmetic) -> Floats:
    """What each input channel adds."""
    assert step.partial is not None
    return step.partial if step.weights is None else step.partial * step.weights


def _order(step: Arithmetic) -> list[int]:
    """Places of the input channels, the largest share first; three or fewer stay as they are."""
    count = step.patch.shape[2]
    if count <= CHANNELS:
        return list(range(count))
    if step.kind == "softmax":  # the number's own logit, then the largest ones
        told = np.where(np.arange(count) == step.position[2], np.inf, step.patch[0, 0])
    else:
        told = np.abs(_sums(step)) if step.partial is not None else np.abs(step.patch).sum((0, 1))
    return [int(index) for index in np.argsort(-told, kind="stable")]


# --- another kernel --------------------------------------------------------------------------------


def another_kernel(look: Look) -> None:
    """The weights of the convolution behind the chosen map, to be changed; the map before and after."""
    steps = chain(look)
    root = steps[0]
    if root.kind not in ("convolution", "depthwise_convolution") or root.kernel is None:
        st.info(t("feature_maps.kernel.none"), icon=":material/grid_off:")
        return
    node = look.network.graph.node(root.layer)
    own, own_bias = kernel_of(node, look.channel)
    kept: dict[str, Any] = state.visit().kept.setdefault("inside_kernel", {})
    name = (look.network.key, root.layer, look.channel)
    if kept.get("name") != name:
        kept.clear()
        kept.update(name=name, kernel=own.copy(), bias=own_bias)
    kernel: Floats = kept["kernel"]
    order = _order(root)
    shown = order[:8]
    fields, maps = st.columns([4, 7], gap="large")
    with fields:
        st.markdown(t("feature_maps.kernel.lead", layer=short(root.layer), index=look.channel))
        titles = {index: channel_name(look.network, root.sources[0], root.channels[index]) for index in shown}
        key = "inside_kernel_input"
        if st.session_state.get(key) not in shown:
            st.session_state[key] = shown[0]
        index = shown[0]
        if len(shown) > 1:
            index = st.selectbox(
                t("feature_maps.kernel.input"), shown, key=key, format_func=titles.__getitem__
            )

        def put(weights: Floats) -> None:
            fresh = kept["kernel"].copy()
            fresh[..., index] = weights
            kept["kernel"] = fresh

        kernel_editor(
            kernel[..., index],
            own[..., index],
            key="inside_kernel_editor",
            alt=t("feature_maps.kernel.alt"),
            cell=t("feature_maps.kernel.cell"),
            on_change=put,
        )
        with st.container(horizontal=True, key="inside_kernel_acts"):
            acts: Mapping[str, Floats] = {
                "zero": np.zeros_like(own[..., index]),
                "negative": -kernel[..., index],
                "turned": kernel[::-1, ::-1, index],
            }
            for act, weights in acts.items():
                if act == "turned" and weights.size == 1:
                    continue
                st.button(
                    t(f"feature_maps.kernel.{act}"), key=f"inside_kernel_{act}", on_click=put, args=(weights,)
                )
            st.button(
                t("feature_maps.kernel.reset"),
                key="inside_kernel_reset",
                icon=":material/restart_alt:",
                on_click=kept.clear,
                disabled=bool(np.array_equal(kernel, own)),
            )
    with maps:
        before = inside.layer_maps(look.network, look.photo.digest, look.image, root.layer)[..., look.channel]
        after = edited(look.network.model, look.image, root.layer, look.channel, kernel)
        scale, limit = pictures.scale_of(before, after), pictures.limit_of(before, after, share=99.8)
        pair = [_large(pictures.coloured(values, scale, limit)) for values in (before, after)]
        names = [f"{look.photo.digest} {fingerprint(image)}" for image in pair]  # they go with the photo
        compare(
            *pair,
            before_digest=names[0],
            after_digest=names[1],
            key="inside_kernel_compare",
            label_before=t("feature_maps.kernel.before"),
            label_after=t("feature_maps.kernel.after"),
            alt=t("feature_maps.kernel.compare"),
            pixelated=True,
        )
        row, column = look.pixel
        values = {
            "row": row,
            "column": column,
            "before": pictures.number(float(before[row, column])),
            "after": pictures.number(float(after[row, column])),
        }
        changed = int((np.abs(after - before) > 1e-4 * max(float(np.abs(before).mean()), 1e-9)).sum())
        if changed:
            st.markdown(t("feature_maps.kernel.changed", share=f"{changed / before.size:.0%}", **values))
        else:
            st.markdown(t("feature_maps.kernel.same", **values))


def _large(image: Image) -> Image:
    """A small map with its pixels repeated, so that it is sent without loss and shown as squares."""
    times = max(1, 120 // max(image.shape[:2]))
    return np.ascontiguousarray(image.repeat(times, axis=0).repeat(times, axis=1))
