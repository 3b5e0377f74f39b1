#!/usr/bin/python3
"""Run train.py once for each of several fixed batches, alone and without an operator, and print what each cost.

The figures are what an operator has to find out while a job runs: step time a + b x micro batch, steps to the
target, noise scale. Flags after `--` go to train.py. The result is one JSON object on standard output.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SDK = HERE.parent.parent.parent / "sdk" / "python" / "src"


def main() -> None:
    """Run, fit, print."""
    flags = parse_flags()
    runs = []
    for batch in flags.batches:
        runs.append(run_once(batch, flags.trainer_flags))
        print(json.dumps(runs[-1]), file=sys.stderr, flush=True)
    result = {"runs": runs, "wallFit": fit(runs, "secondsPerStep"), "cpuFit": fit(runs, "cpuSecondsPerStep")}
    print(json.dumps(result, indent=2))


def run_once(batch: int, trainer_flags: list[str]) -> dict[str, Any]:
    """Train with one fixed micro batch, no accumulation, until the target."""
    command = [sys.executable, str(HERE / "train.py"), "--micro-batch-size", str(batch), "--linger-seconds", "0"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            name: value for name, value in os.environ.items() if name not in ("WORLD_SIZE", "STEPWISE_CHECKPOINT_DIR")
        } | {
            "STEPWISE_METRICS_PORT": "0",
            "STEPWISE_TUNING_FILE": f"{folder}/none.json",
            "PYTHONPATH": f"{SDK}:{os.environ.get('PYTHONPATH', '')}",
        }
        run = subprocess.run(command + trainer_flags, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    events = [json.loads(line) for line in run.stdout.splitlines()]
    end = events[-1]
    steps = end["step"]
    return {
        "batch": batch,
        "steps": steps,
        "samples": end["samples"],
        "seconds": end["seconds"],
        "cpuSeconds": end["cpuSeconds"],
        "secondsPerStep": round(end["stepSeconds"] / steps, 6),
        "cpuSecondsPerStep": round(end["stepCpuSeconds"] / steps, 6),
        "validationLoss": next((e["loss"] for e in reversed(events) if e["event"] == "validation"), None),
        "noiseScaleSamples": end["noiseScaleSamples"],
        "reachedTarget": end["reachedTarget"],
    }


def fit(runs: list[dict[str, Any]], field: str) -> dict[str, float] | None:
    """Least squares of relative errors for step time = a + b x batch; None with fewer than two batches."""
    points = [(run["batch"], run[field]) for run in runs]
    if len({batch for batch, _ in points}) < 2:
        return None
    weights = [1 / seconds**2 for _, seconds in points]
    total = math.fsum(weights)
    mean_x = math.fsum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = math.fsum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    spread = math.fsum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    slope = math.fsum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points, strict=True)) / spread
    start = mean_y - slope * mean_x
    return {"aSeconds": start, "bSecondsPerSample": slope, "overheadBatch": start / slope}


def parse_flags() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batches", type=int, nargs="+", help="micro batches to try, for example 16 64 256 1024")
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    flags = parser.parse_args(arguments[:cut])
    flags.trainer_flags = arguments[cut + 1 :]
    return flags


if __name__ == "__main__":
    main()
