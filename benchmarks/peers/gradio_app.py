"""The same with Gradio: an image in, a label with its five bars out.

MODEL=efficientnet.keras LABELS=labels.json PORT=7860 python gradio_app.py
"""

import json
import os

import gradio as gr
import keras
import numpy as np
from PIL import Image, ImageOps

model = keras.models.load_model(os.environ["MODEL"])
with open(os.environ["LABELS"]) as file:
    labels = json.load(file)


def prepare(image):
    side = int(0.875 * min(image.size))
    image = ImageOps.fit(image, (side, side)).resize((224, 224), Image.Resampling.BICUBIC)
    return (np.asarray(image, np.float32)[None] - 127.0) / 128.0


def classify(image):
    if image is None:
        return None
    probabilities = model.predict(prepare(image), verbose=0)[0]
    return {label: float(probability) for label, probability in zip(labels, probabilities, strict=True)}


gr.Interface(
    classify,
    gr.Image(type="pil"),
    gr.Label(num_top_classes=5),
    live=True,  # answers at once; without it, the visitor would have to press a button
    title="Image classifier",
).launch(server_port=int(os.environ["PORT"]))
