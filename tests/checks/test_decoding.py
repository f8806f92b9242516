"""The probes of beam search have one answer each, whatever is done with ties."""

import itertools

import pytest
import torch

from attention_lib.checks.decoding import _ALTERNATIVES, _PROBES, _found, _reference

MARGIN = 0.02


@pytest.mark.parametrize("probe", _PROBES, ids=lambda probe: probe.what)
def test_competing_sums_lie_apart(probe):
    first, table, steps, num_beams = probe.arguments
    beams = [(float(score), [token]) for token, score in enumerate(first)]
    for step in range(steps):
        beams.sort(reverse=True)
        assert all(a - b >= MARGIN for (a, _), (b, _) in itertools.pairwise(beams))
        if step < steps - 1:
            beams = [
                (total + float(score), [*ids, token])
                for total, ids in beams[:num_beams]
                for token, score in enumerate(table[ids[-1]])
            ]
    assert _reference(*probe.arguments).tolist() == max(beams)[1]
    assert _found()(*probe.arguments).tolist() == max(beams)[1]


@pytest.mark.parametrize("probe", [p for p in _PROBES if p.arguments[2] > 1], ids=lambda p: p.what)
def test_no_mistake_is_recognised_by_the_way_in_which_a_tie_falls(probe):
    """Sequences with the same transitions in another order tie, up to rounding."""
    first, table, *sizes = probe.arguments
    generator = torch.Generator().manual_seed(1)
    for _, alternative in itertools.product(range(8), _ALTERNATIVES):
        before = alternative.formula(first, table, *sizes)
        other = torch.randperm(len(first), generator=generator)
        shaken = (
            x + 1e-6 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
            for x in (first[other], table[other][:, other])
        )
        after = alternative.formula(*shaken, *sizes)
        after = after if after.is_floating_point() else other[after]
        assert torch.allclose(before.double(), after.double(), atol=1e-3), alternative.diagnosis


@pytest.mark.parametrize("probe", _PROBES, ids=lambda probe: probe.what)
def test_the_last_step_alone_leaves_no_ties_either(probe):
    """Beams that end alike have equal successors there, however the numbers are shaken."""
    first, table, steps, num_beams = probe.arguments
    beams = [(float(score), token) for token, score in enumerate(first)]
    for _ in range(steps):
        beams.sort(reverse=True)
        kept = beams[: num_beams + 1]
        assert all(a - b > 1e-3 for (a, _), (b, _) in itertools.pairwise(kept))
        beams = [
            (float(score), token)
            for _, last in beams[:num_beams]
            for token, score in enumerate(table[last])
        ]


def test_each_mistake_goes_wrong_in_a_way_of_its_own():
    ways = {}
    for alternative in _ALTERNATIVES:
        answers = [alternative.formula(*probe.arguments) for probe in _PROBES]
        way = str([answer.tolist() for answer in answers])
        assert ways.setdefault(way, alternative.diagnosis) == alternative.diagnosis
    assert str([_reference(*probe.arguments).tolist() for probe in _PROBES]) not in ways


@pytest.mark.parametrize("probe", _PROBES, ids=lambda probe: probe.what)
def test_a_log_probability_belongs_to_a_distribution(probe):
    for scores in (probe.arguments[0], *probe.arguments[1]):
        assert float(scores.exp().sum()) == pytest.approx(1.0)
