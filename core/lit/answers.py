"""A picture against typed words: which fits, whether any does, and where in the picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from core import assets
from core.errors import GlassboxError
from core.lit import thumbnails, towers
from core.types import Floats, Image
from core.vision.explain import to_photo
from core.vision.lite import softmax

MOST_PROMPTS = 500
HOTTEST, COLDEST = 2.0, 0.001  # temperatures that are of use
GAP = "{}"  # where a template takes the prompt
TEMPLATES: Mapping[str, str] = {"en": "a photo of {}", "zh": "一张{}的照片"}
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


def default_temperature() -> float:
    """The temperature at which the probabilities of ten prompts are right as often as they say (in the card)."""
    return float(assets.read_json("lit", "card.json")["temperature"])


def none_similarity() -> float:
    """The similarity that "none of these" is given: see `none_of_these`."""
    return float(assets.read_json("lit", "card.json")["none_similarity"])


def filled(prompts: Sequence[str], template: str | None = None) -> list[str]:
    """The texts that are read: each prompt put into the template.

    Raises:
        GlassboxError: no prompts, too many, an empty one, or a template without exactly one `{}`.
    """
    if not prompts:
        raise GlassboxError("lit.error.no_prompts")
    if len(prompts) > MOST_PROMPTS:
        raise GlassboxError("lit.error.too_many", got=len(prompts), most=MOST_PROMPTS)
    for number, prompt in enumerate(prompts, 1):
        if not prompt.strip():
            raise GlassboxError("lit.error.empty", number=number)
    if template is None:
        return list(prompts)
    if template.count(GAP) != 1:
        raise GlassboxError("lit.error.template", template=towers.shortened(template))
    return [template.replace(GAP, prompt) for prompt in prompts]


def language_of(prompt: str) -> str:
    """The language whose template a prompt takes: "zh" if there is a Chinese character in it, else "en"."""
    return "zh" if _CHINESE.search(prompt) else "en"


def templated(prompts: Sequence[str], templates: Mapping[str, str]) -> list[str]:
    """The texts that are read: each prompt put into the template of its own language; an empty one adds nothing.

    Raises:
        GlassboxError: as `filled`.
    """
    found = []
    for prompt in prompts:
        template = templates.get(language_of(prompt), "").strip()
        found += filled([prompt], template or None)
    return found


def probabilities(cosines: Floats, temperature: float, none: bool = False) -> Floats:
    """The softmax of cosines (n,) over the temperature: (n,), or (n + 1,) with "none of these" at the end.

    Raises:
        GlassboxError: a temperature that is of no use.
    """
    if not COLDEST <= temperature <= HOTTEST:
        raise GlassboxError("lit.error.temperature", got=temperature, low=COLDEST, high=HOTTEST)
    found = np.append(cosines, np.float32(none_similarity())) if none else cosines
    return softmax(np.asarray(found, np.float32) / np.float32(temperature))


def similarities(image: Image, prompts: Sequence[str], template: str | None = None) -> Floats:
    """The cosine of the picture with each prompt: (n,), from -1 to 1.

    Raises:
        GlassboxError: as `filled` and `embed_texts`.
    """
    texts = towers.embed_texts(filled(prompts, template))
    return np.asarray(texts @ towers.embed_images([image])[0], np.float32)


def zero_shot(
    image: Image, prompts: Sequence[str], temperature: float | None = None, template: str | None = None
) -> Floats:
    """How probable each prompt is of the picture: softmax of the cosines over the temperature, (n,), sum 1.

    Args:
        image: (h, w, 3) uint8 of any size.
        prompts: words in Chinese or English, up to 500.
        temperature: the lower, the surer; the calibrated one if not given.
        template: a sentence with `{}` for the prompt, such as "a photo of a {}".

    Raises:
        GlassboxError: the prompts, the template or the temperature cannot be used.
    """
    if temperature is None:
        temperature = default_temperature()
    probabilities(np.zeros(1, np.float32), temperature)  # refused before anything is computed
    return probabilities(similarities(image, prompts, template), temperature)


def none_of_these(
    image: Image, prompts: Sequence[str], temperature: float | None = None, template: str | None = None
) -> Floats:
    """As `zero_shot`, with "none of these" as one more at the end: (n + 1,), sum 1.

    It takes part with a similarity of its own, the same for all pictures: the one that best parts photos whose
    name is among the prompts from photos whose name is not (measured by `training/lit.py`, in the card).

    Raises:
        GlassboxError: as `zero_shot`.
    """
    if temperature is None:
        temperature = default_temperature()
    probabilities(np.zeros(1, np.float32), temperature)  # refused before anything is computed
    return probabilities(similarities(image, prompts, template), temperature, none=True)


def matches(image: Image, prompt: str, template: str | None = None) -> Floats:
    """What each of the 49 places adds to the similarity of picture and prompt: (7, 7), the mean is the cosine.

    The features are the mean of the last maps over the places, so the cosine is the mean of
    `(map at the place - centre) . text / |features - centre|`: nothing is left over.

    Raises:
        GlassboxError: as `similarities`.
    """
    (text,) = towers.embed_texts(filled([prompt], template))
    return places(towers.maps(image), text)


def places(maps: Floats, text: Floats) -> Floats:
    """The same of the tower's last maps (7, 7, 1280) and a text's unit row (1280,): (7, 7)."""
    moved = maps - towers.centre()
    return np.asarray(moved @ text / np.linalg.norm(moved.mean(axis=(0, 1))), np.float32)


def where(image: Image, prompt: str, template: str | None = None) -> Floats:
    """Where in the picture the words matched: (h, w) float32 from 0 to 1, 0 outside of what the tower saw.

    Raises:
        GlassboxError: as `similarities`.
    """
    found = np.maximum(matches(image, prompt, template), 0)
    return to_photo(found, image, thumbnails.preparation(image))
