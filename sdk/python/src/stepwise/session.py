"""The training loop's companion: what to do in the next optimizer step, agreed by all ranks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .agreement import Accept, agree_on_boundary, agree_on_refusal
from .batch import BatchConfig
from .checkpoint import CheckpointStore
from .errors import StopRequested, TuningError
from .metrics import StepTimes, TrainerMetrics
from .noise import Observation
from .ranks import Ranks, SingleRank
from .saving import CheckpointDuty, Saver
from .schedule import ObservationSchedule
from .signals import StopSignal
from .tuning import NEXT_CHECKPOINT, OUT_OF_MEMORY, UNSUPPORTED, WORLD_SIZE, Tuning, TuningFile

log = logging.getLogger("stepwise")


@dataclass(frozen=True)
class Running:
    """A configuration as it is in force.

    Attributes:
        batch: micro batch, accumulation and ranks.
        learning_rate_scale: factor on the learning rate that the user's code sets.
        version: the tuning's version; 0 for the trainer's own.
        applied_step: optimizer steps done when it took effect; None for the trainer's own.
    """

    batch: BatchConfig
    learning_rate_scale: float = 1.0
    version: int = 0
    applied_step: int | None = None


@dataclass(frozen=True)
class StepPlan:
    """What this rank does in one optimizer step.

    Attributes:
        step: optimizer steps done before this one.
        running: the configuration in force.
        first_position: position of the step's first sample in the job's sample sequence.
        rank: this rank.
        trial: the first step under a new configuration, which may turn out not to fit into memory.
        observe: the gradient norms of this step are wanted, if it has two batches to tell apart.
    """

    step: int
    running: Running
    first_position: int
    rank: int
    trial: bool
    observe: bool

    @property
    def learning_rate_scale(self) -> float:
        """Factor on the learning rate that the user's code set for its own initial batch size."""
        return self.running.learning_rate_scale

    def micro_batches(self) -> list[range]:
        """This rank's sample positions, one range per forward-backward pass."""
        batch = self.running.batch
        passes = range(batch.gradient_accumulation_steps)
        return [batch.positions(self.first_position, self.rank, nth) for nth in passes]


