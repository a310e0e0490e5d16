"""Train a language model, ship it, and measure what ships: bits per character and perplexity.

    python -m training.language_model --data data --corpus poems --kind transformer   # train, write, measure
    python -m training.language_model --data data --corpus poems                      # measure all three kinds
    python -m training.language_model --data data --corpus reviews --circle           # do written reviews read as ordered?
    python -m training.language_model --data data --corpus poems --forms              # do written poems keep their lines?

The folder is that of `training/language_data.py`. Corpora: poems, reviews, shakespeare; kinds: ngram, gru,
transformer. A run that was stopped goes on after its last checkpoint. Shakespeare's models do not ship: they are
measured out of the folder of runs (`--build`).

Bits per character are of the whole text, its end included, each token after all before it: the same for the three
kinds and for all vocabularies. Of the stream of plays every character is read with at least half of the context
before it; the loss in blocks, as nanoGPT estimates it, stands beside it. Figures to reach are in `main`.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from core import assets
from core.language.generation import decoder, gru, models, ngram
from core.language.generation.surprise import bits_of
from core.language.generation.types import KINDS, Kind, LanguageModel
from core.language.generation.vocabulary import to_json
from core.language.shipped import read_weights, write_weights
from core.types import ModelCard
from training import checksums, language_learning
from training.language_data import CORPORA, Batches, Corpus, corpus, held_batches
from training.language_learning import Plan

CONTEXT = 256
ORDERS = {"poems": 4, "reviews": 4, "shakespeare": 8}  # of the n-grams
LEAST = {"poems": (1, 2, 2, 2), "reviews": (1, 2, 6, 8), "shakespeare": ()}  # counts that ship, by length
STEPS = 63  # of a stored weight on either side of 0: half a byte's range, and the file a seventh smaller
LAYERS = {
    "ngram": ("counts",),
    "gru": ("embedding", "gru", "project", "last_norm"),
    "transformer": ("embedding", "layers", "last_norm"),
}
SHAKESPEARE_AT_MOST = 1.60  # nats a character
AHEAD = 0.95  # of the others' bits: as many the Transformer may need


@dataclass(frozen=True)
class Recipe:
    """A network's sizes and how it is trained."""

    plan: Plan
    width: int
    layers: int = 0  # of the Transformer; its feed-forward half is four times as wide
    units: int = 0  # of the GRU


RECIPES: dict[tuple[str, str], Recipe] = {
    ("shakespeare", "transformer"): Recipe(Plan(2_000, dropout=0.15), width=256, layers=4),
    ("shakespeare", "gru"): Recipe(Plan(2_000, dropout=0.15), width=128, units=512),
    ("poems", "transformer"): Recipe(Plan(1_000, dropout=0.15), width=192, layers=4),
    ("poems", "gru"): Recipe(Plan(1_000, dropout=0.25), width=192, units=384),
    ("reviews", "transformer"): Recipe(Plan(3_000, dropout=0.0), width=256, layers=6),
    ("reviews", "gru"): Recipe(Plan(3_000, dropout=0.0), width=192, units=384),
}


def build_network(some: Corpus, kind: str, recipe: Recipe) -> Any:
    """The Keras network of a recipe."""
    tokens = some.vocabulary.size
    if kind == "gru":
        return gru.build(gru.Shape(tokens, recipe.width, recipe.units), recipe.plan.dropout)
    shape = decoder.Shape(tokens, recipe.width, recipe.layers, 4 * recipe.width)
    return decoder.build(shape, recipe.plan.dropout)


def train(some: Corpus, kind: str, recipe: Recipe, build: Path, threads: int) -> None:
    """Train a network; its best weights are left in the folder of its run."""
    folder = run_folder(build, some.name, kind)
    folder.mkdir(parents=True, exist_ok=True)
    language_learning.begin(recipe.plan.seed, threads)
    network = build_network(some, kind, recipe)
    print(json.dumps({"parameters": network.count_params(), **asdict(recipe)}), flush=True)
    batches = Batches(some, CONTEXT, recipe.plan.seed)
    print(f"{batches.steps} steps an epoch", flush=True)
    held_out = held_batches(some, CONTEXT)
    for look in language_learning.learn(network, batches, held_out, recipe.plan, folder):
        print(json.dumps(asdict(look)), flush=True)


