"""The layers of a Transformer: attention and a feed-forward network, each with "add & norm"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.attention import MultiHeadAttention, dot_product_attention
from attention_lib.cache import KVCache, MemoryCache, with_cache
from attention_lib.inputs import check_sequences
from attention_lib.settings import check_dropout, check_flags, check_one_of, check_sizes

__all__ = ["ACTIVATIONS", "AddNorm", "DecoderLayer", "EncoderLayer", "FeedForward", "swiglu"]

Attend = Callable[..., Tensor | tuple[Tensor, Tensor]]


def swiglu(x: Tensor) -> Tensor:
    """Let one half of the numbers open and close the other: ``silu(gate) * up``.

    Shazeer (2020), "GLU Variants Improve Transformer", equation 6.

    Args:
        x: ``(..., 2 * d_ff)``: gate, then up.

    Returns:
        ``(..., d_ff)``.

    Raises:
        ValueError: an odd width.
    """
    if x.size(-1) % 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected an even width: gate and up")
    gate, up = x.chunk(2, dim=-1)
    return F.silu(gate) * up


#: What may stand between the two maps of a feed-forward network. BERT and BART use ``gelu``,
#: GPT-2 its approximation by tanh, the Transformer of 2017 ``relu``, Llama ``swiglu``.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "swiglu": swiglu,
}


class FeedForward(nn.Module):
    """Two maps with an activation between them, applied to every position by itself.

    Vaswani et al. (2017), section 3.3.

    Args:
        d_model: width of input and output.
        d_ff: width between the maps.
        activation: ``"relu"``, ``"gelu"``, ``"gelu_tanh"`` or ``"swiglu"``; the last has a third
            map, the gate (the first ``d_ff`` rows of ``up``).
        bias: whether the maps add a bias.
        dropout: probability with which a number between the maps is dropped in training.

    Raises:
        TypeError, ValueError: another activation, sizes below 1, or a dropout outside ``[0, 1)``.
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        *,
        activation: str = "relu",
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_one_of("activation", activation, ACTIVATIONS)
        check_sizes(d_model=d_model, d_ff=d_ff)
        check_dropout(dropout=dropout)
        self.d_model = d_model
        self.up = nn.Linear(d_model, 2 * d_ff if activation == "swiglu" else d_ff, bias=bias)
        self.activation = ACTIVATIONS[activation]
        self.dropout = nn.Dropout(dropout)
        self.down = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, length, d_model)`` to the same shape.

        Raises:
            TypeError, ValueError: another shape or dtype.
        """
        check_sequences(self.d_model, like=self.up.weight, x=x)
        x = self.activation(self.up(x))
        return self.down(self.dropout(x) if self.training else x)


class AddNorm(nn.Module):
    """The way around a sublayer: add its output to its input, and normalise.

    Vaswani et al. (2017), section 5.4, normalise the sum (post-norm); nearly everyone since
    normalises the sublayer's input instead (pre-norm; Xiong et al., 2020), so that the sum runs
    through all layers untouched.

    Args:
        d_model: width.
        norm_first: pre-norm instead of post-norm.
        dropout: probability with which a number of the sublayer's output is dropped in training.
        bias: whether the norm adds a bias.
        norm_eps: added to the variance before its root.

    Raises:
        TypeError, ValueError: a width below 1, a dropout outside ``[0, 1)``, or a negative
            ``norm_eps``.
    """

    def __init__(
        self,
        d_model: int,
        *,
        norm_first: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        check_sizes(d_model=d_model)
        check_dropout(dropout=dropout)
        check_flags(norm_first=norm_first, bias=bias)
        if norm_eps < 0:
            raise ValueError(f"norm_eps={norm_eps}; expected 0 or more, such as 1e-5")
        self.d_model, self.norm_first = d_model, norm_first
        self.norm = nn.LayerNorm(d_model, eps=norm_eps, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def before(self, x: Tensor) -> Tensor:
        """Give what the sublayer reads: of ``(batch, length, d_model)`` the same shape.

        Raises:
            TypeError, ValueError: another shape or dtype.
        """
        check_sequences(self.d_model, like=self.norm.weight, x=x)
        return self.norm(x) if self.norm_first else x

    def after(self, x: Tensor, output: Tensor) -> Tensor:
        """Join what went around the sublayer with what came out, ``(batch, length, d_model)``."""
        x = x + (self.dropout(output) if self.training else output)
        return x if self.norm_first else self.norm(x)


class EncoderLayer(nn.Module):
    """Self-attention, then a feed-forward network, each inside :class:`AddNorm`.

    Vaswani et al. (2017), section 3.1. With ``is_causal`` it is the layer of GPT.

    Args:
        d_model: width.
        num_heads: a divisor of ``d_model``.
        d_ff: width inside the feed-forward network.
        activation: as :class:`FeedForward`.
        norm_first: pre-norm instead of post-norm.
        bias: whether maps and norms add a bias.
        dropout: on the output of each sublayer.
        attention_dropout: on the attention weights; fused kernels on the CPU know none, so it
            costs time and memory.
        activation_dropout: inside the feed-forward network; BART's.
        norm_eps: as :class:`AddNorm`.
        attend: as :class:`~attention_lib.attention.MultiHeadAttention`.

    Raises:
        ValueError: as the parts.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        *,
        activation: str = "relu",
        norm_first: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        activation_dropout: float = 0.0,
        norm_eps: float = 1e-5,
        attend: Attend = dot_product_attention,
    ) -> None:
        super().__init__()
        add_norm = {
            "norm_first": norm_first,
            "dropout": dropout,
            "bias": bias,
            "norm_eps": norm_eps,
        }
        self.self_attention = MultiHeadAttention(
            d_model, num_heads, bias=bias, dropout=attention_dropout, attend=attend
        )
        self.attention_norm = AddNorm(d_model, **add_norm)
        self.feed_forward = FeedForward(
            d_model, d_ff, activation=activation, bias=bias, dropout=activation_dropout
        )
        self.feed_forward_norm = AddNorm(d_model, **add_norm)

    def forward(
        self,
        x: Tensor,
        *,
        mask: Tensor | None = None,
        is_causal: bool = False,
        cache: KVCache | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Let every position look at the others, then think for itself.

        Args:
            x: ``(batch, length, d_model)``.
            mask: boolean, broadcastable to ``(batch, num_heads, length, length)``; True = may
                attend.
            is_causal: hide later positions.
            cache: the positions before ``x``; ``x`` is added to it.
            return_weights: return ``(output, weights)``.

        Returns:
            ``(batch, length, d_model)``, or with weights ``(batch, num_heads, length, length)``.

        Raises:
            TypeError, ValueError: as :func:`~attention_lib.attention.dot_product_attention`.
        """
        found = with_cache(self.self_attention, cache)(
            self.attention_norm.before(x),
            mask=mask,
            is_causal=is_causal,
            return_weights=return_weights,
        )
        found, weights = found if return_weights else (found, None)
        x = self.attention_norm.after(x, found)
        x = self.feed_forward_norm.after(x, self.feed_forward(self.feed_forward_norm.before(x)))
        return (x, weights) if return_weights else x


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the encoder's output (the memory), feed-forward.

    Vaswani et al. (2017), section 3.1; arguments as :class:`EncoderLayer`.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        *,
        activation: str = "relu",
        norm_first: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        activation_dropout: float = 0.0,
        norm_eps: float = 1e-5,
        attend: Attend = dot_product_attention,
    ) -> None:
        super().__init__()
        add_norm = {
            "norm_first": norm_first,
            "dropout": dropout,
            "bias": bias,
            "norm_eps": norm_eps,
        }
        attention = {"bias": bias, "dropout": attention_dropout}
        self.self_attention = MultiHeadAttention(d_model, num_heads, attend=attend, **attention)
        self.attention_norm = AddNorm(d_model, **add_norm)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, **attention)
        self.cross_norm = AddNorm(d_model, **add_norm)
        self.feed_forward = FeedForward(
            d_model, d_ff, activation=activation, bias=bias, dropout=activation_dropout
        )
        self.feed_forward_norm = AddNorm(d_model, **add_norm)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        *,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        is_causal: bool = True,
        cache: tuple[KVCache, MemoryCache] | None = None,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Look at what is written so far, then at the memory, then think.

        Args:
            x: ``(batch, length, d_model)``.
            memory: ``(batch, T_memory, d_model)``.
            mask: boolean, broadcastable to ``(batch, num_heads, length, length)``.
            memory_mask: boolean, broadcastable to ``(batch, num_heads, length, T_memory)``.
            is_causal: hide later positions of ``x``.
            cache: the positions before ``x``, and the memory's keys and values.
            return_weights: return ``(output, weights, cross_weights)``.

        Returns:
            ``(batch, length, d_model)``, or with the weights of both attentions.

        Raises:
            TypeError, ValueError: as :func:`~attention_lib.attention.dot_product_attention`.
        """
        check_sequences(self.self_attention.d_model, memory=memory)
        own, kept = (None, None) if cache is None else cache
        options = {"mask": mask, "is_causal": is_causal, "return_weights": return_weights}
        found = with_cache(self.self_attention, own)(self.attention_norm.before(x), **options)
        found, weights = found if return_weights else (found, None)
        x = self.attention_norm.after(x, found)

        options = {"mask": memory_mask, "return_weights": return_weights}
        found = with_cache(self.cross_attention, kept)(self.cross_norm.before(x), memory, **options)
        found, cross_weights = found if return_weights else (found, None)
        x = self.cross_norm.after(x, found)

        x = self.feed_forward_norm.after(x, self.feed_forward(self.feed_forward_norm.before(x)))
        return (x, weights, cross_weights) if return_weights else x
