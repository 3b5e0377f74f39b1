"""Gradient noise scale from the square norms of gradients at two batch sizes.

After McCandlish et al. 2018, "An Empirical Model of Large-Batch Training", appendix A.1. For a mean gradient over
b samples, E|g_b|^2 = |G|^2 + tr(Sigma) / b. Two batch sizes give two equations for the two unknowns. Both are
averaged over many observations first: a ratio of single observations is biased and may be negative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class NoiseScale:
    """What the two sums tell about the gradient.

    Attributes:
        square_norm: |G|^2 of the true gradient.
        variance_trace: tr(Sigma), the variance of one sample's gradient.
    """

    square_norm: float
    variance_trace: float

    @property
    def samples(self) -> float | None:
        """The noise scale in samples; None where the estimate is not positive (too few observations)."""
        if self.square_norm <= 0 or self.variance_trace <= 0:
            return None
        return self.variance_trace / self.square_norm


@dataclass(frozen=True)
class Observation:
    """Square norms seen in one optimizer step.

    Attributes:
        small_square_norm: mean of |g_i|^2 over the small batches of the step.
        large_square_norm: |g|^2 of their mean.
        small_batch_size: samples per small batch; not whole when an odd micro-batch was cut in two.
        large_batch_size: samples in all small batches together.
    """

    small_square_norm: float
    large_square_norm: float
    small_batch_size: float
    large_batch_size: float

    @property
    def usable(self) -> bool:
        """False for overflowed or undefined gradients, which would spoil a sum for ever."""
        norms = (self.small_square_norm, self.large_square_norm)
        return all(math.isfinite(norm) and norm >= 0 for norm in norms)


@dataclass(frozen=True)
class NoiseSums:
    """Sums over observations that all have the same two batch sizes, as the metrics page shows them."""

    small_square_norm: float = 0.0
    large_square_norm: float = 0.0
    observations: int = 0
    small_batch_size: float = 0.0
    large_batch_size: float = 0.0

    def plus(self, seen: Observation) -> NoiseSums:
        """With one more observation. The batch sizes become the newest's; see `since`."""
        return NoiseSums(
            self.small_square_norm + seen.small_square_norm,
            self.large_square_norm + seen.large_square_norm,
            self.observations + 1,
            seen.small_batch_size,
            seen.large_batch_size,
        )

    def since(self, before: NoiseSums) -> NoiseScale | None:
        """The estimate from the increases since earlier sums; None without any, or if a batch size changed between."""
        count = self.observations - before.observations
        small, large = self.small_batch_size, self.large_batch_size
        sizes_before = (before.small_batch_size, before.large_batch_size)
        if count < 1 or (before.observations > 0 and sizes_before != (small, large)):
            return None
        mean_small = (self.small_square_norm - before.small_square_norm) / count
        mean_large = (self.large_square_norm - before.large_square_norm) / count
        return NoiseScale(
            square_norm=(large * mean_large - small * mean_small) / (large - small),
            variance_trace=(mean_small - mean_large) / (1 / small - 1 / large),
        )


def effective_size(sizes: Sequence[int]) -> float:
    """The batch size that the mean of |g_i|^2 over batches of these sizes stands for.

    The noise part of |g_i|^2 is tr(Sigma) / b_i, so the harmonic mean counts.
    """
    return len(sizes) / sum(1 / size for size in sizes)
