"""Stepwise for PyTorch: `Trainer` for the loop, `connect` for jobs of several ranks."""

from .memory import CudaMemory, MemoryProbe
from .order import ShuffledOrder
from .ranks import TorchRanks, connect
from .saver import Stateful
from .trainer import Options, Step, Trainer

__all__ = [
    "CudaMemory",
    "MemoryProbe",
    "Options",
    "ShuffledOrder",
    "Stateful",
    "Step",
    "TorchRanks",
    "Trainer",
    "connect",
]
