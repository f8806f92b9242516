"""Stacks: the same kind of layer N times, each reading what the one before it wrote."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from attention_lib.cache import Cache

__all__ = ["DecoderStack", "EncoderStack", "StackOutput", "draw_weights"]


class StackOutput(NamedTuple):
    """What comes out of a stack, and what happened inside it.

    Attributes:
        hidden: output of the last layer, ``(batch, length, d_model)``.
        layers: what went into the first layer and came out of each, ``num_layers + 1`` tensors
            ``(batch, length, d_model)``; empty unless asked for.
        weights: of every layer's self-attention, ``(batch, num_heads, query, key)``; empty unless
            asked for.
        cross_weights: of every layer's attention to the memory, likewise; a decoder's alone.
    """

    hidden: Tensor
    layers: tuple[Tensor, ...] = ()
    weights: tuple[Tensor, ...] = ()
    cross_weights: tuple[Tensor, ...] = ()


class EncoderStack(nn.ModuleList):
    """A list of :class:`~attention_lib.layers.EncoderLayer`, called one after the other."""

    def forward(
        self,
        x: Tensor,
        *,
        mask: Tensor | None = None,
        is_causal: bool = False,
        cache: Cache | None = None,
        return_weights: bool = False,
        return_layers: bool = False,
    ) -> StackOutput:
        """Pass ``x`` ``(batch, length, d_model)`` through all layers.

        Args:
            x, mask, is_causal, return_weights: as :meth:`EncoderLayer.forward
                <attention_lib.layers.EncoderLayer.forward>`.
            cache: the positions before ``x``, of all layers.
            return_layers: also return what each layer wrote.

        Raises:
            TypeError, ValueError: as the layer, or a cache for another number of layers.
        """
        options = {"mask": mask, "is_causal": is_causal, "return_weights": return_weights}
        layers, weights = [x], []
        for layer, kept in zip(self, _caches(cache, len(self)), strict=True):
            x = layer(x, cache=kept and kept[0], **options)
            if return_weights:
                x, found = x
                weights.append(found)
            if return_layers:
                layers.append(x)
        return StackOutput(x, tuple(layers) if return_layers else (), tuple(weights))


class DecoderStack(nn.ModuleList):
    """A list of :class:`~attention_lib.layers.DecoderLayer`, called one after the other."""

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        *,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        cache: Cache | None = None,
        return_weights: bool = False,
        return_layers: bool = False,
    ) -> StackOutput:
        """Pass ``x`` ``(batch, length, d_model)`` through all layers; each reads the same memory.

        Args:
            x, memory, mask, memory_mask, return_weights: as :meth:`DecoderLayer.forward
                <attention_lib.layers.DecoderLayer.forward>`; always causal.
            cache, return_layers: as :meth:`EncoderStack.forward`.

        Raises:
            TypeError, ValueError: as :meth:`EncoderStack.forward`.
        """
        options = {"mask": mask, "memory_mask": memory_mask, "return_weights": return_weights}
        layers, weights, cross_weights = [x], [], []
        for layer, kept in zip(self, _caches(cache, len(self)), strict=True):
            x = layer(x, memory, cache=kept, **options)
            if return_weights:
                x, found, found_in_memory = x
                weights.append(found)
                cross_weights.append(found_in_memory)
            if return_layers:
                layers.append(x)
        kept_layers = tuple(layers) if return_layers else ()
        return StackOutput(x, kept_layers, tuple(weights), tuple(cross_weights))


def draw_weights(module: nn.Module, std: float = 0.02) -> None:
    """Draw a module's own maps and tables as BERT, GPT-2, BART and ViT do: ``model.apply(...)``.

    Normal numbers; biases are 0 (Radford et al., 2018, section 4.1; Devlin et al., 2019).

    Args:
        module: changed in place if it is a linear map or a table of embeddings.
        std: their standard deviation.
    """
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=std)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _caches(cache: Cache | None, num_layers: int) -> list:
    if cache is None:
        return [None] * num_layers
    if len(cache.layers) != num_layers:
        raise ValueError(
            f"cache is for {len(cache.layers)} layers; expected {num_layers}: Cache(num_layers)"
        )
    return cache.layers
