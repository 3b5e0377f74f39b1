import math
import os
import shutil
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stepwise import MetricsServer, Observation, SettingError, StepTimes, TrainerMetrics

# The table of trainer protocol v1: name, type, labels
PROTOCOL = {
    "steps_total": ("counter", set()),
    "samples_total": ("counter", set()),
    "step_duration_seconds": ("histogram", {"phase"}),
    "gradient_small_batch_square_norm_total": ("counter", set()),
    "gradient_large_batch_square_norm_total": ("counter", set()),
    "gradient_observations_total": ("counter", set()),
    "gradient_batch_size": ("gauge", {"part"}),
    "loss": ("gauge", set()),
    "validation_loss": ("gauge", set()),
    "memory_used_bytes": ("gauge", set()),
    "memory_limit_bytes": ("gauge", set()),
    "config_version": ("gauge", set()),
    "config_applied_step": ("gauge", set()),
    "config_rejected_version": ("gauge", set()),
    "config_rejections_total": ("counter", {"reason"}),
    "checkpoint_step": ("gauge", set()),
    "checkpoint_request": ("gauge", set()),
    "checkpoint_duration_seconds": ("histogram", set()),
    "target_steps": ("gauge", set()),
    "completed_ratio": ("gauge", set()),
}


@pytest.fixture
def page():
    """A metrics state and a function that reads its page over HTTP into {name: family}."""
    metrics = TrainerMetrics()
    server = MetricsServer(metrics, 0)

    def read():
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as reply:
            families = text_string_to_metric_families(reply.read().decode())
            return {
                (f.name + "_total" if f.type == "counter" else f.name).removeprefix("stepwise_trainer_"): f
                for f in families
            }

    yield metrics, read
    server.close()


def report_everything(metrics):
    metrics.step_done(samples=8, times=StepTimes(0.3, 0.1, 0.1, 0.1), loss=2.0)
    metrics.observed(Observation(3.5, 1.25, 4, 8))
    metrics.gauge(validation_loss=1.0, memory_used_bytes=5, memory_limit_bytes=9, config_applied_step=0)
    metrics.gauge(target_steps=10, completed_ratio=0.1)
    metrics.rejected("invalid", 3)
    metrics.checkpoint_written(step=1, request=0, seconds=0.2)


def values(family):
    return {tuple(s.labels.values()): s.value for s in family.samples}


def test_names_types_and_labels_are_those_of_the_protocol(page):
    metrics, read = page
    report_everything(metrics)
    families = read()
    assert families.keys() == PROTOCOL.keys()
    for name, (kind, labels) in PROTOCOL.items():
        assert families[name].type == kind
        assert families[name].documentation.endswith(".")
        seen = {frozenset(sample.labels.keys() - {"le"}) for sample in families[name].samples}
        assert seen == {frozenset(labels)}, name


def find_promtool():
    cache = Path(os.environ.get("STEPWISE_CACHE", Path.home() / ".cache" / "stepwise"))
    built = sorted(cache.glob("tools/*/promtool"), key=lambda tool: tool.stat().st_mtime)
    return str(built[-1]) if built else shutil.which("promtool")


