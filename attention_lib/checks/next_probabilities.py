"""Checker of sampling: temperature and top-k."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult
from attention_lib.sampling import next_probabilities

__all__ = ["check_next_probabilities"]

Formula = Callable[[Tensor, float, int | None], Tensor]


def _probe(what: str, logits: list, temperature: float, top_k: int | None) -> Probe:
    return Probe(what, (torch.tensor(logits, dtype=torch.float64), temperature, top_k))


# No two logits of a row tie. As many rows as tokens come before other sizes.
_PROBES = [
    _probe("three tokens, temperature 0.5, the best two", [0.5, -1.0, 1.5], 0.5, 2),
    _probe("four tokens, temperature 2, the best three", [2.0, 0.3, -0.7, 1.1], 2.0, 3),
    _probe("temperature 1, all tokens", [0.2, 1.0, -0.4], 1.0, None),
    _probe("the best token alone", [0.1, 0.9, 0.4, -2.0], 1.5, 1),
    _probe("more tokens asked for than there are", [1.0, 0.0, 2.0], 0.7, 5),
    _probe(
        "three rows of three tokens, the best two",
        [[0.5, -1.0, 1.5], [2.0, 0.3, 1.1], [-1.0, -2.0, -0.5]],
        0.8,
        2,
    ),
    Probe("two rows of six tokens, the best four", (drawn(2, 6, seed=4), 1.3, 4)),
    _probe("large logits, a low temperature", [1000.0, 1001.0, 999.0], 0.1, 2),
    _probe("temperature 0: the best token for certain", [0.4, 2.0, 1.0], 0.0, None),
]


def _reference(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
    return next_probabilities(logits, temperature=temperature, top_k=top_k)


def _size(logits: Tensor, top_k: int | None) -> int:
    return logits.size(-1) if top_k is None else min(top_k, logits.size(-1))


def _best(scores: Tensor, top_k: int | None, largest: bool = True) -> Tensor:
    """True for the ``top_k`` best of each row."""
    places = scores.topk(_size(scores, top_k), largest=largest).indices
    return torch.zeros_like(scores, dtype=torch.bool).scatter(-1, places, True)


def _soft(scores: Tensor) -> Tensor:
    return torch.softmax(scores, -1)


def _with(
    tempered: Callable[[Tensor, float], Tensor] = lambda logits, t: logits / t,
    kept: Callable[[Tensor, int | None], Tensor] = _best,
    finish: Callable[[Tensor, Tensor], Tensor] = lambda scores, kept: _soft(
        scores.masked_fill(~kept, -torch.inf)
    ),
    coldest: Formula = _reference,
) -> Formula:
    """Sampling in which one step is another; ``coldest`` is what becomes of temperature 0."""

    def formula(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        if temperature == 0:
            return coldest(logits, temperature, top_k)
        scores = tempered(logits, temperature)
        return finish(scores, kept(scores, top_k))

    return formula


def _limited(is_too_much: Callable[[Tensor, float, int | None], bool]) -> Formula:
    """Right where it does not raise."""

    def formula(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
        if is_too_much(logits, temperature, top_k):
            raise ValueError("not foreseen")
        return _reference(logits, temperature, top_k)

    return formula


def _as_if_1(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
    return _reference(logits, 1.0, top_k)


def _nan(logits: Tensor, temperature: float, top_k: int | None) -> Tensor:
    return torch.full_like(logits, torch.nan)


def _without_zero(text: str, **slip) -> list[Alternative]:
    """One slip, whatever becomes of temperature 0 then."""
    return [Alternative(_with(**slip, coldest=way), text) for way in (_reference, _as_if_1, _nan)]


def _sorted(scores: Tensor, kept: Tensor) -> Tensor:
    return _soft(scores.masked_fill(~kept, -torch.inf)).sort(-1, descending=True).values


def _overflowing(scores: Tensor, kept: Tensor) -> Tensor:
    positive = scores.masked_fill(~kept, -torch.inf).exp()
    return positive / positive.sum(-1, keepdim=True)


_NO_TEMPERATURE = "the temperature changes nothing: the logits are divided by it before softmax"
_ALTERNATIVES = [
    Alternative(
        _with(coldest=_nan),
        "right, but for temperature 0, which divides by 0: there the best token has probability 1",
    ),
    Alternative(
        _with(coldest=_as_if_1),
        "right, but at temperature 0 you sample as if it were 1: there the best token has "
        "probability 1",
    ),
    Alternative(
        _limited(lambda s, t, k: k is None),
        "right, but where top_k is None: all tokens stay then",
    ),
    Alternative(
        _limited(lambda s, t, k: k is not None and k > s.size(-1)),
        "right, but where top_k is more than there are tokens: all of them stay then",
    ),
    Alternative(
        _limited(lambda s, t, k: s.dim() > 1),
        "right for one row of logits: with a batch in front, each row has its own best tokens; "
        "count dimensions from the end",
    ),
    Alternative(
        _limited(lambda s, t, k: t == 0),
        "right, but for temperature 0: there the best token has probability 1",
    ),
    *_without_zero(
        "you multiply by the temperature: the logits are divided by it, so that a low one makes "
        "likely tokens likelier",
        tempered=lambda s, t: s * t,
    ),
    *_without_zero(_NO_TEMPERATURE, tempered=lambda s, t: s),
    *_without_zero(
        "you divide by the root of the temperature: divide by the temperature itself",
        tempered=lambda s, t: s / t**0.5,
    ),
    *_without_zero(
        "you divide by the temperature twice, or by its square",
        tempered=lambda s, t: s / t**2,
    ),
    Alternative(
        lambda s, t, k: _as_if_1(s, t, k) / (t or 1.0),
        "the temperature comes too late: it divides probabilities, which then do not sum to 1; it "
        "divides logits",
    ),
    *_without_zero(
        "the temperature divides probabilities, of which softmax is taken once more: it divides "
        "logits",
        tempered=lambda s, t: _soft(s) / t,
    ),
    *_without_zero(
        "softmax is taken of probabilities: it is taken once, of logits",
        finish=lambda s, kept: _soft(_soft(s).masked_fill(~kept, -torch.inf)),
    ),
    *_without_zero(
        "top_k is not used: every token may be drawn", kept=lambda s, k: torch.ones_like(s) > 0
    ),
    *_without_zero(
        "you keep one token too many",
        kept=lambda s, k: _best(s, None if k is None else k + 1),
    ),
    *_without_zero(
        "you keep one token too few: the last of the best k stays, too (is >= meant?)",
        kept=lambda s, k: _best(s, None if k is None else k - 1),
    ),
    *_without_zero(
        "you keep the least likely tokens: the best are the largest",
        kept=lambda s, k: _best(s, k, largest=False),
    ),
    *_without_zero(
        "you throw away the best tokens and keep the others: is a condition turned round?",
        kept=lambda s, k: ~_best(s, k) if _size(s, k) < s.size(-1) else _best(s, k),
    ),
    *_without_zero(
        "you keep the first tokens of the vocabulary: the best are those with the largest logits",
        kept=lambda s, k: (torch.arange(s.size(-1)) < _size(s, k)).expand_as(s),
    ),
    *_without_zero(
        "one threshold serves all rows: each row has its own best tokens",
        kept=lambda s, k: s >= s.reshape(-1, s.size(-1))[0].topk(_size(s, k)).values[-1],
    ),
    *_without_zero(
        "you look for the best tokens of the whole batch: each row has its own",
        kept=lambda s, k: s >= s.flatten().topk(_size(s, k)).values[-1],
    ),
    *_without_zero(
        "your softmax runs over the first dimension, the batch where there is one: tokens come "
        "last",
        finish=lambda s, kept: torch.softmax(s.masked_fill(~kept, -torch.inf), 0),
    ),
    *_without_zero(
        "your probabilities do not sum to 1: what the others had is to be shared, too",
        finish=lambda s, kept: _soft(s) * kept,
    ),
    *_without_zero(
        "the others have logit 0, which is no small one: a logit of -inf gives probability 0",
        finish=lambda s, kept: _soft(s * kept),
    ),
    *_without_zero(
        "only the kept tokens are in your answer: it needs a place for every token, 0 for the "
        "others",
        finish=lambda s, kept: _soft(s.topk(int(kept.sum(-1).max())).values),
    ),
    *[
        Alternative(
            _with(finish=_sorted, coldest=coldest),
            "your probabilities stand in sorted order: each has to go back to the place of its "
            "token",
        )
        for coldest in (_reference, lambda *given: _reference(*given).sort(-1, True).values)
    ],
    *_without_zero(
        "you return logits: one softmax is left",
        finish=lambda s, kept: s.masked_fill(~kept, -torch.inf),
    ),
    *_without_zero(
        "you return logarithms of the probabilities: take exp",
        finish=lambda s, kept: torch.log_softmax(s.masked_fill(~kept, -torch.inf), -1),
    ),
    *_without_zero(
        "the kept tokens are all alike in your answer: the likelier one stays likelier",
        finish=lambda s, kept: kept / kept.sum(-1, keepdim=True),
    ),
    *_without_zero(
        "you return which tokens stay: their probabilities are asked for",
        finish=lambda s, kept: kept.double(),
    ),
    Alternative(
        lambda s, t, k: _reference(s, 0, None),
        "the best token always has probability 1: that is greedy, and right at temperature 0 alone",
    ),
    *_without_zero(
        "right in exact arithmetic, but exp overflows for large logits: use softmax",
        finish=_overflowing,
    ),
]

_FACTS = [
    FINITE,
    Fact(
        "the probabilities of a row sum to 1",
        lambda answer, *_: bool(((answer.sum(-1) - 1).abs() < 1e-5).all()),
    ),
    Fact(
        "no more than top_k tokens are kept, and no fewer",
        lambda answer, logits, temperature, top_k: bool(
            ((answer > 0).sum(-1) == (_reference(logits, temperature, top_k) > 0).sum(-1)).all()
        ),
    ),
    Fact(
        "a likelier token stays likelier, or as likely",
        lambda answer, logits, temperature, top_k: bool(
            (answer.gather(-1, logits.argsort(-1)).diff(dim=-1) >= -1e-9).all()
        ),
    ),
]


def check_next_probabilities(function: Formula) -> CheckResult:
    """Check ``function(logits, temperature, top_k) -> probabilities``: how the next token is drawn.

    The logits are divided by the temperature; the ``top_k`` largest stay, the others get
    probability 0 (Fan et al., 2018), and softmax makes probabilities of what stays.

    Args:
        function: takes ``logits`` ``(vocab,)`` or ``(batch, vocab)`` in float64; ``temperature``, 0
            or more; and ``top_k``, at least 1, or None for all tokens. Returns probabilities of the
            shape and in the order of the logits. At temperature 0 the best token has probability 1;
            a ``top_k`` above the number of tokens keeps them all.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "next probabilities",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
