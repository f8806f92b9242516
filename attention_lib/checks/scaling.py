"""Checker of chapter 4: scaled dot-product attention."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["FACTS", "MISTAKES", "PROBES", "check_scaled_attention"]


def _soft(scores: Tensor) -> Tensor:
    return torch.softmax(scores, dim=-1)


def _probe(what: str, length_q: int, length_k: int, d_k: int, d_value: int, size: float) -> Probe:
    seed = 100 * length_q + 10 * length_k + d_k
    query, key = size * drawn(length_q, d_k, seed=seed), drawn(length_k, d_k, seed=seed + 1)
    return Probe(what, (query, key, drawn(length_k, d_value, seed=seed + 2)))


# The first two have sizes that fit almost every mistake; the others tell sizes apart.
PROBES = [
    _probe("two queries, two keys, all widths 2", 2, 2, 2, 2, 1.0),
    _probe("five queries, five keys, all widths 5", 5, 5, 5, 5, 1.0),
    _probe("two queries and four keys, 3 wide", 2, 4, 3, 3, 1.0),
    _probe("values wider than keys", 3, 4, 2, 5, 1.0),
    _probe("scores of many thousands", 3, 4, 3, 2, 10_000.0),
    Probe(
        "one row of large scores, one of small ones",
        (
            torch.tensor([[3000.0, 0.0], [0.0, 1.0]], dtype=torch.float64),
            torch.tensor([[1.0, 1.0], [0.9, 2.0], [0.5, 3.0]], dtype=torch.float64),
            torch.tensor([[1.0], [2.0], [4.0]], dtype=torch.float64),
        ),
    ),
]

FACTS = [
    FINITE,
    Fact(
        "every output lies between the smallest and the largest value of its column, as a mixture "
        "of values must",
        lambda answer, query, key, value: bool(
            (answer >= value.amin(-2, keepdim=True) - 1e-6).all()
            and (answer <= value.amax(-2, keepdim=True) + 1e-6).all()
        ),
    ),
]


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return _soft(query @ key.mT / key.size(-1) ** 0.5) @ value


def _with_scale(scale: Callable[[Tensor, Tensor, Tensor], Tensor | float]) -> Callable:
    return lambda q, k, v: _soft(q @ k.mT * scale(q, k, v)) @ v


def _by_hand(
    shift: Callable[[Tensor], Tensor | float] = lambda scores: scores.amax(-1, keepdim=True),
    total: Callable[[Tensor], Tensor | float] = lambda positive: positive.sum(-1, keepdim=True),
) -> Callable:
    """Softmax with another shift before exp, or another sum below it."""

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scores = query @ key.mT / key.size(-1) ** 0.5
        positive = torch.exp(scores - shift(scores))
        return positive / total(positive) @ value

    return attend


def _cosine(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query, key = (x / x.norm(dim=-1, keepdim=True) for x in (query, key))
    return _soft(query @ key.mT) @ value


MISTAKES = [
    Alternative(
        _with_scale(lambda q, k, v: 1.0),
        "the scale is missing: divide the scores by the square root of d_k before softmax",
    ),
    Alternative(
        _with_scale(lambda q, k, v: 1 / k.size(-1)),
        "you divide by d_k, or by its square root twice (once in the query, once in the key): the "
        "standard deviation of a score is the square root",
    ),
    Alternative(
        _with_scale(lambda q, k, v: k.size(-2) ** -0.5),
        "you divide by the square root of the number of keys: the width counts, the last dimension",
    ),
    Alternative(
        _with_scale(lambda q, k, v: q.size(-2) ** -0.5),
        "you divide by the square root of the number of queries: the width counts, the last "
        "dimension of a query or a key",
    ),
    Alternative(
        _with_scale(lambda q, k, v: v.size(-1) ** -0.5),
        "you divide by the square root of the width of the values: scores are sums over the width "
        "of queries and keys",
    ),
    Alternative(
        _with_scale(lambda q, k, v: k.size(-1) ** 0.5),
        "you multiply by the square root of d_k: it divides",
    ),
    Alternative(
        _with_scale(lambda q, k, v: (k.size(-2) * k.size(-1)) ** -0.5),
        "you divide by the square root of all numbers in the keys: the width of one key counts",
    ),
    Alternative(
        lambda q, k, v: _soft(q @ k.mT) / k.size(-1) ** 0.5 @ v,
        "the scale comes too late: after softmax the rows no longer sum to 1; divide the scores",
    ),
    Alternative(
        lambda q, k, v: torch.softmax(q @ k.mT / k.size(-1) ** 0.5, dim=-2) @ v,
        "the columns of your weights sum to 1, not the rows: you normalised over the queries",
    ),
    Alternative(
        _by_hand(shift=lambda scores: scores.max()),
        "you subtract the largest score of the whole matrix: a row whose "
        "scores are all far below it becomes 0 / 0; take the largest of each row",
    ),
    Alternative(
        _by_hand(shift=lambda scores: scores.amax(-2, keepdim=True)),
        "you subtract the largest score of each column: that shifts the scores of one row by "
        "different amounts, and so changes its weights",
    ),
    Alternative(
        _by_hand(total=lambda positive: positive.sum()),
        "all your weights together sum to 1: every row is a distribution of its own",
    ),
    Alternative(
        _by_hand(shift=lambda scores: scores.max(), total=lambda positive: positive.sum()),
        "all your weights together sum to 1: every row is a distribution of its own",
    ),
    Alternative(
        _by_hand(total=lambda positive: 1.0),
        "you take exp and never divide by the sum of the row: its weights do not sum to 1",
    ),
    Alternative(
        _by_hand(shift=lambda scores: 0.0, total=lambda positive: 1.0),
        "you take exp and never divide by the sum of the row, and exp overflows for large scores",
    ),
    Alternative(
        _by_hand(shift=lambda scores: 0.0),
        "right in exact arithmetic, but exp overflows for large scores: "
        "subtract the largest score of each row first",
    ),
    Alternative(
        _cosine,
        "you divide queries and keys by their lengths: that is the cosine; here "
        "the scores are divided by one number, the square root of d_k",
    ),
    Alternative(
        lambda q, k, v: q @ k.mT / k.size(-1) ** 0.5 @ v,
        "there is no softmax: you mix the values by raw scores",
    ),
    Alternative(
        lambda q, k, v: _soft(q @ k.mT / k.size(-1) ** 0.5),
        "these are the weights: one step is left, they mix the values",
    ),
    Alternative(
        lambda q, k, v: _soft(q * k.mT / k.size(-1) ** 0.5) @ v,
        "`*` multiplies queries and keys number by number, and runs only where there are as many "
        "of them as they are wide: a score is a dot product",
    ),
    Alternative(
        lambda q, k, v: _soft(q @ k.mT / k.size(-1) ** 0.5) * v,
        "`*` multiplies weights and values number by number: each output is a weighted sum of all "
        "values",
    ),
    Alternative(
        lambda q, k, v: _soft(q @ v.mT / k.size(-1) ** 0.5) @ k,
        "keys and values are swapped: queries are compared with keys, and values are mixed",
    ),
    Alternative(
        lambda q, k, v: _soft(k @ q.mT / k.size(-1) ** 0.5) @ v,
        "your scores are transposed: one row for every query, one column for every key",
    ),
    Alternative(
        lambda q, k, v: _soft(q @ k.mT / (q @ k.mT).std()) @ v,
        "you divide by the standard deviation of these very scores: the scale is a fixed number, "
        "what the standard deviation would be for independent numbers of variance 1",
    ),
]


def check_scaled_attention(function: Callable[[Tensor, Tensor, Tensor], Tensor]) -> CheckResult:
    """Check ``function(query, key, value) -> output``: scaled dot-product attention.

    Args:
        function: takes ``query`` ``(T_q, d_k)``, ``key`` ``(T_k, d_k)`` and ``value``
            ``(T_k, d_v)``, all float64; returns ``(T_q, d_v)``.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "scaled attention",
        function,
        reference=_attend,
        probes=PROBES,
        alternatives=MISTAKES,
        facts=FACTS,
    )