def run_folder(build: Path, name: str, kind: str) -> Path:
    """Where a run leaves its checkpoint and its best weights."""
    return build / f"{name}_{kind}"


def card_of(some: Corpus, kind: str, parameters: int) -> ModelCard:
    """The card of a model, still without figures."""
    context = {"ngram": ORDERS[some.name] - 1, "gru": 0, "transformer": CONTEXT}[kind]
    return ModelCard(
        f"{some.name}_{kind}",
        (context,),
        parameters,
        some.source,
        "Apache-2.0",
        "training/language_model.py",
        LAYERS[kind],
    )


def trained(some: Corpus, kind: Kind, build: Path, least: tuple[int, ...] = ()) -> LanguageModel:
    """A model as it was trained: the n-gram counted anew, the networks float32 out of the folder of runs."""
    if kind == "ngram":
        levels = ngram.learn(some.train, some.vocabulary.size, ORDERS[some.name], least=least)
        parameters = sum(len(level.tokens) for level in levels)
        return ngram.NGram(some.name, some.vocabulary, card_of(some, kind, parameters), levels)
    weights = read_weights(run_folder(build, some.name, kind) / "best.npz")
    parameters = sum(values.size for values in weights.values())
    return models.make(some.name, kind, some.vocabulary, card_of(some, kind, parameters), weights)


def ship(model: LanguageModel) -> None:
    """Write the files of a model: the weights as bytes with a scale a row, the card, the vocabulary."""
    folder = assets.path(models.FOLDER)
    folder.mkdir(exist_ok=True)
    file = folder / f"{model.training}_{model.kind}.npz"
    if isinstance(model, ngram.NGram):
        np.savez_compressed(file, **ngram.to_arrays(model.levels))  # type: ignore[arg-type]
    else:
        assert isinstance(model, decoder.Decoder | gru.Recurrent)
        matrices = [key for key, values in model.weights.items() if values.ndim == 2 and len(values) > 2]
        write_weights(file, model.weights, matrices, STEPS)
    models.write_card(model.training, model.kind, model.card)
    stored = json.dumps(to_json(model.vocabulary), ensure_ascii=False)  # type: ignore[arg-type]
    assets.path(models.FOLDER, f"{model.training}.vocabulary.json").write_text(
        stored + "\n", encoding="utf-8"
    )
    checksums.main()  # a file that is listed with other numbers cannot be read


# --- measuring ----------------------------------------------------------------------------------------


def measure(model: LanguageModel, some: Corpus) -> dict[str, float]:
    """Bits per character and perplexity per token of the test texts, by part and of all."""
    figures: dict[str, float] = {}
    every = []
    for part, texts in some.test.items():
        bits = [float(bits_of(model, text.ids)[text.own :].sum()) for text in texts]
        tokens = sum(len(text.ids) - text.own for text in texts)
        characters = sum(text.characters for text in texts)
        figures[f"{part}_bits_per_character"] = sum(bits) / characters
        figures[f"{part}_perplexity"] = 2 ** (sum(bits) / tokens)
        figures[f"{part}_characters"] = characters
        every.append(sum(bits) / characters)
    figures["bits_per_character"] = float(np.mean(every))
    if some.stream:
        figures["loss_nats"] = figures["bits_per_character"] * float(np.log(2))
        if isinstance(model, decoder.Decoder):
            figures["loss_nats_in_blocks"] = in_blocks(model, next(iter(some.test.values()))[0].ids)
    return figures


def in_blocks(model: LanguageModel, ids: np.ndarray) -> float:
    """The loss in nats of blocks of `CONTEXT` characters side by side, the first ones with nothing before them."""
    losses = []
    for begin in range(0, len(ids) - CONTEXT, CONTEXT):
        losses.append(float(bits_of(model, ids[begin : begin + CONTEXT + 1])[1:].mean()))
    return float(np.mean(losses) * np.log(2))


