"""The lesson: a small locked-image tuning, live, as an iterator of events.

The image tower is the app's own, its features computed once. The text tower is a small one (`SmallTower`): word
vectors of the pretrained Transformer of the sentiment page, which has read texts and never seen a picture, a
projection, and a layer of its own. It learns from captioned pictures and from 900 classes, whose rows of the
classifier stand for their pictures; 100 classes are left out and asked for.

What is locked makes the three lessons: see `core.lit.types.Lock`. "Text tower tuned" means here that the word
vectors and the layer learn beside the projection.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from core import memory
from core.errors import GlassboxError
from core.imaging import decode
from core.language import pretrained
from core.language.threads import one_thread
from core.lit import pairs as sources
from core.lit import towers
from core.lit.contrast import Adam, SmallTower, matrix_loss
from core.lit.pairs import Pair
from core.lit.types import LessonEvent, LessonFinished, LessonStarted, LessonStep, Lock
from core.tuning.types import Progress, Stop
from core.types import Floats, Image
from core.vision import efficientnet
from core.vision.models import lite

STEPS: Mapping[Lock, int] = {"image": 150, "both": 150, "none": 30}
CLASSES, PICTURES = 96, 16  # of a batch
UNLOCKED_PICTURES = 2  # of a batch with the image tower unlocked: what a worker has room for
PROBES = 3  # views of a picture by which is told what the unlocked tower still knows
SHOWN = 8  # pictures and captions of the matrix
SECONDS: Mapping[Lock, float] = {"image": 10.0, "both": 8.0, "none": 60.0}  # about, for the queue
VIEWS = 8  # of a picture: the centre, and others cut out at random
RATES = {"K": 4e-3, "b": 1e-3, "log scale": 1e-2, "dV": 4e-3, "A": 2e-3, "a": 2e-3, "B": 2e-3}
DECAY = 0.02


class _Texts:
    """Texts as shares of words, and the vectors of these words."""

    def __init__(self, texts: Sequence[str]) -> None:
        model = pretrained.load()
        ids = {text: model.readable(text)[: towers.READ] for text in dict.fromkeys(texts)}
        used = np.unique(np.concatenate(list(ids.values())))
        self.words = tuple(model.tokenizer.piece(int(id)) for id in used)
        self.vectors = model.embed(used.astype(np.int32))
        self._shares = {}
        for text, own in ids.items():
            places, counts = np.unique(np.searchsorted(used, own), return_counts=True)
            self._shares[text] = places, (counts / len(own)).astype(np.float32)

    def bags(self, texts: Sequence[str]) -> Floats:
        """(n, words): how much of each text each word is."""
        found = np.zeros((len(texts), len(self.words)), np.float32)
        for row, text in enumerate(texts):
            places, shares = self._shares[text]
            found[row, places] = shares
        return found


def embed(finished: LessonFinished, texts: Sequence[str]) -> Floats:
    """Unit rows (n, 1280) of texts, by the tower that a lesson ended with.

    A word that was not in the lesson has the vector that the Transformer gave it before.

    Raises:
        GlassboxError: there is nothing to read in a text.
    """
    own = _Texts(texts)
    tower = SmallTower(own.vectors, towers.WIDTH, told_from=finished.told_from)
    _take(tower, own.words, finished)
    return tower.embed(own.bags(texts))


class _Lesson:
    """What one lesson works on."""

    def __init__(
        self, pairs: Sequence[Pair], lock: Lock, seed: int, begin: LessonFinished | None = None
    ) -> None:
        self.pairs, self.lock = pairs, lock
        self.random = np.random.default_rng(seed)
        self.images = [decode(pair.image) for pair in pairs]
        self.rows = sources.rows()
        learned, out = (np.array(places) for places in sources.split())
        self.learned, self.out = learned, out
        labels = efficientnet.labels()
        self.names = {
            language: [sources.class_name(label, language) for label in labels]
            for language in sources.LANGUAGES
        }
        captions = [caption for pair in pairs for caption in (*pair.captions, pair.shown)]
        self.texts = _Texts([*(name for names in self.names.values() for name in names), *captions])
        told_from = begin.told_from if begin else None
        self.tower = SmallTower(self.texts.vectors, towers.WIDTH, seed, told_from=told_from)
        if begin is not None:
            _take(self.tower, self.texts.words, begin)
        self.adam = Adam(self.tower.weights, RATES, DECAY)
        self.shown_bags = self.texts.bags([pair.shown for pair in pairs])
        self.out_bags = {
            language: self.texts.bags([names[place] for place in out])
            for language, names in self.names.items()
        }

    def batch(self, views: Floats) -> tuple[Floats, Floats, np.ndarray]:
        """Bags (n, words) and image embeddings (n, 1280), the pictures first; and which pictures they are."""
        most = UNLOCKED_PICTURES if self.lock == "none" else PICTURES
        chosen = self.random.permutation(len(self.pairs))[:most]
        classes = self.random.choice(self.learned, CLASSES, replace=False)
        captions = [self.random.choice(np.array(self.pairs[one].captions, object)) for one in chosen]
        language = sources.LANGUAGES[int(self.random.integers(2))]
        names = [self.names[language][one] for one in classes]
        view = self.random.integers(views.shape[1], size=len(chosen))
        return (
            self.texts.bags([*captions, *names]),
            np.concatenate([views[chosen, view], self.rows[classes]]),
            chosen,
        )

    def told(
        self, step: int, loss: float, images: Floats, agreement: float, times: Sequence[float]
    ) -> LessonStep:
        """The state of the lesson as an event; `images` are the pictures' embeddings as they are now."""
        cosines = images @ self.tower.embed(self.shown_bags).T
        matrix = cosines[:SHOWN, :SHOWN]
        rows = self.rows[self.out]
        right = [
            float(((rows @ self.tower.embed(bags).T).argmax(axis=1) == np.arange(len(rows))).mean())
            for bags in self.out_bags.values()
        ]
        return LessonStep(
            step=step,
            loss=loss,
            matrix=matrix,
            scale=self.tower.scale,
            matrix_loss=matrix_loss(matrix, self.tower.scale)[0],
            zero_shot=float(np.mean(right)),
            chance=1 / len(rows),
            pictures=float((cosines.argmax(axis=1) == np.arange(len(cosines))).mean()),
            agreement=agreement,
            milliseconds=1000 * float(np.median(times)) if len(times) else 0.0,
        )


