"""The ranks of a torch.distributed job, and how a worker joins it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

from ..environment import Environment

T = TypeVar("T")


def connect(*, timeout_seconds: float = 300.0) -> Environment:
    """Join the job described by the environment; call it before wrapping a model in DistributedDataParallel.

    Rank and size come from RANK / JOB_COMPLETION_INDEX and WORLD_SIZE, the meeting point from MASTER_ADDR and
    MASTER_PORT, as torchrun or an Indexed Job set them. Does nothing for a single process, or where the process
    group is already there.

    Args:
        timeout_seconds: how long ranks wait for one another before the job fails and is restarted.
    """
    environment = Environment.read()
    if environment.world_size > 1 and not dist.is_initialized():
        dist.init_process_group(
            "nccl" if torch.cuda.is_available() else "gloo",
            rank=environment.rank,
            world_size=environment.world_size,
            timeout=timedelta(seconds=timeout_seconds),
        )
    return environment


class TorchRanks:
    """All ranks of the default process group.

    Talks over gloo, also on GPUs: a decision between two steps then never waits for the device.
    """

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()
        self._control = dist.group.WORLD if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")

    def any_true(self, flags: Sequence[bool]) -> list[bool]:
        """One small reduction, whatever the number of flags."""
        votes = torch.tensor([int(flag) for flag in flags], dtype=torch.int32)
        dist.all_reduce(votes, op=dist.ReduceOp.MAX, group=self._control)
        return [bool(vote) for vote in votes.tolist()]

    def broadcast(self, value: T) -> T:
        """The value of rank 0."""
        box: list[T] = [value]
        dist.broadcast_object_list(box, src=0, group=self._control)
        return box[0]

    def gather(self, value: T) -> list[T]:
        """The values of all ranks, by rank."""
        boxes: list[T] = [value] * self.size
        dist.all_gather_object(boxes, value, group=self._control)
        return boxes
