"""The example trainer as a pod would run it: a process with an environment, a tuning file and a metrics page."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tuning_documents import a_tuning, put

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "deploy" / "examples" / "char-lm"
SMALL = ("--text-mib", "1", "--validation-samples", "256", "--validate-every-samples", "512", "--seed", "1")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Pod:
    """A running train.py whose standard output is read event by event."""

    def __init__(self, folder, *flags, **environment):
        variables = os.environ | {
            "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
            "STEPWISE_METRICS_PORT": "0",
            "STEPWISE_TUNING_FILE": str(folder / "tuning.json"),
            "STEPWISE_CHECKPOINT_DIR": str(folder / "checkpoints"),
            **environment,
        }
        command = [sys.executable, str(EXAMPLE / "train.py"), *SMALL, *flags]
        self.process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)

    def next(self, event):
        """The next event of this kind."""
        for line in self.process.stdout:
            found = json.loads(line)
            if found["event"] == event:
                return found
        raise AssertionError(f"no event {event}; exit code {self.process.wait()}")

    def until_version(self, version):
        while (found := self.next("validation"))["configVersion"] != version:
            pass
        return found


@pytest.fixture
def start(tmp_path):
    pods = []

    def start(*flags, **environment):
        pods.append(Pod(tmp_path, *flags, **environment))
        return pods[-1]

    yield start
    for pod in pods:
        if pod.process.poll() is None:
            pod.process.kill()
        pod.process.stdout.close()
        pod.process.wait()


def page(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        lines = reply.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name.removeprefix("stepwise_trainer_"): float(value) for name, value in pairs}


def test_it_ends_by_itself_at_the_target_and_leaves_its_last_figures(start):
    pod = start("--micro-batch-size", "64", "--target-loss", "3.5", "--linger-seconds", "60", "--learning-rate", "3e-3")
    port = pod.next("started")["port"]
    finished = pod.next("finished")
    figures = page(port)
    assert finished["reachedTarget"]
    assert figures["validation_loss"] <= 3.5
    assert figures["steps_total"] == finished["step"] == figures["checkpoint_step"]
    assert figures["completed_ratio"] == 1


def test_it_obeys_the_tuning_file_and_its_memory(start, tmp_path):
    pod = start("--target-loss", "0", "--memory-limit-mib", "40")
    port = pod.next("started")["port"]
    put(tmp_path / "tuning.json", a_tuning(1, micro=32, accumulation=2, learningRateScale=2.0))
    assert pod.until_version(1)["globalBatchSize"] == 64
    put(tmp_path / "tuning.json", a_tuning(2, micro=4096))
    while "config_rejected_version" not in (figures := page(port)):
        pod.next("validation")
    assert figures["config_rejected_version"] == 2
    assert figures['config_rejections_total{reason="out_of_memory"}'] == 1
    assert figures["config_version"] == 1
    assert figures["memory_used_bytes"] < figures["memory_limit_bytes"] == 40 * 2**20


def test_sigterm_leaves_a_checkpoint_from_which_the_next_pod_goes_on(start):
    pod = start("--target-loss", "0")
    pod.next("validation")
    pod.process.send_signal(signal.SIGTERM)
    assert pod.process.wait(timeout=30) == 143
    again = start("--target-loss", "0").next("started")
    assert again["step"] >= 32
    assert again["samples"] == again["step"] * 16


def test_an_indexed_job_of_two_pods_trains_together(start):
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    pods = [
        start(
            "--max-steps", "40", "--target-loss", "0", "--linger-seconds", "0", JOB_COMPLETION_INDEX=str(i), **meeting
        )
        for i in (0, 1)
    ]
    finished = pods[0].next("finished")
    assert (finished["step"], finished["samples"], finished["globalBatchSize"]) == (40, 40 * 32, 32)
    assert [pod.process.wait(timeout=30) for pod in pods] == [0, 0]
    assert pods[1].process.stdout.read() == ""
