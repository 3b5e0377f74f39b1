import itertools
import signal

import pytest

from stepwise import BatchConfig, CheckpointStore, Session, StepTimes, StopRequested, StopSignal, TuningFile
from tuning_documents import a_tuning, put


class Scene:
    """One session of a single rank with a tuning file, a checkpoint folder and a clock to wind."""

    def __init__(self, folder, *, batch=None, checkpoints=True, accept=None):
        self.path = folder / "tuning.json"
        self.signal = StopSignal()
        self.now = 0.0
        self.store = CheckpointStore(folder / "checkpoints")
        self.saved = []
        self.broken = False
        self.session = Session(
            batch or BatchConfig(4),
            tuning_file=TuningFile(self.path),
            store=self.store if checkpoints else None,
            saver=self if checkpoints else None,
            accept=accept,
            checkpoint_every_seconds=100,
            stop_signal=self.signal,
            clock=lambda: self.now,
        )

    def capture(self):
        return "weights"

    def write(self, file, captured, session):
        if self.broken:
            raise OSError("no space left on device")
        self.saved.append(dict(session))
        file.write(captured.encode())

    def tune(self, *args, **fields):
        put(self.path, a_tuning(*args, **fields))

    def step(self):
        plan = self.session.begin_step()
        self.session.end_step(times=StepTimes(0.1), loss=1.0)
        return plan

    def value(self, name):
        return self.session.metrics.value(name)

    def rejections(self):
        family = next(f for f in self.session.metrics.collect() if f.name.endswith("config_rejections"))
        return {s.labels["reason"]: s.value for s in family.samples if s.value}


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_without_a_file_the_own_configuration_runs(scene):
    plans = [scene.step() for _ in range(3)]
    assert [plan.micro_batches() for plan in plans] == [[range(0, 4)], [range(4, 8)], [range(8, 12)]]
    assert (scene.value("config_version"), scene.value("config_applied_step")) == (0, None)
    assert (scene.value("steps"), scene.value("samples")) == (3, 12)


def test_a_tuning_takes_effect_at_the_next_step(scene):
    scene.step()
    scene.tune(3, micro=2, accumulation=3, learningRateScale=1.5)
    plan = scene.step()
    assert plan.micro_batches() == [range(4, 6), range(6, 8), range(8, 10)]
    assert (plan.learning_rate_scale, plan.trial) == (1.5, True)
    assert (scene.value("config_version"), scene.value("config_applied_step")) == (3, 1)
    assert not scene.step().trial


def test_an_older_or_equal_version_is_ignored(scene):
    scene.tune(5, micro=8)
    scene.step()
    for version in (4, 5):
        scene.tune(version, micro=2)
        assert scene.step().running.batch.micro_batch_size == 8
    assert scene.rejections() == {}


def test_only_the_newest_of_several_versions_counts(scene):
    for version in (1, 2, 3):
        scene.tune(version, micro=version)
    assert scene.step().running.version == 3


REFUSED = {
    "not JSON": ("{", "invalid", None),
    "impossible numbers": (a_tuning(2, microBatchSize=0), "invalid", 2),
    "another number of ranks": (a_tuning(2, ranks=4), "world_size", 2),
    "another protocol": (a_tuning(2, protocol="stepwise.dev/trainer/v9"), "unsupported", 2),
    "the trainer's veto": (a_tuning(2, micro=7), "unsupported", 2),
}


@pytest.mark.parametrize(("document", "reason", "version"), REFUSED.values(), ids=REFUSED)
def test_a_refused_tuning_leaves_the_old_one_in_force(tmp_path, document, reason, version):
    scene = Scene(tmp_path, accept=lambda t: "sevens are unlucky" if t.micro_batch_size == 7 else None)
    scene.tune(1, micro=8)
    scene.step()
    put(scene.path, document)
    for _ in range(3):
        assert scene.step().running.version == 1
    assert scene.rejections() == {reason: 1}
    assert scene.value("config_rejected_version") == version
    scene.tune(3, micro=2)
    assert scene.step().running.version == 3


def test_out_of_memory_returns_to_the_previous_configuration_and_the_same_samples(scene):
    scene.tune(1, micro=8, learningRateScale=2.0)
    scene.step()
    scene.tune(2, micro=64, learningRateScale=5.0)
    tried = scene.session.begin_step()
    assert tried.micro_batches() == [range(8, 72)]
    redone = scene.session.out_of_memory()
    assert redone.micro_batches() == [range(8, 16)]
    assert (redone.step, redone.learning_rate_scale, redone.running.version) == (1, 2.0, 1)
    scene.session.end_step(times=StepTimes(0.1))
    assert scene.rejections() == {"out_of_memory": 1}
    assert (scene.value("config_version"), scene.value("config_rejected_version")) == (1, 2)
    assert scene.value("config_applied_step") == 0
    assert scene.step().first_position == 16
    assert (scene.value("steps"), scene.value("samples")) == (3, 24)


def test_out_of_memory_with_nothing_smaller_to_return_to_is_the_jobs_own_error(scene):
    scene.session.begin_step()
    assert scene.session.out_of_memory() is None
    scene.tune(1, micro=2)
    scene.session.begin_step()
    assert scene.session.out_of_memory() is None
    assert scene.rejections() == {}


