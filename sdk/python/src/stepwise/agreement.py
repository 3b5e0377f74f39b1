"""How the ranks of a job come to the same decision at the same step boundary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .errors import TuningError
from .ranks import Ranks
from .tuning import REASONS, Tuning


@dataclass(frozen=True)
class Boundary:
    """What all ranks know when a step is about to begin.

    Attributes:
        stop: some rank got a signal to end.
        checkpoint_due: rank 0 wants a checkpoint now.
        observe: rank 0 wants the step's gradients observed.
        tuning: what rank 0 newly read from the tuning file, valid or not; None without news.
    """

    stop: bool
    checkpoint_due: bool
    observe: bool
    tuning: Tuning | TuningError | None


def agree_on_boundary(
    ranks: Ranks, *, stop: bool, checkpoint_due: bool, observe: bool, tuning: Tuning | TuningError | None
) -> Boundary:
    """Share what each rank knows.

    Costs one small reduction per step; a tuning itself travels only when rank 0 has a new one. The other ranks'
    own files are never read: the kubelet may update the pods of a job many seconds apart.
    """
    flags = [stop, checkpoint_due, observe, tuning is not None]
    any_stop, any_due, any_observe, news = ranks.any_true(flags)
    shared = _from_message(ranks.broadcast(_to_message(tuning))) if news else None
    return Boundary(any_stop, any_due, any_observe, shared)


def agree_on_refusal(ranks: Ranks, own: str | None) -> str | None:
    """The reason for which any rank refuses, or None when all can apply. `own` is this rank's reason."""
    flags = ranks.any_true([own == reason for reason in REASONS])
    return next((reason for reason, refused in zip(REASONS, flags, strict=True) if refused), None)


Message = tuple[Tuning | None, tuple[str, str, int | None] | None]


def _to_message(tuning: Tuning | TuningError | None) -> Message:
    # An exception with arguments of its own does not survive pickling, so its parts travel
    if isinstance(tuning, TuningError):
        return None, (str(tuning), tuning.reason, tuning.version)
    return tuning, None


def _from_message(message: Message) -> Tuning | TuningError | None:
    tuning, error = message
    if error is None:
        return tuning
    return TuningError(error[0], reason=error[1], version=error[2])


Accept = Callable[[Tuning], str | None]
"""A trainer's own veto: None to accept, or a sentence saying why this tuning cannot run here."""
