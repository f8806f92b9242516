"""Checker of chapter 3: attention with maps of its own for queries, keys and values."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["check_query_key_value"]


def _maps(d: int, d_key: int, d_value: int, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    widths = (d_key, d_key, d_value)
    return tuple(drawn(d, width, seed=seed + i) for i, width in enumerate(widths))


_WORDS = torch.tensor([[1.0, 0.0], [0.5, 2.0]], dtype=torch.float64)
_PROBES = [
    Probe("two words that ask each other", (_WORDS, _WORDS, *_maps(2, 2, 2))),
    Probe(
        "three words, all widths alike",
        (drawn(3, 4, seed=7), drawn(3, 4, seed=8), *_maps(4, 4, 4)),
    ),
    Probe("two words that ask four others", (_WORDS, drawn(4, 2, seed=9), *_maps(2, 2, 2))),
    Probe("values wider than keys", (drawn(3, 2, seed=5), drawn(4, 2, seed=6), *_maps(2, 3, 5))),
    Probe("long vectors", (100 * _WORDS, 100 * drawn(3, 2, seed=4), *_maps(2, 2, 3))),
]

_FACTS = [
    FINITE,
    Fact(
        "every output lies between the smallest and the largest value of its column, as a "
        "mixture of values must",
        lambda answer, x, memory, map_q, map_k, map_v: bool(
            (answer >= (memory @ map_v).min(0).values - 1e-6).all()
            and (answer <= (memory @ map_v).max(0).values + 1e-6).all()
        ),
    ),
]


def _weights(query: Tensor, key: Tensor) -> Tensor:
    return torch.softmax(query @ key.T, dim=-1)


def _reference(x: Tensor, memory: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor) -> Tensor:
    return _weights(x @ W_q, memory @ W_k) @ (memory @ W_v)


_ALTERNATIVES = [
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, m @ v) @ (m @ k),
        "keys and values are swapped: you compare with memory @ W_v and hand over memory @ W_k",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ k, m @ q) @ (m @ v),
        "the maps of queries and keys are swapped: what asks goes through W_q, what is asked "
        "through W_k",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(m @ k, x @ q) @ (m @ v),
        "your scores are transposed: one row for every query, one column for every key, so the "
        "queries stand on the left of the product",
    ),
    Alternative(
        lambda x, m, q, k, v: torch.softmax((x @ q) @ (m @ k).T, dim=0) @ (m @ v),
        "the columns of your weights sum to 1, not the rows: you normalised over the queries",
    ),
    Alternative(
        lambda x, m, q, k, v: torch.softmax((x @ q) @ (m @ k), dim=-1) @ (m @ v),
        "the transpose of the keys is missing: it runs only where there are as many words as "
        "numbers in a key, and then compares queries with columns of the keys",
    ),
    Alternative(
        lambda x, m, q, k, v: (x @ q) @ (m @ k).T @ (m @ v),
        "there is no softmax: you mix the values by raw scores",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q / q.size(1) ** 0.5, m @ k) @ (m @ v),
        "you divide the scores by the square root of d_k: right from chapter 4 on, but here the "
        "scores are plain dot products",
    ),
    Alternative(
        lambda x, m, q, k, v: (
            torch.softmax(((x @ q) @ (m @ k).T).flatten(), 0).view(len(x), len(m)) @ (m @ v)
        ),
        "all your weights together sum to 1: every row is a distribution of its own",
    ),
    Alternative(
        lambda x, m, q, k, v: torch.softmax((x @ q) @ (m @ k).T @ (m @ v), dim=-1),
        "the softmax comes too late: it turns scores into weights, before the values are mixed",
    ),
    Alternative(
        lambda x, m, q, k, v: (
            (x @ q) @ (m @ k).T / ((x @ q) @ (m @ k).T).sum(-1, keepdim=True) @ (m @ v)
        ),
        "you divide the scores by their sum: they can be negative; use softmax",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, m @ q) @ (m @ v),
        "your keys go through W_q: they have a map of their own",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, m @ k) @ (m @ k),
        "you hand over the keys: what is mixed are the values, memory @ W_v",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, m @ k) @ m,
        "you mix memory itself: what is handed over are the values, memory @ W_v",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, m) @ (m @ v),
        "the keys are not mapped: compare the queries with memory @ W_k",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x, m @ k) @ (m @ v),
        "the queries are not mapped: what asks is x @ W_q",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, m @ k) @ (x @ v),
        "your values come from x: they must come from memory, as the keys do",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, x @ k) @ (x @ v),
        "you never use memory: keys and values come from it",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(m @ q, m @ k) @ (m @ v),
        "your queries come from memory: x asks",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(m @ q, x @ k) @ (x @ v),
        "x and memory are swapped: x asks, memory is asked and handed over",
    ),
    Alternative(
        lambda x, m, q, k, v: x @ q + m @ k + m @ v,
        "you add query, key and value: queries and keys only make the weights, values alone are "
        "summed",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q.T, m @ k.T) @ (m @ v.T),
        "your maps act transposed: here a vector is a row and stands on the left, x @ W_q "
        "(torch.nn.Linear stores its matrix the other way round)",
    ),
    Alternative(
        lambda x, m, q, k, v: torch.exp((x @ q) @ (m @ k).T) @ (m @ v),
        "you take exp and never divide by the sum of the row, and exp overflows for large scores",
    ),
    Alternative(
        lambda x, m, q, k, v: (
            torch.exp((x @ q) @ (m @ k).T)
            / torch.exp((x @ q) @ (m @ k).T).sum(-1, keepdim=True)
            @ (m @ v)
        ),
        "right in exact arithmetic, but exp overflows for long vectors: use torch.softmax, or "
        "subtract the largest score of each row first",
    ),
    Alternative(
        lambda x, m, q, k, v: _weights(x @ q, m @ k),
        "these are the weights: one step is left, they mix the values",
    ),
    Alternative(
        lambda x, m, q, k, v: x + _weights(x @ q, m @ k) @ (m @ v),
        "you add x to the mixture: that comes in chapter 8",
    ),
]


def check_query_key_value(
    function: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor],
) -> CheckResult:
    """Check ``function(x, memory, W_q, W_k, W_v) -> output``: attention of x to memory, no scale.

    Args:
        function: takes ``x`` ``(T_q, d)``, ``memory`` ``(T_k, d)``, ``W_q`` and ``W_k``
            ``(d, d_k)`` and ``W_v`` ``(d, d_v)``, all float64; returns ``(T_q, d_v)``.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "query, key, value",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
