"""When a checkpoint is written, and that all ranks know whether it was."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Protocol

from .checkpoint import CheckpointStore
from .metrics import TrainerMetrics
from .ranks import Ranks

log = logging.getLogger("stepwise")

RETRY_SECONDS = 30.0


class Saver(Protocol):
    """The framework's part of a checkpoint."""

    def capture(self) -> Any:  # noqa: ANN401 - whatever the same object's `write` understands
        """Collect what is to be saved; called on all ranks, so it may communicate."""
        ...

    def write(self, file: BinaryIO, captured: Any, session: Mapping[str, Any]) -> None:  # noqa: ANN401
        """Write it together with the session's own values; called on rank 0 only."""
        ...


class CheckpointDuty:
    """Knows which checkpoints were asked for and writes them.

    Attributes:
        requested: newest `checkpointRequest` seen.
    """

    def __init__(
        self,
        ranks: Ranks,
        metrics: TrainerMetrics,
        store: CheckpointStore | None,
        saver: Saver | None,
        *,
        every_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requested = 0
        self._served = 0
        self._failed = False
        self._ranks, self._metrics = ranks, metrics
        self._store, self._saver = store, saver
        self._every_seconds, self._clock = every_seconds, clock
        self._next = clock() + every_seconds

    @property
    def possible(self) -> bool:
        """Whether there is a place to write to and something that can write."""
        return self._store is not None and self._saver is not None

    @property
    def asked_for(self) -> bool:
        """Whether a request is open that has not failed yet; a failed one waits for `due`."""
        return self.possible and self.requested > self._served and not self._failed

    def ask(self, request: int) -> None:
        """Take note of the tuning file's `checkpointRequest`."""
        if request > self.requested:
            self.requested, self._failed = request, False
            if not self.possible:
                log.warning("checkpoint %d was requested, but STEPWISE_CHECKPOINT_DIR is not set", request)

    def due(self) -> bool:
        """Whether this rank's clock says that it is time; only rank 0's counts."""
        return self.possible and self._ranks.rank == 0 and self._clock() >= self._next

    def resumed(self, *, step: int, request: int) -> None:
        """Start from a checkpoint that served `request`."""
        self.requested = self._served = request
        self._metrics.gauge(checkpoint_step=step, checkpoint_request=request)

    def save(self, step: int, session: Mapping[str, Any]) -> bool:
        """Write a checkpoint; returns on all ranks whether it is complete.

        A failure does not end the training: the work since the last checkpoint is worth more than the file.
        """
        if self._store is None or self._saver is None:
            return False
        began = self._clock()
        captured = self._saver.capture()
        complete = True
        if self._ranks.rank == 0:
            complete = self._write(self._store, self._saver, step, captured, session)
        complete = self._ranks.broadcast(complete)
        now = self._clock()
        self._failed = not complete
        self._next = now + (self._every_seconds if complete else min(RETRY_SECONDS, self._every_seconds))
        if complete:
            self._served = self.requested
            self._metrics.checkpoint_written(step=step, request=self._served, seconds=now - began)
        return complete

    @staticmethod
    def _write(
        store: CheckpointStore,
        saver: Saver,
        step: int,
        captured: Any,  # noqa: ANN401
        session: Mapping[str, Any],
    ) -> bool:
        try:
            store.write(step, lambda file: saver.write(file, captured, session))
        except Exception:
            log.exception("the checkpoint of step %d could not be written; training goes on", step)
            return False
        return True
