"""Attention: compare a query with every key, turn the scores into weights, average the values.

Everything in this package that attends (self, causal, cross, cached, one head or many) calls
:func:`dot_product_attention`. Read that function and you have read them all.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.inputs import (
    check_attention,
    check_options,
    check_sequences,
    check_tensors,
    dtype_name,
    leading_shape,
)
from attention_lib.masks import causal_mask, combine_masks
from attention_lib.settings import check_function, check_head_sizes

__all__ = [
    "AdditiveAttention",
    "MultiHeadAttention",
    "dot_product_attention",
    "parameter_free_attention",
]


def dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
    return_weights: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """``softmax(scale * query @ key^T) @ value``, row by row.

    Scaled dot-product attention: Vaswani et al. (2017), "Attention Is All You Need", equation 1.

    Args:
        query: ``(..., T_q, d_head)``, usually ``(batch, heads, T_q, d_head)``; floating point.
        key: ``(..., T_k, d_head)``.
        value: ``(..., T_k, d_value)``; ``d_value`` may differ from ``d_head``.
        mask: boolean, broadcastable to ``(..., T_q, T_k)``; **True = may attend**. What it hides
            must still be finite: its weight is 0, and ``0 * nan`` is ``nan``.
        is_causal: also hide from every query the keys after its own position. Aligned at the
            end: the last query sees every key, whatever ``T_q`` and ``T_k`` are.
        scale: factor on the scores; ``1 / sqrt(d_head)`` when None.
        dropout: probability with which a weight is dropped. A function has no training mode:
            pass 0 when you evaluate.
        return_weights: return ``(output, weights)``, at the price of storing all
            ``T_q * T_k`` weights. Without it a fused kernel computes the same output.

    Returns:
        The output ``(..., T_q, d_value)``, or ``(output, weights)`` with weights
        ``(..., T_q, T_k)`` from before dropout. A query that may attend to nothing gets zeros,
        in the output and in the weights, and passes on no gradient.

    Raises:
        TypeError: not floating-point tensors, mixed dtypes, or a mask that is not boolean.
        ValueError: shapes that do not fit together, empty sequences, mixed devices, a ``scale``
            that is not finite, or a ``dropout`` outside ``[0, 1)``.
    """
    flags = {"is_causal": is_causal, "return_weights": return_weights}
    leading = check_attention(query, key, value, mask, scale, dropout, **flags)
    if scale is None:
        scale = query.size(-1) ** -0.5
    if not query.shape[:-2] == key.shape[:-2] == value.shape[:-2]:
        query, key, value = (t.expand(*leading, *t.shape[-2:]) for t in (query, key, value))

    length_q, length_k = query.size(-2), key.size(-2)
    is_causal = is_causal and length_q > 1  # a single query is the last, and sees every key
    # The fused kernel aligns at the start, takes a mask or is_causal, and needs a positive scale.
    own_mask = return_weights or mask is not None or length_q != length_k or scale <= 0
    if is_causal and own_mask:
        mask = combine_masks(mask, causal_mask(length_q, length_k, device=query.device))
        is_causal = False

    if not return_weights:
        mask, nothing = _allow_something(mask)
        options = {"is_causal": is_causal, "scale": scale, "dropout_p": dropout}
        output = _fused(query, key, value, attn_mask=mask, **options)
        return output if nothing is None else output.masked_fill(nothing, 0.0)

    wide = torch.promote_types(query.dtype, torch.float32)  # half precision would overflow
    with torch.autocast(query.device.type, enabled=False):
        scores = (query.to(wide) * scale) @ key.to(wide).transpose(-2, -1)  # (..., T_q, T_k)
    weights = _softmax(scores, mask).to(query.dtype)  # every row sums to 1
    output = F.dropout(weights, dropout) @ value  # (..., T_q, d_value)
    return output, weights


def parameter_free_attention(
    x: Tensor, *, return_weights: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Mix all rows of ``x`` into each: ``softmax(x @ x^T) @ x``.

    Each embedding asks, is asked and is handed over, just as it stands: nothing
    is learned and nothing is scaled.

    Args:
        x: embeddings ``(..., n, d)``, floating point.
        return_weights: return ``(output, weights)`` instead of the output alone.

    Returns:
        The output ``(..., n, d)``, or ``(output, weights)`` with weights
        ``(..., n, n)``.

    Raises:
        TypeError, ValueError: as :func:`dot_product_attention`.
    """
    return dot_product_attention(x, x, x, scale=1.0, return_weights=return_weights)


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each in its own ``d_head = d_model / num_heads`` numbers.

    Vaswani et al. (2017), section 3.2.2. The matrices ``W_q``, ``W_k``, ``W_v`` of all heads are
    the rows of one: ``in_map``, in this order. ``out_map`` is ``W_o``.

    Args:
        d_model: width of queries, keys, values and output.
        num_heads: how many heads; a divisor of ``d_model``.
        bias: whether the maps add a bias.
        dropout: probability with which a weight is dropped in training.
        attend: what every head does; called like :func:`dot_product_attention`. Rotary positions,
            ALiBi and sliding windows stand in this place.

    Raises:
        ValueError: sizes below 1, ``d_model`` not divisible by ``num_heads``, or a dropout outside
            ``[0, 1)``.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        attend: Callable[..., Tensor | tuple[Tensor, Tensor]] = dot_product_attention,
    ) -> None:
        super().__init__()
        check_head_sizes(d_model, num_heads, dropout)
        check_function("attend", attend)
        self.d_model, self.num_heads, self.dropout = d_model, num_heads, dropout
        self.in_map = nn.Linear(d_model, 3 * d_model, bias=bias)
        self.out_map = nn.Linear(d_model, d_model, bias=bias)
        self.attend = attend

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        is_causal: bool = False,
        return_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend: within ``query`` (self-attention), or from it to ``key`` (cross-attention).

        Args:
            query: ``(batch, T_q, d_model)``.
            key: ``(batch, T_k, d_model)``; ``query`` when None.
            value: ``(batch, T_k, d_model)``; ``key`` when None.
            mask: boolean, broadcastable to ``(batch, num_heads, T_q, T_k)``; True = may attend.
            is_causal, return_weights: as :func:`dot_product_attention`.

        Returns:
            The output ``(batch, T_q, d_model)``, or ``(output, weights)`` with weights
            ``(batch, num_heads, T_q, T_k)`` from before dropout.

        Raises:
            TypeError, ValueError: as :func:`dot_product_attention`, or another width.
        """
        q, k, v = self.to_heads(query, key, value)
        return self.from_heads(
            q, k, v, mask=mask, is_causal=is_causal, return_weights=return_weights
        )

    def to_heads(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Map to queries, keys and values, each ``(batch, num_heads, length, d_head)``.

        Raises:
            TypeError, ValueError: as :meth:`forward`.
        """
        key = query if key is None else key
        value = key if value is None else value
        like = self.in_map.weight
        check_sequences(self.d_model, like=like, query=query)
        if query is key is value:
            return self._project(query, 0, 3)  # self-attention: three maps in one product
        check_sequences(self.d_model, like=like, key=key, value=value)
        if key is value:
            return *self._project(query, 0, 1), *self._project(key, 1, 3)
        return *self._project(query, 0, 1), *self._project(key, 1, 2), *self._project(value, 2, 3)

    def query_heads(self, query: Tensor) -> Tensor:
        """Map to queries alone, ``(batch, num_heads, T_q, d_head)``, when keys and values are kept.

        Raises:
            TypeError, ValueError: as :meth:`forward`.
        """
        check_sequences(self.d_model, like=self.in_map.weight, query=query)
        return self._project(query, 0, 1)[0]

    def _project(self, x: Tensor, first: int, last: int) -> tuple[Tensor, ...]:
        """Apply maps ``first`` to ``last - 1`` of ``W_q, W_k, W_v``, and split the heads."""
        weight, bias, maps = self.in_map.weight, self.in_map.bias, last - first
        if maps < 3:
            rows = slice(first * self.d_model, last * self.d_model)
            weight, bias = weight[rows], None if bias is None else bias[rows]
        heads = (maps, self.num_heads, self.d_model // self.num_heads)
        mapped = F.linear(x, weight, bias).view(*x.shape[:2], *heads)
        return mapped.permute(2, 0, 3, 1, 4).unbind()  # (maps, batch, heads, length, d_head)

    def from_heads(
        self, query: Tensor, key: Tensor, value: Tensor, *, return_weights: bool = False, **masks
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend in every head, put the results side by side, and map them.

        Args:
            query, key, value: ``(batch, num_heads, length, d_head)`` each.
            return_weights: as :meth:`forward`, and so are the result and the masks.
        """
        dropout = self.dropout if self.training else 0.0
        found = self.attend(
            query, key, value, dropout=dropout, return_weights=return_weights, **masks
        )
        output, weights = found if return_weights else (found, None)
        output = self.out_map(output.transpose(1, 2).flatten(2))  # (batch, T_q, d_model)
        return (output, weights) if return_weights else output


class AdditiveAttention(nn.Module):
    """Attention whose scores come from a small network: ``v . tanh(W_q query + W_k key)``.

    The score of Bahdanau et al. (2014), "Neural Machine Translation by Jointly Learning to Align
    and Translate", appendix A.1.2. Query and key may differ in width.

    Args:
        d_query: width of a query.
        d_key: width of a key.
        d_hidden: width of the small network.

    Raises:
        ValueError: a width below 1.
    """

    def __init__(self, d_query: int, d_key: int, d_hidden: int) -> None:
        super().__init__()
        if min(d_query, d_key, d_hidden) < 1:
            raise ValueError(
                f"d_query={d_query}, d_key={d_key}, d_hidden={d_hidden}; expected at least 1 each"
            )
        self.query_map = nn.Linear(d_query, d_hidden, bias=False)
        self.key_map = nn.Linear(d_key, d_hidden, bias=False)
        self.score = nn.Linear(d_hidden, 1, bias=False)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Mix the values for every query.

        Args:
            query: ``(..., T_q, d_query)``.
            key: ``(..., T_k, d_key)``.
            value: ``(..., T_k, d_value)``.
            mask: boolean, broadcastable to ``(..., T_q, T_k)``; True = may attend.

        Returns:
            The output ``(..., T_q, d_value)`` and the weights ``(..., T_q, T_k)``. The scores
            pass through ``(..., T_q, T_k, d_hidden)`` numbers; dot products need no such tensor.

        Raises:
            TypeError, ValueError: as :func:`dot_product_attention`.
        """
        scores_shape = self._check(query, key, value, mask)
        queries, keys = self.query_map(query), self.key_map(key)
        hidden = torch.tanh(queries.unsqueeze(-2) + keys.unsqueeze(-3))  # (..., T_q, T_k, hidden)
        weights = _softmax(self.score(hidden).squeeze(-1), mask).expand(scores_shape)
        return weights @ value, weights

    def _check(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None
    ) -> tuple[int, ...]:
        check_tensors(query, key, value, same_width=False)
        leading = leading_shape(query, key, value)
        scores_shape = (*leading, query.size(-2), key.size(-2))
        check_options(mask, None, 0.0, scores_shape, query.device)
        for name, tensor, layer in (("query", query, self.query_map), ("key", key, self.key_map)):
            if tensor.size(-1) != layer.in_features or tensor.dtype != layer.weight.dtype:
                given = f"width {tensor.size(-1)} and dtype {dtype_name(tensor.dtype)}"
                needed = f"width {layer.in_features} and dtype {dtype_name(layer.weight.dtype)}"
                raise ValueError(
                    f"{name} has {given}; expected {needed}, those of this layer's map: give the "
                    f"layer d_{name}={tensor.size(-1)}, or convert it with .to(...)"
                )
        return scores_shape


def _fused(query: Tensor, key: Tensor, value: Tensor, **options) -> Tensor:
    """Call PyTorch's kernel in the form that never stores the ``(T_q, T_k)`` weights.

    It wants four dimensions and one width. Zeros appended to queries and keys change no score;
    appended to values they give numbers that are cut off again.
    """
    width, shape = value.size(-1), query.shape[:-1]
    if query.dim() == 4 and query.size(-1) == width:
        return F.scaled_dot_product_attention(query, key, value, **options)
    widest = max(width, query.size(-1))
    tensors = [t[(None,) * (4 - t.dim())] for t in (query, key, value)]
    tensors = [t if t.size(-1) == widest else F.pad(t, (0, widest - t.size(-1))) for t in tensors]
    output = F.scaled_dot_product_attention(*tensors, **options)
    return output[..., :width].reshape(*shape, width)


def _softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over the keys that the mask allows; zeros for a query that may attend to nothing."""
    mask, nothing = _allow_something(mask)
    if mask is None:
        return torch.softmax(scores, dim=-1)
    weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)
    return weights if nothing is None else weights.masked_fill(nothing, 0.0)


def _allow_something(mask: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Let a query that may attend to nothing look at every key, and mark it: ``(..., T_q, 1)``.

    Softmax over no key divides 0 by 0. What such a query finds is replaced by zeros afterwards:
    no NaN, and no gradient either. A CPU looks first whether there is such a query; a GPU would
    have to wait for the answer.
    """
    if mask is None:
        return None, None
    mask = torch.atleast_2d(mask)
    nothing = ~mask.any(dim=-1, keepdim=True)
    if mask.device.type == "cpu" and not nothing.any():
        return mask, None
    return mask | nothing, nothing
