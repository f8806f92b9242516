"""Checker of chapter 6: rotary positions, pairs of numbers turned by their place."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.angles import Power, angles, slips, woven
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult
from attention_lib.positions import rotate, sinusoids

__all__ = ["check_rotate"]


# Four dimensions come first: a mistake in the dimension runs there, and can be recognised.
_VECTOR_PROBES = [
    Probe("one head, two vectors of four numbers", (drawn(1, 1, 2, 4, seed=8),)),
    Probe("two heads, three vectors of four numbers each", (drawn(1, 2, 3, 4, seed=10),)),
    Probe("a batch of two, three heads, five vectors each", (drawn(2, 3, 5, 8, seed=18),)),
    Probe(
        "two vectors, each at four positions", (drawn(2, 1, 8, seed=11).expand(2, 4, 8).clone(),)
    ),
    Probe("three vectors without batch and heads", (drawn(3, 4, seed=7),)),
]


def _depends_on_distance(answer: Tensor, x: Tensor) -> bool:
    """Where a vector stands at all positions, its products with another show what position does."""
    if not torch.equal(x, x[..., :1, :].expand_as(x)):
        return True
    rows = answer.reshape(-1, *answer.shape[-2:])
    products = torch.einsum("atd,bsd->abts", rows, rows)
    return torch.allclose(products[..., 1:, 1:], products[..., :-1, :-1], rtol=1e-5, atol=1e-5)


_ROTATE_FACTS = [
    Fact(
        "position 0 is unchanged: its angles are 0",
        lambda answer, x: torch.allclose(answer[..., 0, :], x[..., 0, :], atol=1e-6),
    ),
    Fact(
        "no vector's length changes: a turn keeps it",
        lambda answer, x: torch.allclose(answer.norm(dim=-1), x.norm(dim=-1), atol=1e-5),
    ),
    Fact(
        "the dot product of two turned vectors depends on the distance of their positions alone",
        _depends_on_distance,
    ),
]


def _turn(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return a * cos - b * sin, b * cos + a * sin


def _turn_back(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    return _turn(a, b, cos, -sin)


def _overwritten(a: Tensor, b: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    a = a * cos - b * sin
    return a, b * cos + a * sin


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    return tuple(x.chunk(2, dim=-1))


def _neighbours(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., ::2], x[..., 1::2]


def _beside(*parts: Tensor) -> Tensor:
    return torch.cat(parts, dim=-1)


def _turned(
    step: Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] = _turn,
    *,
    pairs: Callable[[Tensor], tuple[Tensor, Tensor]] = _halves,
    join: Callable[[Tensor, Tensor], Tensor] = _beside,
    **changes,
) -> Callable[[Tensor], Tensor]:
    def formula(x: Tensor) -> Tensor:
        angle = angles(x.size(-2), x.size(-1), **changes)
        return join(*step(*pairs(x), angle.cos(), angle.sin()))

    return formula


def _placed(angles_of: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Halves turned by other angles, from whatever dimension they count."""

    def formula(x: Tensor) -> Tensor:
        angle = angles_of(x)
        return _beside(*_turn(*_halves(x), angle.cos(), angle.sin()))

    return formula


def _along(dim: int) -> Callable[[Tensor], Tensor]:
    """Positions that count along another dimension."""

    def angles_of(x: Tensor) -> Tensor:
        shape = [1] * x.dim()
        shape[dim], shape[-1] = x.size(dim), x.size(-1) // 2
        return angles(x.size(dim), x.size(-1)).view(shape)

    return _placed(angles_of)


def _counted(dim: int) -> Callable[[Tensor], Tensor]:
    """As many positions as another dimension is long, met with the last two all the same."""
    return _placed(lambda x: angles(x.size(dim), x.size(-1)))


