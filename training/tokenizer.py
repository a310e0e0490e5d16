"""Learn the tokenizer that the text models share, from the training splits of both languages.

    python -m training.tokenizer --data data

The folder is the one of `training/texts.py`. The joins of each language are learned from its own texts,
so that the larger set does not crowd out the other: Latin words and everything else that is not Chinese
out of all texts, Chinese out of the Chinese ones. As no stretch mixes scripts, the two lists simply follow
one another. Chinese pieces are four characters at most, so that each stays a word or a short phrase.
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, trainers
from tokenizers.models import BPE

from core import assets
from core.language.cleaning import clean
from core.language.tokenizer import PairTokenizer, cutter
from training import texts

LATIN_PIECES, LATIN_LONGEST = 9_500, 18
CHINESE_PIECES, CHINESE_LONGEST = 8_000, 4
RAREST = 12  # times that a character must occur to be in the alphabet
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")


def wanted(character: str) -> bool:
    """Whether a character may be in the alphabet: no letters of other scripts, no spaces."""
    if unicodedata.category(character).startswith("L"):
        return bool(_CHINESE.match(character)) or "LATIN" in unicodedata.name(character, "")
    return not character.isspace()


def joins(stretches: Iterable[str], alphabet: list[str], pieces: int, longest: int) -> list[tuple[str, str]]:
    """The joins that byte-pair encoding learns from texts, the most frequent first."""
    learner = Tokenizer(BPE(unk_token="?"))
    learner.pre_tokenizer = cutter()
    learner.train_from_iterator(
        stretches,
        trainers.BpeTrainer(
            vocab_size=pieces,
            min_frequency=8,
            limit_alphabet=len(alphabet),
            initial_alphabet=alphabet,
            max_token_length=longest,
            show_progress=False,
        ),
    )
    learned = json.loads(learner.to_str())["model"]["merges"]
    known = set(alphabet)
    return [(left, right) for left, right in learned if set(left + right) <= known]


def main() -> None:
    """Learn and write the tokenizer; print what a text costs with it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of training/texts.py")
    options = parser.parse_args()
    english = [
        clean(text)[0]
        for text in (texts.imdb(options.data, "train") + texts.english(options.data, "train")).texts
    ]
    chinese = [clean(text)[0] for text in texts.chinese(options.data, "train").texts]
    counts = Counter(character for text in english + chinese for character in text)
    alphabet = [c for c, count in counts.most_common() if count >= RAREST and wanted(c)]
    latin = [c for c in alphabet if not _CHINESE.match(c)]
    han = [c for c in alphabet if _CHINESE.match(c)]
    without = [_CHINESE.sub(" ", text) for text in english + chinese]
    only = [" ".join(_CHINESE.findall(text)) for text in chinese]
    learned = joins(without, latin, LATIN_PIECES, LATIN_LONGEST) + joins(
        only, han, CHINESE_PIECES, CHINESE_LONGEST
    )
    stored = {"alphabet": "".join(alphabet), "joins": [f"{left} {right}" for left, right in learned]}
    file = assets.path("language", "tokenizer.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(stored, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    made = PairTokenizer.read(file)
    print(f"{made.size} pieces, {file.stat().st_size / 1e3:.0f} kB")
    for name, part in (
        ("imdb", texts.imdb(options.data, "dev")),
        ("english", texts.english(options.data, "dev")),
        ("chinese", texts.chinese(options.data, "dev")),
    ):
        ids = made.ids(part.texts)
        tokens, characters = sum(map(len, ids)), sum(map(len, part.texts))
        unknown = sum(row.count(0) for row in ids)
        print(
            f"{name}: {tokens / len(ids):.1f} tokens a text, {characters / tokens:.2f} characters a token, "
            f"{unknown / tokens:.2%} unknown"
        )


if __name__ == "__main__":
    main()
