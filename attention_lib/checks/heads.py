"""Checker of chapter 5: several attentions side by side, from the four matrices."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.head_mistakes import MISTAKES, multi_head_with
from attention_lib.checks.parts import FINITE, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_multi_head"]


def _probe(what: str, batch: int, n: int, num_heads: int, d_head: int, size: float = 1.0) -> Probe:
    generator = torch.Generator().manual_seed(1000 * batch + 100 * n + 10 * num_heads + d_head)
    d_model = num_heads * d_head
    shapes = [(batch, n, d_model), *[(d_model, d_model)] * 4]
    x, *maps = [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return Probe(what, (size * x, *maps, num_heads))


def _matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# The first two have sizes that fit almost every mistake; the third tells all sizes apart.
_PROBES = [
    Probe(
        "one sentence of two words, two heads of width 1",
        (
            _matrix([1.0, 0.0], [0.5, 2.0])[None],
            _matrix([1.0, 0.5], [-1.0, 2.0]),
            _matrix([0.5, 1.0], [2.0, -1.0]),
            _matrix([1.0, 2.0], [-1.0, 0.5]),
            _matrix([1.0, -0.5], [2.0, 3.0]),
            2,
        ),
    ),
    _probe("two sentences of two words, two heads of width 2", 2, 2, 2, 2),
    _probe("three sentences of five words, two heads of width 4", 3, 5, 2, 4),
    _probe("two sentences of four words, three heads of width 2", 2, 4, 3, 2),
    _probe("a single head of width 3", 2, 4, 1, 3),
    _probe("one sentence of one word, two heads of width 2", 1, 1, 2, 2),
    _probe("scores of many thousands", 2, 3, 2, 2, size=100.0),
    Probe(
        "a long word and a short one, a single head of width 2",
        (_matrix([3000.0, 0.0], [0.0, 1.0])[None], *[_matrix([1.0, 0.0], [0.0, 1.0])] * 4, 1),
    ),
]


def _mixes_values(answer: Tensor, x: Tensor, *maps_and_heads) -> bool:
    map_v, map_o = maps_and_heads[2:4]
    mixed, value = torch.linalg.solve(map_o, answer, left=False), x @ map_v
    slack = 1e-6 * value.abs().max()
    low, high = value.amin(1, keepdim=True) - slack, value.amax(1, keepdim=True) + slack
    return bool(((mixed >= low) & (mixed <= high)).all())


_FACTS = [
    FINITE,
    Fact(
        "what W_o is given lies between the smallest and the largest value of its sentence and "
        "column, as a mixture of values must",
        _mixes_values,
    ),
]


def check_multi_head(
    function: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, int], Tensor],
) -> CheckResult:
    """Check ``function(x, W_q, W_k, W_v, W_o, num_heads) -> output``: multi-head self-attention.

    Args:
        function: takes ``x`` ``(batch, n, d_model)``, four matrices ``(d_model, d_model)``, each
            applied as ``x @ W``, all float64, and the number of heads; returns
            ``(batch, n, d_model)``. Head ``i`` has columns ``i * d_head`` to
            ``(i + 1) * d_head - 1`` of queries, keys and values; no bias, no mask.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "multi-head attention",
        function,
        reference=multi_head_with(),
        probes=_PROBES,
        alternatives=MISTAKES,
        facts=_FACTS,
    )
