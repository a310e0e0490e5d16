"""The one queue of the process for long work: its runs, their places, their events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from core.errors import GlassboxError
from core.tuning.types import Dataset, Epoch, Plan, Progress

State = Literal["waiting", "running", "finished", "stopped", "failed"]


class Run:
    """A visitor's piece of work in the queue. May be asked by any thread at any time; never blocks."""

    id: str
    owner: str
    seconds: float  # as estimated

    @property
    def state(self) -> State:
        """Where the run is; "stopped" is a run that ended early at its visitor's wish, with its result."""
        raise NotImplementedError

    @property
    def place(self) -> int:
        """How many runs go before this one; 0 when it runs or is over."""
        raise NotImplementedError

    @property
    def progress(self) -> Progress | None:
        """The last `Progress` that came."""
        raise NotImplementedError

    @property
    def events(self) -> Sequence[Any]:
        """What the work has yielded so far, `Progress` apart; of very many only the last."""
        raise NotImplementedError

    @property
    def epochs(self) -> Sequence[Epoch]:
        """The `Epoch` events; only the first and the last carry maps."""
        raise NotImplementedError

    @property
    def result(self) -> Any:
        """The last event of a run that is over (`Finished` of `fine_tune`), else None."""
        raise NotImplementedError

    @property
    def error(self) -> GlassboxError | None:
        """Why the run failed, for the visitor."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask the run to end with what it has; one that still waits is just taken out."""
        raise NotImplementedError


class RunQueue:
    """Runs pieces of work one after the other in a worker process."""

    def submit(self, owner: str, function: str, *arguments: Any, seconds: float, **named: Any) -> Run:
        """Put a generator function to work: `function` is "package.module:name", its arguments plain data.

        Raises:
            GlassboxError: `tuning.error.busy`: too many runs wait already.
        """
        raise NotImplementedError

    def runs(self, owner: str) -> list[Run]:
        """The runs of one visitor, oldest first."""
        raise NotImplementedError

    def release(self, owner: str) -> None:
        """End and forget everything of a visitor who has left."""
        raise NotImplementedError


def queue() -> RunQueue:
    """The queue of this process."""
    raise NotImplementedError


def start(owner: str, dataset: Dataset, plan: Plan, *, watched: str | None = None) -> Run:
    """Put `fine_tune(dataset, plan, watched=watched)` into the queue."""
    raise NotImplementedError
