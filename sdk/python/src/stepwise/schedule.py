"""When to observe the gradient noise."""

from __future__ import annotations

COST_SHARE = 0.02  # of the training time that observations may take
LEAST_STEPS, MOST_STEPS = 10, 50
_MEMORY = 0.2  # weight of the newest duration in the mean


class ObservationSchedule:
    """Looks at gradients as often as a fiftieth of the training time pays for, every 10 to 50 optimizer steps.

    An observation costs a pass over the parameters per micro-batch, and on a job with one micro-batch per step a
    second, smaller forward-backward pass. That is a few percent of a long step and more than all of a short one.

    Args:
        every_steps: a fixed distance instead; 0 for no observations.
    """

    def __init__(self, every_steps: int | None = None) -> None:
        self._fixed = every_steps
        self._last = 0
        self._plain_seconds: float | None = None
        self._extra_seconds: float | None = None

    @property
    def every_steps(self) -> int:
        """The distance between observations at present; 0 for none."""
        if self._fixed is not None:
            return self._fixed
        if not self._plain_seconds or self._extra_seconds is None:
            return LEAST_STEPS
        affordable = self._extra_seconds / (COST_SHARE * self._plain_seconds)
        return round(min(max(affordable, LEAST_STEPS), MOST_STEPS))

    def due(self, step: int) -> bool:
        """Whether the optimizer step that starts after `step` done ones should be observed."""
        return self.every_steps > 0 and step + 1 - self._last >= self.every_steps

    def done(self, step: int, seconds: float, *, observed: bool) -> None:
        """Learn from a step that started after `step` done ones what observations cost."""
        if not observed:
            self._plain_seconds = _mean(self._plain_seconds, seconds)
            return
        self._last = step + 1
        if self._plain_seconds is not None:
            self._extra_seconds = _mean(self._extra_seconds, max(0.0, seconds - self._plain_seconds))

    def started_at(self, step: int) -> None:
        """Count from a step, after a resume."""
        self._last = step

    def forget_durations(self) -> None:
        """Learn anew, because the batch configuration changed."""
        self._plain_seconds = self._extra_seconds = None


def _mean(before: float | None, newest: float) -> float:
    return newest if before is None else before + _MEMORY * (newest - before)
