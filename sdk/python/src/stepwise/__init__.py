"""Trainer side of Stepwise: live batch configuration in, metrics out.

This package needs no framework; PyTorch users start at `stepwise.torch`.
"""

from .batch import BatchConfig
from .checkpoint import CheckpointStore
from .environment import Environment
from .errors import CheckpointError, SettingError, StepwiseError, StopRequested, TuningError
from .metrics import StepTimes, TrainerMetrics
from .noise import NoiseScale, NoiseSums, Observation
from .ranks import Ranks, SingleRank
from .saving import Saver
from .schedule import ObservationSchedule
from .server import MetricsServer
from .session import Running, Session, StepPlan
from .signals import StopSignal
from .tuning import Tuning, TuningFile, parse_tuning

__all__ = [
    "BatchConfig",
    "CheckpointError",
    "CheckpointStore",
    "Environment",
    "MetricsServer",
    "NoiseScale",
    "NoiseSums",
    "Observation",
    "ObservationSchedule",
    "Ranks",
    "Running",
    "Saver",
    "Session",
    "SettingError",
    "SingleRank",
    "StepPlan",
    "StepTimes",
    "StepwiseError",
    "StopRequested",
    "StopSignal",
    "TrainerMetrics",
    "Tuning",
    "TuningError",
    "TuningFile",
    "parse_tuning",
]
