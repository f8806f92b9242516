"""One more token, fast: the step of a GPT with a cache, without its modules.

At batch 1 a step multiplies vectors by small matrices, and to call a module takes as long as such
a product. Here the operations of :class:`~attention_lib.models.gpt.GPT` stand in one loop: the same
ones in the same order, so the same numbers come out. Read the model first.
"""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.attention import MultiHeadAttention, dot_product_attention
from attention_lib.cache import Cache
from attention_lib.layers import AddNorm, EncoderLayer, FeedForward
from attention_lib.models.gpt import GPT
from attention_lib.positions import LearnedPositions
from attention_lib.stacks import EncoderStack

__all__ = ["FastStep"]

_PLAIN = (AddNorm, EncoderLayer, EncoderStack, FeedForward, GPT, LearnedPositions)
_PLAIN += (MultiHeadAttention, nn.Dropout, nn.Embedding, nn.LayerNorm, nn.Linear)


class _Layer(NamedTuple):
    """The parameters of a layer, in the order in which they are needed."""

    attention_norm: tuple
    in_map: tuple
    out_map: tuple
    feed_forward_norm: tuple
    up: tuple
    activation: object
    down: tuple


class FastStep:
    """What ``model.next_logits(token, mask=mask, cache=cache)`` does, for one token a row.

    Args:
        model: a GPT that :meth:`fits`. Its parameters are not copied.
    """

    def __init__(self, model: GPT) -> None:
        self.embeddings, self.positions = model.token_embedding.weight, model.positions.table.weight
        self.num_heads, self.norm = model.config.num_heads, _norm(model.norm)
        self.layers = [
            _Layer(
                _norm(layer.attention_norm.norm),
                _map(layer.self_attention.in_map),
                _map(layer.self_attention.out_map),
                _norm(layer.feed_forward_norm.norm),
                _map(layer.feed_forward.up),
                layer.feed_forward.activation,
                _map(layer.feed_forward.down),
            )
            for layer in model.layers
        ]

    @staticmethod
    def fits(model: nn.Module) -> bool:
        """Tell whether a model is a GPT as this package builds it: no part exchanged, no hook."""
        return isinstance(model, GPT) and all(
            type(module) in _PLAIN
            and "forward" not in vars(module)
            and not (module._forward_hooks or module._forward_pre_hooks)
            and getattr(module, "attend", dot_product_attention) is dot_product_attention
            for module in model.modules()
        )

    def __call__(self, token: Tensor, mask: Tensor | None, cache: Cache) -> Tensor:
        """Give the logits behind a token.

        Args:
            token: ids ``(batch, 1)``.
            mask: ``(batch, length)`` boolean of all tokens, this one included, or None.
            cache: of the tokens before.

        Returns:
            ``(batch, vocab_size)``.
        """
        start, seen = cache.length, None
        position = self.positions[start : start + 1]
        if mask is not None:
            position = F.embedding(mask.sum(dim=1, keepdim=True) - 1, self.positions)
            seen = mask[:, None, None]
        x = F.embedding(token, self.embeddings) + position  # (batch, 1, d_model)
        heads = (len(token), 1, 3, self.num_heads, -1)
        for layer, (kept, _) in zip(self.layers, cache.layers, strict=True):
            mapped = F.linear(F.layer_norm(x, *layer.attention_norm), *layer.in_map).view(heads)
            query, key, value = mapped.permute(2, 0, 3, 1, 4).unbind()
            key, value = kept.append(key, value)  # (batch, num_heads, start + 1, d_head)
            found = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
            x = x + F.linear(found.transpose(1, 2).flatten(2), *layer.out_map)
            inner = F.linear(F.layer_norm(x, *layer.feed_forward_norm), *layer.up)
            x = x + F.linear(layer.activation(inner), *layer.down)
        return F.linear(F.layer_norm(x[:, -1], *self.norm), self.embeddings)


def _norm(norm: nn.LayerNorm) -> tuple[tuple[int, ...], Tensor, Tensor | None, float]:
    return tuple(norm.normalized_shape), norm.weight, norm.bias, norm.eps


def _map(linear: nn.Linear) -> tuple[Tensor, Tensor | None]:
    return linear.weight, linear.bias
