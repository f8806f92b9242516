"""Sequences of several lengths as one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["pad"]


def pad(sequences: Sequence[Sequence[int]], pad_id: int = 0) -> tuple[Tensor, Tensor]:
    """Fill up sequences of ids at their ends, to the length of the longest.

    The mask goes by the lengths, so ``pad_id`` may also stand inside a sequence.

    Args:
        sequences: lists of ids, each with at least one; :meth:`Vocabulary.encode` makes them.
        pad_id: what to fill up with.

    Returns:
        Ids, ``(batch, longest)`` int64, and a mask, ``(batch, longest)`` bool, True = a real
        token.

    Raises:
        TypeError: one list of ids instead of a list of lists, or tokens that are not yet ids.
        ValueError: no sequences, or an empty one.
    """
    if len(sequences) == 0:
        raise ValueError("0 sequences; expected at least one")
    for i, sequence in enumerate(sequences):
        if isinstance(sequence, int):
            raise TypeError(f"sequences[{i}] is the id {sequence}; expected a list: try pad([ids])")
        if len(sequence) == 0:
            raise ValueError(f"sequences[{i}] is empty; expected at least one id in each")
        if isinstance(sequence[0], str):
            raise TypeError(
                f"sequences[{i}] starts with {sequence[0]!r}; expected ids: try vocabulary.encode"
            )
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    longest = int(lengths.max())
    ids = torch.tensor([[*s, *[pad_id] * (longest - len(s))] for s in sequences])
    return ids, torch.arange(longest) < lengths[:, None]
