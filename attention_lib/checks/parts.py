"""What a checker is made of: inputs to try, formulas to recognise, facts to report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["FINITE", "Alternative", "Fact", "Probe", "drawn"]


@dataclass(frozen=True)
class Probe:
    """One input to try. Put the smallest first: the first failure is shown to the reader."""

    what: str
    arguments: tuple


@dataclass(frozen=True)
class Alternative:
    """Another formula that people write, and what to tell a reader whose answers match it."""

    formula: Callable
    diagnosis: str


@dataclass(frozen=True)
class Fact:
    """Something true of every right answer: ``holds(answer, *arguments)``."""

    what: str
    holds: Callable[..., bool]


#: True of every right answer of every checker.
FINITE = Fact("every number is finite", lambda answer, *_: bool(torch.isfinite(answer).all()))


def drawn(*shape: int, seed: int) -> Tensor:
    """Draw a tensor of this shape from N(0, 1), float64; the same seed draws the same."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)
