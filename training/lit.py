"""Locked-image tuning: teaches a text tower the space of a locked image tower, and writes what ships of it.

    python -m training.lit --data FOLDER --minilm FOLDER --cedict FILE --wordnet FOLDER [--leave-out] [--evaluate]

The image tower is the app's own int8 EfficientNet-Lite0 and never learns: its 1,280 features, centred and brought
to length 1. The text tower is MiniLM (`core.language.pretrained`) with a projection, all of which learns, from

1. the names of the 1,000 ImageNet classes in both languages, in sentences and with WordNet's synonyms, meanings
   and kinds: each is to find its row of the classifier among all rows (softmax, with a share for rows that are
   alike), and to point where it points (cosine);
2. other nouns of WordNet and their Chinese, which are to find what `lit_teacher.py` guesses for them: no picture
   and no row of theirs is known;
3. captioned photos: the symmetric contrastive loss of LiT (Zhai et al. 2022) and CLIP (Radford et al. 2021), with
   a temperature that is learned, of English and of Chinese captions; a caption looks for its photo among all
   photos, a photo for its caption in the batch.

Last, the encoder stays, in int8, and what follows it is tuned on alone (`lit_polish.py`).

`--leave-out` trains without 200 of the classes, their rows and their words, and measures those.

Where anyone gets the data is said in `lit_features.py`, `lit_wordnet.py`, `pretrained_vocabulary.py`. A stopped
run goes on from its newest checkpoint in `--work`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two threads wait for one another on a busy machine

import numpy as np

from core import assets
from core.language import pretrained
from core.language.wordpiece import WordPieces
from core.lit import known, thumbnails, towers
from core.types import Floats, ModelCard
from core.vision import efficientnet
from core.vision.lite import softmax
from training import (
    checksums,
    lit_features,
    lit_measure,
    lit_polish,
    lit_teacher,
    lit_vocabulary,
    lit_words,
    pretrained_vocabulary,
)
from training.lit_features import TINY_IMAGENET, Captioned
from training.lit_measure import unit
from training.lit_network import Plan, Tower
from training.lit_wordnet import Tree, read
from training.lit_words import Meaning
from training.pretrained import body, read_safetensors

LEFT_OUT, SPLIT_SEED = 200, 20
LONGEST = 20  # tokens of a text in training
CENTRE_RIDGE = 3.0
NAME_TEXTS, NOUN_TEXTS = 14, 2  # ways to say a class, a noun, that the last part learns from
UNTOLD = ModelCard("lit", (LONGEST,), 0, "", "", "")  # of a tower that does not ship
ENGLISH = (
    "{}",
    "a {}",
    "the {}",
    "a photo of a {}",
    "a photo of a {}.",
    "a photo of the {}",
    "a picture of a {}",
    "an image of a {}",
    "a close-up photo of a {}",
    "there is a {} in the picture",
)
CHINESE = ("{}", "一张{}的照片", "{}的照片", "{}的图片", "一张{}的图片", "这是{}", "照片里有{}", "图中是{}")
CIFAR10 = {
    "airplane": "飞机",
    "automobile": "汽车",
    "bird": "鸟",
    "cat": "猫",
    "deer": "鹿",
    "dog": "狗",
    "frog": "青蛙",
    "horse": "马",
    "ship": "船",
    "truck": "卡车",
}
SOURCE = (
    "all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych 2019), WordNet 3.0, CC-CEDICT, "
    "Flickr8k (Hodosh et al. 2013) and flickr8k-cn (Li et al. 2016), EfficientNet-Lite0's classifier"
)
TEMPLATES = {"en": "a photo of a {}", "zh": "一张{}的照片"}


@dataclass(frozen=True)
class Material:
    """Everything that a run learns from."""

    tokenizer: WordPieces
    embedding: Floats
    old: int  # rows of the embedding that are MiniLM's own
    classes: list[Meaning]
    seen: np.ndarray  # places of the classes that are learned
    others: list[Meaning]
    rows: Floats  # (1000, 1280) unit rows of the classifier, centred
    guesses: Floats  # (others, 1280) unit prototypes
    projection: tuple[Floats, Floats]
    centre: Floats  # (1280,)
    photos: Captioned


def split() -> tuple[np.ndarray, np.ndarray]:
    """Places of the classes that a `--leave-out` run learns, and of those it leaves out.

    Those that Tiny ImageNet's photos are of are left out, so that there are photos to measure with.
    """
    labels = efficientnet.labels()
    known = [labels.index(label) for label in TINY_IMAGENET.values()]
    rest = np.setdiff1d(np.arange(len(labels)), known)
    random = np.random.default_rng(SPLIT_SEED)
    out = np.sort(np.concatenate([known, random.choice(rest, LEFT_OUT - len(known), replace=False)]))
    return np.setdiff1d(np.arange(len(labels)), out), out


def centre_of(sets: Sequence[Floats]) -> Floats:
    """The point that features are told from: (1280,).

    It begins as the mean of the sets' means and is moved, as little as need be, to where the classifier finds no
    class likelier than another: the nearest of its rows is then what the network itself answers.
    """
    kernel, bias = efficientnet.head()
    rows = (kernel - kernel.mean(axis=1, keepdims=True)).T  # (1000, 1280)
    mean = np.mean([one.mean(axis=0) for one in sets], axis=0)
    rest = rows @ mean + bias - bias.mean()
    ridge = rows @ rows.T + CENTRE_RIDGE * np.eye(len(rows))
    return np.asarray(mean - rows.T @ np.linalg.solve(ridge, rest), np.float32)


def class_rows() -> Floats:
    """The classifier's rows (1000, 1280): what they share is taken away, and each has length 1."""
    kernel, _ = efficientnet.head()
    return unit((kernel - kernel.mean(axis=1, keepdims=True)).T)


