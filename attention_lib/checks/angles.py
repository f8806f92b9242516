"""The angles that positions are written in, and the slips that people make in them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.parts import Alternative

__all__ = ["Power", "angles", "slips", "woven"]

Power = Callable[[Tensor, int], Tensor]

# Slips in the exponent of the base, for pair i of a width d. The right one is 2i/d.
_EXPONENTS: list[tuple[Power, str]] = [
    (
        lambda i, d: i / d,
        "later pairs slow down too little: the exponent is 2i/d, and you have half of it, i/d (or "
        "100 in place of 10000, which comes to the same)",
    ),
    (
        lambda i, d: 4 * i / d,
        "later pairs slow down too fast: i counts pairs, not columns, so that 2i is already the "
        "column; you double it once more, or divide by half the width",
    ),
    (
        lambda i, d: i / (d // 2 - 1),
        "your last pair is slowed down by 10000 itself: you divide i by the number of pairs less "
        "1, as some code does; here the exponent is 2i/d and stays below 1",
    ),
    (
        lambda i, d: (2 * i + 1) / d,
        "your exponents are 1/d, 3/d, 5/d: they start at 0, so that the first pair is not slowed "
        "down (the range of your columns starts one too late?)",
    ),
    (
        lambda i, d: 2 * i + math.log(d) / math.log(10_000.0),
        "you divide by d after taking the power: the division belongs to the exponent, which is "
        "2i/d (`**` comes before `/`: parentheses)",
    ),
    (
        lambda i, d: 2 * (i + 1) / d,
        "your pairs are counted from 1: i starts at 0, so that the first pair is not slowed down",
    ),
    (
        lambda i, d: 0 * i,
        "all your pairs turn equally fast: each i has its own 10000^(2i/d) (is it a division that "
        "drops the fraction, `//`?)",
    ),
]
_BASES = [
    (math.e, "e (is it `exp` without the logarithm of 10000?)"),
    (2.0, "2"),
    (10.0, "10"),
    (1000.0, "1000"),
    (100_000.0, "100000"),
]


def angles(
    length: int,
    width: int,
    power: Power = lambda i, d: 2 * i / d,
    *,
    base: float = 10_000.0,
    first: int = 0,
    unit: float = 1.0,
) -> Tensor:
    """Compute the angle of each position and pair, right or with a slip.

    Args:
        length: number of positions.
        width: numbers in a vector, two for each pair.
        power: the exponent of the base, from the pairs ``(width / 2,)`` and the width.
        base: the base of the exponent.
        first: the first position.
        unit: a factor on all angles.

    Returns:
        ``(length, width / 2)``, float64.
    """
    pair = torch.arange(width // 2, dtype=torch.float64)
    position = torch.arange(first, first + length, dtype=torch.float64)
    return unit * position[:, None] * base ** -power(pair, width)


def slips(formula: Callable[..., Callable]) -> list[Alternative]:
    """List what both exercises' readers write wrong in the angles.

    Args:
        formula: makes a reader's whole function from changed arguments of :func:`angles`.

    Returns:
        Alternatives for :func:`attention_lib.checks.diagnosis.diagnose`, likeliest first.
    """
    return [
        *(Alternative(formula(power=power), text) for power, text in _EXPONENTS),
        *(
            Alternative(formula(base=base), f"your base is {name}: the formula has 10000")
            for base, name in _BASES
        ),
        Alternative(
            formula(power=lambda i, d: -2 * i / d),
            "you multiply the position by 10000^(2i/d): it divides, or later pairs would turn "
            "thousands of radians a step (a minus is missing in the exponent?)",
        ),
        Alternative(
            formula(first=1),
            "your positions start at 1: the first is 0, where every angle is 0",
        ),
        Alternative(
            formula(unit=math.pi / 180),
            "you take the angle for degrees: it is in radians, which sin and cos expect as it is",
        ),
        Alternative(
            formula(unit=2 * math.pi),
            "you multiply the angle by 2 pi: the position over 10000^(2i/d) is the angle itself",
        ),
    ]


def woven(even: Tensor, odd: Tensor) -> Tensor:
    """Take columns in turn from two tables ``(..., n)``: the result is ``(..., 2n)``."""
    return torch.stack([even, odd], dim=-1).flatten(-2)
