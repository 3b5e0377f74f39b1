"""The figures a trainer reports, with the names, types and labels that trainer protocol v1 fixes.

What is not known is absent from the page, never 0: a reader can tell "no validation yet" from "loss 0".
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from .noise import NoiseSums, Observation
from .tuning import REASONS

PREFIX = "stepwise_trainer_"

# 1-2-5 series from a tiny model's step to a minute and a half of accumulation or a large checkpoint
BUCKETS_SECONDS = tuple(m * 10.0**e for e in range(-3, 3) for m in (1, 2, 5))

_LOSS_MEMORY_STEPS = 50  # the smoothed loss is a mean over about as many steps


@dataclass
class Histogram:
    """Counts of durations by upper bound, as Prometheus keeps them."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))
    sum_seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        index = next((i for i, bound in enumerate(BUCKETS_SECONDS) if seconds <= bound), len(BUCKETS_SECONDS))
        self.counts[index] += 1
        self.sum_seconds += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by bound, ending with +Inf."""
        bounds = [f"{bound:g}" for bound in BUCKETS_SECONDS] + ["+Inf"]
        total = 0
        result: list[tuple[str, float]] = []
        for bound, count in zip(bounds, self.counts, strict=True):
            total += count
            result.append((bound, float(total)))
        return result


@dataclass(frozen=True)
class StepTimes:
    """Seconds of one optimizer step; None where a phase was not measured by itself."""

    total: float
    compute: float | None = None
    synchronization: float | None = None
    data: float | None = None


class TrainerMetrics:
    """The state behind one rank's metrics page.

    Writers change several figures under one lock, so that a scrape never sees a gradient sum without its count.
    It is a Prometheus collector: register it in a registry of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters = dict.fromkeys(_PLAIN_COUNTERS, 0.0)
        self._gauges: dict[str, float] = {"config_version": 0, "checkpoint_request": 0}
        self._rejections = dict.fromkeys(REASONS, 0)
        self._noise = NoiseSums()
        self._step_times: dict[str, Histogram] = {}
        self._checkpoint_times = Histogram()
        self._loss_weight = 0.0

    # -- what the loop reports ---------------------------------------------------------------------------------

    def resume(self, *, steps: int, samples: int) -> None:
        """Take the counters up where a checkpoint left them."""
        with self._lock:
            self._counters["steps"] = steps
            self._counters["samples"] = samples

    def step_done(self, *, samples: int, times: StepTimes, loss: float | None) -> None:
        """Count one optimizer step of this rank."""
        with self._lock:
            self._counters["steps"] += 1
            self._counters["samples"] += samples
            for phase, seconds in vars(times).items():
                if seconds is not None:
                    self._step_times.setdefault(phase, Histogram()).observe(seconds)
            if loss is not None and not math.isnan(loss):  # a NaN loss would stay in the mean for ever
                self._smooth_loss(loss)

    def observed(self, seen: Observation) -> None:
        """Add one observation of gradient norms, unless it overflowed."""
        if not seen.usable:
            return
        with self._lock:
            self._noise = self._noise.plus(seen)

    def gauge(self, **values: float | None) -> None:
        """Set gauges by their name without prefix; None removes the gauge from the page."""
        unknown = values.keys() - _GAUGES.keys()
        if unknown:
            raise ValueError(f"no such gauge in the protocol: {', '.join(sorted(unknown))}")
        with self._lock:
            for name, value in values.items():
                if value is None:
                    self._gauges.pop(name, None)
                else:
                    self._gauges[name] = value

    def rejected(self, reason: str, version: int | None) -> None:
        """Count a rejection and remember the newest rejected version, where it could be read."""
        with self._lock:
            self._rejections[reason] += 1
            if version is not None:
                newest = max(version, self._gauges.get("config_rejected_version", version))
                self._gauges["config_rejected_version"] = newest

    def checkpoint_written(self, *, step: int, request: int, seconds: float) -> None:
        """Count a complete checkpoint."""
        with self._lock:
            self._checkpoint_times.observe(seconds)
            self._gauges["checkpoint_step"] = step
            self._gauges["checkpoint_request"] = request

    @property
    def noise(self) -> NoiseSums:
        """The sums of the gradient observations so far."""
        with self._lock:
            return self._noise

    def value(self, name: str) -> float | None:
        """A counter's or gauge's present value by its name without prefix and `_total`; None where unknown."""
        with self._lock:
            return self._counters.get(name, self._gauges.get(name))

    def _smooth_loss(self, loss: float) -> None:
        # An exponential mean whose early values are not pulled towards a made-up start
        self._loss_weight = min(self._loss_weight + 1, _LOSS_MEMORY_STEPS)
        before = self._gauges.get("loss", loss)
        self._gauges["loss"] = before + (loss - before) / self._loss_weight

    # -- what Prometheus reads ---------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """All families of the page, consistent with one another."""
        with self._lock:
            families = [
                *self._plain_families(),
                self._batch_size_family(),
                self._rejection_family(),
                *self._histogram_families(),
            ]
        yield from families

    def describe(self) -> list[Metric]:
        """Nothing in advance: which families exist depends on what is known."""
        return []

    def _plain_families(self) -> Iterator[Metric]:
        for name, text in _PLAIN_COUNTERS.items():
            yield CounterMetricFamily(PREFIX + name, text, value=self._counters[name])
        for (name, text), value in zip(_NOISE_COUNTERS.items(), astuple(self._noise), strict=False):
            yield CounterMetricFamily(PREFIX + name, text, value=value)
        for name, text in _GAUGES.items():
            if name in self._gauges:
                yield GaugeMetricFamily(PREFIX + name, text, value=self._gauges[name])

    def _batch_size_family(self) -> Metric:
        text = "Samples in the small and in the large batch of the gradient observations."
        family = GaugeMetricFamily(PREFIX + "gradient_batch_size", text, labels=["part"])
        if self._noise.observations:
            family.add_metric(["small"], self._noise.small_batch_size)
            family.add_metric(["large"], self._noise.large_batch_size)
        return family

    def _rejection_family(self) -> Metric:
        text = "Configurations that were rejected, by reason."
        family = CounterMetricFamily(PREFIX + "config_rejections", text, labels=["reason"])
        for reason, count in self._rejections.items():
            family.add_metric([reason], count)
        return family

    def _histogram_families(self) -> Iterator[Metric]:
        text = "Duration of optimizer steps, whole and by phase where known."
        steps = HistogramMetricFamily(PREFIX + "step_duration_seconds", text, labels=["phase"])
        for phase, histogram in self._step_times.items():
            steps.add_metric([phase], histogram.buckets(), histogram.sum_seconds)
        yield steps
        text = "Time to write a checkpoint."
        checkpoints = HistogramMetricFamily(PREFIX + "checkpoint_duration_seconds", text)
        checkpoints.add_metric([], self._checkpoint_times.buckets(), self._checkpoint_times.sum_seconds)
        yield checkpoints


