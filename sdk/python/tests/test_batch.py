import random

import pytest

from stepwise import BatchConfig, SettingError


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-4, 1, 1)], ids=str)
def test_sizes_below_one_are_refused(sizes):
    with pytest.raises(SettingError, match="must be 1 or more"):
        BatchConfig(*sizes)


@pytest.mark.parametrize(
    ("before", "ranks", "after"),
    [
        (BatchConfig(16, 1, 1), 2, BatchConfig(8, 1, 2)),
        (BatchConfig(16, 1, 2), 1, BatchConfig(16, 2, 1)),
        (BatchConfig(24, 4, 8), 6, BatchConfig(16, 8, 6)),
        (BatchConfig(16, 1, 1), 3, BatchConfig(5, 1, 3)),  # 16 cannot be kept: 15 is nearest
        (BatchConfig(1, 1, 1), 4, BatchConfig(1, 1, 4)),
    ],
    ids=str,
)
def test_another_number_of_ranks_keeps_the_global_batch_where_it_divides(before, ranks, after):
    assert before.reshaped(ranks) == after


def test_reshaping_never_grows_the_micro_batch():
    draw = random.Random(1)
    for _ in range(500):
        before = BatchConfig(draw.randint(1, 64), draw.randint(1, 8), draw.randint(1, 9))
        after = before.reshaped(draw.randint(1, 9))
        assert after.micro_batch_size <= before.micro_batch_size
        if before.global_batch_size % after.data_parallel_size == 0:
            assert after.global_batch_size == before.global_batch_size


def test_any_sequence_of_configurations_takes_every_position_once():
    draw = random.Random(2)
    for _ in range(50):
        first, taken = 0, []
        for _ in range(6):
            batch = BatchConfig(draw.randint(1, 9), draw.randint(1, 4), draw.randint(1, 5))
            for rank in range(batch.data_parallel_size):
                for nth in range(batch.gradient_accumulation_steps):
                    taken += batch.positions(first, rank, nth)
            first += batch.global_batch_size
        assert sorted(taken) == list(range(first))