def told(some: Corpus, what: str, model: LanguageModel, figures: dict[str, float]) -> None:
    """Print the figures of a model."""
    parts = "  ".join(
        f"{part}: {figures[f'{part}_bits_per_character']:.4f} bits per character,"
        f" perplexity {figures[f'{part}_perplexity']:.2f}"
        for part in some.test
    )
    nats = "".join(f"  {key} {figures[key]:.4f}" for key in figures if key.startswith("loss_nats"))
    print(
        f"{some.name} {model.kind:11s} {what:9s} {model.card.parameters:9,d} numbers  {parts}{nats}",
        flush=True,
    )


def evaluate(some: Corpus, build: Path, kinds: tuple[Kind, ...]) -> dict[str, float]:
    """Measure models as they were trained and as they ship; bits per character by kind, of what ships."""
    found: dict[str, float] = {}
    for kind in kinds:
        folder = run_folder(build, some.name, kind)
        if kind == "ngram" or (folder / "best.npz").exists():
            model = trained(some, kind, build)
            figures = measure(model, some)
            told(some, "trained", model, figures)
            found[kind] = figures["bits_per_character"]
        if some.name in models.TRAININGS and assets.path(models.FOLDER, f"{some.name}_{kind}.npz").exists():
            models.language_model.cache_clear()
            models.vocabulary.cache_clear()
            model = models.language_model(some.name, kind)
            whole = {f"trained_{key}": value for key, value in figures.items()} if kind in found else {}
            figures = measure(model, some)
            told(some, "shipped", model, figures)
            file = assets.path(models.FOLDER, f"{some.name}_{kind}.npz")
            figures |= whole | {"file_bytes": file.stat().st_size}
            figures = {key: round(value, 4) for key, value in figures.items()}
            models.write_card(some.name, kind, replace(model.card, figures={**model.card.figures, **figures}))
            found[f"shipped {kind}"] = figures["bits_per_character"]
    return found


def missed(some: Corpus, bits: dict[str, float], folder: Path) -> list[str]:
    """What is not as it must be."""
    found = []
    for kind in ("ngram", "gru"):
        if {"transformer", kind} <= bits.keys():
            ratio = bits["transformer"] / bits[kind]
            print(f"{some.name}: the Transformer needs {ratio:.4f} of the bits of the {kind}", flush=True)
            if some.name != "shakespeare" and ratio > AHEAD:
                found.append(f"{ratio:.4f} of the {kind}'s bits is above {AHEAD}")
    nats = bits.get("transformer", 0.0) * float(np.log(2))
    if some.name == "shakespeare" and nats > SHAKESPEARE_AT_MOST:
        found.append(f"{nats:.4f} nats is above {SHAKESPEARE_AT_MOST}")
    return found


def main() -> None:
    """Read the command line; train if a kind is named; measure, print, and say what is not reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of training/language_data.py")
    parser.add_argument("--corpus", choices=CORPORA, required=True)
    parser.add_argument("--kind", choices=KINDS, help="train this one")
    parser.add_argument("--steps", type=int, help="other than the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--build", type=Path, default=Path("build/generation"), help="folder of runs")
    parser.add_argument("--finish", action="store_true", help="ship the best weights of --build so far")
    parser.add_argument("--circle", action="store_true", help="measure written reviews and stop")
    parser.add_argument("--forms", action="store_true", help="measure written poems and stop")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.circle or options.forms:
        from training import language_orders

        raise SystemExit("; ".join(language_orders.circle() if options.circle else language_orders.forms()))
    some = corpus(options.corpus, options.data, options.build)
    if options.kind:
        if options.kind != "ngram" and not options.finish:
            recipe = RECIPES[options.corpus, options.kind]
            plan = replace(recipe.plan, seed=options.seed, steps=options.steps or recipe.plan.steps)
            train(some, options.kind, replace(recipe, plan=plan), options.build, options.threads)
        if options.corpus in models.TRAININGS:
            ship(trained(some, options.kind, options.build, LEAST[options.corpus]))
    bits = evaluate(some, options.build, (options.kind,) if options.kind else KINDS)
    if problems := missed(some, bits, options.build):
        raise SystemExit("; ".join(problems))


if __name__ == "__main__":
    main()