def views(image: Image, count: int, random: np.random.Generator) -> list[Image]:
    """The picture as the tower sees it, and other parts of it at random, some mirrored: (224, 224, 3) uint8."""
    found = [efficientnet.PREPARATION.pixels(image)]
    height, width = image.shape[:2]
    while len(found) < count:
        side = max(1, int(random.uniform(0.5, 1.0) * min(height, width)))
        top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
        part = efficientnet.PREPARATION.pixels(image[top : top + side, left : left + side])
        found.append(np.ascontiguousarray(part[:, ::-1]) if random.random() < 0.5 else part)
    return found


def lesson(
    pairs: Sequence[Pair],
    lock: Lock = "image",
    *,
    steps: int | None = None,
    seed: int = 0,
    begin: LessonFinished | None = None,
) -> Iterator[LessonEvent | Progress]:
    """Tune on captioned pictures and on classes: yields `LessonStarted`, `LessonStep`s, last `LessonFinished`.

    Every event is a place to stop: a `core.tuning.types.Stop` thrown in ends it with what it has. The same
    pairs, seed and machine give the same numbers. In `core.tuning.queue`, submit "core.lit.lesson:lesson".

    Args:
        pairs: from 2 to 64 pictures with captions.
        lock: what does not learn.
        steps: at most; `STEPS[lock]` if not given.
        begin: the end of an earlier lesson, to tune on from.

    Raises:
        GlassboxError: too few or too many pairs, a picture or a caption that cannot be read.
    """
    if not 2 <= len(pairs) <= sources.MOST_PAIRS:
        raise GlassboxError("lit.error.pairs", got=len(pairs), most=sources.MOST_PAIRS)
    return _taught(tuple(pairs), lock, STEPS[lock] if steps is None else steps, seed, begin)


