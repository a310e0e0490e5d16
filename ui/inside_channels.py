"""The chosen layer's channels: a grid to choose from, one of them large over the photo and over another one."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from core.imaging.samples import samples
from core.types import Floats
from core.vision.statistics import ORDERS, Channels
from ui import inside, state
from ui import inside_pictures as pictures
from ui.components import overlay
from ui.components.channel_grid import Channel, channel_grid
from ui.inside import Look, shape_of, short
from ui.inside_network import channel_name
from ui.words import t

A_PAGE = 32
OTHER = "red_panda"


def channels(look: Look) -> None:
    """The grid at the left, the chosen channel at the right."""
    found = look.channels
    grid, large = st.columns([7, 5], gap="large")
    with grid:
        _grid(look, found)
    with large:
        _large(look, found)


def _grid(look: Look, found: Channels) -> None:
    count, silent = len(found.mean), len(found.silent)
    name = look.network.label(look.label_index)
    st.markdown(
        t(
            "feature_maps.channels.lead",
            layer=short(look.layer),
            count=f"{count:,}",
            shape=shape_of(look.node.shape),
            silent=f"{silent:,}",
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="inside_order_row"):
        state.remember("inside_order", "influence", options=ORDERS)
        order = st.selectbox(
            t("feature_maps.order"),
            ORDERS,
            key="inside_order",
            format_func=lambda by: t(f"feature_maps.order.{by}", name=name),
            on_change=state.keep,
            args=("inside_order",),
            width=260,
        )
        state.remember("inside_shared", True)
        shared = st.toggle(
            t("feature_maps.shared"),
            key="inside_shared",
            help=t("feature_maps.shared.help"),
            on_change=state.keep,
            args=("inside_shared",),
        )
        state.remember("inside_silent", False)
        with_silent = st.toggle(
            t("feature_maps.silent", count=f"{silent:,}"),
            key="inside_silent",
            disabled=not silent,
            help=t("feature_maps.silent.help"),
            on_change=state.keep,
            args=("inside_silent",),
        )
    hidden = set() if with_silent else set(found.silent)
    listed = [channel for channel in found.order(order) if channel not in hidden]
    pages = max(1, math.ceil(len(listed) / A_PAGE))
    key = f"inside_page {look.network.key} {look.layer} {order}"
    page = min(st.session_state.get(key, 1), pages)
    shown = listed[(page - 1) * A_PAGE : page * A_PAGE]
    maps = look.maps
    scale = pictures.scale_of(maps)
    shared_limit = pictures.limit_of(maps, share=pictures.MOST)
    items = []
    network, layer = look.network, look.layer  # what is called later holds neither photo nor maps
    for channel in shown:
        values = maps[..., channel]
        limit = shared_limit if shared else pictures.limit_of(values)
        told = _figure(found, order, channel)
        items.append(
            Channel(
                channel,
                f"{channel} · {told}",
                f"{channel_name(look.network, look.layer, channel)}: {told}",
                pictures.picture(values, scale, limit, 112),
            )
        )
    with st.container(key="inside_grid"):
        if items:
            channel_grid(
                items,
                key="inside_channels",
                alt=t("feature_maps.channels.alt"),
                selected=look.channel,
                pixelated=max(maps.shape[:2]) < 64,
                on_pick=lambda channel: inside.choose_map(network, layer, channel),
            )
        else:
            st.info(t("feature_maps.all_silent"), icon=":material/volume_off:")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if pages > 1:
            st.pagination(pages, key=key, max_visible_pages=5)
        high = "≥ " + pictures.number(shared_limit) if shared else t("feature_maps.own_largest")
        low = ("≤ −" + pictures.number(shared_limit) if shared else "−") if scale == "signed" else "0"
        st.caption(t("feature_maps.scale", low=low, high=high, scale=t(f"feature_maps.scale.{scale}")))


def _figure(found: Channels, order: str, channel: int) -> str:
    """The number by which the channels are sorted."""
    if order == "sparsity":
        return f"{found.sparsity[channel]:.0%}"
    if order == "influence":
        return f"{found.influence[channel]:+.2g}".replace("-", "−")
    return pictures.number(float(found.mean[channel]))


def _large(look: Look, found: Channels) -> None:
    values = look.map
    name = channel_name(look.network, look.layer, look.channel)
    limit = pictures.limit_of(values)
    st.markdown(
        t(
            "feature_maps.large",
            name=f"{short(look.layer)} · {name}",
            mean=pictures.number(float(found.mean[look.channel])),
            largest=pictures.number(float(found.largest[look.channel])),
            sparsity=f"{found.sparsity[look.channel]:.0%}",
        )
    )
    if values.shape == (1, 1):
        st.info(t("feature_maps.vector"), icon=":material/straighten:")
        return
    _over(look, look.photo, values, limit, "inside_overlay")
    names = [sample for sample in samples() if sample != look.photo.sample]
    state.remember("inside_other", OTHER if OTHER in names else names[0], options=names)
    other = st.selectbox(
        t("feature_maps.other"),
        names,
        key="inside_other",
        format_func=lambda sample: t(f"sample.{sample}"),
        on_change=state.keep,
        args=("inside_other",),
    )
    photo = state.photo_of(samples()[other].read(), other, sample=other)
    there = inside.layer_maps(look.network, photo.digest, photo.image, look.layer)[..., look.channel]
    _over(look, photo, there, pictures.limit_of(values, there), "inside_overlay_other")
    here, elsewhere = float(np.abs(values).mean()), float(np.abs(there).mean())
    st.caption(
        t(
            "feature_maps.other.told",
            here=pictures.number(here),
            there=pictures.number(elsewhere),
            name=t(f"sample.{other}"),
        )
    )


def _over(look: Look, photo: state.Photo, values: Floats, limit: float, key: str) -> None:
    scale = pictures.scale_of(values)
    end = pictures.number(limit)
    image = photo.image
    overlay(
        image,
        values / limit,
        key=key,
        alt=t("feature_maps.overlay.alt", index=look.channel, layer=short(look.layer)),
        label=t("feature_maps.opacity"),
        legend_low=f"−{end}" if scale == "signed" else "0",
        legend_high=end,
        photo_only=t("feature_maps.photo_only"),
        opacity=0.7,
        scale=scale,
        smooth=False,
        seen=look.network.model.preparation.box(image),
        image_digest=photo.digest,
    )
