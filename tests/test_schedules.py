"""Learning-rate schedules: they warm up, and then fall as they say."""

import itertools

import pytest

from attention_lib.schedules import inverse_square_root, linear, one_cycle

ALL = [inverse_square_root, linear, one_cycle]


@pytest.mark.parametrize("schedule", ALL)
@pytest.mark.parametrize("steps", [1, 2, 9, 100])
def test_a_schedule_rises_in_a_line_to_one_and_never_leaves_it(schedule, steps):
    factors = [schedule(step, steps) for step in range(steps)]
    rise = max(1, round(0.1 * steps))
    assert factors[:rise] == pytest.approx([(i + 1) / rise for i in range(rise)])
    assert max(factors) == 1 and min(factors) > 0
    assert all(b <= a for a, b in itertools.pairwise(factors[rise - 1 :]))


def test_one_cycle_falls_in_a_cosine():
    assert one_cycle(55, 100) == pytest.approx(0.5, abs=0.01)
    assert one_cycle(99, 100) < 0.01


def test_linear_falls_in_a_line():
    assert linear(55, 100) == pytest.approx(0.5)
    assert linear(99, 100) == pytest.approx(1 / 90)


def test_inverse_square_root_is_the_papers_formula_over_its_peak():
    d_model, warmup_steps, steps = 512, 4000, 100_000
    peak = (d_model * warmup_steps) ** -0.5
    for step in (1, 10, 3999, 4000, 4001, 50_000):
        paper = d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)
        assert peak * inverse_square_root(step - 1, steps, 0.04) == pytest.approx(paper)


@pytest.mark.parametrize("schedule", ALL)
def test_a_warm_up_of_nothing_starts_at_one_and_a_bad_one_is_an_error(schedule):
    assert schedule(0, 10, 0.0) == 1
    with pytest.raises(ValueError, match=r"warmup=400; expected a share of the run"):
        schedule(0, 10, 400)
