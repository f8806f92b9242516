"""Damaging texts, so that a model can learn to repair them.

The masked tokens of BERT (Devlin et al., 2019, section 3.1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from attention_lib.inputs import check_ids
from attention_lib.settings import check_number

__all__ = ["mask_tokens"]


def mask_tokens(
    ids: Tensor,
    words: Tensor,
    mask_id: int,
    *,
    share: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose tokens for a model to guess, and hide most of them.

    Of ten chosen tokens eight become ``mask_id``, one becomes any other word, one stays as it is:
    the model is not told which of the tokens that it sees are right.

    Args:
        ids: ``(batch, length)``, int64.
        words: the ids that may be chosen, and that random ones are drawn from, ``(count,)``: all
            but padding, [CLS] and the like.
        mask_id: [MASK].
        share: how likely each word is to be chosen, 0 to 1.
        generator: a source of random numbers on the device of ``ids``, or PyTorch's own.

    Returns:
        The damaged ids and where they were chosen, ``(batch, length)`` int64 and bool.

    Raises:
        TypeError: ids that are not integers.
        ValueError: other shapes, no words, or a share outside 0 to 1.
    """
    check_ids("ids", ids, torch.iinfo(torch.int64).max)
    check_number("share", share, 0.0, 1.0, "from 0 to 1, such as 0.15")
    if not isinstance(words, Tensor) or words.dim() != 1 or len(words) == 0:
        given = f"shape {tuple(words.shape)}" if isinstance(words, Tensor) else f"{words!r}"
        raise ValueError(
            f"words is given as {given}; expected the ids that may be chosen, (count,): "
            "try torch.arange(4, vocab_size)"
        )

    def draw() -> Tensor:
        return torch.rand(ids.shape, generator=generator, device=ids.device)

    words = words.to(ids.device)
    chosen = torch.isin(ids, words) & (draw() < share)
    dice, others = draw(), words[(draw() * len(words)).long()]
    damaged = torch.where(chosen & (dice < 0.8), mask_id, ids)
    return torch.where(chosen & (dice >= 0.8) & (dice < 0.9), others, damaged), chosen