def _mixed(
    angles_of: Callable[[Tensor], Tensor], partner: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """``x cos + partner sin``, with an angle for every single number."""
    return lambda x: x * angles_of(x).cos() + partner(x) * angles_of(x).sin()


def _per_pair(x: Tensor) -> Tensor:
    return angles(x.size(-2), x.size(-1))


def _per_number(power: Power) -> Callable[[Tensor], Tensor]:
    def angles_of(x: Tensor) -> Tensor:
        return angles(x.size(-2), 2 * x.size(-1), lambda number, _: power(number, x.size(-1)))

    return angles_of


def _partner_half(x: Tensor) -> Tensor:
    first, second = _halves(x)
    return _beside(-second, first)


def _partner_neighbour(x: Tensor) -> Tensor:
    even, odd = _neighbours(x)
    return woven(-odd, even)


def _in_four_dimensions(formula: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The same, for a function that unpacks ``batch, heads, length, d_head = x.shape``."""

    def strict(x: Tensor) -> Tensor:
        if x.dim() != 4:
            raise ValueError(f"{x.dim()} dimensions")
        return formula(x)

    return strict


_OVER_HEADS = (
    "your positions run along the heads: all vectors of one head are turned alike; the length is "
    "the last dimension but one, x.shape[-2]"
)
_OVER_BATCH = (
    "your positions run along the first dimension, the sequences of the batch: the length is the "
    "last dimension but one, x.shape[-2]"
)
_MIXED = (
    "two conventions are mixed: number i is paired with one number, and its angle belongs to "
    "another pair, so that lengths change; pairs (i, i + d_head/2) go with the angles laid out as "
    "halves"
)
_OWN_ANGLES = (
    "the two numbers of a pair are turned by different angles: there is one angle for each pair, "
    "d_head/2 in all"
)
_APART = (
    "your pairs come apart: the turned numbers must go back to the places they were taken from, "
    "i and i + d_head/2"
)
_ADDED = (
    "you add something to the vectors, as sinusoidal positions do: rotary positions turn the "
    "pairs, so they multiply by cos and sin"
)

_ROTATE_ALTERNATIVES = [
    Alternative(
        _turned(pairs=_neighbours, join=woven),
        "you pair neighbours, numbers 2i and 2i+1, which is another convention (the paper's): "
        "here number i goes with number i + d_head/2; the two give the same scores only if the "
        "columns of W_q and W_k are reordered too",
    ),
    Alternative(
        _turned(_turn_back),
        "you turn the other way round: scores between your own queries and keys are the same, but "
        "keys that others turned and cached would not fit; in (a, b) the new a has the minus",
    ),
    Alternative(
        _turned(lambda a, b, cos, sin: (a * cos + b * sin, b * cos + a * sin)),
        "a minus is missing: with plus in both the vectors change their lengths; the new a is "
        "a cos - b sin",
    ),
    Alternative(
        _turned(lambda a, b, cos, sin: (a * cos - b * sin, b * cos - a * sin)),
        "there is a minus too many: with minus in both the vectors change their lengths; the new "
        "b is b cos + a sin",
    ),
    Alternative(
        _turned(_overwritten),
        "you overwrite the first half before the second is computed: both read the old a and b",
    ),
    Alternative(
        _turned(lambda a, b, cos, sin: _turn(a, b, sin, cos)),
        "cos and sin are swapped: at position 0 the angle is 0, and the vector must stay as it is",
    ),
    Alternative(
        _turned(join=lambda a, b: _beside(b, a)),
        "your halves are returned in the wrong order: the new a stays in front",
    ),
    Alternative(_turned(pairs=_neighbours), _APART),
    Alternative(_turned(join=woven), _APART),
    Alternative(_mixed(lambda x: _per_pair(x).repeat_interleave(2, dim=-1), _partner_half), _MIXED),
    Alternative(_mixed(lambda x: _beside(*2 * [_per_pair(x)]), _partner_neighbour), _MIXED),
    Alternative(_mixed(_per_number(lambda j, d: j / d), _partner_half), _OWN_ANGLES),
    Alternative(_mixed(_per_number(lambda j, d: 2 * j / d), _partner_half), _OWN_ANGLES),
    *slips(_turned),
    Alternative(_along(1), _OVER_HEADS),
    Alternative(_along(-3), _OVER_HEADS),
    Alternative(_counted(1), _OVER_HEADS),
    Alternative(_counted(-3), _OVER_HEADS),
    Alternative(_along(0), _OVER_BATCH),
    Alternative(_counted(0), _OVER_BATCH),
    Alternative(lambda x: x + _beside(*2 * [_per_pair(x)]), _ADDED),
    Alternative(lambda x: x + _beside(_per_pair(x).sin(), _per_pair(x).cos()), _ADDED),
    Alternative(lambda x: x + sinusoids(*x.shape[-2:]), _ADDED),
    Alternative(
        _turned(lambda a, b, cos, sin: (a * cos, b * cos)),
        "you multiply by the cosine alone: the vectors shrink; the other number of the pair, times "
        "the sine, is missing",
    ),
    Alternative(
        _turned(lambda a, b, cos, sin: (a * cos + a * sin, b * cos + b * sin)),
        "each number meets itself twice, with cos and with sin: sin multiplies the other number of "
        "the pair",
    ),
    Alternative(
        lambda x: _turned(unit=1 / x.size(-2))(x),
        "you divide the positions by the length: the angle of position 3 would then depend on how "
        "long the sequence is",
    ),
    Alternative(
        lambda x: x,
        "every vector comes back as it was: the turn is lost on the way",
    ),
]
_ROTATE_ALTERNATIVES += [
    Alternative(_in_four_dimensions(known.formula), known.diagnosis)
    for known in _ROTATE_ALTERNATIVES
]
_ROTATE_ALTERNATIVES += [
    Alternative(
        _in_four_dimensions(rotate),
        "right for (batch, heads, length, d_head), but your function wants exactly four "
        "dimensions: name sizes from the end, x.shape[-2] and x.shape[-1]",
    ),
]


def check_rotate(function: Callable[[Tensor], Tensor]) -> CheckResult:
    """Check ``function(x) -> turned``: rotary positions, pairs of numbers turned by an angle.

    Args:
        function: takes ``x`` ``(..., length, d_head)`` in float64, ``d_head`` even; returns the
            same shape, with numbers ``i`` and ``i + d_head / 2`` of position ``t`` turned by
            ``t / 10000^(2i / d_head)``; ``t`` and ``i`` count from 0.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "rotary positions",
        function,
        reference=rotate,
        probes=_VECTOR_PROBES,
        alternatives=_ROTATE_ALTERNATIVES,
        facts=_ROTATE_FACTS,
    )
