from pathlib import Path

import pytest

from stepwise import Environment, SettingError


def test_defaults():
    assert Environment.read({}) == Environment(0, 1, Path("/etc/stepwise/tuning.json"), 9464, None)


def test_an_indexed_job():
    env = {
        "JOB_COMPLETION_INDEX": "3",
        "WORLD_SIZE": "4",
        "STEPWISE_CHECKPOINT_DIR": "/c",
        "STEPWISE_TUNING_FILE": "/t",
    }
    assert Environment.read(env) == Environment(3, 4, Path("/t"), 9464, Path("/c"))


def test_processes_of_one_pod_take_ports_in_a_row():
    env = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "STEPWISE_METRICS_PORT": "9000"}
    assert (Environment.read(env).rank, Environment.read(env).metrics_port) == (5, 9001)


@pytest.mark.parametrize("env", [{"RANK": "2", "WORLD_SIZE": "2"}, {"WORLD_SIZE": "two"}, {"RANK": "-1"}], ids=str)
def test_what_cannot_be_is_refused(env):
    with pytest.raises(SettingError, match=next(iter(env))):
        Environment.read(env)
