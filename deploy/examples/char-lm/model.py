"""The model, and the memory that its training would take on a device."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from corpus import CONTEXT, VOCABULARY

EMBEDDING = 64
HIDDEN = 1024
FLOAT_BYTES = 4
PIECE = 512  # samples per validation pass


class NextCharacter(nn.Sequential):
    """Multilayer perceptron: 16 characters x 64 -> 1024 -> 1024 -> 128."""

    def __init__(self) -> None:
        super().__init__(
            nn.Embedding(VOCABULARY, EMBEDDING),
            nn.Flatten(),
            nn.Linear(CONTEXT * EMBEDDING, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, VOCABULARY),
        )


class SimulatedDevice:
    """Stands for a GPU's memory on a machine without one.

    It counts what the tensors of a training step take (weights, gradients and Adam's two moments, and the
    activations with their gradients for each sample) and raises the error a GPU would raise when that exceeds
    the limit. It says nothing about the memory of the process.
    """

    def __init__(self, model: nn.Module, limit_bytes: int | None) -> None:
        parameters = sum(parameter.numel() for parameter in model.parameters())
        self._base_bytes = 4 * FLOAT_BYTES * parameters
        # inputs of each layer, outputs before the activation, and the gradients of both
        values = CONTEXT * EMBEDDING + 4 * HIDDEN + 2 * VOCABULARY
        self._bytes_per_sample = 2 * FLOAT_BYTES * values
        self._limit_bytes = limit_bytes
        self._peak_bytes: int | None = None

    def take(self, batch: tuple[Tensor, Tensor]) -> None:
        """Account for a forward and backward pass over a batch."""
        needed = self._base_bytes + len(batch[1]) * self._bytes_per_sample
        if self._limit_bytes is not None and needed > self._limit_bytes:
            raise MemoryError(
                f"simulated device out of memory: a micro batch of {len(batch[1])} needs {needed} bytes, "
                f"--memory-limit-mib allows {self._limit_bytes}"
            )
        self._peak_bytes = max(needed, self._peak_bytes or 0)

    def peak_bytes(self) -> int | None:
        """Most bytes since the last reset."""
        return self._peak_bytes

    def limit_bytes(self) -> int | None:
        """The limit, where one was set."""
        return self._limit_bytes

    def reset_peak(self) -> None:
        """Begin a new peak."""
        self._peak_bytes = None


@torch.no_grad()
def mean_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> float:
    """Cross entropy in nats per character, over pieces that stay in the cache."""
    contexts, following = batch
    total = 0.0
    for start in range(0, len(following), PIECE):
        piece = slice(start, start + PIECE)
        total += float(nn.functional.cross_entropy(model(contexts[piece]), following[piece], reduction="sum"))
    return total / len(following)
