"""Checkpoint files: written whole or not at all, the last two kept. What is inside is the framework's affair."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_NAME = re.compile(r"^step-(\d{12})\.ckpt$")
_KEPT = 2


class CheckpointStore:
    """A directory of checkpoints named by their optimizer step. Only rank 0 writes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def steps(self) -> list[int]:
        """Steps of the complete checkpoints, oldest first."""
        if not self.directory.is_dir():
            return []
        found = (_NAME.match(entry.name) for entry in self.directory.iterdir())
        return sorted(int(match.group(1)) for match in found if match)

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step is or would be."""
        return self.directory / f"step-{step:012d}.ckpt"

    def write(self, step: int, write: Callable[[BinaryIO], None]) -> None:
        """Write a checkpoint so that a crash at any moment leaves the older ones whole.

        The content goes to a temporary file, to the disk, and only then to its name.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f".step-{step:012d}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path(step))
        finally:
            temporary.unlink(missing_ok=True)
        self._sync_directory()
        self._prune()

    def _sync_directory(self) -> None:
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _prune(self) -> None:
        for step in self.steps()[:-_KEPT]:
            self.path(step).unlink(missing_ok=True)
        # What a killed process left half-written
        for leftover in self.directory.glob(".step-*.tmp"):
            leftover.unlink(missing_ok=True)