class Session:
    """Keeps one rank in step with the operator and with the other ranks; knows no framework.

    A loop calls `begin_step` before and `end_step` after every optimizer step, and `out_of_memory` when a step
    did not fit. All ranks call the same methods in the same order.
    """

    def __init__(
        self,
        batch: BatchConfig,
        *,
        tuning_file: TuningFile | None = None,
        ranks: Ranks | None = None,
        metrics: TrainerMetrics | None = None,
        store: CheckpointStore | None = None,
        saver: Saver | None = None,
        accept: Accept | None = None,
        schedule: ObservationSchedule | None = None,
        checkpoint_every_seconds: float = 600.0,
        stop_signal: StopSignal | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ranks = ranks or SingleRank()
        self.metrics = metrics or TrainerMetrics()
        self.step = 0
        self.position = 0
        self.running = Running(batch)
        self._previous: Running | None = None
        self._pending: Tuning | None = None
        self._trial = False
        self._newest_version = 0
        self._too_large_version = 0
        self._file = tuning_file
        self._accept = accept
        self._schedule = schedule or ObservationSchedule()
        self._signal = stop_signal or StopSignal()
        self._duty = CheckpointDuty(
            self.ranks, self.metrics, store, saver, every_seconds=checkpoint_every_seconds, clock=clock
        )

    # -- the loop's two calls ----------------------------------------------------------------------------------

    def begin_step(self) -> StepPlan:
        """Everything that happens between two optimizer steps; then the plan of the next.

        Raises:
            StopRequested: a signal arrived on some rank; the checkpoint is written.
        """
        # 1. All ranks learn what any of them knows.
        boundary = agree_on_boundary(
            self.ranks,
            stop=self._signal.number is not None,
            checkpoint_due=self._duty.due(),
            observe=self.ranks.rank == 0 and self._schedule.due(self.step),
            tuning=self._file.poll() if self._file and self.ranks.rank == 0 else None,
        )
        # 2. A new tuning is accepted or refused by all.
        if boundary.tuning is not None:
            self._consider(boundary.tuning)
        # 3. A checkpoint is written if one is due, was asked for, or nothing will come after.
        saved = False
        if boundary.stop or boundary.checkpoint_due or self._duty.asked_for:
            saved = self.save_checkpoint()
        if boundary.stop:
            raise StopRequested(self._signal.exit_code)
        # 4. The accepted tuning takes effect.
        if self._pending and (saved or self._pending.effective_at != NEXT_CHECKPOINT):
            self._switch(self._pending)
        # 5. The first step under a new configuration is run whole: a divided one would prove nothing about memory.
        return self._plan(observe=boundary.observe and not self._trial)

    def end_step(self, *, times: StepTimes, loss: float | None = None, observation: Observation | None = None) -> None:
        """Record that the planned step is done: its samples are used up and the parameters updated."""
        batch = self.running.batch
        self._schedule.done(self.step, times.total, observed=observation is not None)
        if observation is not None:
            self.metrics.observed(observation)
        self.step += 1
        self.position += batch.global_batch_size
        self._trial = False
        self.metrics.step_done(samples=batch.samples_per_rank, times=times, loss=loss)

    def out_of_memory(self) -> StepPlan | None:
        """Return to the previous configuration, because the planned step did not fit on some rank.

        Returns:
            The plan that redoes the step: same first sample, previous configuration. None when there is no
            smaller configuration to return to, so that the error is the job's own.
        """
        failed, previous = self.running, self._previous
        if previous is None or previous.batch.micro_batch_size >= failed.batch.micro_batch_size:
            return None
        self._previous, self._trial = None, False
        self._too_large_version = failed.version
        self._put_in_force(previous)
        message = f"micro batch {failed.batch.micro_batch_size} does not fit into memory; back to"
        self._reject(
            TuningError(f"{message} {previous.batch.micro_batch_size}", reason=OUT_OF_MEMORY, version=failed.version)
        )
        return self._plan(observe=False)

    def save_checkpoint(self) -> bool:
        """Write a checkpoint now; all ranks call it. False when it failed or no directory was given."""
        return self._duty.save(self.step, self.state_dict())

    # -- resuming ----------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Plain values to keep in a checkpoint."""
        running = self.running
        return {
            "step": self.step,
            "position": self.position,
            "micro_batch_size": running.batch.micro_batch_size,
            "gradient_accumulation_steps": running.batch.gradient_accumulation_steps,
            "data_parallel_size": running.batch.data_parallel_size,
            "learning_rate_scale": running.learning_rate_scale,
            "version": running.version,
            "applied_step": running.applied_step,
            "too_large_version": self._too_large_version,
            "checkpoint_request": self._duty.requested,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a checkpoint, also one written by another number of ranks."""
        self.step, self.position = state["step"], state["position"]
        saved = BatchConfig(
            state["micro_batch_size"], state["gradient_accumulation_steps"], state["data_parallel_size"]
        )
        self._too_large_version = state["too_large_version"]
        scale = state["learning_rate_scale"]
        if saved.data_parallel_size == self.ranks.size:
            running = Running(saved, scale, state["version"], state["applied_step"])
            self._newest_version = max(running.version, self._too_large_version)
        else:
            # That tuning was for another number of ranks. Until a fitting one comes, the global batch size and
            # with it the learning rate stay as they were.
            running = Running(saved.reshaped(self.ranks.size), scale)
        self._put_in_force(running)
        self._schedule.started_at(self.step)
        self._duty.resumed(step=self.step, request=state["checkpoint_request"])
        share, left = divmod(self.position, self.ranks.size)
        self.metrics.resume(steps=self.step, samples=share + (self.ranks.rank < left))
        if self._too_large_version:
            self.metrics.gauge(config_rejected_version=self._too_large_version)

    # -- inside ------------------------------------------------------------------------------------------------

    def _consider(self, news: Tuning | TuningError) -> None:
        if isinstance(news, TuningError):
            self._reject(news)
            return
        if news.version < self._newest_version:
            return
        self._duty.ask(news.checkpoint_request)
        if news.version == self._newest_version:
            return
        self._newest_version = news.version
        # Reasons differ by rank only through the trainer's own veto; one refusal is everyone's.
        own, message = self._refusal(news)
        reason = agree_on_refusal(self.ranks, own)
        if reason is None:
            self._pending = news
        else:
            message = message or "another rank cannot apply it"
            self._reject(TuningError(message, reason=reason, version=news.version))

    def _refusal(self, tuning: Tuning) -> tuple[str | None, str]:
        if tuning.data_parallel_size != self.ranks.size:
            made_for = f"it was made for {tuning.data_parallel_size} ranks and {self.ranks.size} are running"
            return WORLD_SIZE, made_for
        if tuning.version == self._too_large_version:
            return OUT_OF_MEMORY, "it did not fit into memory before the restart"
        if tuning.effective_at == NEXT_CHECKPOINT and not self._duty.possible:
            return UNSUPPORTED, "it waits for a checkpoint, and STEPWISE_CHECKPOINT_DIR is not set"
        veto = self._accept(tuning) if self._accept else None
        return (UNSUPPORTED, veto) if veto is not None else (None, "")

    def _reject(self, error: TuningError) -> None:
        self.metrics.rejected(error.reason, error.version)
        if self.ranks.rank == 0:
            name = "the tuning" if error.version is None else f"tuning {error.version}"
            log.warning("%s is rejected (%s): %s", name, error.reason, error)

    def _switch(self, tuning: Tuning) -> None:
        self._pending = None
        self._previous, self._trial = self.running, True
        self._put_in_force(Running(tuning.batch, tuning.learning_rate_scale, tuning.version, self.step))
        if self.ranks.rank == 0:
            log.info("tuning %d in force from step %d: %s", tuning.version, self.step, tuning.reason)

    def _put_in_force(self, running: Running) -> None:
        self.running = running
        self._schedule.forget_durations()
        self.metrics.gauge(config_version=running.version, config_applied_step=running.applied_step)

    def _plan(self, *, observe: bool) -> StepPlan:
        return StepPlan(self.step, self.running, self.position, self.ranks.rank, self._trial, observe)