_PLAIN_COUNTERS: Mapping[str, str] = {
    "steps": "Optimizer steps done.",
    "samples": "Samples processed by this rank.",
}

# In the order of the fields of NoiseSums
_NOISE_COUNTERS: Mapping[str, str] = {
    "gradient_small_batch_square_norm": "Sum over observations of the mean square norm of small-batch gradients.",
    "gradient_large_batch_square_norm": "Sum over observations of the square norm of the large-batch gradient.",
    "gradient_observations": "Observations in both gradient sums.",
}

_GAUGES: Mapping[str, str] = {
    "loss": "Smoothed training loss.",
    "validation_loss": "Loss of the last validation.",
    "memory_used_bytes": "Peak device memory of this rank since the last change of micro batch.",
    "memory_limit_bytes": "Device memory that this rank may use.",
    "config_version": "Version of the configuration in force; 0 is the trainer's own.",
    "config_applied_step": "Optimizer step at which the configuration in force took effect.",
    "config_rejected_version": "Newest version that was rejected.",
    "checkpoint_step": "Optimizer step of the newest complete checkpoint.",
    "checkpoint_request": "Newest checkpoint request that was served; 0 is none.",
    "target_steps": "Optimizer steps after which the training ends.",
    "completed_ratio": "Part of the training that is done, 0 to 1.",
}
