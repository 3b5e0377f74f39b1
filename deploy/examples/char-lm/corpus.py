"""The data: next-character samples from the text of the Python standard library, which every machine has."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import torch
from torch import Tensor

CONTEXT = 16
VOCABULARY = 128
BLOCK = 4096  # bytes; train and validation are told apart by block, so that no window lies in both
VALIDATION_EVERY = 20  # every so many blocks, one is for validation
DEBIAN_LIBRARY = Path("/usr/lib/python3.11")

Batch = tuple[Tensor, Tensor]


class Characters:
    """Windows of 16 characters and the one that follows; `__getitems__` takes whole batches."""

    def __init__(self, text: Tensor, starts: Tensor) -> None:
        self._text = text
        self._starts = starts
        self._window = torch.arange(CONTEXT + 1)

    def __len__(self) -> int:
        """Number of windows."""
        return len(self._starts)

    def __getitems__(self, indices: Tensor) -> Batch:
        """Contexts (n x 16) and next characters (n)."""
        windows = self._text[self._starts[indices].unsqueeze(1) + self._window].long()
        return windows[:, :CONTEXT], windows[:, CONTEXT]


def default_directory() -> Path:
    """Debian's library where it is, so that all machines train on the same text; else the interpreter's own."""
    return DEBIAN_LIBRARY if DEBIAN_LIBRARY.is_dir() else Path(sysconfig.get_paths()["stdlib"])


def read_text(directory: Path, most_bytes: int) -> Tensor:
    """All Python files below, sorted by path, up to a number of bytes; what is not ASCII becomes one character."""
    content = bytearray()
    for path in sorted(directory.rglob("*.py")):
        content += path.read_bytes()
        if len(content) >= most_bytes:
            break
    if len(content) < BLOCK * VALIDATION_EVERY:
        raise SystemExit(f"--text-dir {directory} holds {len(content)} bytes of *.py; at least 80 KiB are needed")
    text: Tensor = torch.frombuffer(content[:most_bytes], dtype=torch.uint8).clamp(max=VOCABULARY - 1)
    return text


def load_corpus(directory: Path, most_bytes: int, validation_samples: int) -> tuple[Characters, Batch]:
    """The training samples, and a fixed set of validation samples."""
    text = read_text(directory, most_bytes)
    starts = torch.arange(len(text) - CONTEXT)
    whole = starts[starts % BLOCK < BLOCK - CONTEXT]
    held_out = (whole // BLOCK) % VALIDATION_EVERY == VALIDATION_EVERY - 1
    validation = Characters(text, whole[held_out])
    chosen = torch.randperm(len(validation), generator=torch.Generator().manual_seed(0))[:validation_samples]
    return Characters(text, whole[~held_out]), validation.__getitems__(chosen)
