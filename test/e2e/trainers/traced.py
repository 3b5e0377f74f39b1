#!/usr/bin/python3
"""char-lm with a witness: one line per optimizer step in /checkpoints/trace.jsonl, and, if asked, a memory gauge that lies.

E2E_MEMORY_SHARE is the share of what is truly taken that the memory gauge shows; the device still runs out at the
truth. It stands for a trainer whose peaks fall between two scrapes.
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import model
import train
from stepwise.noise import Observation
from stepwise.session import Session

LIFE = f"{socket.gethostname()}-{time.time():.3f}"
TRACE = Path(os.environ.get("E2E_TRACE_FILE", "/checkpoints/trace.jsonl"))


def trace_steps() -> None:
    """Write down each step when it ends, from rank 0."""
    original = Session.end_step
    out = TRACE.open("a", buffering=1)

    def end_step(self: Session, *, loss: float | None = None, observation: Observation | None = None, **rest: Any) -> None:
        batch, step, position = self.running.batch, self.step, self.position
        original(self, loss=loss, observation=observation, **rest)
        if self.ranks.rank != 0:
            return
        line = {
            "endedAt": round(time.time(), 4),
            "life": LIFE,
            "step": step,
            "position": position,
            "samples": batch.global_batch_size,
            "microBatchSize": batch.micro_batch_size,
            "gradientAccumulationSteps": batch.gradient_accumulation_steps,
            "ranks": self.ranks.size,
            "version": self.running.version,
            "loss": loss,
            "observation": asdict(observation) if observation else None,
        }
        out.write(json.dumps(line) + "\n")

    Session.end_step = end_step


def understate_memory(share: float) -> None:
    """Show only a share of what is taken."""
    original = model.SimulatedDevice.peak_bytes

    def peak_bytes(self: model.SimulatedDevice) -> int | None:
        truth = original(self)
        return None if truth is None else round(share * truth)

    model.SimulatedDevice.peak_bytes = peak_bytes


if __name__ == "__main__":
    trace_steps()
    if "E2E_MEMORY_SHARE" in os.environ:
        understate_memory(float(os.environ["E2E_MEMORY_SHARE"]))
    train.main()
