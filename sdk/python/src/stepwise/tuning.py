"""The tuning file of trainer protocol v1: parsing, validation and watching."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .batch import BatchConfig
from .errors import TuningError

PROTOCOL = "stepwise.dev/trainer/v1"
DEFAULT_PATH = "/etc/stepwise/tuning.json"
NEXT_STEP = "nextStep"
NEXT_CHECKPOINT = "nextCheckpoint"

INVALID = "invalid"
UNSUPPORTED = "unsupported"
WORLD_SIZE = "world_size"
OUT_OF_MEMORY = "out_of_memory"
REASONS = (OUT_OF_MEMORY, WORLD_SIZE, INVALID, UNSUPPORTED)

_MAX_FILE_BYTES = 64 * 1024
_MAX_COUNT = 2**53 - 1  # the largest integer that every JSON reader and Prometheus (a float64) keep exact


@dataclass(frozen=True)
class Tuning:
    """One valid version of the tuning file; field meanings as in the protocol."""

    version: int
    micro_batch_size: int
    gradient_accumulation_steps: int
    data_parallel_size: int
    learning_rate_scale: float
    effective_at: str = NEXT_STEP
    checkpoint_request: int = 0
    reason: str = ""

    @property
    def batch(self) -> BatchConfig:
        """The batch configuration asked for."""
        return BatchConfig(self.micro_batch_size, self.gradient_accumulation_steps, self.data_parallel_size)


def parse_tuning(text: str | bytes) -> Tuning:
    """Read a tuning from JSON.

    Raises:
        TuningError: with reason `invalid` (not JSON, or impossible numbers) or `unsupported` (another
            protocol, an unknown `effectiveAt`); the message names the field, its value and what would be right.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TuningError(f"the tuning is not JSON: {error}", reason=INVALID) from error
    if not isinstance(document, dict):
        kind = type(document).__name__
        raise TuningError(f"the tuning is a {kind}; it must be a JSON object", reason=INVALID)
    version = _version_of(document)
    try:
        return _from_document(document)
    except TuningError as error:
        error.version = version
        raise


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _version_of(document: Mapping[str, object]) -> int | None:
    try:
        return _count(document, "version")
    except TuningError:
        return None


def _from_document(document: Mapping[str, object]) -> Tuning:
    protocol = document.get("protocol")
    if protocol != PROTOCOL:
        raise TuningError(
            f"protocol is {protocol!r}; this trainer speaks {PROTOCOL!r}",
            reason=UNSUPPORTED if isinstance(protocol, str) else INVALID,
        )
    tuning = Tuning(
        version=_count(document, "version"),
        micro_batch_size=_count(document, "microBatchSize"),
        gradient_accumulation_steps=_count(document, "gradientAccumulationSteps"),
        data_parallel_size=_count(document, "dataParallelSize"),
        learning_rate_scale=_positive(document, "learningRateScale"),
        effective_at=_effective_at(document),
        checkpoint_request=_count(document, "checkpointRequest", least=0, default=0),
        reason=str(document.get("reason", "")),
    )
    global_batch_size = _count(document, "globalBatchSize")
    product = tuning.batch.global_batch_size
    if global_batch_size != product:
        raise TuningError(
            f"globalBatchSize is {global_batch_size}, but microBatchSize x gradientAccumulationSteps x "
            f"dataParallelSize is {product}",
            reason=INVALID,
        )
    return tuning


def _count(document: Mapping[str, object], field: str, *, least: int = 1, default: int | None = None) -> int:
    value = document.get(field, default)
    # bool is an int in Python, not in JSON
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MAX_COUNT:
        shown = "missing" if field not in document else repr(value)[:40]
        raise TuningError(f"{field} is {shown}; it must be an integer of {least} or more", reason=INVALID)
    return value


def _positive(document: Mapping[str, object], field: str) -> float:
    value = document.get(field)
    number = 0.0
    # The upper bound is far above any rate and keeps an integer of 400 digits out of float(); NaN fails it too
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _MAX_COUNT:
        number = float(value)
    if number <= 0:
        shown = "missing" if field not in document else repr(value)[:40]
        raise TuningError(f"{field} is {shown}; it must be a finite number above 0", reason=INVALID)
    return number


def _effective_at(document: Mapping[str, object]) -> str:
    value = document.get("effectiveAt", NEXT_STEP)
    if value not in (NEXT_STEP, NEXT_CHECKPOINT):
        raise TuningError(
            f"effectiveAt is {value!r}; it must be {NEXT_STEP!r} or {NEXT_CHECKPOINT!r}",
            reason=UNSUPPORTED if isinstance(value, str) else INVALID,
        )
    return str(value)


class TuningFile:
    """Tells, cheaply enough for every step, whether the tuning file holds something new."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._seen: tuple[int, int, int, int] | None = None

    def poll(self) -> Tuning | TuningError | None:
        """The file's content if the file changed since the last call.

        Returns:
            The tuning; or, as a value, the error that says why the content is unusable; or None when the file
            is unchanged or absent.
        """
        try:
            # Follows symbolic links: a ConfigMap volume swaps its `..data` link, so the inode behind changes.
            stat = os.stat(self.path)  # noqa: PTH116 - twice as fast as Path.stat, and done at every step
            identity = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if identity == self._seen:
                return None
            with self.path.open("rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            return TuningError(f"{self.path} cannot be read: {error}", reason=INVALID)
        # The identity was taken before the content: a file replaced in between is read again next time.
        self._seen = identity
        if len(content) > _MAX_FILE_BYTES:
            return TuningError(f"{self.path} is larger than {_MAX_FILE_BYTES} bytes", reason=INVALID)
        try:
            return parse_tuning(content)
        except TuningError as error:
            return error
