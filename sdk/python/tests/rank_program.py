"""One rank of a small training job, driven by a scenario; its processes are spawned by the tests."""

import json
import os
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.multiprocessing as processes
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import stepwise.torch
from tuning_documents import put

SAMPLES = 96

# A clean process that has imported torch once, from which the ranks are forked
processes.get_context("forkserver").set_forkserver_preload(["torch.nn.parallel", "prometheus_client"])


class Numbered:
    """A dataset whose samples carry their index."""

    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        self.inputs = torch.randn(SAMPLES, 6, generator=generator, dtype=torch.float64)
        self.targets = torch.randn(SAMPLES, 2, generator=generator, dtype=torch.float64)

    def __len__(self):
        return SAMPLES

    def __getitems__(self, indices):
        return self.inputs[indices], self.targets[indices], indices


@dataclass
class Scenario:
    """What happens in the job.

    Attributes:
        folder: where the tuning file, checkpoints and results are.
        steps: optimizer steps after which the loop ends by itself.
        tunings: documents to put into place before a step.
        memory: micro batch that just fits, by rank.
        refused: ranks that veto any tuning.
        signals: rank that gets SIGTERM before a step.
        die_at: step before which every rank vanishes as if killed.
    """

    folder: Path
    steps: int = 6
    micro: int = 4
    accumulation: int = 1
    wrapped: bool = True
    optimizer: str = "sgd"
    dropout: bool = False
    tunings: dict = field(default_factory=dict)
    memory: dict = field(default_factory=dict)
    refused: tuple = ()
    signals: dict = field(default_factory=dict)
    die_at: int = -1
    observe_every: int = 0
    precondition: bool = True
    rate_by_step: bool = False


def run_job(scenario, size=1):
    """Run it with so many ranks; returns each rank's result."""
    scenario.folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    job = processes.start_processes(
        _rank_process, args=(size, port, scenario), nprocs=size, join=False, start_method="forkserver"
    )
    while not job.join(timeout=60):
        pass
    return [json.loads((scenario.folder / f"rank-{rank}.json").read_text()) for rank in range(size)]


def _rank_process(rank, size, port, scenario):
    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE=str(size),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        STEPWISE_METRICS_PORT="0",
        STEPWISE_TUNING_FILE=str(scenario.folder / "tuning.json"),
        STEPWISE_CHECKPOINT_DIR=str(scenario.folder / "checkpoints"),
    )
    result = train(rank, scenario)
    (scenario.folder / f"rank-{rank}.json").write_text(json.dumps(result))


def train(rank, scenario):
    """One rank's loop; the result lists what each done step used."""
    torch.set_num_threads(1)
    torch.manual_seed(5)
    stepwise.torch.connect(timeout_seconds=30)
    layers = [nn.Linear(6, 5), nn.Tanh(), nn.Dropout(0.5 if scenario.dropout else 0.0), nn.Linear(5, 2)]
    model = nn.Sequential(*layers).double()
    size = int(os.environ["WORLD_SIZE"])
    parallel = DistributedDataParallel(model) if size > 1 and scenario.wrapped else model
    if scenario.optimizer == "adam":
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    passes, rates = [], []
    update = optimizer.step

    def recorded_update():
        rates.append(optimizer.param_groups[0]["lr"])
        return update()

    optimizer.step = recorded_update

    def compute_loss(batch):
        inputs, targets, indices = batch
        if len(indices) > scenario.memory.get(rank, SAMPLES):
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        passes.append(indices.tolist())
        return nn.functional.mse_loss(parallel(inputs), targets)

    options = stepwise.torch.Options(
        accept=(lambda tuning: "not here") if rank in scenario.refused else None,
        state={"scheduler": scheduler},
        observe_every_steps=scenario.observe_every,
        precondition=scenario.precondition,
    )
    done, code = [], 0
    try:
        with stepwise.torch.Trainer(
            parallel,
            optimizer,
            Numbered(),
            micro_batch_size=scenario.micro,
            gradient_accumulation_steps=scenario.accumulation,
            options=options,
        ) as trainer:
            began = trainer.session.step
            put_tunings(rank, scenario, trainer.session.step)
            for step in trainer.steps(scenario.steps):
                passes.clear()
                loss = step(compute_loss)
                if scenario.rate_by_step:
                    scheduler.step()
                running = trainer.running
                # Of a redone step, only the second attempt's passes count
                used = (
                    passes[-running.batch.gradient_accumulation_steps :]
                    if not observed_halves(passes, running)
                    else passes
                )
                done.append(
                    {
                        "step": step.number,
                        "loss": loss,
                        "version": running.version,
                        "micro": running.batch.micro_batch_size,
                        "accumulation": running.batch.gradient_accumulation_steps,
                        "scale": running.learning_rate_scale,
                        "samples": [index for one_pass in used for index in one_pass],
                    }
                )
                if scenario.signals.get(rank) == trainer.session.step:
                    os.kill(os.getpid(), signal.SIGTERM)
                if scenario.die_at == trainer.session.step:
                    break
                put_tunings(rank, scenario, trainer.session.step)
            metrics = trainer.metrics
    except SystemExit as stop:
        code, metrics = stop.code, trainer.metrics
    return {
        "began": began,
        "steps": done,
        "code": code,
        "rates": rates,
        "parameters": [value for p in model.parameters() for value in p.detach().flatten().tolist()],
        "metrics": page(metrics),
    }


def observed_halves(passes, running):
    """Whether the one micro-batch of a step went through in two halves."""
    batch = running.batch
    return batch.micro_batches == 1 and len(passes) == 2 and sum(map(len, passes)) == batch.micro_batch_size


def put_tunings(rank, scenario, step):
    if rank == 0 and step in scenario.tunings:
        put(scenario.folder / "tuning.json", scenario.tunings[step])


def page(metrics):
    """All plain samples of the page, by name without prefix and label values."""
    return {
        " ".join([s.name.removeprefix("stepwise_trainer_"), *s.labels.values()]): s.value
        for family in metrics.collect()
        for s in family.samples
        if "le" not in s.labels
    }
