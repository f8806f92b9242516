"""Checker of chapter 7: the softmax over those keys that a query may attend to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["FACTS", "MISTAKES", "PROBES", "check_masked_softmax"]

Formula = Callable[[Tensor, Tensor], Tensor]


def _scores(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _mask(*rows: str) -> Tensor:
    """One letter a key: x where the query may attend to it."""
    return torch.tensor([[letter == "x" for letter in row] for row in rows])


# Squares come first: a mask that is transposed fits them, and can be recognised. Masks smaller
# than the scores come last: what does not broadcast raises there.
PROBES = [
    Probe("two queries, two keys", (_scores([1.0, 2.0], [0.5, -1.0]), _mask("x.", "xx"))),
    Probe("three queries, three keys", (drawn(3, 3, seed=6), _mask("x.x", "xx.", "..x"))),
    Probe("a query that may attend to nothing", (drawn(2, 3, seed=5), _mask("xx.", "..."))),
    Probe(
        "one row of large scores, one of small ones",
        (_scores([1000.0, 1001.0, 999.0], [3.0, 2.0, 1.0]), _mask("xx.", "x.x")),
    ),
    Probe(
        "a hidden key with a huge score",
        (_scores([0.0, 1.0, 5000.0], [2.0, -1.0, 0.5]), _mask("xx.", "xxx")),
    ),
    Probe(
        "visible scores far below zero",
        (
            _scores([-800.0, -801.0, 0.0], [-2000.0, 1.0, -2002.0], [0.5, -20000.0, -20001.0]),
            _mask("xx.", "x.x", ".xx"),
        ),
    ),
    Probe(
        "a mask of its own for each of two sequences and three heads",
        (drawn(2, 3, 4, 5, seed=14), drawn(2, 3, 4, 5, seed=14) > -0.5),
    ),
    Probe(
        "one row of the mask for all heads and queries of a sequence",
        (drawn(2, 3, 4, 5, seed=14), _mask("xx..x", ".....")[:, None, None]),
    ),
    Probe(
        "one mask for all sequences and heads", (drawn(2, 3, 2, 4, seed=11), _mask("x...", "xx.x"))
    ),
    Probe("one row of the mask for everything", (drawn(4, 3, seed=7), _mask("x.x")[0])),
]


def _seen(mask: Tensor, answer: Tensor) -> Tensor:
    """Rows that may attend to something."""
    return mask.expand_as(answer).any(dim=-1)


FACTS = [
    FINITE,
    Fact("no number is negative", lambda answer, *_: bool((answer >= 0).all())),
    Fact(
        "hidden keys get exactly 0",
        lambda answer, scores, mask: bool((answer[~mask.expand_as(answer)] == 0).all()),
    ),
    Fact(
        "every row that may attend to something sums to 1",
        lambda answer, scores, mask: bool(
            ((answer.sum(-1) - 1).abs()[_seen(mask, answer)] < 1e-6).all()
        ),
    ),
    Fact(
        "a row that may attend to nothing is all zeros",
        lambda answer, scores, mask: bool((answer[~_seen(mask, answer)] == 0).all()),
    ),
]

_INF = float("inf")


def _hidden(scores: Tensor, mask: Tensor) -> Tensor:
    return scores.masked_fill(~mask, -_INF)


def _reference(scores: Tensor, mask: Tensor) -> Tensor:
    return torch.softmax(_hidden(scores, mask), dim=-1).masked_fill(~mask, 0.0)


def _filled(
    fill: float = -_INF,
    *,
    dim: int | None = -1,
    zero: bool = False,
    added: bool = False,
    changed: Callable[[Tensor], Tensor] = lambda mask: mask,
) -> Formula:
    """Softmax of scores whose hidden places were filled, or to which the fill was added.

    ``dim=None`` stands for all scores at once; ``zero`` for hiding once more after softmax.
    """

    def formula(scores: Tensor, mask: Tensor) -> Tensor:
        mask = changed(mask)
        filled = scores + fill * ~mask if added else scores.masked_fill(~mask, fill)
        if dim is None:
            weights = torch.softmax(filled.flatten(), dim=0).view_as(filled)
        else:
            weights = torch.softmax(filled, dim=dim)
        return weights.masked_fill(~mask, 0.0) if zero else weights

    return formula


def _however_finished(text: str, **slip) -> list[Alternative]:
    """One slip, whatever then becomes of rows without a key: NaN, zeros or even weights."""
    ways = [{}, {"zero": True}, {"fill": -1e9}, {"fill": -1e9, "added": True}]
    return [Alternative(_filled(**slip, **way), text) for way in ways]


def _share(positive: Tensor) -> Tensor:
    return positive / positive.sum(-1, keepdim=True)


def _guarded_share(positive: Tensor) -> Tensor:
    total = positive.sum(-1, keepdim=True)
    return positive / torch.where(total > 0, total, 1.0)


def _repaired_share(positive: Tensor) -> Tensor:
    return _share(positive).nan_to_num()


_SHARES = [_share, _guarded_share, _repaired_share]


def _after(share: Callable[[Tensor], Tensor]) -> Formula:
    return lambda scores, mask: share(torch.softmax(scores, -1) * mask)


def _unsafe(share: Callable[[Tensor], Tensor], hide_first: bool) -> Formula:
    def formula(scores: Tensor, mask: Tensor) -> Tensor:
        if hide_first:
            return share(torch.exp(_hidden(scores, mask)))
        return share(torch.exp(scores) * mask)

    return formula


def _one_maximum(share: Callable[[Tensor], Tensor], hide_first: bool) -> Formula:
    def formula(scores: Tensor, mask: Tensor) -> Tensor:
        top = (_hidden(scores, mask) if hide_first else scores).max()
        return share(torch.exp(_hidden(scores, mask) - top))

    return formula


def _assigned(*, zero: bool) -> Formula:
    """Assignment to the hidden places, which wants a mask of the very shape of the scores."""

    def formula(scores: Tensor, mask: Tensor) -> Tensor:
        if mask.shape != scores.shape:
            raise IndexError("the mask is smaller than the scores")
        return _filled(zero=zero)(scores, mask)

    return formula


_TOO_LATE = (
    "you hide after softmax: the hidden keys still stand in the sum that divides, so the rows no "
    "longer sum to 1; hide before softmax"
)
_TOO_LARGE = (
    "a hidden key with a huge score takes everything: it is hidden only after softmax, or is still "
    "there when you take the maximum, and what is left for visible keys rounds to 0"
)
_OVERFLOW = (
    "right in exact arithmetic, but exp overflows for large scores, and is 0 for all of a row far "
    "below zero: take the largest visible score of a row off first"
)
_ONE_MAXIMUM = (
    "you subtract the largest score of the whole tensor: a row whose scores are all far below it "
    "becomes 0 / 0; take the largest of each row"
)

MISTAKES = [
    Alternative(
        _filled(),
        "right, but for a row that may attend to nothing: all its scores are -inf, and softmax "
        "makes 0 / 0 = nan of them; such a row must be all zeros",
    ),
    Alternative(
        _assigned(zero=False),
        "right so far, but a row that may attend to nothing becomes nan, and your function raises "
        "where the mask must be broadcast to the scores",
    ),
    Alternative(
        _filled(-1e9),
        "right, but for a row that may attend to nothing: all its scores become the same large "
        "negative number, and softmax gives every hidden key an even share; such a row must be all "
        "zeros",
    ),
    Alternative(
        _filled(-1e9, added=True),
        "right, but for a row that may attend to nothing: the same large negative number is added "
        "to all its scores, and softmax does not notice, so the mask is lost; such a row must be "
        "all zeros",
    ),
    Alternative(lambda s, m: torch.softmax(s, -1) * m, _TOO_LATE),
    Alternative(
        _after(_share),
        "right, while the visible keys of a row have a share to divide by: a row that may attend "
        "to nothing becomes 0 / 0 = nan, and so does one whose hidden key has a huge score, since "
        "it takes part until it is hidden",
    ),
    Alternative(_after(_guarded_share), _TOO_LARGE),
    *_however_finished(
        "the mask is turned round: True means that the query may attend to the key, and you hide "
        "those (torch.nn.MultiheadAttention says it the other way)",
        changed=torch.logical_not,
    ),
    Alternative(
        lambda s, m: torch.softmax(s, -1) * ~m,
        "the mask is turned round, and it comes after softmax: True means may attend",
    ),
    *(
        Alternative(
            lambda s, m, again=again: torch.softmax(s * m, -1) * (m if again else 1.0),
            "you multiply the scores by the mask (or fill with 0): a score of 0 is no small score, "
            "exp(0) = 1; a hidden key needs one that softmax turns into 0",
        )
        for again in (False, True)
    ),
    Alternative(
        lambda s, m: torch.softmax(s + m, -1),
        "you add the mask as numbers: True counts 1, so that a hidden key is only e times lighter",
    ),
    Alternative(
        lambda s, m: torch.full_like(s, float("nan")),
        "all your weights are nan: 0 times -inf is nan (is the mask multiplied by -inf?); put -inf "
        "only where a key is hidden",
    ),
    *(
        Alternative(
            _filled(fill, added=added, zero=zero),
            f"you hide with {fill:g}, which is no small score where the visible ones are large "
            "and negative: a hidden key must lose whatever the scores are",
        )
        for fill, added, zero in product(
            (-1.0, -10.0, -100.0, -1000.0, -10_000.0), (False, True), (False, True)
        )
    ),
    *_however_finished(
        "the columns of your weights sum to 1, not the rows: you normalised over the queries",
        dim=-2,
    ),
    *_however_finished(
        "you normalise over the first dimension: keys are the last one, whatever stands in front",
        dim=0,
    ),
    *_however_finished(
        "you normalise over dimension 1: those are the keys of a matrix, but the heads of (batch, "
        "heads, query, key); count from the end",
        dim=1,
    ),
    *_however_finished(
        "all your weights together sum to 1: every row is a distribution of its own", dim=None
    ),
    *_however_finished(
        "your mask is transposed: its rows are queries and its columns keys, as in the scores",
        changed=lambda mask: mask.transpose(-2, -1),
    ),
    Alternative(
        lambda s, m: torch.softmax(s, -1),
        "the mask is not used: every query attends to every key",
    ),
    *(
        Alternative(formula, "there is no softmax: these are the scores, with hidden ones replaced")
        for formula in (_hidden, lambda s, m: s * m, lambda s, m: s.masked_fill(~m, -1e9))
    ),
    Alternative(
        lambda s, m: torch.exp(_hidden(s, m)),
        "you take exp and never divide by the sum of the row",
    ),
    *(
        Alternative(_unsafe(share, hide_first), _OVERFLOW)
        for share, hide_first in product(_SHARES, (True, False))
    ),
    *(
        Alternative(_one_maximum(share, hide_first), _ONE_MAXIMUM)
        for share, hide_first in product(_SHARES, (True, False))
    ),
    Alternative(
        _assigned(zero=True),
        "right where the mask has the shape of the scores; your function raises where it must be "
        "broadcast: masked_fill and torch.where do that, indexing with a mask does not",
    ),
]


def check_masked_softmax(function: Callable[[Tensor, Tensor], Tensor]) -> CheckResult:
    """Check ``function(scores, mask) -> weights``: the softmax of what each query may see.

    Args:
        function: takes scores ``(..., T_q, T_k)`` in float64 and a boolean mask that broadcasts
            to them, True = may attend; returns weights of the scores' shape. Hidden keys get 0,
            every row sums to 1, and a row that may attend to nothing is all zeros.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "masked softmax",
        function,
        reference=_reference,
        probes=PROBES,
        alternatives=MISTAKES,
        facts=FACTS,
    )
