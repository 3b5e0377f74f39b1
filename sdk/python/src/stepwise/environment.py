"""What the operator and the launcher tell a worker through its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import SettingError
from .tuning import DEFAULT_PATH

DEFAULT_METRICS_PORT = 9464


@dataclass(frozen=True)
class Environment:
    """The worker's surroundings.

    Attributes:
        rank: this process among all data-parallel processes, from RANK or the Job's completion index.
        world_size: how many there are.
        tuning_file: where the operator's tuning appears.
        metrics_port: TCP port of the metrics page. Processes that share a pod (LOCAL_RANK) take the following ports.
        checkpoint_dir: where checkpoints are kept; None means that none can be written.
    """

    rank: int = 0
    world_size: int = 1
    tuning_file: Path = Path(DEFAULT_PATH)
    metrics_port: int = DEFAULT_METRICS_PORT
    checkpoint_dir: Path | None = None

    @staticmethod
    def read(variables: Mapping[str, str] | None = None) -> Environment:
        """Read the process's environment, or the given one."""
        env = os.environ if variables is None else variables
        world_size = _integer(env, "WORLD_SIZE", 1)
        index = _integer(env, "JOB_COMPLETION_INDEX", 0) if world_size > 1 else 0
        rank = _integer(env, "RANK", index)
        if not 0 <= rank < world_size:
            raise SettingError(f"RANK is {rank}; with WORLD_SIZE {world_size} it must be 0 to {world_size - 1}")
        port = _integer(env, "STEPWISE_METRICS_PORT", DEFAULT_METRICS_PORT)
        local_rank = _integer(env, "LOCAL_RANK", 0)
        directory = env.get("STEPWISE_CHECKPOINT_DIR")
        return Environment(
            rank=rank,
            world_size=world_size,
            tuning_file=Path(env.get("STEPWISE_TUNING_FILE") or DEFAULT_PATH),
            metrics_port=port + local_rank if port else 0,
            checkpoint_dir=Path(directory) if directory else None,
        )


def _integer(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise SettingError(f"{name} is {text!r}; it must be an integer") from error
