#!/usr/bin/python3
"""Plays a trainer by the protocol alone: a metrics page written by hand, no SDK, no training.

Its steps take 7 ms + 0.065 ms for each sample and its gradient noise scale is 1000, so that a batch of 16 is far too
small. With `--acknowledge` it applies versions up to that one and never another. Lines of `/checkpoints/override.json`, an object of metric
name to text, replace those of the page: NaN, negative numbers, or whatever a broken exporter would show.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

OVERHEAD_SECONDS = 0.007
SECONDS_PER_SAMPLE = 0.000065
NOISE_SCALE = 1000.0
STEPS_PER_OBSERVATION = 16
TUNING = Path("/etc/stepwise/tuning.json")
OVERRIDE = Path("/checkpoints/override.json")
PREFIX = "stepwise_trainer_"


class Trainer:
    """Counts the steps that would have been done by now."""

    def __init__(self, batch: int, newest_version: int) -> None:
        self._lock = threading.Lock()
        self._newest_version = newest_version
        self._looked_at = time.monotonic()
        self._batch = batch
        self._version = 0
        self._applied_step = 0
        self._request = 0
        self._checkpoint_step: int | None = None
        self._steps = self._samples = self._step_seconds = 0.0
        self._observations = self._small = self._large = 0.0

    def advance(self) -> None:
        """Do the steps since the last call, then look at the tuning file."""
        with self._lock:
            now = time.monotonic()
            seconds = OVERHEAD_SECONDS + SECONDS_PER_SAMPLE * self._batch
            steps = math.floor((now - self._looked_at) / seconds)
            self._looked_at += steps * seconds
            self._steps += steps
            self._samples += steps * self._batch
            self._step_seconds += steps * seconds
            observed = steps / STEPS_PER_OBSERVATION
            self._observations += observed
            self._small += observed * (1 + NOISE_SCALE / (self._batch / 2))
            self._large += observed * (1 + NOISE_SCALE / self._batch)
            self._obey()

    def _obey(self) -> None:
        try:
            tuning = json.loads(TUNING.read_text())
        except (OSError, ValueError):
            return
        if tuning["version"] > self._newest_version:
            return
        if tuning["version"] > self._version:
            self._version, self._batch = tuning["version"], tuning["globalBatchSize"]
            self._applied_step = int(self._steps)
        if tuning["checkpointRequest"] > self._request:
            self._request, self._checkpoint_step = tuning["checkpointRequest"], int(self._steps)

    def figures(self) -> dict[str, Any]:
        """Metric name with labels to value; None is left out."""
        with self._lock:
            loss = 1.5 + 3 * math.exp(-self._samples / 3e6)
            return {
                "steps_total": int(self._steps),
                "samples_total": int(self._samples),
                'step_duration_seconds_sum{phase="total"}': self._step_seconds,
                'step_duration_seconds_count{phase="total"}': int(self._steps),
                "gradient_small_batch_square_norm_total": self._small,
                "gradient_large_batch_square_norm_total": self._large,
                "gradient_observations_total": self._observations,
                'gradient_batch_size{part="small"}': self._batch / 2,
                'gradient_batch_size{part="large"}': self._batch,
                "loss": loss,
                "validation_loss": loss,
                "config_version": self._version,
                "config_applied_step": self._applied_step,
                "checkpoint_request": self._request,
                "checkpoint_step": self._checkpoint_step,
            }

    def page(self) -> str:
        """The metrics page, with what the test wants to be wrong on it."""
        figures = self.figures()
        try:
            figures.update(json.loads(OVERRIDE.read_text()))
        except (OSError, ValueError):
            pass
        return "".join(f"{PREFIX}{name} {value}\n" for name, value in figures.items() if value is not None)


def main() -> None:
    """Serve the page until SIGTERM; as the first process of a container, that signal must be asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--acknowledge", type=int, default=2**31, help="newest version that is applied; 0: none")
    flags = parser.parse_args()
    trainer = Trainer(flags.batch, flags.acknowledge)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the base class's name
            body = trainer.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """One line per scrape would be all there is in the log."""

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server = ThreadingHTTPServer(("0.0.0.0", 9464), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while not stop.wait(0.2):
        trainer.advance()
    raise SystemExit(143)


if __name__ == "__main__":
    main()
