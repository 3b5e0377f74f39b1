import json
import math
import os

import pytest

from stepwise import Tuning, TuningError, TuningFile, parse_tuning
from tuning_documents import a_tuning, put, put_as_volume


def parse(**fields):
    return parse_tuning(json.dumps(a_tuning(7, micro=24, accumulation=4, ranks=8) | fields))


def test_every_field_is_read():
    tuning = parse(learningRateScale=1.41, effectiveAt="nextCheckpoint", checkpointRequest=3, reason="cheaper")
    assert tuning == Tuning(7, 24, 4, 8, 1.41, "nextCheckpoint", 3, "cheaper")
    assert tuning.batch.global_batch_size == 768


def test_unknown_fields_are_ignored():
    assert parse(tomorrow={"deep": [1]}).version == 7


COUNTS = ("version", "globalBatchSize", "microBatchSize", "gradientAccumulationSteps", "dataParallelSize")
IMPOSSIBLE_COUNTS = (0, -1, 1.5, 24.0, "24", None, True, [], 2**53)


@pytest.mark.parametrize("field", COUNTS)
@pytest.mark.parametrize("value", IMPOSSIBLE_COUNTS, ids=repr)
def test_impossible_counts_are_invalid_and_named(field, value):
    with pytest.raises(TuningError, match=field) as caught:
        parse(**{field: value})
    assert caught.value.reason == "invalid"
    assert caught.value.version == (None if field == "version" else 7)


@pytest.mark.parametrize("field", (*COUNTS, "learningRateScale", "protocol"))
def test_a_missing_field_is_invalid(field):
    document = a_tuning()
    del document[field]
    with pytest.raises(TuningError, match=field) as caught:
        parse_tuning(json.dumps(document))
    assert caught.value.reason == "invalid"


@pytest.mark.parametrize(
    "value", [0, -1.0, "1", None, True, math.inf, -math.inf, math.nan, 10**400], ids=lambda v: repr(v)[:9]
)
def test_impossible_learning_rate_scales_are_invalid(value):
    with pytest.raises(TuningError) as caught:
        parse(learningRateScale=value)
    assert caught.value.reason == "invalid"


@pytest.mark.parametrize("value", [-1, 0.5, "1", None, False], ids=repr)
def test_impossible_checkpoint_requests_are_invalid(value):
    with pytest.raises(TuningError, match="checkpointRequest"):
        parse(checkpointRequest=value)


def test_a_product_that_differs_is_invalid():
    with pytest.raises(TuningError, match=r"globalBatchSize is 700.*768"):
        parse(globalBatchSize=700)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"protocol": "stepwise.dev/trainer/v2"}, "unsupported"),
        ({"protocol": 1}, "invalid"),
        ({"effectiveAt": "tomorrow"}, "unsupported"),
        ({"effectiveAt": 3}, "invalid"),
    ],
    ids=str,
)
def test_what_this_version_does_not_know_is_unsupported(fields, reason):
    with pytest.raises(TuningError) as caught:
        parse(**fields)
    assert (caught.value.reason, caught.value.version) == (reason, 7)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", "[" * 100_000, b"\xff\xfe", '{"version": NaN}'], ids=lambda t: repr(t)[:9]
)
def test_what_is_no_json_object_is_invalid(text):
    with pytest.raises(TuningError) as caught:
        parse_tuning(text)
    assert caught.value.reason == "invalid"


def test_an_absent_file_is_no_news(tmp_path):
    assert TuningFile(tmp_path / "none.json").poll() is None


def test_a_file_is_news_once(tmp_path):
    path = tmp_path / "tuning.json"
    put(path, a_tuning(1))
    file = TuningFile(path)
    assert file.poll().version == 1
    assert file.poll() is None
    put(path, a_tuning(2))
    assert file.poll().version == 2
    path.unlink()
    assert file.poll() is None


def test_a_replacement_of_equal_size_and_time_is_news(tmp_path):
    path = tmp_path / "tuning.json"
    put(path, a_tuning(1))
    file = TuningFile(path)
    before = path.stat()
    file.poll()
    put(path, a_tuning(2))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert file.poll().version == 2


def test_a_configmap_volume_is_followed_through_its_link(tmp_path):
    path = put_as_volume(tmp_path, 1, a_tuning(1))
    file = TuningFile(path)
    assert file.poll().version == 1
    put_as_volume(tmp_path, 2, a_tuning(2))
    assert file.poll().version == 2
    assert file.poll() is None


def test_an_unusable_file_is_told_once_and_replaced(tmp_path):
    path = tmp_path / "tuning.json"
    put(path, "{half")
    file = TuningFile(path)
    assert file.poll().reason == "invalid"
    assert file.poll() is None
    put(path, "x" * 70_000)
    assert "larger than" in str(file.poll())
    put(path, a_tuning(3))
    assert file.poll().version == 3
