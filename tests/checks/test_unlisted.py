"""Mistakes that stand in no list get a useful message, and never an exception."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_lib.checks import CHECKERS
from tests.checks._lists import RIGHT

#: A line with the name of an input, or of an answer, and what it was.
ROW = re.compile(r"\n[\w, ]+: {2}")


def _number(x, change):
    """The same kind of answer with other numbers."""
    if isinstance(x, torch.Tensor):
        return change(x.detach().clone())
    if isinstance(x, list) and x and all(isinstance(row, torch.Tensor) for row in x):
        return change(torch.stack(x))
    return change(torch.from_numpy(np.array(x)))


def _altered(function, change, change_words):
    """A function whose answer is changed, the first of two."""

    def other(*arguments, **options):
        answer = function(*arguments, **options)
        if isinstance(answer, list) and all(isinstance(word, str) for word in answer):
            return change_words(answer)
        if isinstance(answer, tuple):
            return (_number(answer[0], change), *answer[1:])
        return _number(answer, change)

    return other


def _nudged(place, amount):
    def change(x):
        if x.numel():
            flat = x.reshape(-1)
            at = place % len(flat)
            flat[at] = ~flat[at] if x.dtype == torch.bool else flat[at] + amount
        return flat.view(x.shape) if x.numel() else x

    return change


def _right(checker):
    return next(iter(RIGHT[checker].values()))


def _is_useful(result):
    assert not result.passed
    assert ROW.search(result.diagnosis), result.diagnosis
    assert (
        "wrong on " in result.diagnosis
        or "\nexpected:" in result.diagnosis
        or ("has shape" in result.diagnosis or "your function raised" in result.diagnosis)
    )
    assert repr(result) and result._repr_html_()


@pytest.mark.parametrize("checker", CHECKERS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(place=st.integers(0, 10**6), amount=st.integers(1, 5))
def test_one_wrong_number_is_shown(checker, place, amount):
    wrong = _altered(
        _right(checker),
        _nudged(place, amount),
        lambda words: [
            *words[: place % (len(words) + 1)],
            "odd",
            *words[place % (len(words) + 1) :],
        ],
    )
    _is_useful(CHECKERS[checker](wrong))


CHANGES = {
    "a constant added": (lambda x: x.double() + 0.3, lambda words: [f"{word}!" for word in words]),
    "a share lost": (lambda x: x.double() * 0.9 + 0.01, lambda words: words[1:] or ["odd"]),
    "a dimension too much": (lambda x: x[None].double() + 7, lambda words: [*words, *words, "odd"]),
    "twice in a row": (
        lambda x: x.reshape(-1).repeat(2)[None].double(),
        lambda words: ["".join(words)] * 2,
    ),
    "infinite": (lambda x: x.double() / 0 + torch.inf, lambda words: ["inf"]),
    "all nan": (lambda x: x.double() * torch.nan, lambda words: [""]),
    "huge": (lambda x: torch.zeros(1).expand(10**7, 10**6), lambda words: ["odd"] * 10**5),
    "empty": (lambda x: x.double().reshape(-1)[:0], lambda words: ["odd"]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("checker", CHECKERS)
def test_whatever_becomes_of_the_answer_the_message_is_useful(checker, change):
    result = CHECKERS[checker](_altered(_right(checker), *CHANGES[change]))
    _is_useful(result)
    assert len(result.diagnosis) < 5000


ATTENTION = {
    "permuted keys": lambda q, k, v, mask=None: (q, k.roll(1, -2), v, mask),
    "permuted values": lambda q, k, v, mask=None: (q, k, v.flip(-2), mask),
    "a wrong query": lambda q, k, v, mask=None: (q - q[..., :1, :] / 2, k, v, mask),
    "noise": lambda q, k, v, mask=None: (q, k + 0.01 * k.sin(), v, mask),
    "another mask": lambda q, k, v, mask=None: (q, k, v, None if mask is None else mask.flip(-1)),
    "no first key": lambda q, k, v, mask=None: (q, k[..., 1:, :], v[..., 1:, :], None),
}


@pytest.mark.parametrize("change", ATTENTION)
@pytest.mark.parametrize("variant", ["output", "output and weights"])
def test_attention_to_other_inputs_is_told_by_the_first_fact_or_example(change, variant):
    def attend(q, k, v, mask=None):
        return RIGHT["attention"][variant](*ATTENTION[change](q, k, v, mask))

    _is_useful(CHECKERS["attention"](attend))


def test_a_wrong_last_row_names_the_place_in_a_large_answer():
    def attend(q, k, v, mask=None):
        output = RIGHT["attention"]["output"](q, k, v, mask)
        if q.shape == (2, 3, 4, 6):
            output[1, 2, 3, 0] += 1
        return output

    told = CHECKERS["attention"](attend).diagnosis
    assert "wrong on two sequences, three heads" in told
    assert "the largest difference is 1, in place [1, 2, 3, 0]" in told
