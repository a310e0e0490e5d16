"""Writes `THIRD_PARTY.md`, whose all the parts are: `python -m training.third_party`.

The packages are those that `requirements.txt` brings, told from what is installed; the weights and data sets
from their cards, the photos from their list, other files of `assets` from the table below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from core import assets
from core.language import shipped as texts
from core.tuning.shipped import BUILTIN
from core.vision.models import MODELS, vision_model

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD_PARTY.md"
OURS = "Apache-2.0, as all of this repository"

# Licences that let anyone use, change and pass on what is here, as SPDX writes them.
ACCEPTED = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-CMU", "MPL-2.0"),
        *("PSF-2.0", "Zlib"),
    }
)

# What packages write in place of SPDX's names.
_SPDX = {
    r"apache( software)?( license|-)?,?( version)? ?2\.0|apache software license|^apache license": "Apache-2.0",
    r"^(the )?mit( license)?$": "MIT",
    r"mpl-2\.0 and mit": "MPL-2.0 AND MIT",
    r"mozilla public license 2\.0|^mpl-2\.0$": "MPL-2.0",
    r"^(3-clause )?bsd( license)?( 3-clause|-3-clause)?$|redistributions of source": "BSD-3-Clause",
}

# Libraries that a wheel carries under a licence of their own; the package holds the texts.
CARRIED = {
    "opencv-python": "FFmpeg and Qt 5 (LGPL-2.1, LGPL-3.0), linked dynamically",
    "pillow-heif": "libheif and libde265 (LGPL-3.0), and x265 (GPL-2.0), linked dynamically",
}


@dataclass(frozen=True)
class Package:
    """A package that is installed with the app."""

    name: str
    licence: str
    page: str


def packages() -> list[Package]:
    """What `requirements.txt` brings on this system, by name."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked_for = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    waiting = [one for one in asked_for if one.marker is None or one.marker.evaluate()]
    found: dict[tuple[str, str], Distribution] = {}
    while waiting:
        asked = waiting.pop()
        for extra in ("", *asked.extras):
            key = (re.sub(r"[-_.]+", "-", asked.name).lower(), extra)
            if key not in found:
                found[key] = distribution(asked.name)
                for line in found[key].requires or ():
                    needed = Requirement(line)
                    if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                        waiting.append(needed)
    one_each = {name: distribution for (name, _), distribution in found.items()}
    return [Package(name, _licence(one), _page(one)) for name, one in sorted(one_each.items())]


def _licence(package: Distribution) -> str:
    """SPDX's name of its licence, from what the package says in one of several ways."""
    told = package.metadata
    if expression := told.get("License-Expression"):
        return str(expression)
    classes = [
        one.rpartition(" :: ")[2] for one in told.get_all("Classifier", []) if one.startswith("License")
    ]
    written = str(told.get("License") or "").strip()
    for words in (written.partition("\n")[0], *classes, written, *_texts(package)):
        for pattern, name in _SPDX.items():
            if re.search(pattern, words.strip(), re.IGNORECASE):
                return name
    return "unknown"


def _texts(package: Distribution) -> Iterator[str]:
    """The licence files that it holds, their first lines."""
    for file in package.files or ():
        if "LICENSE" in file.name.upper() and ".dist-info" in str(file):
            yield " ".join(file.read_text(encoding="utf-8").split())[:300]


def _page(package: Distribution) -> str:
    addresses = [line.partition(", ")[2] for line in package.metadata.get_all("Project-URL", [])]
    found = str(package.metadata.get("Home-page") or "")
    return found if found.startswith("http") else next(iter(sorted(addresses)), "")


@dataclass(frozen=True)
class Part:
    """Files of `assets`, whose they are, and under which licence."""

    files: str  # a pattern under `assets`
    what: str
    licence: str
    source: str


