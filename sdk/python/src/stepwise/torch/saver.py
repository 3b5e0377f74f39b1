"""What a PyTorch checkpoint holds, and how it is read back at any number of ranks."""

from __future__ import annotations

import io
import logging
import random
from collections.abc import Mapping
from typing import Any, BinaryIO, Protocol

import torch
from torch.optim import Optimizer

from ..checkpoint import CheckpointStore
from ..errors import CheckpointError
from ..ranks import Ranks

log = logging.getLogger("stepwise")

FORMAT = "stepwise.dev/torch-checkpoint/v1"


class Stateful(Protocol):
    """Anything with a state to keep: a learning rate scheduler, a gradient scaler, an own counter."""

    def state_dict(self) -> Any:  # noqa: ANN401
        """The state."""
        ...

    def load_state_dict(self, state: Any) -> Any:  # noqa: ANN401
        """Take the state back."""
        ...


def random_state() -> dict[str, Any]:
    """States of this process's random number generators."""
    state: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Continue the generators where they were."""
    random.setstate(state["python"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


class TorchSaver:
    """Model, optimizer, the user's own states, and the random generators of every rank."""

    def __init__(
        self, model: torch.nn.Module, optimizer: Optimizer, extra: Mapping[str, Stateful], ranks: Ranks
    ) -> None:
        # Without the wrapper, so that a checkpoint fits a job of one rank and a job of many
        wrapped = getattr(model, "module", None)
        is_wrapper = isinstance(model, torch.nn.parallel.DistributedDataParallel)
        self._model: torch.nn.Module = wrapped if is_wrapper and wrapped is not None else model
        self._optimizer = optimizer
        self._extra = dict(extra)
        self._ranks = ranks

    def capture(self) -> dict[str, Any]:
        """Collect the state; only the random generators differ between ranks and travel."""
        return {
            "format": FORMAT,
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "extra": {name: part.state_dict() for name, part in self._extra.items()},
            "random": self._ranks.gather(random_state()),
        }

    def write(self, file: BinaryIO, captured: Mapping[str, Any], session: Mapping[str, Any]) -> None:
        """Serialise it."""
        torch.save({**captured, "session": dict(session)}, file)

    def resume(self, store: CheckpointStore) -> dict[str, Any] | None:
        """Load the newest readable checkpoint on all ranks; returns the session's part, or None without one.

        Rank 0 decides which. Where the directory is not shared by all ranks, it sends them its own copy.
        """
        chosen = self._choose(store) if self._ranks.rank == 0 else None
        step = self._ranks.broadcast(chosen[0] if chosen else None)
        if step is None:
            return None
        state = chosen[1] if chosen else self._try_read(store, step)
        if not all(self._ranks.gather(state is not None)):
            state = self._sent_by_rank_0(store, step)
        if state is None:
            raise CheckpointError(f"the checkpoint of step {step} could not be had from rank 0")
        return self._load(state)

    def _sent_by_rank_0(self, store: CheckpointStore, step: int) -> dict[str, Any] | None:
        content = self._ranks.broadcast(store.path(step).read_bytes() if self._ranks.rank == 0 else b"")
        return _read(io.BytesIO(content))

    def _choose(self, store: CheckpointStore) -> tuple[int, dict[str, Any]] | None:
        for step in reversed(store.steps()):
            state = self._try_read(store, step)
            if state is not None:
                return step, state
        return None

    @staticmethod
    def _try_read(store: CheckpointStore, step: int) -> dict[str, Any] | None:
        try:
            with store.path(step).open("rb") as file:
                return _read(file)
        except FileNotFoundError:
            return None
        except Exception:
            log.exception("the checkpoint %s cannot be read; trying an older one", store.path(step))
            return None

    def _load(self, state: Mapping[str, Any]) -> dict[str, Any]:
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        for name, part in self._extra.items():
            if name in state["extra"]:
                part.load_state_dict(state["extra"][name])
        # At another number of ranks the old generators belong to nobody; the new ranks keep their own seeds
        if len(state["random"]) == self._ranks.size:
            restore_random_state(state["random"][self._ranks.rank])
        return dict(state["session"])


def _read(file: BinaryIO) -> dict[str, Any]:
    # Schedulers keep more than tensors, so the full reader is used: a checkpoint is the job's own file, as
    # trusted as its code
    try:
        state = torch.load(file, map_location="cpu", weights_only=False)
    except TypeError:  # a torch that does not know the argument
        file.seek(0)
        state = torch.load(file, map_location="cpu")
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise CheckpointError(f"the file is not a {FORMAT} checkpoint")
    return state