def test_a_checkpoint_is_written_on_request_once(scene):
    scene.step()
    scene.tune(1, checkpointRequest=3)
    for _ in range(3):
        scene.step()
    assert [state["step"] for state in scene.saved] == [1]
    assert (scene.value("checkpoint_request"), scene.value("checkpoint_step")) == (3, 1)
    assert scene.saved[0]["checkpoint_request"] == 3


def test_a_request_is_served_also_when_its_tuning_is_refused_or_known(scene):
    scene.tune(1, ranks=2, checkpointRequest=1)
    scene.step()
    scene.tune(1, ranks=2, checkpointRequest=2)
    scene.step()
    assert [state["checkpoint_request"] for state in scene.saved] == [1, 2]
    assert scene.rejections() == {"world_size": 1}


def test_a_tuning_can_wait_for_the_next_checkpoint(scene):
    scene.tune(1, micro=8, effectiveAt="nextCheckpoint")
    assert scene.step().running.version == 0
    scene.now = 100.0
    plan = scene.step()
    assert (plan.running.version, plan.step, scene.value("checkpoint_step")) == (1, 1, 1)
    # The checkpoint holds what ran before it
    assert scene.saved[0]["version"] == 0


def test_a_newer_tuning_replaces_one_that_waits(scene):
    scene.tune(1, micro=8, effectiveAt="nextCheckpoint")
    scene.step()
    scene.tune(2, micro=16)
    assert scene.step().running.version == 2
    scene.now = 100.0
    assert scene.step().running.version == 2


def test_without_a_checkpoint_folder_a_tuning_cannot_wait_for_one(tmp_path):
    scene = Scene(tmp_path, checkpoints=False)
    scene.tune(1, effectiveAt="nextCheckpoint", checkpointRequest=1)
    scene.step()
    assert scene.rejections() == {"unsupported": 1}
    assert scene.value("checkpoint_request") == 0


def test_checkpoints_are_periodic(scene):
    for scene.now in (0, 99, 100, 150, 199, 200):
        scene.step()
    assert [state["step"] for state in scene.saved] == [2, 5]


def test_a_failed_checkpoint_is_tried_again_later_and_training_goes_on(scene):
    scene.broken = True
    scene.tune(1, checkpointRequest=1)
    for scene.now in (0, 10, 29):
        scene.step()
    scene.broken = False
    assert scene.value("checkpoint_request") == 0
    scene.now = 30
    scene.step()
    assert (scene.value("checkpoint_request"), scene.value("checkpoint_step")) == (1, 3)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_job_after_a_checkpoint(scene, number, code):
    scene.step()
    scene.signal.number = number
    with pytest.raises(StopRequested) as caught:
        scene.step()
    assert caught.value.code == code
    assert scene.store.steps() == [1]


def test_a_signal_finishes_the_step_first():
    stop = StopSignal()
    stop.install()
    try:
        signal.raise_signal(signal.SIGTERM)
        assert stop.number == signal.SIGTERM
    finally:
        stop.restore()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


class Rank:
    """A rank of a larger job that agrees with itself."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size

    any_true = staticmethod(list)
    broadcast = staticmethod(lambda value: value)
    gather = staticmethod(lambda value: [value])


@pytest.mark.parametrize(("before", "after"), list(itertools.product((1, 2, 3), repeat=2)))
def test_a_checkpoint_resumes_at_any_number_of_ranks(before, after):
    old = Session(BatchConfig(7, 2, before), ranks=Rank(0, before))
    for _ in range(5):
        old.begin_step()
        old.end_step(times=StepTimes(0.1))
    new = [Session(BatchConfig(99, 1, after), ranks=Rank(rank, after)) for rank in range(after)]
    for session in new:
        session.load_state_dict(old.state_dict())
    taken = [p for session in new for positions in session.begin_step().micro_batches() for p in positions]
    done = 5 * 14 * before
    batch = new[0].running.batch
    assert sorted(taken) == list(range(done, done + batch.global_batch_size))
    assert abs(batch.global_batch_size - 14 * before) < after
    assert sum(session.metrics.value("samples") for session in new) == done
    assert {session.metrics.value("steps") for session in new} == {5}


def test_a_restart_remembers_what_did_not_fit(tmp_path):
    first = Scene(tmp_path)
    first.tune(4, micro=64)
    first.session.begin_step()
    first.session.out_of_memory()
    first.session.end_step(times=StepTimes(0.1))
    again = Scene(tmp_path)
    again.session.load_state_dict(first.session.state_dict())
    assert again.value("config_rejected_version") == 4
    assert again.step().running.batch.micro_batch_size == 4


def test_a_restart_keeps_the_tuning_in_force_and_its_step(tmp_path):
    first = Scene(tmp_path)
    first.step()
    first.tune(4, micro=16, learningRateScale=2.0)
    first.step()
    again = Scene(tmp_path)
    again.session.load_state_dict(first.session.state_dict())
    assert again.step().learning_rate_scale == 2.0
    assert (again.value("config_version"), again.value("config_applied_step"), again.value("steps")) == (4, 1, 3)
