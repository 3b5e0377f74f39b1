"""What the loop needs from the other ranks, so that it can be had from any communication library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Ranks(Protocol):
    """The ranks of one data-parallel job. Every method is collective: all ranks call it, in the same order."""

    rank: int
    size: int

    def any_true(self, flags: Sequence[bool]) -> list[bool]:
        """For each flag, whether it is true on any rank. Called at every step: it should be quick."""
        ...

    def broadcast(self, value: T) -> T:
        """The value of rank 0. It may be any picklable object; the other ranks' argument is ignored."""
        ...

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, by rank."""
        ...


class SingleRank:
    """A job of one process."""

    rank = 0
    size = 1

    def any_true(self, flags: Sequence[bool]) -> list[bool]:
        """The flags as they are."""
        return list(flags)

    def broadcast(self, value: T) -> T:
        """The value as it is."""
        return value

    def gather(self, value: T) -> list[T]:
        """The one value."""
        return [value]