def parts() -> list[Part]:
    """Everything under `assets`."""
    found = [Part("messages/*/*.json", "the words of the app", OURS, "written for it")]
    found.append(Part("favicon.png", "the sign in the browser's tab", OURS, "drawn for it"))
    found.append(Part("CHECKSUMS", "the list of the files of numbers", OURS, "training/checksums.py"))
    for name in MODELS:
        card = vision_model(name).card
        found.append(Part(f"vision/{name}*", f"weights and figures of {name}", card.licence, card.source))
    found.append(
        Part(
            "vision/imagenet_classes.json", "WordNet ids of the classes", "WordNet 3.0", "WordNet, Princeton"
        )
    )
    found.append(
        Part("vision/cifar10_classes.json", "names of the classes", OURS, "CIFAR-10 (Krizhevsky 2009)")
    )
    for file in sorted(assets.path("language").glob("*.npz")):
        card, _ = texts.read_card(file.stem)
        found.append(
            Part(
                f"language/{file.stem}.*",
                f"weights, words and figures of {file.stem}",
                card.licence,
                card.source,
            )
        )
    for name, what in (
        ("tokenizer.json", "the tokens of the small text networks"),
        ("edits.json", "words with their opposites"),
        ("examples.json", "example sentences"),
        ("map_words.json", "words for the map"),
        ("own_sentences.csv", "sentences to test with"),
    ):
        found.append(Part(f"language/{name}", what, OURS, "made for it"))
    found.append(
        Part(
            "language/failures.json",
            "short quotations from test reviews",
            "their authors'",
            "quoted to show mistakes; Large Movie Review Dataset, ChineseNlpCorpus",
        )
    )
    stored = assets.read_json("lit", "card.json")
    for name in (
        "text_tower.npz",
        "vocabulary.json",
        "words.json",
        "card.json",
        "centre.npy",
        "thumbnails.npy",
    ):
        found.append(
            Part(f"lit/{name}", "the text tower and what belongs to it", stored["licence"], stored["source"])
        )
    for name in ("captions.json", "prompts.json", "published.json"):
        found.append(Part(f"lit/{name}", "captions, prompts, published figures", OURS, "written for it"))
    found.append(Part("samples/samples.json", "the list of the photos", OURS, "training/samples.py"))
    found.append(Part("samples/LICENSES.md", "the same as a table", OURS, "training/samples.py"))
    for photo in assets.read_json("samples", "samples.json"):
        found.append(Part(f"samples/{photo['file']}", photo["credit"], photo["licence"], photo["source"]))
    for name, known in BUILTIN.items():
        end = "zip" if known.kind == "images" else "tsv"
        found.append(Part(f"tuning/{name}.{end}", known.credit, known.licence, known.source))
    for name, what in (
        ("features.npz", "what the network makes of these pictures"),
        ("races.json", "figures of recorded runs"),
        ("applications.json", "figures of recorded runs"),
        ("LICENSES.md", "the sets as a table"),
    ):
        found.append(Part(f"tuning/{name}", what, OURS, "made by training/"))
    found.append(Part("generation/prompts.json", "beginnings of texts", OURS, "written for it"))
    for file in sorted(assets.path("generation").glob("*_*.json")):
        card = assets.read_json("generation", file.name)
        training = file.stem.partition("_")[0]
        found.append(
            Part(f"generation/{file.stem}.*", "weights and figures", card["licence"], card["source"])
        )
        found.append(Part(f"generation/{training}.*", "its tokens", card["licence"], card["source"]))
    return list(dict.fromkeys(found))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def written() -> str:
    """The whole file."""
    lines = [
        "# Whose the parts are",
        "",
        "Written by `python -m training.third_party`; a test holds that nothing is missing.",
        "",
    ]
    lines += ["## Packages", "", "What `requirements.txt` brings (on Linux, x86-64).", ""]
    lines += ["| package | licence | page |", "|---|---|---|"]
    lines += [f"| {one.name} | {_cell(one.licence)} | {_cell(one.page)} |" for one in packages()]
    lines += ["", "Libraries that their wheels carry under licences of their own:", ""]
    lines += [f"- {name}: {what}" for name, what in sorted(CARRIED.items())]
    lines += ["", "## Weights, data and pictures", "", "Files under `assets/`.", ""]
    lines += ["| files | what, or whose | licence | source |", "|---|---|---|---|"]
    for part in parts():
        lines.append(
            "| " + " | ".join(map(_cell, (f"`{part.files}`", part.what, part.licence, part.source))) + " |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    FILE.write_text(written(), encoding="utf-8")
    print(f"{len(packages())} packages and {len(parts())} parts of assets are listed in {FILE.name}.")


if __name__ == "__main__":
    main()
