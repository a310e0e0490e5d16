"""Tunes each of the applications and records what came of it, for the page that offers them.

    python -m training.applications

Everything that it needs ships with the app. Nothing but a head is learned: a minute or two on two processors.
Writes assets/tuning/applications.json and prints it.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime

from core import i18n, tuning
from core.tuning import applications, builtin, features, training
from core.tuning.applications import Result
from core.tuning.evaluation import wilson
from core.tuning.types import Finished

SPLITS = 5  # of texts: a fifth of fifty sentences is too few to tell anything


def result(name: str, language: str) -> Result:
    """The tuning that the page opens with; of texts, with the other splits too."""
    right = nearest = tests = 0.0
    splits = range(SPLITS if language else 1)  # pictures come with theirs
    for seed in splits:
        dataset = builtin(name, language or None, seed=seed)
        plan = training.default_plan(dataset)
        *_, last = tuning.fine_tune(dataset, plan)
        assert isinstance(last, Finished)
        count = len(last.evaluation.labels)
        right += last.evaluation.accuracy * count
        nearest += last.evaluation.baseline_accuracy * count
        tests += count
    learned, _ = features.split(dataset)
    low, high = wilson(round(right), round(tests))
    return Result(
        name,
        language,
        round(right / tests, 4),
        (round(low, 4), round(high, 4)),
        round(nearest / tests, 4),
        len(learned),
        round(tests),
        len(splits),
        datetime.now(UTC).date().isoformat(),
    )


def main() -> None:
    rows = []
    for name in applications.SETS:
        for language in applications.languages(name, i18n.LANGUAGES):
            begun = time.perf_counter()
            found = result(name, language)
            rows.append(asdict(found))
            print(
                f"{name:9s} {language:2s} {found.accuracy:6.1%} ({found.interval[0]:.1%} to {found.interval[1]:.1%})"
                f" of {found.tests} in {found.splits}, nearest mean {found.baseline_accuracy:.1%}, learned from {found.training},"
                f" {time.perf_counter() - begun:.1f} s",
                flush=True,
            )
    stored = {"made_by": "training/applications.py", "rows": rows}
    applications.FILE.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
