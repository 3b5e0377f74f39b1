"""The trainer's surface: an iterator of optimizer steps that obey the operator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.utils.data import default_collate

from ..agreement import Accept
from ..batch import BatchConfig
from ..checkpoint import CheckpointStore
from ..environment import Environment
from ..metrics import TrainerMetrics
from ..ranks import Ranks, SingleRank
from ..schedule import ObservationSchedule
from ..server import MetricsServer
from ..session import Running, Session, StepPlan
from ..signals import StopSignal
from ..tuning import TuningFile
from .memory import CudaMemory, MemoryProbe
from .order import ShuffledOrder
from .ranks import TorchRanks, connect
from .saver import Stateful, TorchSaver
from .step import ComputeLoss, Outcome, Stepper
from .undo import Undo

log = logging.getLogger("stepwise")

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """What may be set, with defaults that fit most jobs.

    Attributes:
        seed: of the order in which samples are drawn.
        checkpoint_every_seconds: between periodic checkpoints; also what a killed job may lose.
        observe_every_steps: between observations of the gradient noise; by default as often as a fiftieth of the
            time pays for; 0 switches them off.
        precondition: divide gradients by the square root of Adam's second moments before their norms are taken.
        before_update: called when the step's gradients are complete, for example to clip them.
        accept: the trainer's own veto on a tuning: None, or a sentence saying why it cannot run.
        state: what to keep in checkpoints besides model and optimizer, by name: `{"scheduler": scheduler}`.
        memory: where memory figures come from; the CUDA device by default.
        environment: what the operator and the launcher said; read from the process's environment by default.
    """

    seed: int = 0
    checkpoint_every_seconds: float = 600.0
    observe_every_steps: int | None = None
    precondition: bool = True
    before_update: Callable[[], object] | None = None
    accept: Accept | None = None
    state: Mapping[str, Stateful] = field(default_factory=dict)
    memory: MemoryProbe = field(default_factory=CudaMemory)
    environment: Environment | None = None


class Trainer:
    """Trains a model on a dataset, with batch sizes and learning rate that the operator may change at any step.

    Use it as a context manager; it resumes from the newest checkpoint by itself:

        with stepwise.torch.Trainer(model, optimizer, dataset, micro_batch_size=32) as trainer:
            for step in trainer.steps(10_000):
                loss = step(lambda batch: criterion(model(batch[0]), batch[1]))

    Attributes:
        metrics: the figures of this rank's metrics page.
        session: the part that talks with the operator and the other ranks.
        port: TCP port of the metrics page.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Optimizer,
        dataset: Any,  # noqa: ANN401 - anything with __len__ and __getitem__ or __getitems__
        *,
        micro_batch_size: int,
        gradient_accumulation_steps: int = 1,
        options: Options | None = None,
    ) -> None:
        """Set up, resume from the newest checkpoint, and open the metrics page.

        Args:
            model: a module; wrapped in DistributedDataParallel, communication overlaps computation.
            optimizer: it already has the learning rate for the batch size given here.
            dataset: map-style. A `__getitems__` that takes indices (a tensor) and returns a whole batch is used
                where there is one; else samples are taken one by one and collated.
            micro_batch_size: samples per pass and rank, until the operator says otherwise.
            gradient_accumulation_steps: passes per optimizer step and rank, until the operator says otherwise.
            options: see there.
        """
        options = options or Options()
        environment = options.environment or connect()
        self._model, self._dataset = model, dataset
        self._ranks: Ranks = TorchRanks() if environment.world_size > 1 else SingleRank()
        self._order = ShuffledOrder(len(dataset), options.seed)
        self._memory = options.memory
        self._stepper = Stepper(
            model,
            optimizer,
            self._ranks,
            precondition=options.precondition,
            before_update=options.before_update,
        )
        self._signal = StopSignal()
        self._told = False
        self.metrics = TrainerMetrics()
        saver = TorchSaver(model, optimizer, options.state, self._ranks)
        store = CheckpointStore(environment.checkpoint_dir) if environment.checkpoint_dir else None
        self.session = Session(
            BatchConfig(micro_batch_size, gradient_accumulation_steps, self._ranks.size),
            tuning_file=TuningFile(environment.tuning_file),
            ranks=self._ranks,
            metrics=self.metrics,
            store=store,
            saver=saver,
            accept=options.accept,
            schedule=ObservationSchedule(options.observe_every_steps),
            checkpoint_every_seconds=options.checkpoint_every_seconds,
            stop_signal=self._signal,
        )
        self._start_equal()
        self._resume(saver, store)
        self._server = MetricsServer(self.metrics, environment.metrics_port)
        self.port = self._server.port

    # -- what the user calls -----------------------------------------------------------------------------------

    @property
    def running(self) -> Running:
        """The configuration in force."""
        return self.session.running

    @property
    def samples(self) -> int:
        """Samples done by the whole job."""
        return self.session.position

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, the one that should print and write."""
        return self._ranks.rank == 0

    def steps(self, total: int | None = None) -> Iterator[Step]:
        """Optimizer steps until `total` are done, those before a restart counted; without it, without end."""
        self.metrics.gauge(target_steps=total)
        while total is None or self.session.step < total:
            step = Step(self, self.session.begin_step())
            yield step
            if not step.done:
                raise RuntimeError(f"optimizer step {step.number} was not run: call the step with a loss function")
            if total is not None:
                self.metrics.gauge(completed_ratio=self.session.step / total)

    def report_validation(self, loss: float) -> None:
        """Show the loss of a validation."""
        self.metrics.gauge(validation_loss=loss)

    def report_progress(self, completed_ratio: float) -> None:
        """Show how much of the training is done, for a job whose number of steps is not known beforehand."""
        self.metrics.gauge(completed_ratio=completed_ratio)

    def save_checkpoint(self) -> bool:
        """Write a checkpoint now; all ranks call it. False when that failed or no directory was given."""
        return self.session.save_checkpoint()

    def agree(self, value: T) -> T:
        """Rank 0's value on all ranks, for decisions that all must take alike; all ranks call it."""
        return self._ranks.broadcast(value)

    def close(self) -> None:
        """Close the metrics page and give the signals back."""
        self._signal.restore()
        self._server.close()

    def __enter__(self) -> Trainer:
        """Begin to answer SIGTERM and SIGINT with a checkpoint."""
        self._signal.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    # -- one step ----------------------------------------------------------------------------------------------

    def _run(self, plan: StepPlan, compute_loss: ComputeLoss) -> float:
        before = Undo(self._model) if plan.trial else None
        if plan.trial or plan.step == 0:
            self._memory.reset_peak()
        if plan.observe:
            self._say_if_unobservable(plan.running.batch)
        outcome = self._stepper.run(plan, self._fetch, compute_loss)
        if not outcome.fits and plan.observe:
            log.warning("step %d: no memory to observe gradients; it is redone without", plan.step)
            outcome = self._stepper.run(replace(plan, observe=False), self._fetch, compute_loss)
        if not outcome.fits:
            outcome = self._redo(outcome, compute_loss, before)
        return self._record(outcome)

    def _redo(self, failed: Outcome, compute_loss: ComputeLoss, before: Undo | None) -> Outcome:
        plan = self.session.out_of_memory()
        if plan is None:
            raise failed.error or MemoryError("out of memory on another rank")
        if before:
            before.restore()
        self._memory.reset_peak()
        outcome = self._stepper.run(plan, self._fetch, compute_loss)
        if not outcome.fits:
            raise outcome.error or MemoryError("out of memory on another rank")
        return outcome

    def _say_if_unobservable(self, batch: BatchConfig) -> None:
        if batch.global_batch_size == 1 and not self._told:
            self._told = True
            log.info("gradient noise is not observed: with a global batch of 1 there are no two batches to compare")

    def _record(self, outcome: Outcome) -> float:
        if outcome.loss is None or outcome.times is None:
            raise AssertionError("a step that was done has a loss and times")
        self.session.end_step(times=outcome.times, loss=outcome.loss, observation=outcome.observation)
        self.metrics.gauge(memory_used_bytes=self._memory.peak_bytes(), memory_limit_bytes=self._memory.limit_bytes())
        return outcome.loss

    def _fetch(self, positions: range) -> Any:  # noqa: ANN401
        indices = self._order.indices(positions)
        take_many = getattr(self._dataset, "__getitems__", None)
        if take_many is not None:
            return take_many(indices)
        return default_collate([self._dataset[index] for index in indices.tolist()])

    # -- beginning ---------------------------------------------------------------------------------------------

    def _start_equal(self) -> None:
        if self._ranks.size > 1 and not isinstance(self._model, DistributedDataParallel):
            for tensor in self._model.state_dict().values():
                dist.broadcast(tensor, src=0)

    def _resume(self, saver: TorchSaver, store: CheckpointStore | None) -> None:
        state = saver.resume(store) if store else None
        if state is None:
            return
        self.session.load_state_dict(state)
        if self.is_main:
            log.info("resumed at step %d, %d samples done", self.session.step, self.session.position)


class Step:
    """One optimizer step that is about to be done: call it once with the function that computes the loss.

    Attributes:
        number: optimizer steps done before it.
        plan: its micro-batches and learning rate factor.
        done: whether it was run.
    """

    def __init__(self, trainer: Trainer, plan: StepPlan) -> None:
        self.plan = plan
        self.number = plan.step
        self.done = False
        self._trainer = trainer

    def __call__(self, compute_loss: ComputeLoss) -> float:
        """Run the step.

        Args:
            compute_loss: takes a batch, returns the mean loss over its samples. It is called once per micro-batch,
                and again with smaller ones if a new micro batch did not fit into memory.

        Returns:
            The mean loss over this rank's samples of the step.
        """
        if self.done:
            raise RuntimeError(f"optimizer step {self.number} was already run")
        loss = self._trainer._run(self.plan, compute_loss)
        self.done = True
        return loss
