import pytest

from stepwise import CheckpointStore


def test_the_last_two_are_kept(tmp_path):
    store = CheckpointStore(tmp_path / "deep" / "folder")
    for step in (5, 10, 15):
        store.write(step, lambda file, step=step: file.write(b"%d" % step))
    assert store.steps() == [10, 15]
    assert store.path(15).read_bytes() == b"15"


def test_a_failed_write_leaves_the_older_ones(tmp_path):
    store = CheckpointStore(tmp_path)
    store.write(1, lambda file: file.write(b"whole"))

    def fail(file):
        file.write(b"ha")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        store.write(2, fail)
    assert [entry.name for entry in tmp_path.iterdir()] == ["step-000000000001.ckpt"]


def test_what_a_killed_process_left_is_no_checkpoint_and_goes_away(tmp_path):
    (tmp_path / ".step-000000000009.77.tmp").write_bytes(b"ha")
    store = CheckpointStore(tmp_path)
    assert store.steps() == []
    store.write(10, lambda file: file.write(b"whole"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["step-000000000010.ckpt"]


def test_the_same_step_may_be_written_again(tmp_path):
    store = CheckpointStore(tmp_path)
    for content in (b"one", b"two"):
        store.write(3, lambda file, content=content: file.write(content))
    assert store.path(3).read_bytes() == b"two"
