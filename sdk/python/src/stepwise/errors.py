"""The exceptions of this package, all with one base."""

from __future__ import annotations


class StepwiseError(Exception):
    """Anything this package raises on purpose, except a requested stop."""


class SettingError(StepwiseError):
    """An argument or environment variable that cannot work; the message names it and what would."""


class CheckpointError(StepwiseError):
    """A checkpoint exists but cannot be used."""


class TuningError(StepwiseError):
    """A tuning that cannot be applied.

    Attributes:
        reason: the label reported in `stepwise_trainer_config_rejections_total`.
        version: the version of the tuning, where it could be read.
    """

    def __init__(self, message: str, *, reason: str, version: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.version = version


class StopRequested(SystemExit):
    """A signal asked the job to stop and the checkpoint is written; ends the process with 128 + signal.

    It derives from SystemExit, so a training script need not catch it: `finally` blocks run and the
    exit code tells Kubernetes that the training was interrupted, not finished.
    """