def _taught(
    pairs: tuple[Pair, ...], lock: Lock, steps: int, seed: int, begin: LessonFinished | None
) -> Iterator[LessonEvent | Progress]:
    started = time.monotonic()
    yield Progress("lit.stage.features", 0, len(pairs))
    state = _Lesson(pairs, lock, seed, begin)
    pixels = [views(image, VIEWS, state.random) for image in state.images]
    seen = np.stack([[lite().features(one) for one in several] for several in pixels])
    embedded = towers.placed(seen.reshape(-1, towers.WIDTH)).reshape(seen.shape)  # (pairs, views, 1280)
    unlocked: Any = None
    if lock == "none":
        yield Progress("lit.stage.tensorflow", 0, 1)
        memory.drop(models=True)  # the Transformer has given its word vectors; TensorFlow needs the room
        from core.lit.unlocked import UnlockedTower

        unlocked = UnlockedTower(
            np.stack([several[0] for several in pixels]),
            np.concatenate([several[:PROBES] for several in pixels]),
        )
        del pixels
    yield LessonStarted(
        lock,
        steps,
        tuple(pair.name for pair in pairs[:SHOWN]),
        tuple(pair.shown for pair in pairs[:SHOWN]),
        len(pairs),
        len(state.learned),
        len(state.out),
    )
    history: list[LessonStep] = []
    stopped: Literal["done", "by_visitor"] = "done"
    losses: list[float] = []
    times: list[float] = []
    images = embedded[:, 0]
    every = max(1, steps // 30)
    try:
        bags, batch, _ = state.batch(embedded)
        first = state.tower.gradients(bags, batch, True)[0].loss
        history.append(state.told(0, first, images, 1.0, ()))
        yield history[-1]
        for step in range(1, steps + 1):
            begun = time.perf_counter()
            losses.append(_step(state, embedded, unlocked, _share(step - 1, steps)))
            times.append(time.perf_counter() - begun)
            if step % every == 0 or step == steps:
                agreement = 1.0
                if unlocked is not None:
                    images, agreement = unlocked.pictures(), unlocked.agreement()
                history.append(state.told(step, float(np.mean(losses)), images, agreement, times))
                losses, times = [], []
                yield history[-1]
                yield Progress("lit.stage.tuning", step, steps)
    except Stop:
        stopped = "by_visitor"
    last = history[-1] if history else state.told(0, math.nan, images, 1.0, ())
    yield LessonFinished(
        last,
        tuple(history),
        stopped,
        time.monotonic() - started,
        dict(state.tower.weights),
        state.texts.words,
        state.tower.told_from,
    )


def _share(step: int, steps: int) -> float:
    """The share of the learning rate: up over the first tenth, then down as a cosine."""
    done = step / max(steps, 1)
    return min(1.0, (step + 1) / (0.1 * steps + 1)) * 0.5 * (1 + math.cos(math.pi * done))


@one_thread()
def _step(state: _Lesson, embedded: Floats, unlocked: Any, share: float) -> float:
    """One step of whatever is not locked; the loss of its batch."""
    bags, images, chosen = state.batch(embedded)
    if unlocked is not None:
        images[: len(chosen)] = unlocked.embed(chosen)
    found, slopes = state.tower.gradients(bags, images, locked=state.lock == "both")
    state.adam.step(slopes, share)
    if unlocked is not None:
        unlocked.learn(found.to_images[: len(chosen)], share)
    return found.loss


def _take(tower: SmallTower, words: Sequence[str], begin: LessonFinished) -> None:
    """What an earlier lesson learned; words that it did not have stay as they are."""
    place = {word: row for row, word in enumerate(begin.words)}
    for name, values in begin.weights.items():
        if name != "dV":
            tower.weights[name] = np.array(values, np.float32)
    for row, word in enumerate(words):
        if word in place:
            tower.weights["dV"][row] = begin.weights["dV"][place[word]]
