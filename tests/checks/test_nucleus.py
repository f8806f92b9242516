"""The probes of nucleus sampling have one answer each, which is the library's."""

import itertools

import pytest
import torch

from attention_lib.checks.nucleus import _ALTERNATIVES, _PROBES, _reference
from attention_lib.sampling import next_probabilities

MARGIN = 0.005


@pytest.mark.parametrize("probe", _PROBES, ids=lambda probe: probe.what)
def test_nothing_ties_and_no_sum_comes_near_p(probe):
    logits, p = probe.arguments
    descending = torch.softmax(logits, 0).sort(descending=True).values
    assert all(a - b > MARGIN for a, b in itertools.pairwise(descending.tolist()))
    assert ((descending.cumsum(0) - p).abs() > MARGIN).all()
    assert ((descending - p).abs() > MARGIN).all()


@pytest.mark.parametrize("probe", _PROBES, ids=lambda probe: probe.what)
def test_the_library_gives_the_same(probe):
    logits, p = probe.arguments
    expected = next_probabilities(logits, top_p=p).double()
    assert torch.allclose(_reference(logits, p), expected, atol=1e-6)


def test_no_mistake_gives_the_right_answers():
    for alternative in _ALTERNATIVES:
        answers = [(alternative.formula(*p.arguments), _reference(*p.arguments)) for p in _PROBES]
        assert not all(a.shape == b.shape and torch.allclose(a.double(), b) for a, b in answers)
