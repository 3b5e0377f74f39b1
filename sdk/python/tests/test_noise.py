import random

import pytest

from stepwise import NoiseSums, Observation
from stepwise.noise import effective_size

DIMENSIONS = 40


def observe(draw, gradient, sigma, sizes):
    """One step's observation of gradients that are normal around `gradient`, each sample with `sigma` per dimension."""
    small = [[draw.gauss(mean, sigma / size**0.5) for mean in gradient] for size in sizes]
    samples = sum(sizes)
    large = [sum(g[i] * n for g, n in zip(small, sizes)) / samples for i in range(len(gradient))]
    return Observation(
        small_square_norm=sum(sum(x * x for x in g) for g in small) / len(small),
        large_square_norm=sum(x * x for x in large),
        small_batch_size=effective_size(sizes),
        large_batch_size=samples,
    )


@pytest.mark.parametrize(
    ("sizes", "sigma"),
    [([4, 4], 2.0), ([2, 1], 2.0), ([8] * 8, 3.0), ([1] * 16, 1.0)],
    ids=["two halves", "uneven halves", "eight ranks", "sixteen passes"],
)
def test_a_known_noise_scale_is_found_within_a_tenth(sizes, sigma):
    draw = random.Random(3)
    gradient = [draw.gauss(0, 1) for _ in range(DIMENSIONS)]
    true = sigma**2 * DIMENSIONS / sum(x * x for x in gradient)
    sums = NoiseSums()
    for _ in range(4000):
        sums = sums.plus(observe(draw, gradient, sigma, sizes))
    assert sums.since(NoiseSums()).samples == pytest.approx(true, rel=0.1)


def test_a_window_uses_only_its_own_observations():
    draw = random.Random(4)
    early, late = [0.1] * DIMENSIONS, [2.0] * DIMENSIONS
    sums = NoiseSums()
    for _ in range(500):
        sums = sums.plus(observe(draw, early, 5.0, [4, 4]))
    mark = sums
    for _ in range(2000):
        sums = sums.plus(observe(draw, late, 1.0, [4, 4]))
    assert sums.since(mark).samples == pytest.approx(1 / 4, rel=0.1)


def test_batch_sizes_are_never_mixed():
    before = NoiseSums().plus(Observation(2, 1, 4, 8))
    after = before.plus(Observation(2, 1, 8, 16))
    assert after.since(before) is None


def test_no_observation_is_no_estimate():
    assert NoiseSums().since(NoiseSums()) is None


def test_an_estimate_below_zero_is_unknown():
    assert NoiseSums().plus(Observation(1.0, 0.1, 1, 2)).since(NoiseSums()).samples is None  # |G|^2 < 0
    assert NoiseSums().plus(Observation(1.0, 1.5, 1, 2)).since(NoiseSums()).samples is None  # tr < 0
