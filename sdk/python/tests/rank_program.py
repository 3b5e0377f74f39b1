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


class Job:
    """One rank's model, and notes of what its steps used."""

    def __init__(self, rank, scenario):
        self.rank, self.scenario = rank, scenario
        layers = [nn.Linear(6, 5), nn.Tanh(), nn.Dropout(0.5 if scenario.dropout else 0.0), nn.Linear(5, 2)]
        self.model = nn.Sequential(*layers).double()
        several = int(os.environ["WORLD_SIZE"]) > 1
        self.parallel = DistributedDataParallel(self.model) if several and scenario.wrapped else self.model
        if scenario.optimizer == "adam":
            self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        else:
            self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 2, gamma=0.5)
        self.passes, self.rates, self.done = [], [], []
        self._note_rates()

    def _note_rates(self):
        update = self.optimizer.step

        def noted_update():
            self.rates.append(self.optimizer.param_groups[0]["lr"])
            return update()

        self.optimizer.step = noted_update

    def compute_loss(self, batch):
        inputs, targets, indices = batch
        if len(indices) > self.scenario.memory.get(self.rank, SAMPLES):
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        self.passes.append(indices.tolist())
        return nn.functional.mse_loss(self.parallel(inputs), targets)

    def note(self, step, loss, running):
        batch = running.batch
        # Of a step that was redone, only the second attempt's passes count
        used = self.passes if observed_halves(self.passes, batch) else self.passes[-batch.gradient_accumulation_steps :]
        self.done.append(
            {
                "step": step.number,
                "loss": loss,
                "version": running.version,
                "micro": batch.micro_batch_size,
                "accumulation": batch.gradient_accumulation_steps,
                "scale": running.learning_rate_scale,
                "samples": [index for one_pass in used for index in one_pass],
            }
        )

    def trainer(self):
        scenario = self.scenario
        options = stepwise.torch.Options(
            accept=(lambda tuning: "not here") if self.rank in scenario.refused else None,
            state={"scheduler": self.scheduler},
            observe_every_steps=scenario.observe_every,
        )
        return stepwise.torch.Trainer(
            self.parallel,
            self.optimizer,
            Numbered(),
            micro_batch_size=scenario.micro,
            gradient_accumulation_steps=scenario.accumulation,
            options=options,
        )

    def run(self, trainer):
        scenario = self.scenario
        put_tunings(self.rank, scenario, trainer.session.step)
        for step in trainer.steps(scenario.steps):
            self.passes.clear()
            self.note(step, step(self.compute_loss), trainer.running)
            if scenario.rate_by_step:
                self.scheduler.step()
            if scenario.signals.get(self.rank) == trainer.session.step:
                os.kill(os.getpid(), signal.SIGTERM)
            if scenario.die_at == trainer.session.step:
                return
            put_tunings(self.rank, scenario, trainer.session.step)


def train(rank, scenario):
    """One rank's loop; the result lists what each done step used."""
    torch.set_num_threads(1)
    torch.manual_seed(5)
    stepwise.torch.connect(timeout_seconds=30)
    job = Job(rank, scenario)
    code = 0
    with job.trainer() as trainer:
        began = trainer.session.step
        try:
            job.run(trainer)
        except SystemExit as stop:
            code = stop.code
    return {
        "began": began,
        "steps": job.done,
        "code": code,
        "rates": job.rates,
        "parameters": [value for p in job.model.parameters() for value in p.detach().flatten().tolist()],
        "metrics": page(trainer.metrics),
    }


def observed_halves(passes, batch):
    """Whether the one micro-batch of a step went through in two halves."""
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
