"""Checkers of chapter 2: the softmax, and contextual embeddings without parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.attention import parameter_free_attention
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_contextualise", "check_softmax"]


def _numbers(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _exp_over_sum(exponentials: Tensor) -> Tensor:
    return exponentials / exponentials.sum(-1, keepdim=True)


_SOFTMAX_PROBES = [
    Probe("one row of two scores", (_numbers([0.0, 1.0]),)),
    Probe("two rows of three scores", (_numbers([1.0, 3.0, 0.5], [2.0, -1.0, 0.0]),)),
    Probe("a square of scores", (_numbers([0.9, -0.8, 0.3], [0.8, 1.0, 0.1], [0.3, 0.1, 0.9]),)),
    Probe("scores in the thousands", (_numbers([1000.0, 1001.0], [3.0, 2.0], [0.0, 2000.0]),)),
    Probe("scores far below zero", (_numbers([-2000.0, -2001.0], [1.0, 0.0]),)),
]

_SOFTMAX_FACTS = [
    FINITE,
    Fact("no number is negative", lambda answer, scores: bool((answer >= 0).all())),
    Fact(
        "every row sums to 1",
        lambda answer, scores: torch.allclose(answer.sum(-1), answer.new_ones(len(answer))),
    ),
]

_SOFTMAX_ALTERNATIVES = [
    Alternative(
        lambda s: _exp_over_sum(torch.exp(s)),
        "right in exact arithmetic, but exp overflows: scores in the thousands give inf / inf = "
        "nan, and far below zero 0 / 0 = nan; softmax reads differences only: what can you take "
        "off a row before exp?",
    ),
    Alternative(
        lambda s: torch.softmax(s, dim=0),
        "the columns of your answer sum to 1, not the rows: you normalised over the queries",
    ),
    Alternative(
        lambda s: torch.exp(s) / torch.exp(s).sum(0, keepdim=True),
        "the columns of your answer sum to 1, not the rows, and exp overflows for large scores",
    ),
    Alternative(
        lambda s: torch.softmax(s.flatten(), dim=0).view_as(s),
        "your whole matrix sums to 1: you normalised over all scores at once; every row is a "
        "distribution of its own",
    ),
    Alternative(
        lambda s: torch.exp(s) / torch.exp(s).sum(),
        "your whole matrix sums to 1, and exp overflows for large scores: every row is a "
        "distribution of its own",
    ),
    Alternative(
        lambda s: _exp_over_sum(torch.exp(s - s.max())),
        "you subtract the maximum of the whole matrix: a row that lies far below it becomes "
        "0 / 0 = nan",
    ),
    Alternative(
        lambda s: _exp_over_sum(torch.exp(s - s.max(0, keepdim=True).values)),
        "you subtract the maximum of each column: that shifts the scores of one row by "
        "different amounts and so changes its weights",
    ),
    Alternative(
        lambda s: _exp_over_sum(torch.exp(s - s.min(-1, keepdim=True).values)),
        "what you subtract from a row is too small (its minimum or its mean, say): the largest "
        "score can still overflow",
    ),
    Alternative(
        lambda s: s / s.sum(-1, keepdim=True),
        "you divide the scores by their sum without taking exp: negative scores give negative "
        "weights, and a row that sums to 0 has no weights at all",
    ),
    Alternative(
        lambda s: s.abs() / s.abs().sum(-1, keepdim=True),
        "you divide absolute values by their sum: a strongly negative score gets a large weight; "
        "exp keeps the order of the scores",
    ),
    Alternative(
        lambda s: torch.exp(s - s.max(-1, keepdim=True).values),
        "you take exp and never divide: the rows do not sum to 1",
    ),
    Alternative(
        torch.exp,
        "you take exp and never divide, and exp overflows for large scores",
    ),
    Alternative(
        lambda s: torch.log_softmax(s, dim=-1),
        "your numbers are logarithms of the weights (log-softmax): take exp of them",
    ),
    Alternative(
        lambda s: torch.softmax(-s, dim=-1),
        "the sign is turned round: your largest weight goes to the smallest score",
    ),
    Alternative(
        lambda s: torch.softmax(s * torch.log(torch.tensor(2.0, dtype=s.dtype)), dim=-1),
        "you raise 2 to the scores instead of e: the weights come out too even; use exp",
    ),
    Alternative(
        torch.sigmoid,
        "you squash every score by itself (a sigmoid): the weights of a row must compete",
    ),
    Alternative(
        lambda s: torch.nn.functional.one_hot(s.argmax(-1), s.size(-1)).to(s.dtype),
        "you give everything to the largest score (an argmax): softmax also keeps a share for "
        "the others",
    ),
]


def check_softmax(function: Callable[[Tensor], Tensor]) -> CheckResult:
    """Check ``function(scores) -> weights``: the softmax of every row.

    Args:
        function: takes scores ``(queries, keys)`` in float64, returns weights of that shape.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "softmax",
        function,
        reference=lambda scores: torch.softmax(scores, dim=-1),
        probes=_SOFTMAX_PROBES,
        alternatives=_SOFTMAX_ALTERNATIVES,
        facts=_SOFTMAX_FACTS,
    )


