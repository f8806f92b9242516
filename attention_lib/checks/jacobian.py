"""Checker of chapter 4: the derivative of softmax."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["check_softmax_jacobian"]


_SCORE_PROBES = [
    Probe("two scores", (torch.tensor([0.0, 1.0], dtype=torch.float64),)),
    Probe("three scores", (torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64),)),
    Probe("five scores", (drawn(5, seed=1),)),
    Probe("large scores", (torch.tensor([900.0, 901.0, 899.5], dtype=torch.float64),)),
]

_JACOBIAN_FACTS = [
    FINITE,
    Fact(
        "every row sums to 0: the same number added to all scores changes nothing",
        lambda answer, scores: torch.allclose(answer.sum(-1), torch.zeros_like(scores)),
    ),
    Fact("the matrix is symmetric", lambda answer, _: torch.allclose(answer, answer.T)),
    Fact(
        "a larger score has a larger weight: the diagonal is positive",
        lambda answer, _: bool((answer.diagonal() > 0).all()),
    ),
]


def _soft(scores: Tensor) -> Tensor:
    return torch.softmax(scores, dim=-1)


def _jacobian(scores: Tensor) -> Tensor:
    w = _soft(scores)
    return torch.diag(w) - torch.outer(w, w)


def _unsafe_jacobian(scores: Tensor) -> Tensor:
    w = torch.exp(scores) / torch.exp(scores).sum()
    return torch.diag(w) - torch.outer(w, w)


_JACOBIAN_ALTERNATIVES = [
    Alternative(
        lambda s: torch.diag(_soft(s)),
        "you have the case i = j of the sum alone: raising one score also lowers the share of all "
        "others; subtract the outer product of w with itself",
    ),
    Alternative(
        lambda s: torch.diag(_soft(s) * (1 - _soft(s))),
        "the diagonal is right, and everything beside it is 0: raising score j lowers weight i, by "
        "w_i w_j",
    ),
    Alternative(
        lambda s: _soft(s) * (1 - _soft(s)),
        "you have w (1 - w), the diagonal alone: the derivative of n weights by n scores is a "
        "matrix (n, n)",
    ),
    Alternative(
        lambda s: torch.outer(_soft(s), _soft(s)) - torch.diag(_soft(s)),
        "the sign is turned round: a larger score gives its own weight more, and the others less",
    ),
    Alternative(
        lambda s: torch.diag(_soft(s)) + torch.outer(_soft(s), _soft(s)),
        "the outer product must be subtracted: what one weight gains the others lose",
    ),
    Alternative(
        lambda s: -torch.outer(_soft(s), _soft(s)),
        "the case i = j is missing: on the diagonal w_i is added",
    ),
    Alternative(
        lambda s: torch.eye(len(s), dtype=s.dtype) - torch.outer(_soft(s), _soft(s)),
        "the identity stands where diag(w) belongs: the factor w_i multiplies both terms",
    ),
    Alternative(
        lambda s: torch.eye(len(s), dtype=s.dtype) - _soft(s),
        "that is the derivative of the logarithm of w: multiply row i by w_i",
    ),
    Alternative(
        lambda s: torch.diag(_soft(s)) - _soft(s) ** 2,
        "beside the diagonal you have w_j squared, and w_i w_j belongs there: a vector beside a "
        "matrix multiplies its columns, and `*` of two vectors is not their outer product",
    ),
    Alternative(
        lambda s: torch.diag(_soft(s)) - _soft(s)[:, None] ** 2,
        "beside the diagonal you have w_i squared, and w_i w_j belongs there: row i and column j "
        "each bring one factor",
    ),
    Alternative(
        lambda s: torch.diag(_soft(s)) - _soft(s) @ _soft(s),
        "you subtract one number everywhere: `@` of two vectors is their dot product, transposed "
        "or not; every place (i, j) needs a product of its own",
    ),
    Alternative(
        lambda s: torch.diag(s) - torch.outer(s, s),
        "you use the scores where the weights belong: take softmax first",
    ),
    Alternative(
        lambda s: torch.diag(torch.exp(s)),
        "that is the derivative of the exponentials: the sum below them depends on every score too",
    ),
    Alternative(_unsafe_jacobian, "right in exact arithmetic, but exp overflows for large scores"),
    Alternative(
        lambda s: _jacobian(s).sum(0),
        "you add the matrix up: every derivative has a place of its own, in row i and column j",
    ),
]


def check_softmax_jacobian(function: Callable[[Tensor], Tensor]) -> CheckResult:
    """Check ``function(scores) -> jacobian``: the derivatives of softmax's weights.

    Args:
        function: takes scores ``(n,)`` in float64; returns ``(n, n)``, the derivative of weight
            ``i`` by score ``j`` in row ``i`` and column ``j``.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "derivative of softmax",
        function,
        reference=_jacobian,
        probes=_SCORE_PROBES,
        alternatives=_JACOBIAN_ALTERNATIVES,
        facts=_JACOBIAN_FACTS,
    )
