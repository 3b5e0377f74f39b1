"""Jobs of one and two ranks over gloo, in processes of their own."""

import pytest

pytest.importorskip("torch")

from rank_program import SAMPLES, Scenario, run_job
from stepwise.torch import ShuffledOrder
from tuning_documents import a_tuning

BOTH_KINDS = pytest.mark.parametrize("wrapped", [True, False], ids=["DistributedDataParallel", "plain module"])


def samples_of(results):
    """Dataset indices of every done step over all ranks, in order of the steps."""
    return [sorted(i for rank in steps for i in rank["samples"]) for steps in zip(*(r["steps"] for r in results))]


def expected_samples(batches, first=0):
    order, wanted = ShuffledOrder(SAMPLES, 0), []
    for batch in batches:
        wanted.append(sorted(order.indices(range(first, first + batch)).tolist()))
        first += batch
    return wanted


def sequence(result, name):
    return [step[name] for step in result["steps"]]


@BOTH_KINDS
def test_all_ranks_switch_at_the_same_step(tmp_path, wrapped):
    tunings = {2: a_tuning(1, micro=2, accumulation=3, ranks=2, learningRateScale=3.0)}
    results = run_job(Scenario(tmp_path, wrapped=wrapped, tunings=tunings), 2)
    for result in results:
        assert sequence(result, "version") == [0, 0, 1, 1, 1, 1]
        assert result["metrics"]["config_applied_step"] == 2
        assert result["metrics"]["samples_total"] == 2 * 4 + 4 * 6
        assert result["rates"] == pytest.approx([0.1, 0.1, 0.3, 0.3, 0.3, 0.3])
    assert samples_of(results) == expected_samples([8, 8, 12, 12, 12, 12])
    assert results[0]["parameters"] == results[1]["parameters"]


def test_one_ranks_refusal_is_everyones(tmp_path):
    tunings = {1: a_tuning(1, micro=2, ranks=2)}
    for result in run_job(Scenario(tmp_path, steps=3, tunings=tunings, refused=(1,)), 2):
        assert sequence(result, "version") == [0, 0, 0]
        assert result["metrics"]["config_rejections_total unsupported"] == 1
        assert result["metrics"]["config_rejected_version"] == 1