@pytest.mark.skipif(find_promtool() is None, reason="promtool is built by `make cluster-up` or `make test`")
def test_promtool_has_nothing_to_say_about_the_page():
    metrics = TrainerMetrics()
    report_everything(metrics)
    server = MetricsServer(metrics, 0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as reply:
            page = reply.read()
    finally:
        server.close()
    checked = subprocess.run([find_promtool(), "check", "metrics"], input=page, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_label_values_are_those_of_the_protocol(page):
    metrics, read = page
    report_everything(metrics)
    families = read()
    assert set(values(families["config_rejections_total"])) == {
        ("out_of_memory",),
        ("world_size",),
        ("invalid",),
        ("unsupported",),
    }
    assert values(families["gradient_batch_size"]) == {("small",): 4, ("large",): 8}
    phases = {sample.labels["phase"] for sample in families["step_duration_seconds"].samples}
    assert phases == {"total", "compute", "synchronization", "data"}


def test_what_is_unknown_is_absent(page):
    _, read = page
    families = read()
    for name in (
        "loss",
        "validation_loss",
        "memory_used_bytes",
        "config_applied_step",
        "config_rejected_version",
        "checkpoint_step",
    ):
        assert name not in families
    assert not families["gradient_batch_size"].samples
    assert values(families["config_version"]) == {(): 0}


def test_gradient_sums_are_fractions(page):
    metrics, read = page
    metrics.observed(Observation(0.125, 0.0625, 1, 2))
    metrics.observed(Observation(0.125, 0.0625, 1, 2))
    families = read()
    assert values(families["gradient_small_batch_square_norm_total"]) == {(): 0.25}
    assert values(families["gradient_large_batch_square_norm_total"]) == {(): 0.125}
    assert values(families["gradient_observations_total"]) == {(): 2}


@pytest.mark.parametrize("norms", [(math.nan, 1), (1, math.inf), (math.inf, math.nan), (-1, 1)], ids=str)
def test_undefined_gradients_leave_the_sums_alone(norms):
    metrics = TrainerMetrics()
    metrics.observed(Observation(*norms, 1, 2))
    assert metrics.noise.observations == 0


def test_an_undefined_loss_does_not_stick():
    metrics = TrainerMetrics()
    for loss in (2.0, math.nan, 2.0):
        metrics.step_done(samples=1, times=StepTimes(0.1), loss=loss)
    assert metrics.value("loss") == 2.0


def test_the_smoothed_loss_is_a_plain_mean_at_first():
    metrics = TrainerMetrics()
    for loss in (1.0, 2.0, 6.0):
        metrics.step_done(samples=1, times=StepTimes(0.1), loss=loss)
    assert metrics.value("loss") == pytest.approx(3.0)


def test_histogram_counts_are_cumulative(page):
    metrics, read = page
    for seconds in (0.0015, 0.0015, 0.3, 1000):
        metrics.step_done(samples=1, times=StepTimes(seconds), loss=None)
    samples = read()["step_duration_seconds"].samples
    buckets = {s.labels["le"]: s.value for s in samples if s.name.endswith("_bucket")}
    assert (buckets["0.001"], buckets["0.002"], buckets["0.5"], buckets["500"], buckets["+Inf"]) == (0, 2, 3, 3, 4)
    assert next(s.value for s in samples if s.name.endswith("_sum")) == pytest.approx(1000.303)
    assert next(s.value for s in samples if s.name.endswith("_count")) == 4


def test_the_newest_rejected_version_stays():
    metrics = TrainerMetrics()
    for version in (5, None, 4):
        metrics.rejected("invalid", version)
    assert metrics.value("config_rejected_version") == 5


def test_a_gauge_outside_the_protocol_is_refused():
    with pytest.raises(ValueError, match="weather"):
        TrainerMetrics().gauge(weather=1)


def test_a_scrape_never_sees_half_an_observation(page):
    metrics, read = page
    stop = threading.Event()

    def observe():
        while not stop.is_set():
            metrics.observed(Observation(2.0, 1.0, 1, 2))

    thread = threading.Thread(target=observe)
    thread.start()
    try:
        for _ in range(20):
            families = read()
            count = values(families["gradient_observations_total"])[()]
            assert values(families["gradient_small_batch_square_norm_total"]) == {(): 2.0 * count}
    finally:
        stop.set()
        thread.join()


def test_an_occupied_port_is_named():
    server = MetricsServer(TrainerMetrics(), 0)
    try:
        with pytest.raises(SettingError, match=f"port {server.port}.*STEPWISE_METRICS_PORT"):
            MetricsServer(TrainerMetrics(), server.port)
    finally:
        server.close()
