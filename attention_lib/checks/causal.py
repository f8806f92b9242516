"""Checker of a causal mask: every query sees itself and what came before it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.boolean import as_mask, not_boolean
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult
from attention_lib.masks import causal_mask

__all__ = ["check_causal_mask"]

_PROBES = [
    Probe("two queries, two keys", (2, 2)),
    Probe("three queries, three keys", (3, 3)),
    Probe("two queries, the last of four keys", (2, 4)),
    Probe("one query, the last of three keys", (1, 3)),
    Probe("one query, one key", (1, 1)),
    Probe("four queries, the last two with a key", (4, 2)),
    Probe("three queries, the last of eight keys", (3, 8)),
]

_FACTS = [
    Fact(
        "the last query sees every key",
        lambda answer, length_query, length_key: bool((answer[-1] == 1).all()),
    ),
    Fact(
        "every query sees one key more than the query before it",
        lambda answer, length_query, length_key: bool(
            (answer.sum(-1).diff() == (answer.sum(-1)[1:] > 0)).all()
        ),
    ),
    Fact(
        "no query sees a key and misses an earlier one",
        lambda answer, length_query, length_key: bool((answer.diff(dim=-1) <= 0).all()),
    ),
]


def _reference(length_query: int, length_key: int) -> Tensor:
    return causal_mask(length_query, length_key)


def _triangle(last: Callable[[int, int], int], turn: str = "tril") -> Callable[[int, int], Tensor]:
    """Ones up to (or from) the diagonal that begins ``last`` columns to the right."""

    def mask(length_query: int, length_key: int) -> Tensor:
        ones = torch.ones(length_query, length_key, dtype=torch.bool)
        return getattr(ones, turn)(last(length_query, length_key))

    return mask


_UPPER = (
    "your triangle is the upper one, so that every query sees itself and what comes after it: rows "
    "are queries, and a row sees the columns up to its own"
)
_AT_THE_START = (
    "your mask is aligned at the start: with more keys than queries the queries are the last of "
    "them (earlier ones stand in a cache), so the last query must see every key"
)
_KNOWN = [
    (_triangle(lambda q, k: 0), _AT_THE_START),
    (
        _triangle(lambda q, k: q - k),
        "your offset has the wrong sign: with more keys than queries the triangle moves to the "
        "right, so that the last query sees every key",
    ),
    (_triangle(lambda q, k: 0, "triu"), f"{_UPPER}; and the mask is aligned at the start"),
    (_triangle(lambda q, k: k - q, "triu"), _UPPER),
    *[
        (
            _triangle(last, "triu"),
            "the mask is turned round: here True means may attend "
            "(torch.nn.MultiheadAttention says it the other way)" + more,
        )
        for last, more in (
            (lambda q, k: k - q + 1, ""),
            (lambda q, k: 1, "; and it is aligned at the start"),
        )
    ],
    *[
        (
            _triangle(last),
            "no query sees itself: the diagonal belongs to what a query may attend to" + more,
        )
        for last, more in (
            (lambda q, k: k - q - 1, ""),
            (lambda q, k: -1, "; and the mask is aligned at the start"),
        )
    ],
    *[
        (
            _triangle(last),
            "every query also sees the next key, the very one it is to predict: the triangle ends "
            "on the diagonal" + more,
        )
        for last, more in (
            (lambda q, k: k - q + 1, ""),
            (lambda q, k: 1, "; and the mask is aligned at the start"),
        )
    ],
    (
        lambda q, k: _reference(q, k).flip(-1),
        "your triangle leans the other way: its edge runs from top right to bottom left",
    ),
    (
        lambda q, k: _reference(q, k).flip(-2),
        "your rows stand in reverse: the first query sees fewest keys, the last one all",
    ),
    (
        lambda q, k: _reference(k, q),
        "the lengths are swapped: there is a row for every query and a column for every key",
    ),
    (
        lambda q, k: _reference(q, k).T,
        "your mask is transposed: there is a row for every query and a column for every key",
    ),
    (
        lambda q, k: _reference(q, q),
        "your mask is square, queries by queries: it has a column for every key",
    ),
    (
        lambda q, k: _reference(k, k),
        "your mask is square, keys by keys: it has a row for every query",
    ),
    (
        lambda q, k: torch.ones(q, k, dtype=torch.bool),
        "every query sees every key: a query must not see what comes after it",
    ),
    (
        lambda q, k: torch.zeros(q, k, dtype=torch.bool),
        "no query sees anything: True means may attend",
    ),
    (
        lambda q, k: _reference(q, k) & _triangle(lambda q, k: k - q, "triu")(q, k),
        "every query sees itself alone: it sees what came before it, too",
    ),
    *[
        (
            lambda q, k, own=own: _reference(q, k)[None].expand(*[1] * own, q, k),
            "your mask has more dimensions than two: one row for every query, one column for every "
            "key; batch and heads are for attention to add",
        )
        for own in (1, 2)
    ],
]


def check_causal_mask(function: Callable[[int, int], Tensor]) -> CheckResult:
    """Check ``function(length_query, length_key) -> mask``: no query sees a later key.

    Aligned at the end, as :func:`attention_lib.masks.causal_mask`: the last query sees every key,
    the one before it all but the last. Where there are more queries than keys, the first of them
    see nothing.

    Args:
        function: takes two ints of at least 1; returns a boolean mask
            ``(length_query, length_key)``, True = may attend.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "causal mask",
        (lambda *lengths: as_mask(function(*lengths))) if callable(function) else function,
        reference=_reference,
        probes=_PROBES,
        alternatives=[Alternative(*known) for known in _KNOWN],
        facts=_FACTS,
        form=not_boolean,
    )
