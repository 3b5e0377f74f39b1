"""How one optimizer step is cut into micro-batches, and which samples each of them takes."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import SettingError


@dataclass(frozen=True)
class BatchConfig:
    """The three numbers whose product is the global batch size.

    Attributes:
        micro_batch_size: samples of one forward-backward pass on one rank.
        gradient_accumulation_steps: passes per optimizer step on each rank, every pass counted (1 or more).
        data_parallel_size: ranks that hold a copy of the model.
    """

    micro_batch_size: int
    gradient_accumulation_steps: int = 1
    data_parallel_size: int = 1

    def __post_init__(self) -> None:
        """Refuse sizes below one."""
        for name in ("micro_batch_size", "gradient_accumulation_steps", "data_parallel_size"):
            value = getattr(self, name)
            if value < 1:
                raise SettingError(f"{name} is {value}; it must be 1 or more")

    @property
    def global_batch_size(self) -> int:
        """Samples per optimizer step over all ranks."""
        return self.samples_per_rank * self.data_parallel_size

    @property
    def samples_per_rank(self) -> int:
        """Samples per optimizer step of one rank."""
        return self.micro_batch_size * self.gradient_accumulation_steps

    @property
    def micro_batches(self) -> int:
        """Micro-batches per optimizer step over all ranks."""
        return self.gradient_accumulation_steps * self.data_parallel_size

    def reshaped(self, data_parallel_size: int) -> BatchConfig:
        """The configuration nearest to this one for another number of ranks.

        The global batch size stays (it is what convergence depends on) wherever the ranks divide it, and the
        micro batch never grows (it is what memory depends on).
        """
        per_rank = max(1, round(self.global_batch_size / data_parallel_size))
        micro = next(m for m in range(min(self.micro_batch_size, per_rank), 0, -1) if per_rank % m == 0)
        return BatchConfig(micro, per_rank // micro, data_parallel_size)

    def positions(self, first: int, rank: int, accumulation_step: int) -> range:
        """Positions in the job's one sample sequence that a micro-batch takes.

        The sequence is counted over all ranks from the first step of the job. A step that begins at `first`
        takes the next `global_batch_size` positions, whatever the number of ranks, so a change of any of the
        three numbers neither skips nor repeats a sample.
        """
        nth = accumulation_step * self.data_parallel_size + rank
        start = first + nth * self.micro_batch_size
        return range(start, start + self.micro_batch_size)
