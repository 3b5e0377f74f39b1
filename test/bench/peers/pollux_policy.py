"""Answers questions to the Pollux policy: JSON objects, one a line, on standard input and standard output.

The policy, its goodput model and its fit are the code of the packages adaptdl-sched and adaptdl, unchanged. This file
only translates. One process holds one policy, which keeps its population between decisions as the deployed allocator
does.

A question is ``{"ask": "fit", ...}``, answered by the seven parameters of the step time, or ``{"ask": "decide", ...}``,
answered by an allocation. What goes wrong is answered by ``{"error": "..."}``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from typing import Any, TextIO

# The packages announce deprecations of numpy and a lack of compiled modules; answers must stay alone on the output.
warnings.filterwarnings("ignore", category=DeprecationWarning)
ANSWERS: TextIO = sys.stdout
sys.stdout = sys.stderr

import numpy as np  # noqa: E402
from adaptdl.goodput import GoodputFunction, GradParams, PerfParams, fit_perf_params  # noqa: E402
from adaptdl_sched.policy.pollux import PolluxPolicy  # noqa: E402
from adaptdl_sched.policy.speedup import SpeedupFunction  # noqa: E402
from adaptdl_sched.policy.utils import JobInfo, NodeInfo  # noqa: E402

GPU = "nvidia.com/gpu"


def job_info(job: dict[str, Any]) -> JobInfo:
    """Describe a job to the policy, as ``AdaptDLAllocator._get_job_info`` does from what a trainer reports.

    A job without parameters has not been profiled: the policy is told that it speeds up by as much as it has replicas.
    """
    speedup = job_speedup(job) if job.get("perfParams") is not None else lambda nodes, replicas: replicas
    return JobInfo({GPU: 1}, speedup, job["createdAtSeconds"], job["minReplicas"], job["maxReplicas"])


def job_goodput(job: dict[str, Any]) -> GoodputFunction:
    """Build the package's goodput of a profiled job."""
    gradients = job.get("gradParams") or {"sqr": 0.0, "var": 1.0}
    return GoodputFunction(
        PerfParams(**job["perfParams"]), GradParams(gradients["sqr"], gradients["var"]), job["initBatchSize"]
    )


def job_speedup(job: dict[str, Any]) -> SpeedupFunction:
    """Build the package's speedup of a profiled job over one replica."""
    return SpeedupFunction(
        job_goodput(job), job["maxBatchSize"], tuple(job["localBatchSizeBounds"]), job["gradientAccumulation"]
    )


def batches_for(jobs: list[dict[str, Any]], allocations: dict[str, list[str]]) -> dict[str, list[int]]:
    """Choose each profiled job's micro batch and passes on its nodes, as its trainer does by the package's own search."""
    batches = {}
    for job in jobs:
        nodes = allocations.get(job["name"], [])
        if not nodes or job.get("perfParams") is None:
            continue
        _, micro_batch, more_passes = job_goodput(job).optimize(
            len(set(nodes)),
            len(nodes),
            job["maxBatchSize"],
            tuple(job["localBatchSizeBounds"]),
            job["gradientAccumulation"],
        )
        batches[job["name"]] = [int(micro_batch), int(more_passes) + 1]
    return batches


def place_arrivals(
    policy: PolluxPolicy, jobs: dict[str, JobInfo], gpus: dict[str, int], allocations: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Give each job without nodes its first one, as the deployed allocator does when a job arrives.

    Without it the search starts from an empty cluster, and may end with no solution that fits the nodes there are.
    """
    placed = dict(allocations)
    for name, info in jobs.items():
        if placed.get(name):
            continue
        free = {
            node: NodeInfo({GPU: count - sum(nodes.count(node) for nodes in placed.values())}, False)
            for node, count in gpus.items()
        }
        first = policy.allocate_job(info, free)
        if first:
            placed[name] = first
    return placed


def decide(policy: PolluxPolicy, question: dict[str, Any], fixed_cluster: bool) -> dict[str, Any]:
    """Run one optimization of the policy and time it, like the allocator, without the description of the jobs.

    The policy searches over as many requestable nodes again as there are. Those of a fixed cluster have no GPUs;
    with GPUs half of the search would go to nodes that never come.
    """
    gpus = {node["name"]: node["gpus"] for node in question["nodes"]}
    jobs = {job["name"]: job_info(job) for job in question["jobs"]}
    base = place_arrivals(policy, jobs, gpus, question["allocations"])
    nodes = {name: NodeInfo({GPU: count}, False) for name, count in gpus.items()}
    template = NodeInfo({GPU: 0 if fixed_cluster else max(gpus.values())}, True)
    started, started_cpu = time.perf_counter(), time.process_time()
    allocations, desired_nodes = policy.optimize(jobs, nodes, base, template)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
    found = len(allocations) > 0
    return {
        "found": found,
        "allocations": allocations,
        "batches": batches_for(question["jobs"], allocations),
        "desiredNodes": desired_nodes,
        "seconds": seconds,
        "cpuSeconds": cpu_seconds,
    }


def fit(question: dict[str, Any]) -> dict[str, Any]:
    """Fit the seven parameters of the step time to measurements, by the package's own fit."""
    seen = {key: np.array(values) for key, values in question["measurements"].items()}
    started = time.perf_counter()
    parameters = fit_perf_params(
        seen["nodes"], seen["replicas"], seen["localBatchSize"], seen["computeSeconds"], seen["stepSeconds"]
    )
    seconds = time.perf_counter() - started
    return {"perfParams": {name: float(value) for name, value in parameters._asdict().items()}, "seconds": seconds}


def answer(policy: PolluxPolicy, line: str, fixed_cluster: bool) -> dict[str, Any]:
    """Answer one line; an error is an answer, too, so that the asker always hears."""
    try:
        question = json.loads(line)
        if question["ask"] == "fit":
            return fit(question)
        if question["ask"] == "decide":
            return decide(policy, question, fixed_cluster)
        return {"error": f"ask is {question['ask']!r}, and should be 'fit' or 'decide'"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the policy's random search")
    parser.add_argument("--fixed-cluster", action="store_true", help="use the nodes there are, all of them")
    options = parser.parse_args()
    np.random.seed(options.seed)
    policy = PolluxPolicy()
    if options.fixed_cluster:
        policy._min_util, policy._max_util = 0.0, np.inf
    for line in sys.stdin:
        ANSWERS.write(json.dumps(answer(policy, line, options.fixed_cluster)) + "\n")
        ANSWERS.flush()


if __name__ == "__main__":
    main()