def prepare(options: argparse.Namespace) -> Material:
    """Read the sources; what takes long is kept in the working folder."""
    work: Path = options.work
    tree = Tree(read(options.wordnet))
    senses = lit_words.first_senses(options.wordnet)
    chinese = lit_words.translations(options.cedict)
    classes = lit_words.classes(tree, senses, chinese)
    seen, out = split() if options.leave_out else (np.arange(len(classes)), np.array([], int))
    near, without = [classes[place].id for place in seen], [classes[place].id for place in out]
    others = lit_words.others(tree, senses, chinese, near, without)
    photos = lit_features.captioned(options.data, "train", work)

    arrays = read_safetensors(options.minilm / "model.safetensors")
    vocabulary = work / "vocabulary.json"
    if not vocabulary.exists():
        nouns = tree.nouns.values()
        english = [*(noun.gloss for noun in nouns), *(word for noun in nouns for word in noun.words)]
        english += [caption for five in photos.captions["en"] for caption in five]
        sentences = [caption for five in photos.captions["zh"] for caption in five]
        names = [name for meaning in (*classes, *others) for name in meaning.names["zh"]]
        words = arrays["embeddings.word_embeddings.weight"]
        table, embedding, old = lit_vocabulary.build(
            options.minilm / "vocab.txt", options.cedict, words, english, sentences, names
        )
        np.savez(work / "embedding.npz", embedding=embedding, old=old)
        pretrained_vocabulary.write(table, vocabulary)
    with np.load(work / "embedding.npz", allow_pickle=False) as stored:
        embedding, old = stored["embedding"], int(stored["old"])

    vectors = work / "sentences.npz"
    if not vectors.exists():
        embed = lit_teacher.sentence_vectors(options.minilm)
        every = [*classes, *lit_words.others(tree, senses, chinese, [one.id for one in classes], [])]
        found = np.stack([embed(texts) for texts in lit_teacher.descriptions(every)])
        np.savez(vectors, ids=np.array([one.id for one in every]), found=found.astype(np.float16))
    with np.load(vectors, allow_pickle=False) as stored:
        place = {str(id): row for row, id in enumerate(stored["ids"])}
        found = stored["found"].astype(np.float32)  # (3, meanings, 384)
    others = [other for other in others if other.id in place]
    rows = class_rows()
    of_classes = found[:, [place[classes[one].id] for one in seen]]
    of_others = found[:, [place[other.id] for other in others]]
    guesses = lit_teacher.prototypes(
        tree, [classes[one] for one in seen], rows[seen], others, list(of_classes), list(of_others)
    )
    return Material(
        WordPieces.read(vocabulary),
        embedding,
        old,
        classes,
        seen,
        others,
        rows,
        guesses,
        first_projection(of_classes[0], rows[seen]),
        centre_of(centring_sets(options.data, work)),
        photos,
    )


