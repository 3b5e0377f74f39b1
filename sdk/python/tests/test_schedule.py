from itertools import pairwise

import pytest

from stepwise import ObservationSchedule


def run(schedule, *, steps, plain, observed):
    """Steps that were observed when a plain and an observed step take so many seconds."""
    seen = []
    for step in range(steps):
        due = schedule.due(step)
        schedule.done(step, observed if due else plain, observed=due)
        seen += [step] * due
    return seen


def test_a_fixed_distance():
    assert run(ObservationSchedule(16), steps=40, plain=1, observed=9) == [15, 31]
    assert run(ObservationSchedule(0), steps=40, plain=1, observed=9) == []


@pytest.mark.parametrize(
    ("observed", "distance"),
    [(1.0, 10), (1.1, 10), (1.5, 25), (2.0, 50), (9.0, 50)],
    ids=["free", "a tenth more", "half more", "twice", "far too dear"],
)
def test_the_dearer_an_observation_the_rarer_it_is(observed, distance):
    seen = run(ObservationSchedule(), steps=300, plain=1.0, observed=observed)
    assert seen[0] == 9
    assert {b - a for a, b in pairwise(seen)} == {distance}


def test_a_new_configuration_is_learned_anew():
    schedule = ObservationSchedule()
    run(schedule, steps=100, plain=1.0, observed=9.0)
    schedule.forget_durations()
    assert schedule.every_steps == 10


def test_a_resume_counts_from_its_step():
    schedule = ObservationSchedule()
    schedule.started_at(1000)
    assert not schedule.due(1000)
    assert schedule.due(1009)
