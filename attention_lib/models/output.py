"""What a model that reads one sequence answers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Output"]


@dataclass(frozen=True)
class Output:
    """What BERT, GPT and ViT answer.

    Attributes:
        hidden: output of the last layer, normalised, ``(batch, length, d_model)``.
        logits: what the head says of every token, ``(batch, length, vocab_size)``, or of the whole
            sequence, ``(batch, num_classes)``; None without a head.
        weights: the attention weights of every layer, ``(batch, num_heads, query, key)``, if asked.
        layers: what went into the first layer and came out of each, ``num_layers + 1`` tensors
            ``(batch, length, d_model)``, if asked.
    """

    hidden: Tensor
    logits: Tensor | None = None
    weights: tuple[Tensor, ...] = ()
    layers: tuple[Tensor, ...] = ()
