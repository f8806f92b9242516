"""Checker of chapter 1: the weights of additive attention."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_additive_weights"]


def _probe(what: str, length_q: int, length_k: int, size: float) -> Probe:
    generator = torch.Generator().manual_seed(length_q * 10 + length_k)
    shapes = [(length_q, 3), (length_k, 3), (3, 3), (3, 3), (3,)]
    drawn = [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return Probe(what, (*drawn[:4], size * drawn[4]))


# All widths are 3, so that a swap of maps computes something, and can be recognised.
_PROBES = [
    _probe("one query and two keys", 1, 2, 1.0),
    _probe("two queries and three keys", 2, 3, 2.0),
    _probe("four queries and two keys", 4, 2, 1.0),
    _probe("large scores", 2, 4, 2000.0),
]

_FACTS = [
    FINITE,
    Fact("no number is negative", lambda answer, *_: bool((answer >= 0).all())),
    Fact(
        "every row sums to 1",
        lambda answer, *_: torch.allclose(answer.sum(-1), answer.new_ones(len(answer))),
    ),
]


def _scores(
    query: Tensor,
    key: Tensor,
    map_q: Tensor,
    map_k: Tensor,
    v: Tensor,
    squash: Callable[[Tensor], Tensor] = torch.tanh,
) -> Tensor:
    return squash((query @ map_q.T)[:, None] + (key @ map_k.T)[None]) @ v


def _weights(*arguments: Tensor) -> Tensor:
    return torch.softmax(_scores(*arguments), dim=-1)


def _unsafe(query: Tensor, key: Tensor, map_q: Tensor, map_k: Tensor, v: Tensor) -> Tensor:
    exponentials = torch.exp(_scores(query, key, map_q, map_k, v))
    return exponentials / exponentials.sum(-1, keepdim=True)


_ALTERNATIVES = [
    Alternative(
        lambda *a: torch.softmax(_scores(*a), dim=0),
        "the columns of your answer sum to 1, not the rows: you normalised over the queries",
    ),
    Alternative(
        _scores, "these are the scores: they can be any real numbers, and are not weights yet"
    ),
    Alternative(_unsafe, "right in exact arithmetic, but exp overflows for large scores"),
    Alternative(
        lambda *a: torch.softmax(_scores(*a, squash=lambda x: x), dim=-1),
        "the tanh is missing: without it the query adds the same number to all scores of its row, "
        "and softmax cancels it, so your weights do not depend on the query at all",
    ),
    Alternative(
        lambda *a: torch.softmax(_scores(*a, squash=torch.relu), dim=-1),
        "you squash with relu: the formula has tanh",
    ),
    Alternative(
        lambda *a: torch.softmax(_scores(*a, squash=torch.sigmoid), dim=-1),
        "you squash with a sigmoid: the formula has tanh",
    ),
    Alternative(
        lambda q, k, m, n, v: torch.softmax(torch.tanh(_scores(q, k, m, n, v, lambda x: x)), -1),
        "the tanh comes too late: it acts on every number of the hidden layer, before v sums them",
    ),
    Alternative(
        lambda q, k, m, n, v: torch.softmax(
            torch.tanh((q @ m.T)[:, None] + (k @ n.T)[None]).sum(-1), dim=-1
        ),
        "v is missing: you sum the hidden numbers with equal shares",
    ),
    Alternative(
        lambda q, k, m, n, v: torch.softmax(
            (torch.tanh((q @ m.T)[:, None]) + torch.tanh(k @ n.T)[None]) @ v, dim=-1
        ),
        "you take tanh of query and key apart and add afterwards: the query then cancels in the "
        "softmax; add first",
    ),
    Alternative(
        lambda q, k, m, n, v: _weights(q, k, n, m, v),
        "the two maps are swapped: the query's map acts on the keys",
    ),
    Alternative(
        lambda q, k, m, n, v: _weights(q, k, m, m, v),
        "you used the query's map for the keys too: they have a map of their own",
    ),
    Alternative(
        lambda q, k, m, n, v: _weights(q, k, m.T, n.T, v),
        "your maps act transposed: a row of W_q makes one hidden number, W_q @ query",
    ),
    Alternative(
        lambda q, k, m, n, v: torch.softmax((q @ m.T) @ (k @ n.T).T, dim=-1),
        "these are dot products of query and key: additive scores add the two, then take tanh",
    ),
    Alternative(
        lambda q, k, m, n, v: torch.softmax(
            torch.tanh((q @ m.T)[:, None] - (k @ n.T)[None]) @ v, dim=-1
        ),
        "you subtract the mapped key from the mapped query: the formula adds them",
    ),
    Alternative(
        lambda q, k, m, n, v: torch.full((len(q), len(k)), 1 / len(k), dtype=q.dtype),
        "every key got the same weight: the scores are lost on the way",
    ),
    Alternative(
        lambda *a: _weights(*a) @ a[1],
        "you returned the mixture of the keys, one step further: the weights are asked for",
    ),
]


def check_additive_weights(
    function: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor],
) -> CheckResult:
    """Check ``function(query, key, W_q, W_k, v) -> weights``: softmax of additive scores.

    Args:
        function: takes ``query`` ``(T_q, d_query)``, ``key`` ``(T_k, d_key)``, ``W_q``
            ``(d_hidden, d_query)``, ``W_k`` ``(d_hidden, d_key)`` and ``v`` ``(d_hidden,)``, all
            float64; returns weights ``(T_q, T_k)``.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "additive weights",
        function,
        reference=lambda query, key, W_q, W_k, v: _weights(query, key, W_q, W_k, v),
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
