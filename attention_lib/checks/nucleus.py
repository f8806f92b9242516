"""Checker of nucleus sampling: the likeliest tokens that together reach p."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_top_p"]

Formula = Callable[[Tensor, float], Tensor]


def _probe(what: str, probabilities: list[float], p: float, shift: float = 0.0) -> Probe:
    """Logits that are logarithms up to a shift, which softmax takes out again."""
    logits = torch.tensor(probabilities, dtype=torch.float64).log() + shift
    return Probe(what, (logits, p))


# No two tokens tie and no sum comes near p: tests see to both. The orders are no exchanges of two,
# so that an order and its inverse differ; negative logits come before positive ones.
_PROBES = [
    _probe("three tokens, two enough", [0.1, 0.6, 0.3], 0.8),
    _probe("four tokens, three enough", [0.26, 0.08, 0.42, 0.24], 0.8, shift=2.0),
    _probe("a small p", [0.2, 0.26, 0.11, 0.24, 0.19], 0.35),
    _probe("a large p", [0.06, 0.4, 0.02, 0.3, 0.12, 0.1], 0.93, shift=1.0),
    _probe("p of one half", [0.05, 0.16, 0.3, 0.27, 0.22], 0.5, shift=-1.0),
    _probe("six tokens, three enough", [0.12, 0.09, 0.03, 0.34, 0.23, 0.19], 0.7, shift=3.0),
    _probe("a token that is enough alone", [0.15, 0.1, 0.75], 0.6, shift=1.0),
    _probe("a very small p", [0.2, 0.11, 0.29, 0.24, 0.16], 0.18),
    Probe("large logits", (torch.tensor([1000.0, 1001.0, 1000.5], dtype=torch.float64), 0.65)),
]


def _divided(kept: Tensor) -> Tensor:
    return kept / kept.sum()


def _kept(probabilities: Tensor, p: float, more: int = 0, least: int = 1) -> Tensor:
    """Which tokens belong to the nucleus, or to one with some ``more`` tokens."""
    order = probabilities.argsort(descending=True)
    size = int((probabilities[order].cumsum(0) < p).sum()) + 1 + more
    kept = torch.zeros_like(probabilities, dtype=torch.bool)
    kept[order[: max(size, least)]] = True
    return kept


def _reference(logits: Tensor, p: float) -> Tensor:
    probabilities = torch.softmax(logits, dim=0)
    return _divided(probabilities * _kept(probabilities, p))


def _of(rule: Callable[[Tensor, float], Tensor], finish: Callable = _divided) -> Formula:
    """Keep other tokens: ``rule(probabilities, p)`` says which."""

    def formula(logits: Tensor, p: float) -> Tensor:
        probabilities = torch.softmax(logits, dim=0)
        return finish(probabilities * rule(probabilities, p))

    return formula


def _nucleus(finish: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Formula:
    """Make something else of it: ``finish(kept, probabilities, logits)``."""

    def formula(logits: Tensor, p: float) -> Tensor:
        probabilities = torch.softmax(logits, dim=0)
        return finish(_kept(probabilities, p), probabilities, logits)

    return formula


def _of_sorted(finish: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Formula:
    """Forget the order: ``finish(sorted probabilities, which of them are kept, order)``."""

    def formula(logits: Tensor, p: float) -> Tensor:
        probabilities = torch.softmax(logits, dim=0)
        order = probabilities.argsort(descending=True)
        return finish(probabilities[order], _kept(probabilities, p)[order], order)

    return formula


def _likeliest(probabilities: Tensor, count: float) -> Tensor:
    order = probabilities.argsort(descending=True)
    return torch.zeros_like(probabilities).scatter(0, order[: int(count)], 1.0)


def _sum_of_logits(logits: Tensor, p: float) -> Tensor:
    """Logits take the place of probabilities in the sum; the likeliest token stays."""
    order = logits.argsort(descending=True)
    kept = logits[order].cumsum(0) - logits[order] < p
    kept[0] = True
    return torch.softmax(torch.where(kept[order.argsort()], logits, -torch.inf), dim=0)


def _exp_overflows(logits: Tensor, p: float) -> Tensor:
    probabilities = _divided(logits.exp())
    return _divided(probabilities * _kept(probabilities, p))


def _never_empty(rule: Callable[[Tensor, float], Tensor]) -> Callable[[Tensor, float], Tensor]:
    return lambda q, p: rule(q, p) + _likeliest(q, 1) * (not rule(q, p).any())


def _hot(kept: Tensor, probabilities: Tensor, logits: Tensor) -> Tensor:
    return kept.to(probabilities)


_CROSSING = (
    "the token with which the sum reaches p is left out: without it the set does not reach p, "
)
_SINGLE = "you compare each single probability with p: it is their sum that has to reach p"
_ORDER = (
    "your probabilities stand in sorted order: each has to go back to the place of its token, or "
    "another token is drawn"
)
_ALTERNATIVES = [
    Alternative(
        _of(lambda q, p: _kept(q, p, more=-1)),
        _CROSSING + "though the likeliest token always stays",
    ),
    Alternative(
        _of(lambda q, p: _kept(q, p, more=-1, least=0)),
        _CROSSING + "and where one token is enough alone nothing is left: 0 / 0",
    ),
    Alternative(
        _of(lambda q, p: _kept(q, p, more=-1, least=0), lambda kept: kept / kept.sum().clamp(1e-9)),
        _CROSSING + "and where one token is enough alone all become 0",
    ),
    Alternative(
        _of(lambda q, p: _kept(q, p, more=1)),
        "you keep one token too many: stop as soon as p is reached",
    ),
    Alternative(
        _of(lambda q, p: _kept(q, p, least=2)),
        "you keep two tokens at least: one is enough where it reaches p alone",
    ),
    *[
        Alternative(_of(rule), _SINGLE)
        for single in (
            lambda q, p: q >= p,
            lambda q, p: q >= 1 - p,
            lambda q, p: q < p,
        )
        for rule in (single, _never_empty(single))
    ],
    Alternative(
        _of(lambda q, p: q >= p * q.max()),
        "you keep what reaches p times the largest probability (that is min-p): p is for the sum",
    ),
    Alternative(
        _of(_kept, finish=lambda kept: kept),
        "your probabilities do not sum to 1: what the others had is to be shared, too",
    ),
    Alternative(
        lambda logits, p: _of(_kept, finish=lambda kept: kept / p)(logits, p),
        "you divide by p: the kept probabilities sum to p or more; divide by their sum",
    ),
    Alternative(_of_sorted(lambda q, kept, order: _divided(q * kept)), _ORDER),
    Alternative(
        _of_sorted(lambda q, kept, order: q * kept),
        "two things: your probabilities stand in sorted order, and they do not sum to 1",
    ),
    Alternative(
        _of_sorted(lambda q, kept, order: _divided(q[kept])),
        "only the kept tokens are in your answer, sorted: it needs a place for every token, 0 for "
        "the others",
    ),
    Alternative(
        _nucleus(lambda kept, q, logits: _divided(q[kept])),
        "only the kept tokens are in your answer: it needs a place for every token, 0 for the "
        "others",
    ),
    Alternative(
        _of_sorted(lambda q, kept, order: _divided((q * kept)[order])),
        "you go back to the old order in the wrong direction: order says where each sorted one "
        "came from, so it is written there (scatter), not read from there",
    ),
    Alternative(
        _of_sorted(lambda q, kept, order: _divided(q[order.argsort()] * kept)),
        "your places belong to the sorted tokens, and you use them for the unsorted ones: the "
        "first few tokens of the vocabulary stay, whichever they are",
    ),
    Alternative(
        _of(lambda q, p: q.argsort().argsort() < _least(q, p)),
        "you add up from the least likely: the set begins with the likeliest token",
    ),
    Alternative(
        _of(lambda q, p: ~_kept(q, p)),
        "you keep the tail and throw the nucleus away: is a condition turned round?",
    ),
    Alternative(
        _of(lambda q, p: q.cumsum(0) - q < p),
        "you add up in the order of the vocabulary: sort first, likeliest in front",
    ),
    Alternative(
        _of(lambda q, p: q.cumsum(0) <= p),
        "you add up in the order of the vocabulary, and leave out the token that reaches p: sort "
        "first, likeliest in front",
    ),
    Alternative(_sum_of_logits, "you add up logits: they become probabilities first (softmax)"),
    *[
        Alternative(
            _of(lambda q, p, whole=whole: _likeliest(q, max(whole(p * len(q)), 1))),
            "you keep a share p of the tokens (top-k): how likely they are decides how many stay",
        )
        for whole in (math.floor, math.ceil, round)
    ],
    *[
        Alternative(
            _of(lambda q, p, k=k: _likeliest(q, k)),
            "you always keep the same number of tokens (top-k): here the sum decides",
        )
        for k in (2, 3)
    ],
    Alternative(
        _nucleus(lambda kept, q, logits: torch.softmax(q.masked_fill(~kept, -torch.inf), 0)),
        "softmax is taken of probabilities, which evens them out: divide them by their sum",
    ),
    Alternative(
        _nucleus(lambda kept, q, logits: torch.softmax(q * kept, 0)),
        "softmax is taken of probabilities, and the others do not stay 0: divide by the sum",
    ),
    Alternative(
        _nucleus(lambda kept, q, logits: torch.softmax(logits * kept, 0)),
        "the others have logit 0, which is no small one: a logit of -inf gives probability 0",
    ),
    Alternative(
        _nucleus(lambda kept, q, logits: logits.masked_fill(~kept, -torch.inf)),
        "you return logits: one softmax is left",
    ),
    Alternative(
        _nucleus(lambda kept, q, logits: _divided(q * kept).log()),
        "you return logarithms of the probabilities: take exp",
    ),
    Alternative(_nucleus(_hot), "you return which tokens stay: their probabilities are asked for"),
    Alternative(
        _nucleus(lambda *parts: _divided(_hot(*parts))),
        "the kept tokens are all alike in your answer: the likelier one stays likelier",
    ),
    Alternative(
        lambda logits, p: torch.softmax(logits, 0),
        "every token is kept, whatever p is: that is softmax",
    ),
    Alternative(
        _of(lambda q, p: _likeliest(q, 1)),
        "the likeliest token alone is kept: that is greedy",
    ),
    *[
        Alternative(
            lambda logits, p, own=own: _reference(logits, own),
            "your p is a number of your own: take p",
        )
        for own in (0.9, 0.95, 0.8, 0.5)
    ],
    Alternative(
        lambda logits, p: _reference(logits, 1 - p),
        "your set reaches 1 - p: it has to reach p",
    ),
    Alternative(
        _exp_overflows,
        "right in exact arithmetic, but exp overflows for large logits: use softmax",
    ),
]


def _least(probabilities: Tensor, p: float) -> int:
    """How many tokens reach p, the least likely first."""
    return int((probabilities.sort().values.cumsum(0) < p).sum()) + 1


_FACTS = [
    FINITE,
    Fact(
        "the probabilities sum to 1",
        lambda answer, *_: torch.allclose(answer.sum(), answer.new_ones(())),
    ),
    Fact(
        "as many tokens are kept as it takes to reach p",
        lambda answer, logits, p: (
            int((answer > 0).sum()) == int(_kept(torch.softmax(logits, 0), p).sum())
        ),
    ),
    Fact(
        "no token is kept that is less likely than one thrown away",
        lambda answer, logits, p: bool(
            ((answer > 0)[logits.argsort(descending=True)].int().diff() <= 0).all()
        ),
    ),
]


def check_top_p(function: Formula) -> CheckResult:
    """Check ``function(logits, p) -> probabilities``: nucleus sampling.

    The smallest set of likeliest tokens whose probabilities together reach ``p`` keeps them,
    divided by their sum; all others get 0 (Holtzman et al., 2020, equations 2 and 3).

    Args:
        function: takes ``logits`` ``(vocab,)`` in float64, and ``p`` above 0 and below 1; returns
            probabilities ``(vocab,)`` in the order of the logits.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "top-p probabilities",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
