"""Checker of mean pooling: one vector for a text, the mean of its real tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["check_mean_pool"]

Formula = Callable[[Tensor, Tensor], Tensor]


def _probe(what: str, hidden: Tensor, *rows: str) -> Probe:
    """One letter a token: x where it is real."""
    mask = torch.tensor([[letter == "x" for letter in row] for row in rows])
    return Probe(what, (hidden, mask))


_SMALL = torch.tensor([[[1.0, 0.0], [2.0, 4.0], [6.0, -1.0]]], dtype=torch.float64)
_PROBES = [
    _probe("one text of two tokens and one of padding", _SMALL, "xx."),
    _probe("one text without padding", drawn(1, 2, 4, seed=1), "xx"),
    _probe("three texts of two to four tokens", drawn(3, 4, 5, seed=2), "xx..", "xxxx", "xxx."),
    _probe("padding in front", drawn(2, 4, 3, seed=3), "..xx", ".xxx"),
    _probe("padding in between", drawn(2, 5, 3, seed=4), "x.x.x", "xx..x"),
    _probe("as many texts as tokens and numbers", drawn(3, 3, 3, seed=5), "xx.", "x..", "xxx"),
    _probe("a text without any real token", drawn(2, 3, 4, seed=6), "xx.", "..."),
]


def _count(mask: Tensor) -> Tensor:
    """Real tokens of each text ``(batch, 1)``."""
    return mask.sum(1, keepdim=True)


def _sum(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask[..., None]).sum(1)


def _reference(hidden: Tensor, mask: Tensor) -> Tensor:
    return _sum(hidden, mask) / _count(mask).clamp(min=1)


def _over(count: Callable[[Tensor], Tensor | int]) -> Formula:
    """Divide the right sum by something else."""
    return lambda hidden, mask: _sum(hidden, mask) / count(mask)


def _at(place: Callable[[Tensor], Tensor]) -> Formula:
    """The vector at one place of each text."""
    return lambda hidden, mask: hidden[torch.arange(len(mask)), place(mask)]


def _last_real(mask: Tensor) -> Tensor:
    return (mask * torch.arange(mask.size(1))).argmax(1)


def _largest(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(~mask[..., None], float("-inf")).amax(1)


def _median(hidden: Tensor, mask: Tensor) -> Tensor:
    rows = zip(hidden, mask, strict=True)
    return torch.stack([h[m].quantile(0.5, dim=0) if m.any() else 0 * h[0] for h, m in rows])


def _of(places: slice) -> Formula:
    return lambda hidden, mask: _reference(hidden[:, places], mask[:, places])


_KNOWN: list[tuple[Formula, str]] = [
    (
        _over(_count),
        "right wherever there is something to average; a text without real tokens gives 0 / 0 = "
        "nan, where zeros are asked for",
    ),
    (
        lambda hidden, mask: hidden.mean(1),
        "padding counts in your mean: the mask is not used",
    ),
    (
        _over(lambda mask: mask.size(1)),
        "padding is left out of your sum, but you divide by the length with padding: divide by the "
        "number of real tokens",
    ),
    (
        lambda hidden, mask: hidden.sum(1) / _count(mask).clamp(min=1),
        "you divide by the number of real tokens, but padding is in your sum",
    ),
    (
        lambda hidden, mask: hidden.sum(1) / _count(mask),
        "you divide by the number of real tokens (0 of them in one text), but padding is in your "
        "sum",
    ),
    (
        _over(lambda mask: _count(mask).amax().clamp(min=1)),
        "you divide by the length of the longest text: each text has its own number of tokens",
    ),
    (
        _over(lambda mask: mask.sum()),
        "you divide by the real tokens of the whole batch: each text has its own number of them",
    ),
    (
        _over(lambda mask: _count(mask) + 1),
        "you divide by one more than the number of real tokens: that pulls every mean towards 0; "
        "only a count of 0 has to be treated apart",
    ),
    (
        _over(lambda mask: _count(mask).clamp(min=1) ** 0.5),
        "you divide by the square root of the number of tokens: a mean divides by the number",
    ),
    (
        lambda hidden, mask: _reference(hidden, ~mask),
        "your mask is turned round: you average the padding; True = a real token",
    ),
    (
        lambda hidden, mask: _sum(hidden, ~mask) / _count(~mask),
        "your mask is turned round, and a text without padding gives nan; True = a real token",
    ),
    *[
        (
            lambda hidden, mask, least=least: _sum(hidden, ~mask) / _count(mask).clamp(min=least),
            "you add the padding and divide by the number of real tokens: masked_fill writes where "
            "its mask is True",
        )
        for least in (0, 1)
    ],
    (
        lambda hidden, mask: _sum(hidden, ~mask) / mask.size(1),
        "two things: you add the padding (the mask is turned round), and you divide by the length",
    ),
    (_at(lambda mask: 0), "that is the first token's vector ([CLS] in BERT): the mean of all"),
    (
        _at(lambda mask: -1),
        "that is the vector in the last place, padding perhaps: the mean of all",
    ),
    (_at(_last_real), "that is the last real token's vector: the mean of all"),
    (
        _at(lambda mask: mask.to(torch.uint8).argmax(1)),
        "that is the first real token's vector: the mean of all",
    ),
    (_sum, "that is the sum: a long text gets a long vector; divide"),
    (lambda hidden, mask: hidden.sum(1), "that is the sum, padding included: the mask is not used"),
    (_largest, "that is max pooling: the largest number of each column, not the mean"),
    (
        lambda hidden, mask: _largest(hidden, mask).nan_to_num(neginf=0.0),
        "that is max pooling: the largest number of each column, not the mean",
    ),
    (lambda hidden, mask: hidden.amax(1), "that is max pooling, over padding too"),
    (
        lambda hidden, mask: (hidden * mask[..., None]).amax(1),
        "that is max pooling, where padding counts as 0",
    ),
    (_median, "that is the median of each column, not the mean"),
    (
        lambda hidden, mask: _sum(hidden**2, mask) / _count(mask).clamp(min=1),
        "you average squares: the numbers themselves",
    ),
    (
        lambda hidden, mask: F.normalize(_reference(hidden, mask), dim=-1),
        "your vectors have length 1: the mean as it is was asked for; a cosine divides by lengths "
        "later",
    ),
    (
        lambda hidden, mask: _reference(F.normalize(hidden, dim=-1), mask),
        "you bring every token to length 1 first: the mean is of the vectors as they are",
    ),
    (
        _of(slice(1, None)),
        "the first token is left out: every real token counts, [CLS] too",
    ),
    (
        _of(slice(None, -1)),
        "the last place is left out: every real token counts, wherever it stands",
    ),
    (
        lambda hidden, mask: (hidden * mask[..., None]).mean(0),
        "you average over the texts (dimension 0): over the tokens of each text",
    ),
    (
        lambda hidden, mask: hidden.mean(0),
        "you average over the texts (dimension 0), padding included: over the tokens of each",
    ),
    (
        lambda hidden, mask: (hidden * mask[..., None]).mean(-1),
        "you average over the numbers of each vector: over the tokens, dimension 1",
    ),
    (
        lambda hidden, mask: hidden.mean(-1),
        "you average over the numbers of each vector, padding included: over the tokens",
    ),
    (
        lambda hidden, mask: hidden[mask].mean(0),
        "hidden[mask] puts the tokens of all texts one below the other: one mean for all came out",
    ),
    (
        lambda hidden, mask: hidden[mask].mean(0).expand(len(mask), -1),
        "every text gets the same vector, the mean over the whole batch: one mean for each text",
    ),
    (
        lambda hidden, mask: _reference(hidden, mask)[:, None],
        "a dimension of 1 is left where the tokens were: (batch, d) is asked for",
    ),
    (
        lambda hidden, mask: hidden * mask[..., None],
        "padding is zero now, but nothing is averaged yet: one vector for each text",
    ),
    (
        lambda hidden, mask: hidden * mask[..., None] / _count(mask).clamp(min=1)[..., None],
        "you divide every token by the number of tokens: what is left is to add them",
    ),
    (
        lambda hidden, mask: hidden.mean(1) * mask.any(1)[:, None],
        "padding counts in your mean: only texts without any real token are treated apart",
    ),
    (
        lambda hidden, mask: _sum(hidden, mask) / mask.sum(0)[:, None],
        "you count over the texts: mask.sum has to run over the tokens of each text, dimension 1",
    ),
]


def _is_between(answer: Tensor, hidden: Tensor, mask: Tensor) -> bool:
    """Nothing is asked of texts without real tokens."""
    some, padding = mask.any(1), ~mask[..., None]
    low = hidden.masked_fill(padding, torch.inf).amin(1)
    high = hidden.masked_fill(padding, -torch.inf).amax(1)
    return bool(((answer >= low - 1e-9) & (answer <= high + 1e-9))[some].all())


_FACTS = [
    FINITE,
    Fact("every number lies between the smallest and the largest of its column", _is_between),
    Fact(
        "a text without real tokens gives zeros",
        lambda answer, hidden, mask: bool((answer[~mask.any(1)] == 0).all()),
    ),
]


def check_mean_pool(function: Formula) -> CheckResult:
    """Check ``function(hidden, mask) -> pooled``: the mean of each text's real tokens.

    Args:
        function: takes ``hidden`` ``(batch, n, d)`` in float64 and ``mask`` ``(batch, n)``,
            boolean, True = a real token, padding anywhere; returns ``(batch, d)``. A text without
            any real token gives zeros.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "mean pooling",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=[Alternative(*known) for known in _KNOWN],
        facts=_FACTS,
    )
