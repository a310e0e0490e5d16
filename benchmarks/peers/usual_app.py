"""The image classifier that most people would write with Streamlit: `model.predict` and a matplotlib bar chart.

MODEL=efficientnet.keras LABELS=labels.json streamlit run usual_app.py
"""

import json
import os

import keras
import matplotlib.pyplot as plt
import numpy as np
import streamlit as st
from PIL import Image, ImageOps

st.set_page_config(page_title="Image classifier")


@st.cache_resource
def load():
    model = keras.models.load_model(os.environ["MODEL"])
    with open(os.environ["LABELS"]) as file:
        labels = json.load(file)
    return model, labels


def prepare(image):
    side = int(0.875 * min(image.size))
    image = ImageOps.fit(image, (side, side)).resize((224, 224), Image.Resampling.BICUBIC)
    return (np.asarray(image, np.float32)[None] - 127.0) / 128.0


st.title("Image classifier")
model, labels = load()
file = st.file_uploader("Choose an image", type=["jpg", "jpeg", "png"])
if file is not None:
    image = Image.open(file).convert("RGB")
    st.image(image, caption="Your image")
    probabilities = model.predict(prepare(image), verbose=0)[0]
    top = np.argsort(probabilities)[::-1][:5]
    st.subheader(f"{labels[top[0]]}: {probabilities[top[0]]:.1%}")
    figure, axes = plt.subplots(figsize=(6, 3))
    axes.barh([labels[i] for i in top[::-1]], probabilities[top[::-1]])
    axes.set_xlabel("probability")
    axes.set_xlim(0, 1)
    figure.tight_layout()
    st.pyplot(figure)
