"""Checker of chapter 6: the table of sinusoids."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.angles import Power, angles, slips, woven
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult
from attention_lib.positions import sinusoids

__all__ = ["check_sinusoids"]

_SIZES = [
    Probe("two positions, four columns", (2, 4)),
    Probe("three positions, four columns", (3, 4)),
    Probe("four positions, four columns", (4, 4)),
    Probe("seven positions, eight columns", (7, 8)),
    Probe("one position, eight columns", (1, 8)),
    Probe("five positions, six columns", (5, 6)),
]

_SINUSOID_FACTS = [
    Fact(
        "every number lies between -1 and 1",
        lambda answer, *_: bool((answer.abs() <= 1 + 1e-6).all()),
    ),
    Fact(
        "position 0 reads 0, 1, 0, 1, ...: the sines and cosines of 0",
        lambda answer, *_: torch.allclose(
            answer[0], torch.arange(answer.size(1), dtype=answer.dtype) % 2
        ),
    ),
    Fact(
        "columns 2i and 2i+1 are sine and cosine of one angle: their squares sum to 1",
        lambda answer, *_: torch.allclose(
            answer[:, ::2] ** 2 + answer[:, 1::2] ** 2, torch.ones_like(answer[:, ::2]), atol=1e-6
        ),
    ),
]


def _waves(**changes) -> Callable[[int, int], Tensor]:
    def table(length: int, width: int) -> Tensor:
        angle = angles(length, width, **changes)
        return woven(angle.sin(), angle.cos())

    return table


def _of_angles(build: Callable[[Tensor], Tensor]) -> Callable[[int, int], Tensor]:
    return lambda length, width: build(angles(length, width))


def _each_column(power: Power) -> Callable[[int, int], Tensor]:
    """A wave of its own for every column; ``power`` is given the column."""

    def table(length: int, width: int) -> Tensor:
        angle = angles(length, 2 * width, lambda column, _: power(column, width))
        return torch.where(torch.arange(width) % 2 == 0, angle.sin(), angle.cos())

    return table


def _single(frequencies: Callable[[int], Tensor]) -> Callable[[int, int], Tensor]:
    """Large angles in single precision, whose rounding shows in the sines."""

    def table(length: int, width: int) -> Tensor:
        angle = torch.arange(length)[:, None] * frequencies(width)
        return woven(angle.sin(), angle.cos())

    return table


_MULTIPLIED = next(a.diagnosis for a in slips(_waves) if "multiply the pos" in a.diagnosis)
_OWN_WAVES = (
    "every column has a wave of its own: columns 2i and 2i+1 share one, or the two would not be "
    "sine and cosine of one angle"
)

_SINUSOID_ALTERNATIVES = [
    Alternative(
        _of_angles(lambda angle: torch.cat([angle.sin(), angle.cos()], dim=-1)),
        "the right waves in another order: you put all sines first and all cosines after them, as "
        "some code does; here each cosine stands beside its sine, in columns 2i and 2i+1",
    ),
    Alternative(
        _of_angles(lambda angle: woven(angle.cos(), angle.sin())),
        "sine and cosine are swapped: the sine stands in the even columns, 0, 2, 4, ...",
    ),
    *slips(_waves),
    Alternative(_single(lambda d: 10000 ** (torch.arange(0, d, 2) / d)), _MULTIPLIED),
    Alternative(
        _single(lambda d: torch.exp(torch.arange(0, d, 2) * (math.log(10000.0) / d))), _MULTIPLIED
    ),
    Alternative(_each_column(lambda column, d: column / d), _OWN_WAVES),
    Alternative(_each_column(lambda column, d: 2 * column / d), _OWN_WAVES),
    Alternative(
        _of_angles(lambda angle: woven(angle.sin(), angle.sin())),
        "you have only sines: they cannot tell an angle a little below 90 degrees from one a "
        "little above; the odd columns are cosines",
    ),
    Alternative(
        _of_angles(torch.sin),
        "you return the sines alone, half the columns: each sine has its cosine beside it",
    ),
    Alternative(
        _of_angles(lambda angle: woven(angle.cos(), angle.cos())),
        "you have only cosines: the even columns are sines",
    ),
    Alternative(
        _of_angles(lambda angle: woven(angle, angle)),
        "these are the angles: their sine and their cosine are asked for",
    ),
    Alternative(
        lambda n, d: _waves()(n, d).T,
        "your table is transposed: one row for every position, one column for every wave",
    ),
    Alternative(
        lambda n, d: _waves(unit=1 / n)(n, d),
        "you divide the positions by the length: position 3 would then look different in every "
        "sentence; count them 0, 1, 2, ...",
    ),
    Alternative(
        _of_angles(lambda angle: woven(angle.flip(-1).sin(), angle.flip(-1).cos())),
        "your slowest wave stands first: the first pair is the fastest, one radian a position",
    ),
    Alternative(
        _of_angles(
            lambda angle: torch.where(
                torch.arange(len(angle))[:, None] % 2 == 0,
                angle.repeat_interleave(2, dim=-1).sin(),
                angle.repeat_interleave(2, dim=-1).cos(),
            )
        ),
        "you choose between sine and cosine by the position: the column decides",
    ),
    Alternative(
        lambda n, d: _waves()(n, d)[None],
        "the numbers are right, with a dimension for the batch in front: return (length, d_model)",
    ),
]


def check_sinusoids(function: Callable[[int, int], Tensor]) -> CheckResult:
    """Check ``function(length, d_model) -> table``: sines and cosines of every position.

    Args:
        function: takes two integers, ``d_model`` even; returns ``(length, d_model)`` with
            ``sin(t / 10000^(2i / d_model))`` in row ``t`` and column ``2i``, and its cosine in
            column ``2i + 1``; ``t`` and ``i`` count from 0.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "sinusoids",
        function,
        reference=sinusoids,
        probes=_SIZES,
        alternatives=_SINUSOID_ALTERNATIVES,
        facts=_SINUSOID_FACTS,
    )
