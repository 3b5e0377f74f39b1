"""Device memory, and telling "too little of it" from other errors."""

from __future__ import annotations

import gc
import traceback
from typing import Protocol

import torch


class MemoryProbe(Protocol):
    """Where the memory gauges come from. None means unknown, and the gauge stays away."""

    def peak_bytes(self) -> int | None:
        """Most memory held since the last reset."""
        ...

    def limit_bytes(self) -> int | None:
        """Memory that this rank may hold."""
        ...

    def reset_peak(self) -> None:
        """Begin a new peak; called when the micro batch changes."""
        ...


class CudaMemory:
    """Memory of the current CUDA device; unknown without one, as a CPU's memory limits no micro batch."""

    def peak_bytes(self) -> int | None:
        """The allocator's peak, and what the device holds outside it (context, communication buffers)."""
        if not torch.cuda.is_available():
            return None
        free, total = torch.cuda.mem_get_info()
        outside = max(0, total - free - torch.cuda.memory_reserved())
        return int(torch.cuda.max_memory_allocated() + outside)

    def limit_bytes(self) -> int | None:
        """All memory of the device."""
        return int(torch.cuda.mem_get_info()[1]) if torch.cuda.is_available() else None

    def reset_peak(self) -> None:
        """Begin a new peak."""
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was too small: CUDA's, Python's, or that of torch's CPU allocator."""
    if isinstance(error, MemoryError):
        return True
    cuda_error = getattr(torch.cuda, "OutOfMemoryError", None)
    if cuda_error is not None and isinstance(error, cuda_error):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


def release_memory(error: BaseException) -> None:
    """Let go of what a failed step still holds: the tensors in the error's frames and the allocator's cache."""
    traceback.clear_frames(error.__traceback__)
    error.__traceback__ = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
