"""Train one here: a small model learns a visitor's text, character by character, as an iterator of events.

The last tenth of the text is held out. A sample every few seconds shows the way from noise to words; the
n-gram model of the same text is counted in a moment, and its bits per character are the line to get below.
The weights that did best on the held-out tenth are kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from core.errors import GlassboxError
from core.language.generation import decoder, gru, ngram
from core.language.generation.models import make
from core.language.generation.sampling import Sampling
from core.language.generation.surprise import bits_of
from core.language.generation.types import LanguageModel
from core.language.generation.vocabulary import Characters
from core.language.generation.writing import Ended, generate, prompt
from core.language.shipped import get_weights
from core.language.types import Ids
from core.tuning.types import Progress, Stop
from core.types import Floats, ModelCard

SHORTEST, LONGEST = 1_000, 300_000  # characters; what is beyond is left out
MOST_CHARACTERS = 3_000  # different ones; the rarest beyond are the unknown token
CONTEXT = 64  # characters in sight
BATCH = 32  # stretches of the text a step
STEPS = 600
ORDER = 5  # of the n-grams
SAMPLE_SECONDS, SAMPLE_CHARACTERS = 4.0, 160
PATIENCE = 8  # looks at the held-out text without a better one, after which it ends
DROPOUT = 0.15
RATE, WARM_UP = 3e-3, 30
SHAPES: dict[str, tuple[int, int]] = {
    "transformer": (128, 3),
    "gru": (96, 256),
}  # width and layers; width and units


@dataclass(frozen=True)
class Learned:
    """A model that learned a text, as plain data: enough to build it again, and the n-gram beside it."""

    kind: Literal["gru", "transformer"]
    characters: str  # of the vocabulary
    weights: Mapping[str, Floats] = field(repr=False)
    ngram: Mapping[str, Any] = field(repr=False)  # arrays, see `ngram.to_arrays`
    figures: Mapping[str, float]


@dataclass(frozen=True)
class LessonStarted:
    """What is going to be learned, and the line to get below."""

    kind: Literal["gru", "transformer"]
    characters: int  # that are learned from
    held_out: int
    left_out: int  # beyond `LONGEST`
    different: int  # characters of the vocabulary
    parameters: int
    steps: int  # at most
    ngram_bits: float  # bits per character of the held-out text, by the n-gram
    chance_bits: float  # of guessing


@dataclass(frozen=True)
class LessonStep:
    """A look at the learning: bits per character."""

    step: int
    seconds: float  # since the lesson began to learn
    bits: float  # of the last batches
    held_out_bits: float
    best: bool


@dataclass(frozen=True)
class LessonSample:
    """What the model writes by now."""

    step: int
    seconds: float
    text: str


@dataclass(frozen=True)
class LessonFinished:
    """The last event: the model that did best on the held-out text."""

    learned: Learned
    history: tuple[LessonStep, ...]
    samples: tuple[LessonSample, ...]
    stopped: Literal["done", "early", "by_visitor", "time"]
    seconds: float


LessonEvent: TypeAlias = LessonStarted | LessonStep | LessonSample | LessonFinished


def lesson(
    text: str,
    kind: Literal["gru", "transformer"] = "transformer",
    *,
    steps: int = STEPS,
    longest: float = 120.0,
    seed: int = 0,
) -> Iterator[LessonEvent | Progress]:
    """Learn a text: yields `LessonStarted`, `LessonStep`s and `LessonSample`s, last `LessonFinished`.

    Every event is a place to stop: a `core.tuning.types.Stop` thrown in ends it with what it has. In
    `core.tuning.queue`, submit "core.language.generation.lesson:lesson".

    Args:
        text: to learn from, at least `SHORTEST` characters of it.
        kind: of network.
        steps: at most.
        longest: seconds at most; on a slow machine it learns less and still comes to rest.
        seed: of the first weights and the stretches that are read.

    Raises:
        GlassboxError: `language_model.error.too_short`.
    """
    shown = "".join(one for one in text.replace("\r\n", "\n") if one.isprintable() or one in "\n\t")
    if len(shown.strip()) < SHORTEST:
        raise GlassboxError("language_model.error.too_short", got=len(shown.strip()), least=SHORTEST)
    return _taught(shown[:LONGEST], len(shown) - len(shown[:LONGEST]), kind, steps, longest, seed)


def _taught(
    text: str, left_out: int, kind: Literal["gru", "transformer"], steps: int, longest: float, seed: int
) -> Iterator[LessonEvent | Progress]:
    begun = time.monotonic()
    yield Progress("language_model.stage.counting", 0, steps)
    counts = Counter(text)
    characters = "".join(sorted(one for one, _ in counts.most_common(MOST_CHARACTERS)))
    vocabulary = Characters(characters)
    ids = np.array([token.id for token in vocabulary.encode(text)], np.int32)
    train, held = np.split(ids, [int(0.9 * len(ids))])
    levels = ngram.learn([train], vocabulary.size, ORDER)
    counted = ngram.NGram("own", vocabulary, _card("ngram"), levels)
    ngram_bits = float(bits_of(counted, held)[1:].mean())
    yield Progress("language_model.stage.tensorflow", 0, steps)
    network, step_of = _network(kind, vocabulary.size, seed)
    yield LessonStarted(
        kind=kind,
        characters=len(train),
        held_out=len(held),
        left_out=left_out,
        different=len(characters),
        parameters=int(network.count_params()),
        steps=steps,
        ngram_bits=ngram_bits,
        chance_bits=float(np.log2(vocabulary.size)),
    )
    random = np.random.default_rng(seed)
    history: list[LessonStep] = []
    samples: list[LessonSample] = []
    best = {name: values.copy() for name, values in get_weights(network).items()}
    losses: list[float] = []
    stopped: Literal["done", "early", "by_visitor", "time"] = "done"
    started, sampled, stale = time.monotonic(), -SAMPLE_SECONDS, 0
    every = max(1, steps // 40)
    try:
        for step in range(steps + 1):  # step 0: before the first one
            gone = time.monotonic() - started
            if step:
                losses.append(step_of(_stretches(train, random), _share(step, steps, gone / longest)))
            if step % every == 0 or step == steps or gone >= longest:
                weights = get_weights(network)
                model = _made(kind, vocabulary, weights)
                bits = float(bits_of(model, held)[1:].mean())
                better = not history or bits < min(one.held_out_bits for one in history)
                if better:
                    best = {name: values.copy() for name, values in weights.items()}
                stale = 0 if better else stale + 1
                seconds = time.monotonic() - started
                own = float(np.mean(losses)) / float(np.log(2)) if losses else bits
                history.append(LessonStep(step, seconds, own, bits, better))
                losses = []
                yield history[-1]
                yield Progress(
                    "language_model.stage.learning", step, steps, seconds / max(1, step) * (steps - step)
                )
                if seconds - sampled >= SAMPLE_SECONDS or step == steps:
                    samples.append(LessonSample(step, seconds, sample(model, text, seed)))
                    sampled = seconds
                    yield samples[-1]
                if stale >= PATIENCE:
                    stopped = "early"
                    break
                if seconds >= longest:
                    stopped = "time"
                    break
    except Stop:
        stopped = "by_visitor"
    learned = Learned(
        kind,
        characters,
        best,
        ngram.to_arrays(levels),
        {
            "held_out_bits": min((one.held_out_bits for one in history), default=float("nan")),
            "ngram_bits": ngram_bits,
            "characters": len(train),
        },
    )
    final = sample(to_model(learned), text, seed + 1)
    samples.append(LessonSample(history[-1].step if history else 0, time.monotonic() - started, final))
    yield LessonFinished(learned, tuple(history), tuple(samples), stopped, time.monotonic() - begun)


def _card(kind: str, parameters: int = 0) -> ModelCard:
    context = {"transformer": CONTEXT, "gru": 0, "ngram": ORDER - 1}[kind]
    return ModelCard("own", (context,), parameters, "", "", "core/language/generation/lesson.py")


def _made(
    kind: Literal["gru", "transformer"], vocabulary: Characters, weights: Mapping[str, Any]
) -> LanguageModel:
    parameters = sum(values.size for values in weights.values())
    return make("own", kind, vocabulary, _card(kind, parameters), weights)


def to_model(learned: Learned) -> LanguageModel:
    """The model that learned, ready to write and to read."""
    return _made(learned.kind, Characters(learned.characters), learned.weights)


def to_ngram(learned: Learned) -> LanguageModel:
    """The n-gram model of the same text."""
    vocabulary = Characters(learned.characters)
    return ngram.NGram("own", vocabulary, _card("ngram"), ngram.from_arrays(learned.ngram))


def sample(model: LanguageModel, text: str, seed: int) -> str:
    """What a model writes after the first line's end of the text it learned, or after its first character."""
    start = "\n" if "\n" in text else text[0]
    *_, last = generate(
        model,
        prompt(model, start),
        Sampling(temperature=0.8),
        most=SAMPLE_CHARACTERS,
        seed=seed,
        alternatives=0,
    )
    assert isinstance(last, Ended)
    return last.text.strip()


