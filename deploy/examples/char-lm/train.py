#!/usr/bin/python3
"""Train a next-character model under Stepwise: an example, and the workload of the end-to-end tests.

It prints one JSON object per line: `started`, `validation`, and `finished` once the target loss is reached.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# One thread per process, before the libraries that would start more are loaded: the workers of a job share a machine
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

import stepwise.torch
from corpus import Batch, default_directory, load_corpus
from model import NextCharacter, SimulatedDevice, mean_loss

MIB = 1024 * 1024
OBSERVATIONS_PER_ESTIMATE = 40  # fewer tell little: the square norm of the true gradient is a small difference


def main() -> None:
    """Train until the target loss."""
    flags = parse_flags()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    torch.set_num_threads(1)
    torch.manual_seed(flags.seed)
    environment = stepwise.torch.connect()
    training, validation = load_corpus(flags.text_dir, flags.text_mib * MIB, flags.validation_samples)
    model = NextCharacter()
    device = SimulatedDevice(model, flags.memory_limit_mib * MIB if flags.memory_limit_mib else None)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=initial_learning_rate(flags, environment.world_size), betas=(0.9, flags.beta2)
    )
    parallel = DistributedDataParallel(model) if environment.world_size > 1 else model

    def compute_loss(batch: Batch) -> Tensor:
        device.take(batch)
        return nn.functional.cross_entropy(parallel(batch[0]), batch[1])

    options = stepwise.torch.Options(
        seed=flags.seed,
        checkpoint_every_seconds=flags.checkpoint_every_seconds,
        memory=device,
        precondition=not flags.raw_gradient_noise,
        observe_every_steps=flags.observe_every_steps,
    )
    with stepwise.torch.Trainer(
        parallel,
        optimizer,
        training,
        micro_batch_size=flags.micro_batch_size,
        gradient_accumulation_steps=flags.gradient_accumulation_steps,
        options=options,
    ) as trainer:
        reporter = Reporter(trainer)
        last_validation = trainer.samples - trainer.samples % flags.validate_every_samples
        reached = False
        for step in trainer.steps(flags.max_steps):
            with reporter.timed():
                step(compute_loss)
            if trainer.samples < last_validation + flags.validate_every_samples:
                continue
            last_validation = trainer.samples
            # Rank 0 validates and decides for all
            loss = trainer.agree(mean_loss(model, validation) if trainer.is_main else math.nan)
            reporter.validated(loss)
            reached = loss <= flags.target_loss
            if reached:
                break
        trainer.save_checkpoint()
        trainer.report_progress(1.0)
        reporter.finished(reached=reached)
        time.sleep(flags.linger_seconds)  # so that the last figures are scraped


def initial_learning_rate(flags: argparse.Namespace, world_size: int) -> float:
    """The learning rate for the batch size given on the command line, by the square-root rule of Adam."""
    batch = flags.micro_batch_size * flags.gradient_accumulation_steps * world_size
    return float(flags.learning_rate * math.sqrt(batch / flags.base_batch_size))


@dataclass
class Reporter:
    """Prints figures and reports validations."""

    trainer: stepwise.torch.Trainer

    def __post_init__(self) -> None:
        """Remember the beginning."""
        self._began, self._cpu_began = time.perf_counter(), time.process_time()
        self._step_seconds = self._step_cpu_seconds = 0.0
        self._noise = self.trainer.metrics.noise
        self._last_noise: float | None = None
        self.say("started", port=self.trainer.port, **self.figures())

    def validated(self, loss: float) -> None:
        """Report a validation and the noise scale last seen."""
        self._look_at_noise()
        self.trainer.report_validation(loss)
        self.say("validation", loss=round(loss, 4), noiseScaleSamples=self._last_noise, **self.figures())

    def finished(self, *, reached: bool) -> None:
        """Report the end, with what the optimizer steps alone took."""
        self.say(
            "finished",
            reachedTarget=reached,
            stepSeconds=round(self._step_seconds, 3),
            stepCpuSeconds=round(self._step_cpu_seconds, 3),
            noiseScaleSamples=self._last_noise,
            **self.figures(),
        )

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add up the time of optimizer steps."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self._step_seconds += time.perf_counter() - wall
        self._step_cpu_seconds += time.process_time() - cpu

    def _look_at_noise(self) -> None:
        now = self.trainer.metrics.noise
        if now.observations < self._noise.observations + OBSERVATIONS_PER_ESTIMATE:
            return
        estimate = now.since(self._noise)
        self._noise, self._last_noise = now, estimate.samples if estimate else None

    def figures(self) -> dict[str, Any]:
        """Where the training is."""
        batch = self.trainer.running.batch
        return {
            "step": self.trainer.session.step,
            "samples": self.trainer.samples,
            "seconds": round(time.perf_counter() - self._began, 3),
            "cpuSeconds": round(time.process_time() - self._cpu_began, 3),
            "globalBatchSize": batch.global_batch_size,
            "microBatchSize": batch.micro_batch_size,
            "gradientAccumulationSteps": batch.gradient_accumulation_steps,
            "configVersion": self.trainer.running.version,
        }

    def say(self, event: str, **figures: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        """Print one line, from rank 0."""
        if self.trainer.is_main:
            print(json.dumps({"event": event, **figures}), flush=True)


def parse_flags() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--micro-batch-size", type=int, default=16, help="samples per pass and rank at the start")
    add("--gradient-accumulation-steps", type=int, default=1, help="passes per optimizer step at the start")
    add("--target-loss", type=float, default=1.2, help="validation loss (nats) at which the training is done")
    add("--learning-rate", type=float, default=1e-3, help="for a global batch of --base-batch-size")
    add("--base-batch-size", type=int, default=256, help="global batch that --learning-rate is meant for")
    add("--beta2", type=float, default=0.99, help="AdamW's memory of squared gradients")
    add("--seed", type=int, default=0)
    add("--max-steps", type=int, help="stop after so many optimizer steps, whatever the loss")
    add("--checkpoint-every-seconds", type=float, default=60.0)
    add("--validate-every-samples", type=int, default=32768)
    add("--validation-samples", type=int, default=2048)
    add(
        "--observe-every-steps",
        type=int,
        default=16,
        help="between observations of the gradient noise; 0: never",
    )
    add(
        "--raw-gradient-noise",
        action="store_true",
        help="don't divide gradients by Adam's sqrt(v) for the noise scale",
    )
    add("--memory-limit-mib", type=int, help="simulated device memory; stands for a GPU's")
    add("--linger-seconds", type=float, default=5.0, help="keep the metrics page up after the end")
    add("--text-dir", type=Path, default=default_directory(), help="where the text is read from")
    add("--text-mib", type=int, default=8, help="how much of it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
