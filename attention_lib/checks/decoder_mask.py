"""Checker of chapter 7: the mask of a decoder, without future and without padding."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.boolean import as_mask, not_boolean
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult
from attention_lib.masks import causal_mask, combine_masks, padding_mask

__all__ = ["check_decoder_mask"]

Formula = Callable[[Tensor], Tensor]


def _real(*rows: str) -> Tensor:
    """One letter a token: x where it is real, a full stop for padding."""
    return torch.tensor([[letter == "x" for letter in row] for row in rows])


# As many sequences as tokens in the second: what lacks a dimension runs there, and can be
# recognised by the third, where it does not.
_PROBES = [
    Probe("one sequence of three tokens, the last of them padding", (_real("xx."),)),
    Probe("three sequences of three tokens", (_real("xxx", ".xx", "x.."),)),
    Probe("padding in front, and in the middle", (_real("..xx", "x.xx"),)),
    Probe("a sequence of padding alone", (_real("xx", "..", "x.", ".x"),)),
    Probe("five sequences of four tokens", (_real("xxxx", "xxx.", ".xxx", "xx..", "x..x"),)),
    Probe("two sequences of one token", (_real("x", "."),)),
]

_FACTS = [
    Fact(
        "no query sees a later token",
        lambda answer, real: bool((answer.triu(1) == 0).all()),
    ),
    Fact(
        "no query sees padding",
        lambda answer, real: bool((answer * ~real[:, None, None] == 0).all()),
    ),
    Fact(
        "every real token sees itself",
        lambda answer, real: bool((answer[:, 0].diagonal(dim1=-2, dim2=-1)[real] == 1).all()),
    ),
]


def _spread(mask: Tensor, real: Tensor) -> Tensor:
    """The mask as attention would read it, ``(batch, 1, n, n)``, or as it is."""
    try:
        return mask.expand(len(real), 1, real.size(1), real.size(1))
    except RuntimeError:
        return mask


def _reference(real: Tensor) -> Tensor:
    return combine_masks(causal_mask(real.size(1)), padding_mask(real))


def _past(real: Tensor) -> Tensor:
    """``(n, n)``: True on and below the diagonal."""
    return torch.ones(real.size(1), real.size(1), dtype=torch.bool).tril()


def _keys(real: Tensor) -> Tensor:
    return real[:, None, None, :]


def _queries(real: Tensor) -> Tensor:
    return real[:, None, :, None]


def _itself(real: Tensor) -> Tensor:
    return torch.eye(real.size(1), dtype=torch.bool)


def _first(lengths: Callable[[Tensor], Tensor]) -> Formula:
    """As many keys from the start as ``lengths`` says of each sequence."""
    return lambda real: (
        _past(real) & _keys(torch.arange(real.size(1)) < lengths(real.long())[:, None])
    )


_UPPER = (
    "your triangle is the upper one, so that every query sees itself and what comes after it: "
    "rows are queries, and a row may see the columns up to its own number"
)
_NO_FUTURE = "only padding is hidden: a query must not see later tokens either"
_NO_PADDING = "only later tokens are hidden: padding must be hidden too"

_KNOWN: list[tuple[Formula, str]] = [
    (
        lambda real: ~_reference(real),
        "the mask is turned round: here True means may attend (torch.nn.MultiheadAttention says it "
        "the other way)",
    ),
    (lambda real: _past(real).T & _keys(real), _UPPER),
    (
        lambda real: ~_past(real) & _keys(real),
        "your causal part is turned round: it is True for the later tokens, which are to be hidden",
    ),
    (
        lambda real: _past(real) & ~_keys(real),
        "your padding part is turned round: real is True for real tokens, and those may be seen",
    ),
    (
        lambda real: ~_past(real) & ~_keys(real),
        "both parts are turned round, yet joined by `and`: True means may attend in each of them",
    ),
    (
        lambda real: _past(real) & ~_itself(real) & _keys(real),
        "no token sees itself: the diagonal belongs to what a query may attend to, or the first "
        "one would see nothing",
    ),
    (
        lambda real: torch.ones_like(_past(real)).tril(1) & _keys(real),
        "every query also sees the next token, the very one it is to predict: the triangle ends on "
        "the diagonal",
    ),
    (
        lambda real: _past(real).flip(-1) & _keys(real),
        "your triangle leans the other way: its edge runs from top right to bottom left, and must "
        "be the diagonal on which query and key are the same token",
    ),
    (
        lambda real: _past(real) & _queries(real),
        "padding is hidden as a query (its row), not as a key (its column): real tokens behind it "
        "still see it",
    ),
    (
        lambda real: _past(real) & _queries(real) & _keys(real),
        "padding is hidden as a key and as a query too: hide its columns alone; what its rows "
        "compute is never read, and rows that see nothing need not be made",
    ),
    (
        lambda real: _reference(real).transpose(-2, -1),
        "the whole mask is transposed: rows are queries, columns keys",
    ),
    (_past, _NO_PADDING),
    (_keys, _NO_FUTURE),
    (lambda real: real, "you return what you were given: " + _NO_FUTURE),
    (
        lambda real: _past(real) | _keys(real),
        "you join the two parts by `or`: a key must be allowed by both, not by one of them",
    ),
    (
        lambda real: _past(real) & real[:, None],
        "a dimension is missing: (batch, n, n) would be read as (heads, n, n), and the mask of one "
        "sequence given to one head of all; make it (batch, 1, n, n)",
    ),
    (
        lambda real: _past(real) & real[:, :, None],
        "real stands where the queries are, and there is no dimension for the heads: it speaks "
        "about keys, the last of (batch, 1, n, n)",
    ),
    (
        lambda real: (_past(real) & real[:, None])[None],
        "your sequences stand where the heads belong: (1, batch, n, n) instead of (batch, 1, n, n)",
    ),
    (
        lambda real: _past(real) & real,
        "you join real (batch, n) and the triangle (n, n) as they are: sequences are taken for "
        "queries, or the shapes do not fit; real needs a dimension for heads and one for queries",
    ),
    (
        lambda real: (_past(real) & _keys(real)) | _itself(real),
        "padding still sees itself: a padded key is hidden from every query; a row that sees "
        "nothing is allowed, its output is zero",
    ),
    (
        _first(lambda real: real.sum(1)),
        "you count the real tokens and hide what stands behind that many: padding may also stand "
        "in front or in the middle",
    ),
    (
        _first(lambda real: real.cumprod(1).sum(1)),
        "you hide everything behind the first padding: real tokens may follow it",
    ),
    (
        lambda real: _past(real) & _keys(real[:1]),
        "you hide the padding of the first sequence in all of them: each has its own",
    ),
    (
        lambda real: _past(real) & real.all(0),
        "you hide a key where any sequence of the batch has padding: each has its own",
    ),
]


def _alternative(formula: Formula, diagnosis: str) -> Alternative:
    return Alternative(lambda real: _spread(formula(real), real), diagnosis)


_ALTERNATIVES = [_alternative(*known) for known in _KNOWN]


def check_decoder_mask(function: Callable[[Tensor], Tensor]) -> CheckResult:
    """Check ``function(real) -> mask``: nobody sees a later token, nobody sees padding.

    Args:
        function: takes ``real`` ``(batch, n)``, boolean, True = a real token, padding anywhere;
            returns a boolean mask ``(batch, 1, n, n)``, or any shape that broadcasts to it. True =
            may attend: the key is real, and not later than the query. Rows of padding are treated
            as any others.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """

    def read(real: Tensor) -> object:
        mask = as_mask(function(real))
        return _spread(mask, real) if isinstance(mask, Tensor) else mask

    return diagnose(
        "decoder mask",
        read if callable(function) else function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
        form=not_boolean,
    )