@BOTH_KINDS
def test_out_of_memory_on_one_rank_takes_all_back_and_costs_no_sample(tmp_path, wrapped):
    tunings = {2: a_tuning(1, micro=16, ranks=2), 4: a_tuning(2, micro=6, ranks=2)}
    scenario = Scenario(tmp_path / "a", wrapped=wrapped, tunings=tunings, memory={1: 8}, dropout=True)
    results = run_job(scenario, 2)
    for result in results:
        assert sequence(result, "version") == [0, 0, 0, 0, 2, 2]
        assert sequence(result, "step") == list(range(6))
        assert result["metrics"]["config_rejections_total out_of_memory"] == 1
        assert result["metrics"]["config_rejected_version"] == 1
    assert samples_of(results) == expected_samples([8, 8, 8, 8, 12, 12])
    # The failed attempt leaves no trace, not even in the random numbers of dropout
    del tunings[2]
    undisturbed = run_job(Scenario(tmp_path / "b", wrapped=wrapped, tunings=tunings, dropout=True), 2)
    assert results[0]["parameters"] == pytest.approx(undisturbed[0]["parameters"], rel=1e-12)


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_a_resume_repeats_and_skips_no_sample(tmp_path, before, after):
    first = run_job(Scenario(tmp_path, signals={before - 1: 3}, micro=8 // before, optimizer="adam"), before)
    assert {result["code"] for result in first} == {143}
    assert {result["metrics"]["checkpoint_step"] for result in first} == {3}
    second = run_job(Scenario(tmp_path, steps=12, micro=99, optimizer="adam"), after)
    assert [result["began"] for result in second] == [3] * after
    assert samples_of(first) + samples_of(second) == expected_samples([8] * 12)
    assert sum(result["metrics"]["samples_total"] for result in second) == SAMPLES
    whole = run_job(Scenario(tmp_path / "whole", steps=12, micro=8, optimizer="adam"), 1)
    assert second[0]["parameters"] == pytest.approx(whole[0]["parameters"], rel=1e-9)


def test_a_killed_job_resumes_from_its_last_checkpoint(tmp_path):
    tunings = {2: a_tuning(1, micro=4, ranks=1, checkpointRequest=1)}
    run_job(Scenario(tmp_path, die_at=5, tunings=tunings))
    again = run_job(Scenario(tmp_path))[0]
    assert (again["began"], again["metrics"]["checkpoint_request"]) == (2, 1)
    assert samples_of([again]) == expected_samples([4] * 4, first=8)


def test_a_checkpoint_request_stops_nothing_and_all_ranks_know_of_it(tmp_path):
    tunings = {1: a_tuning(1, micro=4, ranks=2, checkpointRequest=1, effectiveAt="nextCheckpoint")}
    for result in run_job(Scenario(tmp_path, tunings=tunings), 2):
        assert len(result["steps"]) == 6
        assert result["metrics"]["checkpoint_step"] == result["metrics"]["config_applied_step"] == 1
        assert result["metrics"]["checkpoint_duration_seconds_count"] == 1


SAME_GLOBAL_BATCH = {
    "micro 12": (12, 1, 1),
    "3 passes": (4, 3, 1),
    "2 ranks": (6, 1, 2),
    "2 ranks, 3 passes": (2, 3, 2),
}


@pytest.mark.parametrize("shape", list(SAME_GLOBAL_BATCH)[1:])
def test_the_same_global_batch_trains_the_same_however_it_is_cut(tmp_path, shape):
    def final(name):
        micro, accumulation, ranks = SAME_GLOBAL_BATCH[name]
        scenario = Scenario(tmp_path / name.replace(" ", ""), micro=micro, accumulation=accumulation, observe_every=2)
        return run_job(scenario, ranks)[0]

    cut, whole = final(shape), final("micro 12")
    assert cut["parameters"] == pytest.approx(whole["parameters"], rel=1e-9, abs=1e-12)


def test_a_switch_at_equal_global_batch_does_not_change_the_training(tmp_path):
    tunings = {2: a_tuning(1, micro=3, accumulation=4), 4: a_tuning(2, micro=6, accumulation=2)}
    switched = run_job(Scenario(tmp_path / "a", micro=12, tunings=tunings))[0]
    steady = run_job(Scenario(tmp_path / "b", micro=12))[0]
    assert sequence(switched, "micro") == [12, 12, 3, 3, 6, 6]
    assert sequence(switched, "loss") == pytest.approx(sequence(steady, "loss"), rel=1e-6)
    assert switched["parameters"] == pytest.approx(steady["parameters"], rel=1e-6)


def test_a_schedulers_rate_and_the_scale_multiply(tmp_path):
    tunings = {3: a_tuning(1, micro=4, learningRateScale=10.0)}
    result = run_job(Scenario(tmp_path, tunings=tunings, rate_by_step=True))[0]
    assert result["rates"] == pytest.approx([0.1, 0.1, 0.05, 0.5, 0.25, 0.25])


@pytest.mark.parametrize(
    ("micro", "accumulation", "ranks", "small"), [(8, 1, 1, 4), (3, 1, 1, 4 / 3), (2, 4, 1, 2), (2, 2, 2, 2)]
)
def test_an_observation_tells_its_batch_sizes(tmp_path, micro, accumulation, ranks, small):
    scenario = Scenario(tmp_path, micro=micro, accumulation=accumulation, observe_every=3)
    for result in run_job(scenario, ranks):
        metrics = result["metrics"]
        assert metrics["gradient_observations_total"] == 2
        assert metrics["gradient_batch_size small"] == pytest.approx(small)
        assert metrics["gradient_batch_size large"] == micro * accumulation * ranks
        large, parts = "gradient_large_batch_square_norm_total", "gradient_small_batch_square_norm_total"
        assert 0 < metrics[large] < metrics[parts]


def test_a_single_sample_is_not_observed(tmp_path):
    metrics = run_job(Scenario(tmp_path, micro=1, observe_every=1))[0]["metrics"]
    assert metrics["gradient_observations_total"] == 0
    assert "gradient_batch_size small" not in metrics
