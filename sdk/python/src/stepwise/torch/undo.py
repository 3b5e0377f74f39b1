"""Taking back a forward pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .saver import random_state, restore_random_state


class Undo:
    """What a forward pass changes besides gradients, kept in case the step has to be redone."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._random = random_state()
        self._buffers: Sequence[tuple[torch.Tensor, torch.Tensor]] = [
            (buffer, buffer.detach().clone()) for buffer in model.buffers()
        ]

    def restore(self) -> None:
        """Make the failed attempt not to have happened."""
        restore_random_state(self._random)
        with torch.no_grad():
            for buffer, before in self._buffers:
                buffer.copy_(before)
