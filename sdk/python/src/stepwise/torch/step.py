"""One optimizer step: forward and backward passes, agreement on memory, update."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from ..metrics import StepTimes
from ..noise import Observation, effective_size
from ..ranks import Ranks
from ..session import StepPlan
from .gradients import Preconditioner, SplitGradients, average_over_ranks, parameters_of
from .memory import is_out_of_memory, release_memory

Fetch = Callable[[range], Any]
ComputeLoss = Callable[[Any], Tensor]


@dataclass(frozen=True)
class Part:
    """Samples that go through the model together, and their share in the step's gradient on this rank."""

    positions: range
    weight: float


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        loss: mean loss over this rank's samples; None when memory was too small.
        times: seconds by phase; None when memory was too small.
        observation: gradient norms, in a step that was observed.
        error: the error, where this rank's memory was too small.
    """

    loss: float | None = None
    times: StepTimes | None = None
    observation: Observation | None = None
    error: BaseException | None = None

    @property
    def fits(self) -> bool:
        """Whether the step was done, on this rank and on all others."""
        return self.times is not None


class Stepper:
    """Runs planned steps on a model and its optimizer.

    Under DistributedDataParallel, most steps let it overlap communication with the backward pass. A rank that runs
    out of memory there leaves the others waiting for ever, so the first step under a new configuration keeps the
    passes local, agrees that all fitted, and only then exchanges gradients. Observed steps do the same, since they
    need every rank's own gradient.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: Optimizer,
        ranks: Ranks,
        *,
        precondition: bool,
        before_update: Callable[[], object] | None,
    ) -> None:
        self._optimizer = optimizer
        self._parameters = parameters_of(optimizer)
        self._ranks = ranks
        self._overlapping = model if isinstance(model, DistributedDataParallel) else None
        self._preconditioner = Preconditioner(optimizer, enabled=precondition)
        self._before_update = before_update
        self._cuda = any(p.is_cuda for p in self._parameters)

    def run(self, plan: StepPlan, fetch: Fetch, compute_loss: ComputeLoss) -> Outcome:
        """Do one optimizer step, or nothing at all when it does not fit into memory on some rank."""
        observe = plan.observe and self._preconditioner.ready and plan.running.batch.global_batch_size > 1
        parts = _parts(plan, halve=observe and plan.running.batch.micro_batches == 1)
        local = self._ranks.size > 1 and (self._overlapping is None or plan.trial or observe)
        clock = _Clock(self._cuda)
        split = SplitGradients(self._parameters, self._preconditioner.weights()) if observe else None
        clock.lap("observation")
        # 1. Forward and backward; then, where gradients are still local, all ranks agree that it fitted.
        losses, error = self._passes(parts, fetch, compute_loss, clock, local=local, split=split)
        if error is not None:
            self.discard()
            release_memory(error)
            if self._ranks.size > 1 and not local:
                raise error  # the other ranks are inside a reduction that this one will not join
        clock.lap("compute", wait=local)
        if (local and self._ranks.any_true([error is not None])[0]) or error is not None:
            self.discard()
            return Outcome(error=error)
        # 2. The exchange of gradients, unless the backward pass did it.
        if local:
            average_over_ranks(self._parameters, self._ranks.size)
            clock.lap("synchronization", wait=True)
        # 3. What the gradients tell about their noise.
        observation = self._observation(plan, parts, split)
        clock.lap("observation", wait=observe)
        # 4. The update.
        self._update(plan.learning_rate_scale)
        loss = float(torch.stack(losses).sum())
        clock.lap("compute", wait=True)
        return Outcome(loss, self._times(clock, plan, observe, local), observation)

    def discard(self) -> None:
        """Drop the gradients of a step that is not done."""
        self._optimizer.zero_grad(set_to_none=True)

    def _passes(
        self,
        parts: list[Part],
        fetch: Fetch,
        compute_loss: ComputeLoss,
        clock: _Clock,
        *,
        local: bool,
        split: SplitGradients | None,
    ) -> tuple[list[Tensor], BaseException | None]:
        losses: list[Tensor] = []
        try:
            for part in parts:
                batch = fetch(part.positions)
                clock.lap("data")
                with self._communication(local or part is not parts[-1]):
                    loss = torch.mul(compute_loss(batch), part.weight)
                    loss.backward()
                losses.append(loss.detach())
                clock.lap("compute")
                if split:
                    split.take(part.weight)
                    clock.lap("observation")
            if split:
                split.put_back()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return [], error
        return losses, None

    def _communication(self, deferred: bool) -> AbstractContextManager[None]:
        if self._overlapping is not None and deferred:
            context: AbstractContextManager[None] = self._overlapping.no_sync()
            return context
        return nullcontext()

    def _observation(self, plan: StepPlan, parts: list[Part], split: SplitGradients | None) -> Observation | None:
        if split is None:
            return None
        small = split.mean_square_norm().reshape(1)
        if self._ranks.size > 1:
            dist.all_reduce(small)
            small /= self._ranks.size
        return Observation(
            small_square_norm=float(small),
            large_square_norm=float(split.square_norm()),
            small_batch_size=effective_size([len(part.positions) for part in parts]),
            large_batch_size=plan.running.batch.global_batch_size,
        )

    def _update(self, learning_rate_scale: float) -> None:
        if self._before_update:
            self._before_update()
        # Scaled for this update only: a scheduler that reads or multiplies the rate sees its own value
        groups = self._optimizer.param_groups
        rates = [group["lr"] for group in groups]
        for group in groups:
            group["lr"] = group["lr"] * learning_rate_scale
        try:
            self._optimizer.step()
        finally:
            for group, rate in zip(groups, rates, strict=True):
                group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)

    def _times(self, clock: _Clock, plan: StepPlan, observed: bool, local: bool) -> StepTimes:
        # Where the backward pass overlaps communication, compute is not known by itself; where one micro-batch
        # was halved for an observation, it is not that of an ordinary step.
        halved = observed and plan.running.batch.micro_batches == 1
        by_itself = (self._ranks.size == 1 or local) and not halved
        spent = clock.seconds
        return StepTimes(
            total=clock.total(),
            compute=spent.get("compute") if by_itself else None,
            synchronization=spent.get("synchronization"),
            data=spent.get("data"),
        )


def _parts(plan: StepPlan, *, halve: bool) -> list[Part]:
    """The step's passes on this rank; with `halve`, its only micro-batch in two halves of the same mean gradient."""
    ranges = plan.micro_batches()
    if halve:
        only = ranges[0]
        middle = len(only) // 2
        ranges = [only[:middle], only[middle:]]
    samples = sum(len(positions) for positions in ranges)
    return [Part(positions, len(positions) / samples) for positions in ranges]


class _Clock:
    """Seconds spent by phase."""

    def __init__(self, cuda: bool) -> None:
        self._cuda = cuda
        self._began = self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, phase: str, *, wait: bool = False) -> None:
        """Book the time since the last lap; with `wait`, after the device has done what it was given."""
        if wait and self._cuda:
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now

    def total(self) -> float:
        """Seconds from the beginning to the last lap."""
        return self._last - self._began
