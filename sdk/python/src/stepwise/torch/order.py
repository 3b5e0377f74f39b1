"""Which dataset sample stands at which position of the job's endless sample sequence."""

from __future__ import annotations

import torch


class ShuffledOrder:
    """A new shuffle of the dataset in every epoch, computed alike by every rank and after every restart."""

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self.seed = seed
        self._epoch = -1
        self._permutation = torch.empty(0, dtype=torch.int64)

    def indices(self, positions: range) -> torch.Tensor:
        """Dataset indices at these positions; a range may run from one epoch into the next."""
        parts = []
        start = positions.start
        while start < positions.stop:
            epoch, offset = divmod(start, self.size)
            count = min(positions.stop - start, self.size - offset)
            parts.append(self._of_epoch(epoch)[offset : offset + count])
            start += count
        return torch.cat(parts) if len(parts) != 1 else parts[0]

    def _of_epoch(self, epoch: int) -> torch.Tensor:
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self._permutation = torch.randperm(self.size, generator=generator)
            self._epoch = epoch
        return self._permutation
