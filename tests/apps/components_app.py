"""Every component of `ui/components` on one page, for `tests/test_components.py`. `?lang=zh` speaks Chinese."""

import numpy as np
import streamlit as st

from ui import components

ZH = st.query_params.get("lang") == "zh"


def words(english: str, chinese: str) -> str:
    return chinese if ZH else english


def told(name: str, value: object) -> None:
    st.text(f"{name}: {value}")


st.session_state["runs"] = st.session_state.get("runs", 0) + 1
told("runs", st.session_state["runs"])
st.button("Run again")
if st.button("Set the marks"):
    st.session_state["marker"] = (5, 6)
    st.session_state["rectangle"] = (0.1, 0.2, 0.3, 0.4)
if st.button("Forget the marks"):
    st.session_state["marker"] = st.session_state["rectangle"] = None
small = st.toggle("Small photo")
shown = st.toggle("Shown", value=True)

rows, columns = np.mgrid[0:200, 0:300]
photo = np.stack([columns * 255 // 299, rows * 255 // 199, (columns + rows) % 256], axis=2).astype(np.uint8)
if small:
    photo = photo[:40, :60]
map_ = np.random.default_rng(0).integers(0, 256, (14, 14, 3)).astype(np.uint8)
heat = np.exp(-((np.mgrid[0:7, 0:7] - 3.0) ** 2).sum(axis=0) / 6).astype(np.float32)

kinds = {"plain": photo, "mirror": photo[:, ::-1], "negative": 255 - photo}
items = [
    components.GalleryItem(
        f"{name}{i}", f"{name} {i}", words(f"{name} picture", "图片"), components.thumbnail(picture)
    )
    for i in range(4)
    for name, picture in kinds.items()
]


def picked(id: str) -> None:
    st.session_state["chosen"] = id


clicked = components.gallery(
    items,
    key="gallery",
    alt=words("Samples", "示例图片"),
    selected=st.session_state.get("chosen"),
    on_pick=picked,
)
told("clicked", clicked)
told(
    "grid clicked",
    components.gallery(items[:5], key="grid", alt=words("A grid", "网格"), wrap=True, columns_hint=4),
)

components.compare(
    photo,
    255 - photo,
    key="compare",
    label_before=words("before", "处理前"),
    label_after=words("after", "处理后"),
    alt=words("The photo and its negative", "照片与其反相"),
)
components.overlay(
    photo,
    heat,
    key="overlay",
    alt=words("A photo", "照片"),
    label=words("Heatmap", "热力图"),
    legend_low=words("little", "影响小"),
    legend_high=words("much", "影响大"),
    photo_only=words("Photo only", "只看照片"),
)
if shown:
    point = components.pick_point(
        photo,
        key="point",
        alt=words("Choose a pixel", "选择一个像素"),
        marker=st.session_state.get("marker"),
        hint=words("Click, or use the arrow keys and Enter.", "点击，或用方向键和回车键选择。"),
    )
    told("point", point)
told("cell", components.pick_point(map_, key="cell", alt=words("A map", "特征图"), pixelated=True))
told("patch", components.pick_point(photo, key="patch", alt=words("Patches", "图块"), grid=(6, 4)))
rectangle = components.pick_rectangle(
    photo,
    key="rectangle",
    alt=words("Draw a rectangle", "画一个矩形"),
    rectangle=st.session_state.get("rectangle"),
)
told("rectangle", rectangle)
st.text_input("Writing")
pasted = None
if shown:
    pasted = components.paste_image(
        key="paste",
        label=words("Paste a picture (Ctrl+V)", "粘贴图片（Ctrl+V）"),
        error_text=words("That is not a picture.", "剪贴板里没有图片。"),
        max_bytes=400_000,
    )
told("pasted", pasted and f"{len(pasted)} bytes {pasted[:3].hex()}")
if pasted:
    from io import BytesIO

    from PIL import Image

    told("size", Image.open(BytesIO(pasted)).size)
components.copy_link(words("Copy link", "复制链接"), words("Copied", "已复制"), key="link")
