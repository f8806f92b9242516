"""Subtraction: what one average can tell of a difference, and what two can."""

import pytest
import torch

from attention_lib.tasks import Subtraction


def parts(x):
    """The vector marked A and the one marked B, (size, d) each."""
    a, b = x[..., -2:].transpose(1, 2).unsqueeze(-1).unbind(1)
    return (a * x[..., :-2]).sum(1), (b * x[..., :-2]).sum(1)


def r_squared(prediction, answer):
    return float(
        1 - (prediction - answer).square().sum() / (answer - answer.mean(0)).square().sum()
    )


def test_the_answer_is_the_difference_of_the_two_marked_vectors():
    x, y = Subtraction(length=5, d=3).batch(200)
    assert x.shape == (200, 5, 5) and y.shape == (200, 3)
    assert x.dtype == y.dtype == torch.float32
    assert torch.equal(x[..., -2:].sum(1), torch.ones(200, 2)), "one A and one B"
    assert x[..., -2:].sum(2).max() == 1, "never at the same place"
    a, b = parts(x)
    torch.testing.assert_close(y, a - b)


def test_the_vectors_are_standard_normal_and_every_place_is_marked():
    x, y = Subtraction().batch(4000)
    vectors = x[..., :-2]
    assert vectors.mean() == pytest.approx(0, abs=0.01)
    assert vectors.std() == pytest.approx(1, abs=0.01)
    assert y.var() == pytest.approx(2, abs=0.05)
    for mark in (-2, -1):
        torch.testing.assert_close(x[..., mark].mean(0), torch.full((8,), 1 / 8), atol=0.02, rtol=0)


@pytest.mark.parametrize("a", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_an_average_of_the_two_explains_at_most_half(a):
    x, y = Subtraction().batch(20_000)
    one, other = parts(x)
    z = a * one + (1 - a) * other
    assert r_squared(z, y) == pytest.approx(1 - (1 - a) ** 2 / 2 - (2 - a) ** 2 / 2, abs=0.02)
    best = z * (z * y).sum() / z.square().sum()
    expected = 1 - 1 / (2 * (a**2 + (1 - a) ** 2))
    assert r_squared(best, y) == pytest.approx(expected, abs=0.02)
    assert expected <= 0.5


def test_the_splits_share_no_batch():
    task = Subtraction()
    drawn = {
        (split, seed): task.batch(2, seed=seed, split=split)[0]
        for split in ("train", "test")
        for seed in range(6)
    }
    assert len({tuple(x.flatten().tolist()) for x in drawn.values()}) == 12
    assert torch.equal(drawn["test", 3], task.batch(2, seed=3, split="test")[0])


def test_tokens_name_the_marked_vectors():
    x, _ = Subtraction(length=4).batch(50, seed=1)
    for names, example in zip(Subtraction().tokens(x), x, strict=True):
        assert sorted(names) == ["A", "B", "·", "·"]
        assert example[names.index("A"), -2] == 1 and example[names.index("B"), -1] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Subtraction(length=1), "length=1, d=16; expected length >= 2"),
        (lambda: Subtraction(d=0), "length=8, d=0; expected"),
        (lambda: Subtraction().batch(0), "size=0; expected at least 1"),
        (lambda: Subtraction().batch(1, seed=-1), "seed=-1; expected 0 to"),
        (lambda: Subtraction().batch(1, split="dev"), "split='dev'; expected 'train' or 'test'"),
        (lambda: Subtraction().tokens(torch.zeros(8, 18)), r"shape \(8, 18\).*try x\[None\]"),
        (lambda: Subtraction().tokens(torch.zeros(1, 8, 16)), r"expected \(size, length, d \+ 2\)"),
    ],
)
def test_bad_calls_of_subtraction_are_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