def centring_sets(data: Path, work: Path) -> list[Floats]:
    """The features whose means make the centre."""
    names = ("tinyimagenet10", "flowers5", "cats_dogs")
    sets = [lit_features.labelled(data, name, "test", work).features for name in names]
    return [lit_features.captioned(data, "train", work).features[:, 0], *sets]


def first_projection(vectors: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Kernel (384, 1280) and bias by ridge regression from the names' sentence vectors to the rows."""
    x = vectors - vectors.mean(axis=0)
    kernel = np.linalg.solve(x.T @ x + 3 * np.eye(x.shape[1], dtype=np.float32), x.T @ rows)
    return np.asarray(kernel, np.float32), np.asarray(rows.mean(axis=0), np.float32)


# --- Batches ---------------------------------------------------------------------------------------------


def sentence(meaning: Meaning, random: np.random.Generator) -> str:
    """One way to speak of a meaning, in either language."""
    chinese = bool(meaning.names["zh"]) and random.random() < 0.45
    names = meaning.names["zh" if chinese else "en"]
    usual = random.random() < 0.65
    name = names[0] if usual else names[random.integers(len(names))]
    if chinese:
        return CHINESE[random.integers(len(CHINESE))].format(name) if random.random() < 0.6 else name
    kind = random.random()
    if kind < 0.08:
        return meaning.gloss
    if kind < 0.16:
        return f"{name}: {meaning.gloss}"
    if kind < 0.24 and meaning.kinds:
        return f"{name}, a kind of {meaning.kinds[random.integers(len(meaning.kinds))]}"
    return ENGLISH[random.integers(len(ENGLISH))].format(name) if random.random() < 0.7 else name


def batches(material: Material, plan: Plan, first: int) -> Iterator[tuple[Any, ...]]:
    """A batch for every step from `first` on; the same ones in every run."""
    from training.lit_network import bucketed

    encode = material.tokenizer.encode_ids
    captions = {
        language: [[encode(caption)[:LONGEST] for caption in five] for five in every]
        for language, every in material.photos.captions.items()
    }
    views = material.photos.features
    for step in range(first, plan.steps):
        random = np.random.default_rng([plan.seed, step])
        chosen = random.choice(len(material.seen), plan.names)
        beside = random.choice(len(material.others), plan.others, replace=False)
        meanings = [material.classes[material.seen[one]] for one in chosen]
        meanings += [material.others[one] for one in beside]
        texts = [encode(sentence(meaning, random))[:LONGEST] for meaning in meanings]
        wanted = np.concatenate([material.rows[material.seen[chosen]], material.guesses[beside]])
        shown = random.choice(len(views), plan.photos, replace=False).astype(np.int32)
        photos = views[np.arange(len(views)), random.integers(views.shape[1], size=len(views))]
        photos = unit(photos - material.centre)
        texts += [captions[language][one][random.integers(5)] for language in captions for one in shown]
        yield *bucketed(texts), chosen.astype(np.int32), wanted, shown, photos


def train(tower: Tower, material: Material, measures: Measures, work: Path) -> Iterator[dict[str, float]]:
    """Train to the last step; a report every 50, figures every 400, a checkpoint every 25."""
    tower.restore(work)
    started, losses = time.monotonic(), []
    for batch in batches(material, tower.plan, tower.step):
        losses.append(tower.learn(*batch))
        last = tower.step == tower.plan.steps
        if tower.step % 25 == 0 or last:
            tower.save(work)
        if tower.step % 50 == 0 or last:
            names, captions = np.mean(losses, axis=0)
            scales = np.exp(tower.variables[-1].numpy())
            report = {"step": tower.step, "names": names, "captions": captions, "scale": scales[1]}
            losses = []
            if tower.step % 400 == 0 or last:
                report |= measures.figures(lambda texts: tower.embed([measures.encode(t) for t in texts]))
            yield report | {"seconds": time.monotonic() - started}


# --- Figures ---------------------------------------------------------------------------------------------


class Measures:
    """The photos and texts that a tower is measured with, read once."""

    def __init__(
        self, data: Path, work: Path, centre: Floats, tokenizer: WordPieces, out: np.ndarray
    ) -> None:
        self._tokenizer, self._out = tokenizer, out
        self.classes = efficientnet.labels()
        kernel, bias = efficientnet.head()
        rows = (kernel - kernel.mean(axis=1, keepdims=True)).T
        self._rows = unit(rows)
        held = lit_features.captioned(data, "val", work)
        self._held, self._images = held, unit(held.features[:, 0] - centre)
        sets = {
            name: lit_features.labelled(data, name, "test", work)
            for name in ("tinyimagenet10", "flowers5", "cats_dogs", "cifar10")
        }
        self._cifar = sets.pop("cifar10")
        self._cifar_images = unit(self._cifar.features - thumbnails.centre())
        self._tiny = sets["tinyimagenet10"]
        self._tiny_images = unit(self._tiny.features - centre)
        self._tiny_classes = np.array(
            [self.classes.index(TINY_IMAGENET[name]) for name in self._tiny.classes]
        )
        photos = np.concatenate([held.features[:, 0], *(one.features for one in sets.values())])
        logits = photos @ kernel + bias
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        self._answers = logits.argmax(axis=1)
        self._sure = shifted.max(axis=1) / shifted.sum(axis=1) > 0.5
        self._photos = unit(photos - centre)
        spread = lit_measure.covariance([(one.features, one.labels) for one in sets.values()])
        self.spread = lit_measure.Spread(rows, centre, spread)

    def encode(self, text: str) -> np.ndarray:
        """The ids of a text, as many as the tower reads."""
        return self._tokenizer.encode_ids(text)[:64]

    def figures(self, embed: Any) -> dict[str, float]:
        """Every figure, of a function that makes unit embeddings of texts."""
        from core import i18n

        found: dict[str, float] = {}
        answers, labels = self._answers, np.arange(len(self.classes))
        for language in lit_words.LANGUAGES:
            names = [lit_words.bare(i18n.text(language, f"imagenet.{one}"))[0] for one in self.classes]
            full = [i18n.text(language, f"imagenet.{one}") for one in self.classes]
            template = TEMPLATES[language]
            texts = embed([template.format(name.replace("（", "，").rstrip("）")) for name in full])
            bare = embed([name.lower() for name in names])
            for key, those in (("", texts), ("_bare", bare)):
                found[f"names_{language}_rows{key}"] = float(
                    (lit_measure.nearest(self._rows, those) == labels).mean()
                )
                found[f"names_{language}_spread{key}"] = self.spread.accuracy(those)
            near = lit_measure.nearest(self._photos, texts)
            found[f"names_{language}_agree"] = float((near == answers).mean())
            found[f"names_{language}_agree_sure"] = float((near == answers)[self._sure].mean())
            tiny = lit_measure.nearest(self._tiny_images, texts)
            found[f"names_{language}_tiny"] = float((tiny == self._tiny_classes[self._tiny.labels]).mean())
            if len(self._out):
                rows = lit_measure.nearest(self._rows[self._out], texts[self._out])
                found[f"out_{language}_rows"] = float((self._out[rows] == self._out).mean())
                found[f"out_{language}_spread"] = self.spread.accuracy(texts, self._out)
                tiny = self._out[lit_measure.nearest(self._tiny_images, texts[self._out])]
                found[f"out_{language}_tiny"] = float((tiny == self._tiny_classes[self._tiny.labels]).mean())
            flat = [caption for five in self._held.captions[language] for caption in five]
            owners = np.repeat(np.arange(len(self._images)), 5)
            captions = embed(flat)
            for within in (1, 5):
                found[f"captions_{language}_at_{within}"] = lit_measure.recall(
                    captions, self._images, owners, within
                )
            words = [name if language == "en" else CIFAR10[name] for name in self._cifar.classes]
            ten = embed([template.format(word) for word in words])
            found[f"cifar10_{language}"] = float(
                (lit_measure.nearest(self._cifar_images, ten) == self._cifar.labels).mean()
            )
        found["names_nearest_row_agree"] = float(
            (lit_measure.nearest(self._photos, self._rows) == answers).mean()
        )
        found["names_nearest_row_tiny"] = float(
            (
                lit_measure.nearest(self._tiny_images, self._rows) == self._tiny_classes[self._tiny.labels]
            ).mean()
        )
        return {key: round(value, 4) for key, value in found.items()}


# --- What ships ------------------------------------------------------------------------------------------


def words_seen(material: Material) -> dict[str, list[str]]:
    """The words that were in the tuning, by how: see `core.lit.known`. Of captions single words, not sentences."""

    def names(meanings: Sequence[Meaning]) -> set[str]:
        return {known.plain(name) for one in meanings for each in one.names.values() for name in each}

    pictures = names([material.classes[place] for place in material.seen])
    tokens: set[str] = set()
    for five in material.photos.captions["en"]:
        tokens |= {word for caption in five for word in re.findall(r"[a-z]+(?:[-'][a-z]+)*", caption.lower())}
    for five in material.photos.captions["zh"]:
        pieces = [token.piece for caption in five for token in material.tokenizer.encode(caption)]
        tokens |= {piece for piece in pieces if re.fullmatch("[\u3400-\u9fff]+", piece)}
    words = names(material.others) - pictures
    found = {"pictures": pictures, "words": words, "captions": tokens - words - pictures}
    return {kind: sorted(one) for kind, one in found.items()}


def finished(tower: Tower, material: Material, run: Path, vocabulary: Path) -> dict[str, Floats]:
    """The tower's arrays after the last part of the tuning, by name; the tower of before is left in `run`."""
    weights = tower.averaged()
    weights.pop("scales")
    pretrained.write_weights(run / "text_tower.npz", weights)
    before = towers.read_tower(run / "text_tower.npz", vocabulary, UNTOLD)
    random = np.random.default_rng(tower.plan.seed)
    classes = [material.classes[place] for place in material.seen]
    lessons = lit_polish.Lessons(
        names=[sentence(meaning, random) for _ in range(NAME_TEXTS) for meaning in classes],
        places=np.tile(np.arange(len(classes)), NAME_TEXTS),
        others=[sentence(meaning, random) for _ in range(NOUN_TEXTS) for meaning in material.others],
        guesses=np.tile(material.guesses, (NOUN_TEXTS, 1)),
        captions=[
            [caption for five in material.photos.captions[language] for caption in five]
            for language in lit_words.LANGUAGES
        ],
        views=material.photos.features,
        centre=material.centre,
        rows=material.rows[material.seen],
    )
    return weights | lit_polish.polish(before, lessons, lit_polish.Polish())


def ship(weights: dict[str, Floats], steps: int, material: Material, work: Path) -> None:
    """Write weights, vocabulary, centre and the lists of words that were in the tuning into assets."""
    pretrained.write_weights(assets.path("lit", "text_tower.npz"), weights)
    assets.path("lit", "vocabulary.json").write_bytes((work / "vocabulary.json").read_bytes())
    np.save(assets.path("lit", "centre.npy"), material.centre)
    lists = json.dumps(words_seen(material), ensure_ascii=False, separators=(",", ":"))
    assets.path("lit", "words.json").write_text(lists + "\n", encoding="utf-8")
    write_card(
        {
            "parameters": int(sum(values.size for values in weights.values())),
            "source": SOURCE,
            "licence": "Apache-2.0; WordNet 3.0; CC BY-SA 4.0 (CC-CEDICT)",
            "made_by": "training/lit.py",
            "steps": steps,
            "temperature": 0.05,
            "none_similarity": 0.0,
            "figures": {},
        }
    )


def write_card(card: dict[str, Any]) -> None:
    """Write the card, and forget what was read of the one before."""
    assets.path("lit", "card.json").write_text(
        json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    assets.read_json.cache_clear()


def calibrated(data: Path, work: Path) -> dict[str, float]:
    """The temperature, and the similarity of "none of these", that fit the labelled sets.

    The temperature has the least negative log-likelihood (Guo et al. 2017) over the sets' pictures and the names
    of their classes. The similarity parts, with the fewest errors of either kind, the best similarity of a picture
    to the names of its own set from the best to the names of another set.
    """
    names = {
        "tinyimagenet10": [name.replace("_", " ") for name in TINY_IMAGENET],
        "flowers5": ["daisy", "dandelion", "rose", "sunflower", "tulip"],
        "cats_dogs": ["cats", "dogs"],
    }
    own, best_own, best_other = [], [], []
    texts = {key: towers.embed_texts(these) for key, these in names.items()}
    for key, these in names.items():
        pictures = lit_features.labelled(data, key, "test", work)
        images = towers.placed(pictures.features)
        classes = [one.replace("_", " ") for one in pictures.classes]
        labels = np.array([these.index(classes[label]) for label in pictures.labels])
        own.append((images @ texts[key].T, labels))
        best_own.append(own[-1][0].max(axis=1))
        strangers = np.concatenate([texts[other] for other in names if other != key])
        best_other.append((images @ strangers.T).max(axis=1))
    temperatures = np.geomspace(0.005, 0.3, 60)
    losses = [
        np.mean(
            [
                -np.log(softmax(cosines / t)[np.arange(len(labels)), labels] + 1e-9).mean()
                for cosines, labels in own
            ]
        )
        for t in temperatures
    ]
    known_, strange = np.concatenate(best_own), np.concatenate(best_other)
    borders = np.linspace(-0.1, 0.6, 141)
    errors = [float((known_ < border).mean() + (strange >= border).mean()) / 2 for border in borders]
    return {
        "temperature": round(float(temperatures[int(np.argmin(losses))]), 4),
        "none_similarity": round(float(borders[int(np.argmin(errors))]), 4),
        "none_error": round(min(errors), 4),
    }


def evaluate(data: Path, work: Path) -> None:
    """Measure the files that ship, as the app reads them, and write the figures into the card."""
    card = dict(assets.read_json("lit", "card.json"))
    card |= calibrated(data, work)
    tokenizer = WordPieces.read(assets.path("lit", "vocabulary.json"))
    measures = Measures(data, work, towers.centre(), tokenizer, np.array([], int))
    figures = measures.figures(towers.embed_texts)
    left_out = work / "left_out" / "figures.json"
    found = json.loads(left_out.read_text(encoding="utf-8")) if left_out.exists() else card["figures"]
    figures |= {key: value for key, value in found.items() if key.startswith("out_")}
    card["figures"] = dict(sorted(figures.items()))
    write_card(card)
    print(json.dumps(card, indent=2, ensure_ascii=False), flush=True)


def main() -> None:
    """Read the command line, train, print and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of lit_features.py")
    parser.add_argument(
        "--minilm", type=Path, help="folder with model.safetensors, vocab.txt, tokenizer.json"
    )
    parser.add_argument("--cedict", type=Path, help="CC-CEDICT's text file")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--work", type=Path, default=Path("build/lit"), help="folder of the run")
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--evaluate", action="store_true", help="measure the files that ship and stop")
    parser.add_argument("--ship", action="store_true", help="ship the newest checkpoint of --work as it is")
    parser.add_argument("--leave-out", action="store_true", help="train without 200 classes and measure them")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.evaluate:
        evaluate(options.data, options.work)
        return
    material = prepare(options)
    run = options.work / ("left_out" if options.leave_out else "full")
    run.mkdir(exist_ok=True)
    out = np.setdiff1d(np.arange(len(material.classes)), material.seen)
    measures = Measures(options.data, options.work, material.centre, material.tokenizer, out)
    guess = material.guesses
    print(f"{len(material.seen)} classes, {len(material.others)} other nouns, {guess.shape}", flush=True)
    rows = material.rows[material.seen]
    tower = Tower(
        Plan(steps=options.steps),
        body(read_safetensors(options.minilm / "model.safetensors"), first=1),
        material.embedding,
        material.old,
        material.projection,
        rows,
    )
    if options.ship:
        tower.restore(run)
    else:
        for report in train(tower, material, measures, run):
            figures = {key: round(float(value), 4) for key, value in report.items()}
            print(json.dumps(figures), flush=True)
            if tower.step == options.steps:
                (run / "before.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    vocabulary = options.work / "vocabulary.json"
    weights = finished(tower, material, run, vocabulary)
    if options.leave_out:
        pretrained.write_weights(run / "text_tower.npz", weights)
        after = towers.read_tower(run / "text_tower.npz", vocabulary, UNTOLD)
        found = measures.figures(lambda texts: after.embed([measures.encode(text) for text in texts]))
        print(json.dumps(found), flush=True)
        (run / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    else:
        ship(weights, tower.step, material, options.work)
        checksums.main()
        evaluate(options.data, options.work)


if __name__ == "__main__":
    main()
