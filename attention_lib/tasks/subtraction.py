"""Subtraction: the answer needs two vectors at once, with opposite signs."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Subtraction"]


class Subtraction:
    """Vectors, two of them marked: the answer is the first marked one minus the second.

    Of ``length`` vectors u_i, drawn from N(0, 1) in R^d, one is marked A and another one B, by
    two more features that are 1 there and 0 elsewhere. The answer is u_A - u_B.

    What an attention layer can reach with one head, which averages: weights a on u_A and 1 - a
    on u_B give z = a u_A + (1 - a) u_B, and the best multiple of z explains ::

        R^2 = (2a - 1)^2 / (2 (a^2 + (1 - a)^2)) = 1 - 1 / (2 (a^2 + (1 - a)^2))

    of the answer's variance. That is 0 with equal weights, and at most 1/2: with all the weight
    on A, or all on B and a minus sign behind the layer. Without that sign, z itself as the answer
    has R^2 = 1 - (1 - a)^2 / 2 - (2 - a)^2 / 2: again 1/2 at a = 1, and -1/4 with equal weights.
    Two heads reach 1: one reads A, the other B, and W_o subtracts.

    There are no sentences here, so this is no :class:`Task`; batches are drawn as tensors.

    Args:
        length: number of vectors in an example, at least 2.
        d: components of a vector.

    Raises:
        ValueError: fewer than 2 vectors, or no components.
    """

    def __init__(self, length: int = 8, d: int = 16) -> None:
        if length < 2 or d < 1:
            raise ValueError(
                f"length={length}, d={d}; expected length >= 2, for A and B, and d >= 1"
            )
        self.length, self.d = length, d

    def batch(self, size: int, *, seed: int = 0, split: str = "train") -> tuple[Tensor, Tensor]:
        """Draw examples.

        Args:
            size: number of examples.
            seed: the same seed draws the same batch; from 0 to 2**62 - 1.
            split: ``"train"`` or ``"test"``; they never share a state of the random generator.

        Returns:
            ``x``, ``(size, length, d + 2)`` float32, whose last two features mark A and B, and
            the answer, ``(size, d)`` float32.

        Raises:
            ValueError: a size below 1, a seed out of bounds, or another split.
        """
        if size < 1:
            raise ValueError(f"size={size}; expected at least 1")
        if not 0 <= seed < 2**62:
            raise ValueError(f"seed={seed}; expected 0 to 2**62 - 1")
        if split not in ("train", "test"):
            raise ValueError(f"split={split!r}; expected 'train' or 'test'")
        # Even numbers seed the training split and odd ones the test split.
        generator = torch.Generator().manual_seed(2 * seed + (split == "test"))
        vectors = torch.randn(size, self.length, self.d, generator=generator)
        # The places of the two largest of independent numbers: two different places, drawn evenly.
        places = torch.rand(size, self.length, generator=generator).topk(2).indices
        marks = torch.zeros(size, self.length, 2)
        marks[torch.arange(size)[:, None], places, torch.arange(2)] = 1.0
        chosen = marks.transpose(1, 2) @ vectors  # (size, 2, d)
        return torch.cat([vectors, marks], dim=-1), chosen[:, 0] - chosen[:, 1]

    def tokens(self, x: Tensor) -> list[list[str]]:
        """Name the vectors of a batch for a view: ``"A"``, ``"B"``, and ``"·"`` elsewhere.

        Args:
            x: as :meth:`batch` gives it, ``(size, length, d + 2)``; any length.

        Returns:
            ``size`` lists of ``length`` names.

        Raises:
            ValueError: another shape.
        """
        if x.dim() != 3 or x.size(-1) != self.d + 2:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected (size, length, d + 2) with d={self.d}: "
                "for a single example try x[None]"
            )
        names = {(1.0, 0.0): "A", (0.0, 1.0): "B"}
        return [
            [names.get(tuple(marks), "·") for marks in example] for example in x[..., -2:].tolist()
        ]