_WORDS = _numbers([0.9, 0.0, 0.1, 0.4], [0.6, 0.2, 0.1, 0.7], [0.3, 0.1, 0.9, -0.2])
_CONTEXTUALISE_PROBES = [
    Probe("two words of two numbers", (_numbers([1.0, 0.0], [1.0, 1.0]),)),
    Probe("three words of four numbers", (_WORDS,)),
    Probe(
        "four words of two numbers",
        (_numbers([2.0, 0.0], [-1.0, 1.0], [0.0, 3.0], [1.0, -1.0]),),
    ),
    Probe("long vectors", (_numbers([60.0, 0.0, 1.0], [0.0, 30.0, 1.0]),)),
    Probe("one word", (_numbers([0.5, -1.0, 2.0]),)),
]


def _is_within_columns(answer: Tensor, x: Tensor) -> bool:
    low, high = x.min(0).values - 1e-9, x.max(0).values + 1e-9
    return bool(((answer >= low) & (answer <= high)).all())


_CONTEXTUALISE_FACTS = [
    FINITE,
    Fact(
        "every number lies between the smallest and the largest of its column: it is an average",
        _is_within_columns,
    ),
]


def _without_self(x: Tensor) -> Tensor:
    if len(x) == 1:
        return torch.full_like(x, float("nan"))
    own = torch.eye(len(x), dtype=torch.bool)
    return torch.softmax((x @ x.T).masked_fill(own, float("-inf")), dim=-1) @ x


def _causal(x: Tensor) -> Tensor:
    later = torch.ones(len(x), len(x), dtype=torch.bool).triu(1)
    return torch.softmax((x @ x.T).masked_fill(later, float("-inf")), dim=-1) @ x


def _cosine(x: Tensor) -> Tensor:
    unit = x / x.norm(dim=-1, keepdim=True)
    return torch.softmax(unit @ unit.T, dim=-1) @ x


_CONTEXTUALISE_ALTERNATIVES = [
    Alternative(
        lambda x: torch.softmax(x @ x.T, dim=0) @ x,
        "each column of what multiplies x sums to 1, not each row: look at the dimension of the "
        "softmax or the sum, at whether a sum meets its own row, and at any transpose",
    ),
    Alternative(
        lambda x: torch.softmax((x @ x.T).flatten(), dim=0).view(len(x), len(x)) @ x,
        "your softmax runs over all scores at once, so the whole weight matrix sums to 1: "
        "every row is a distribution of its own",
    ),
    Alternative(
        lambda x: x @ x.T @ x,
        "the softmax is missing: you used the scores themselves as weights, and they can be any "
        "real numbers",
    ),
    Alternative(
        lambda x: _exp_over_sum(x @ x.T) @ x,
        "you divided the scores by their sum instead of taking the softmax: a negative score "
        "gives a negative weight",
    ),
    Alternative(
        lambda x: _exp_over_sum(torch.exp(x @ x.T)) @ x,
        "right in exact arithmetic, but exp overflows for long vectors",
    ),
    Alternative(
        lambda x: _exp_over_sum(torch.exp(x @ x.T - (x @ x.T).max())) @ x,
        "you subtract the maximum of the whole matrix of scores: a row that lies far below it "
        "becomes 0 / 0 = nan",
    ),
    Alternative(
        lambda x: torch.exp(x @ x.T) @ x,
        "you took exp of the scores and never divided by the row's sum: the weights do not sum "
        "to 1",
    ),
    Alternative(
        lambda x: x @ torch.softmax(x.T @ x, dim=-1),
        "you compared the features with each other (d by d), not the words (n by n)",
    ),
    Alternative(
        lambda x: torch.softmax(x @ x.T / x.size(-1) ** 0.5, dim=-1) @ x,
        "you divided the scores by the square root of d: that is the scaled attention of "
        "chapter 4; here nothing is scaled",
    ),
    Alternative(
        lambda x: torch.softmax(x @ x.T / x.size(-1), dim=-1) @ x,
        "you divided the scores by d: here nothing is scaled",
    ),
    Alternative(
        _cosine,
        "you compared directions only (the cosine): use the dot product, in which length counts",
    ),
    Alternative(
        _without_self,
        "you left each word out of its own average: a word attends to itself too, or `bank` "
        "would keep nothing of `bank`",
    ),
    Alternative(
        _causal,
        "each word sees only itself and the words before it (a causal mask, chapter 7): here "
        "every word sees every word",
    ),
    Alternative(
        lambda x: parameter_free_attention(x) + x,
        "you added the word itself to its average (a residual connection, chapter 8): return "
        "the average alone",
    ),
    Alternative(
        lambda x: x.mean(0, keepdim=True).expand_as(x),
        "every word got the same plain mean: the weights must come from the dot products",
    ),
    Alternative(
        lambda x: x[(x @ x.T).argmax(-1)],
        "you picked the one word with the largest score: softmax gives every word a share",
    ),
    Alternative(
        lambda x: torch.softmax(-torch.cdist(x, x), dim=-1) @ x,
        "you scored by distance: use dot products",
    ),
    Alternative(
        lambda x: torch.softmax(x @ x.T, dim=-1),
        "you returned the weights (n, n), not yet the mixtures (n, d)",
    ),
]


def check_contextualise(function: Callable[[Tensor], Tensor]) -> CheckResult:
    """Check ``function(x) -> y``: parameter-free attention, ``softmax(x @ x.T) @ x``.

    Args:
        function: takes embeddings ``(n, d)`` in float64, returns new ones of that shape.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "contextual embeddings",
        function,
        reference=parameter_free_attention,
        probes=_CONTEXTUALISE_PROBES,
        alternatives=_CONTEXTUALISE_ALTERNATIVES,
        facts=_CONTEXTUALISE_FACTS,
    )
