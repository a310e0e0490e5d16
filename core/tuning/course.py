"""What every run keeps as it goes: its epochs, the best of them, and when to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from core.tuning import evaluation
from core.tuning.head import Labels
from core.tuning.schedule import learning_rate
from core.tuning.types import Epoch, Evaluation, Example, Plan
from core.types import Floats

PREVIEWS = 6  # validation examples whose probabilities are told at each epoch


class Course:
    """The epochs of one run so far, and the best state among them: the one with the least validation loss."""

    def __init__(self, plan: Plan, previews: Sequence[Example]) -> None:
        self.plan = plan
        self.previews = {example.digest for example in previews}
        self.history: list[Epoch] = []
        self.best: Any = None  # whatever the run handed over with its best epoch
        self.best_epoch = 0
        self.stopped: Literal["done", "early", "by_visitor"] = "done"
        self._least = np.inf

    @property
    def patience(self) -> int:
        """How many epochs without a better one are waited for."""
        return max(5, self.plan.epochs // 5)

    def epoch(
        self,
        number: int,
        state: Any,
        on_training: Floats,
        training_labels: Labels,
        on_validation: Floats,
        validation: Sequence[Example],
        maps: Floats | None = None,
    ) -> Epoch:
        """The epoch as an event, from the probabilities on both splits; `state` is kept if it is the best."""
        return self.told(
            number,
            state,
            evaluation.loss(on_training, training_labels),
            float((on_training.argmax(axis=1) == training_labels).mean()),
            on_validation,
            validation,
            maps,
        )

    def told(
        self,
        number: int,
        state: Any,
        loss: float,
        accuracy: float,
        on_validation: Floats,
        validation: Sequence[Example],
        maps: Floats | None = None,
    ) -> Epoch:
        """As `epoch`, where loss and accuracy on the training split are known already."""
        labels = np.array([example.label for example in validation], np.int64)
        found = Epoch(
            epoch=number,
            loss=loss,
            accuracy=accuracy,
            validation_loss=evaluation.loss(on_validation, labels),
            validation_accuracy=float((on_validation.argmax(axis=1) == labels).mean()),
            learning_rate=learning_rate(max(number - 1, 0), self.plan.epochs, self.plan.learning_rate),
            previews={
                example.digest: row
                for example, row in zip(validation, on_validation, strict=True)
                if example.digest in self.previews
            },
            maps=maps,
        )
        self.history.append(found if maps is None else replace(found, maps=None))
        if found.validation_loss < self._least:
            self._least, self.best, self.best_epoch = found.validation_loss, state, number
        return found

    def should_end(self, number: int) -> bool:
        """Whether there is no use in going on."""
        late = number - self.best_epoch >= self.patience and number < self.plan.epochs
        if self.plan.early_stopping and late:
            self.stopped = "early"
            return True
        return False

    def figures(self, found: Evaluation, training: int, validation: int, seconds: float) -> dict[str, float]:
        """What is told of the network wherever it goes."""
        return {
            "accuracy": found.accuracy,
            "interval_low": found.interval[0],
            "interval_high": found.interval[1],
            "loss": found.loss,
            "calibration_error": found.calibration_error,
            "baseline_accuracy": found.baseline_accuracy,
            "training": float(training),
            "validation": float(validation),
            "best_epoch": float(self.best_epoch),
            "epochs": float(max((epoch.epoch for epoch in self.history), default=0)),
            "seconds": seconds,
        }


def preview_examples(validation: Sequence[Example]) -> list[Example]:
    """A few validation examples, of as many classes as can be."""
    chosen: list[Example] = []
    for turn in range(len(validation)):
        for label in sorted({example.label for example in validation}):
            of_class = [example for example in validation if example.label == label]
            if turn < len(of_class) and len(chosen) < PREVIEWS:
                chosen.append(of_class[turn])
        if len(chosen) >= PREVIEWS:
            break
    return chosen


def made_now() -> str:
    """The date and time, UTC, as it is written into a model."""
    return datetime.now(UTC).isoformat(timespec="seconds")
