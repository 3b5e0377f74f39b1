"""Builders of tuning files."""

import json
from pathlib import Path
from typing import Any

from stepwise.tuning import PROTOCOL


def a_tuning(
    version: int = 1, *, micro: int = 4, accumulation: int = 1, ranks: int = 1, **fields: Any
) -> dict[str, Any]:
    return {
        "protocol": PROTOCOL,
        "version": version,
        "globalBatchSize": micro * accumulation * ranks,
        "microBatchSize": micro,
        "gradientAccumulationSteps": accumulation,
        "dataParallelSize": ranks,
        "learningRateScale": 1.0,
        "effectiveAt": "nextStep",
        "checkpointRequest": 0,
        "reason": "a test asked for it",
        **fields,
    }


def put(path: Path, document: dict[str, Any] | str) -> None:
    """Replace the file at once, as an atomic writer does."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(document if isinstance(document, str) else json.dumps(document))
    temporary.replace(path)


def put_as_volume(folder: Path, generation: int, document: dict[str, Any]) -> Path:
    """Replace the file as the kubelet does for a ConfigMap volume: by swapping the `..data` link."""
    content = folder / f"..generation_{generation}"
    content.mkdir(parents=True)
    (content / "tuning.json").write_text(json.dumps(document))
    link = folder / "..data_tmp"
    link.symlink_to(content.name)
    link.replace(folder / "..data")
    visible = folder / "tuning.json"
    if not visible.is_symlink():
        visible.symlink_to("..data/tuning.json")
    return visible