def _stretches(train: Ids, random: np.random.Generator) -> Ids:
    """Stretches out of the text, (n, CONTEXT + 1), from anywhere."""
    length = min(CONTEXT, len(train) - 2)
    starts = random.integers(0, len(train) - length, BATCH)
    return np.asarray(train[starts[:, np.newaxis] + np.arange(length + 1)])


def _share(step: int, steps: int, gone: float) -> float:
    """The share of the learning rate: up over the first steps, then down as a cosine, by steps or by time."""
    done = min(1.0, max(step / max(1, steps), gone))
    return min(1.0, step / WARM_UP) * (0.05 + 0.95 * 0.5 * (1 + float(np.cos(np.pi * done))))


def _network(kind: str, tokens: int, seed: int) -> tuple[Any, Any]:
    """A network with new weights, and what takes a step with it: (stretches, share of the rate) -> loss."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    if kind == "gru":
        network = gru.build(gru.Shape(tokens, *SHAPES["gru"]), DROPOUT)
    else:
        width, layers = SHAPES["transformer"]
        network = decoder.build(decoder.Shape(tokens, width, layers, 4 * width), DROPOUT)
    variables = network.trainable_variables
    optimizer = keras.optimizers.Muon(RATE, weight_decay=0.05, adam_weight_decay=0.05, global_clipnorm=1.0)
    optimizer.build(variables)

    def step(stretches: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = network(stretches[:, :-1], training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(stretches[:, 1:], logits))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    compiled = tf.function(step, reduce_retracing=True)

    def step_of(stretches: Ids, share: float) -> float:
        optimizer.learning_rate = RATE * share
        return float(compiled(tf.constant(stretches)))

    return network, step_of
