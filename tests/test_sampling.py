"""Choosing the next token: which may be drawn, and how likely each."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from attention_lib.sampling import next_probabilities, penalise
from tests.reference import draw, draw_ids

P = [0.4, 0.3, 0.15, 0.1, 0.05]


def logits_of(*probabilities):
    return torch.tensor(probabilities).log()


def kept(*probabilities, **options):
    """Give the tokens that may be drawn."""
    return next_probabilities(logits_of(*probabilities), **options).nonzero()[:, 0].tolist()


def share(weights, allowed=None):
    """Give the probabilities that are in proportion to weights."""
    weights = [w if allowed is None or i in allowed else 0.0 for i, w in enumerate(weights)]
    return [w / sum(weights) for w in weights]


# --- probabilities ------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.25, 0.5, 1.0, 2.0, 7.5])
def test_temperature_is_an_exponent_of_probabilities(temperature):
    found = next_probabilities(logits_of(*P), temperature=temperature)
    expected = torch.tensor(share([p ** (1 / temperature) for p in P]))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("temperature", [0, 0.0, 1e-3, 1e-30, 1e-45, 1e-300])
def test_without_temperature_the_likeliest_is_certain(temperature):
    logits = draw(50, 30, dtype=torch.float32) * torch.logspace(-2, 4, 50)[:, None]
    found = next_probabilities(logits, temperature=temperature)
    assert torch.equal(found.argmax(-1), logits.argmax(-1))
    if temperature < 1e-10:
        assert torch.equal(found, found.round())
    torch.testing.assert_close(found.sum(-1), torch.ones(50))


def test_at_a_high_temperature_all_are_alike():
    found = next_probabilities(logits_of(*P), temperature=1e30)
    torch.testing.assert_close(found, torch.full((5,), 0.2))


def test_top_k_keeps_the_likeliest_and_what_ties_with_the_last():
    assert kept(*P, top_k=1) == [0]
    assert kept(*P, top_k=3) == [0, 1, 2]
    assert kept(*P, top_k=5) == kept(*P, top_k=99) == [0, 1, 2, 3, 4]
    assert kept(0.1, 0.3, 0.2, 0.2, 0.2, top_k=2) == [1, 2, 3, 4]
    assert kept(0.1, 0.3, 0.2, 0.2, 0.2, top_k=1) == [1]
    assert kept(0.2, 0.2, 0.2, 0.2, 0.2, top_k=1) == [0, 1, 2, 3, 4]
    found = next_probabilities(logits_of(*P), top_k=2).tolist()
    assert found == pytest.approx([4 / 7, 3 / 7, 0, 0, 0])


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (1e-30, [0]),
        (0.1, [0]),
        (0.39, [0]),
        (0.41, [0, 1]),
        (0.69, [0, 1]),
        (0.71, [0, 1, 2]),
        (0.94, [0, 1, 2, 3]),
        (0.96, [0, 1, 2, 3, 4]),
        (1, [0, 1, 2, 3, 4]),
        (1.0, [0, 1, 2, 3, 4]),
    ],
)
def test_top_p_keeps_the_smallest_set_that_is_likely_enough(top_p, expected):
    assert kept(*P, top_p=top_p) == expected
    found = next_probabilities(logits_of(*P), top_p=top_p).tolist()
    assert found == pytest.approx(share(P, expected), abs=1e-6)
    mixed = [3, 0, 4, 2, 1]
    turned = kept(*(P[i] for i in mixed), top_p=top_p)
    assert sorted(mixed[i] for i in turned) == expected


@pytest.mark.parametrize(("top_p", "count"), [(0.25, 1), (0.26, 2), (0.5, 2), (0.75, 3), (0.76, 4)])
def test_a_set_that_has_exactly_the_probability_is_enough(top_p, count):
    found = next_probabilities(torch.zeros(3, 4), top_p=top_p)  # 1/4 each, exactly
    assert (found > 0).sum(dim=-1).tolist() == [count] * 3
    assert found.sum(dim=-1).tolist() == pytest.approx([1.0] * 3)


def test_top_p_counts_what_top_k_left_and_temperature_made():
    assert kept(*P, top_k=2, top_p=0.56) == [0]  # 0.4 of 0.7 is 0.571
    assert kept(*P, top_k=2, top_p=0.58) == [0, 1]
    assert kept(*P, temperature=0.25, top_p=0.7) == [0]  # 0.4 ** 4 is 0.74 of all
    assert kept(*P, temperature=4.0, top_p=0.7) == [0, 1, 2, 3]
    assert kept(*P, temperature=4.0, top_k=1, top_p=0.01) == [0]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    temperature=st.floats(0.05, 5.0),
    top_k=st.none() | st.integers(1, 60),
    top_p=st.none() | st.floats(0.01, 0.99),
)
def test_probabilities_are_those_of_theirs(seed, temperature, top_k, top_p):
    logits = 3 * draw(4, 50, seed=seed, dtype=torch.float32)
    expected = TemperatureLogitsWarper(temperature)(None, logits.clone())
    if top_k is not None:
        expected = TopKLogitsWarper(top_k)(None, expected)
    if top_p is not None:
        expected = TopPLogitsWarper(top_p)(None, expected)
    expected = expected.softmax(dim=-1)
    found = next_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)
    assert torch.equal(found > 0, expected > 0)


def test_probabilities_are_float32_of_any_shape_and_the_logits_stay():
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        for shape in ((7,), (2, 7), (2, 3, 7)):
            logits = draw(*shape, dtype=dtype)
            before = logits.clone()
            found = next_probabilities(logits, temperature=0.5, top_k=5, top_p=0.9)
            assert found.shape == shape and found.dtype == torch.float32
            torch.testing.assert_close(found.sum(dim=-1), torch.ones(shape[:-1]))
            assert torch.equal(logits, before)


def test_what_cannot_come_has_probability_0():
    logits = torch.tensor([[1.0, -math.inf, 2.0, -math.inf]])
    for temperature in (1e-20, 1.0, 1e20):
        options = {"temperature": temperature, "top_k": 3, "top_p": 0.99}
        found = next_probabilities(logits, **options)
        assert found[0, [1, 3]].tolist() == [0.0, 0.0] and found.sum() == pytest.approx(1.0)


# --- penalties ----------------------------------------------------------------------------


def test_a_penalty_divides_what_is_positive_and_multiplies_the_rest():
    scores = torch.tensor([[3.0, -3.0, 0.0, 2.0], [3.0, -3.0, 0.0, 2.0]])
    before = scores.clone()
    tokens = torch.tensor([[0, 1, 0], [2, 2, 2]])
    assert penalise(scores, tokens, 1.5).tolist() == [[2.0, -4.5, 0.0, 2.0], [3.0, -3.0, 0.0, 2.0]]
    assert penalise(scores, tokens, 0.5).tolist() == [[6.0, -1.5, 0.0, 2.0], [3.0, -3.0, 0.0, 2.0]]
    assert torch.equal(penalise(scores, tokens, 1), scores) and torch.equal(scores, before)
    assert torch.equal(penalise(scores, tokens.int(), 1.5), penalise(scores, tokens, 1.5))


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000), length=st.integers(1, 40), penalty=st.floats(0.2, 5.0))
def test_penalties_are_those_of_theirs(seed, length, penalty):
    scores, tokens = draw(3, 20, seed=seed), draw_ids(3, length, below=20, seed=seed)
    expected = RepetitionPenaltyLogitsProcessor(penalty)(tokens, scores.clone())
    torch.testing.assert_close(penalise(scores, tokens, penalty), expected)


# --- bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"temperature": -0.1}, ValueError, "temperature=-0.1; expected a number 0 or more"),
        ({"temperature": math.nan}, ValueError, "temperature=nan"),
        ({"temperature": math.inf}, ValueError, "temperature=inf"),
        ({"temperature": "1"}, TypeError, "temperature is '1'"),
        ({"temperature": None}, TypeError, "temperature is None"),
        ({"top_k": 0}, ValueError, "top_k=0; expected at least 1"),
        ({"top_k": -1}, ValueError, "top_k=-1; expected at least 1"),
        ({"top_k": 2.0}, TypeError, "top_k is 2.0; expected an integer"),
        ({"top_k": True}, TypeError, "top_k is True"),
        ({"top_p": 0.0}, ValueError, "top_p=0.0; expected a number above 0 and at most 1"),
        ({"top_p": 1.01}, ValueError, "top_p=1.01"),
        ({"top_p": math.nan}, ValueError, "top_p=nan"),
        ({"top_p": "0.9"}, TypeError, "top_p is '0.9'"),
        ({"logits": [1.0, 2.0]}, TypeError, "logits is a list; expected a torch.Tensor"),
        ({"logits": torch.tensor(1.0)}, ValueError, r"logits has shape \(\); expected"),
        ({"logits": torch.zeros(2, 0)}, ValueError, r"logits has shape \(2, 0\); expected"),
        ({"logits": torch.tensor([1.0, math.nan])}, FloatingPointError, "logits hold NaN"),
        ({"logits": torch.tensor([1.0, math.inf])}, FloatingPointError, "logits hold NaN, .inf"),
        ({"logits": torch.full((2, 3), -math.inf)}, FloatingPointError, "did the training diverge"),
    ],
)
def test_what_cannot_be_drawn_from_is_named(options, error, match):
    with pytest.raises(error, match=match):
        next_probabilities(**({"logits": logits_of(*P), "top_p": 0.9} | options))


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"penalty": 0}, ValueError, "penalty=0; expected a number above 0, such as 1.2"),
        ({"penalty": -1.2}, ValueError, "penalty=-1.2"),
        ({"penalty": math.inf}, ValueError, "penalty=inf"),
        ({"penalty": "1.2"}, TypeError, "penalty is '1.2'"),
        ({"scores": [[1.0]]}, TypeError, "scores is a list"),
        ({"scores": torch.zeros(4)}, ValueError, r"scores has shape \(4,\); expected \(batch, voc"),
        ({"tokens": [[1]]}, TypeError, "tokens is list; expected token ids"),
        (
            {"tokens": torch.tensor([[4]])},
            ValueError,
            "tokens holds ids from 4 to 4; exp",
        ),
        ({"tokens": torch.tensor([[1], [2]])}, ValueError, "tokens has 2 rows and scores 1"),
    ],
)
def test_what_cannot_be_penalised_is_named(changes, error, match):
    told = {"scores": torch.zeros(1, 4), "tokens": torch.tensor([[1]]), "penalty": 1.2} | changes
    with pytest.raises(error, match=match):
        penalise(**told)
