"""Attention: compare a query with every key, turn the scores into weights, average the values.

Everything in this package that attends (self, causal, cross, cached, one head or many) calls
:func:`dot_product_attention`. Read that function and you have read them all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.masks import causal_mask, combine_masks

__all__ = ["AdditiveAttention", "dot_product_attention", "parameter_free_attention"]


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
        mask: boolean, broadcastable to ``(..., T_q, T_k)``; **True = may attend**.
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
        ValueError: shapes that do not fit together, empty sequences, mixed devices, or a
            ``dropout`` outside ``[0, 1)``.
    """
    _check_tensors(query, key, value)
    leading = _leading_shape(query, key, value)
    _check_options(mask, scale, dropout, (*leading, query.size(-2), key.size(-2)), query.device)
    if scale is None:
        scale = query.size(-1) ** -0.5
    query, key, value = (t.expand(*leading, *t.shape[-2:]) for t in (query, key, value))

    length_q, length_k = query.size(-2), key.size(-2)
    if is_causal and (return_weights or mask is not None or length_q != length_k):
        mask = combine_masks(mask, causal_mask(length_q, length_k, device=query.device))
        is_causal = False

    if not return_weights:
        mask, nothing = _allow_something(mask)
        output = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=is_causal, scale=scale
        )
        return output if nothing is None else output.masked_fill(nothing, 0.0)

    scores = (query * scale) @ key.transpose(-2, -1)  # (..., T_q, T_k)
    weights = _softmax(scores, mask)  # every row sums to 1
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
        queries, keys = self.query_map(query), self.key_map(key)
        _check_tensors(queries, keys, value)
        leading = _leading_shape(queries, keys, value)
        scores_shape = (*leading, query.size(-2), key.size(-2))
        _check_options(mask, None, 0.0, scores_shape, query.device)
        hidden = torch.tanh(queries.unsqueeze(-2) + keys.unsqueeze(-3))  # (..., T_q, T_k, hidden)
        weights = _softmax(self.score(hidden).squeeze(-1), mask)
        return weights @ value, weights


def _softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over the keys that the mask allows; zeros for a query that may attend to nothing."""
    mask, nothing = _allow_something(mask)
    if mask is None:
        return torch.softmax(scores, dim=-1)
    weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)
    return weights.masked_fill(nothing, 0.0)


def _allow_something(mask: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Let a query that may attend to nothing look at every key, and mark it: ``(..., T_q, 1)``.

    Softmax over no key divides 0 by 0. What such a query finds is replaced by zeros afterwards:
    no NaN, and no gradient either.
    """
    if mask is None:
        return None, None
    mask = torch.atleast_2d(mask)
    nothing = ~mask.any(dim=-1, keepdim=True)
    return mask | nothing, nothing


def _check_tensors(query: Tensor, key: Tensor, value: Tensor) -> None:
    named = {"query": query, "key": key, "value": value}
    for name, tensor in named.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{name} is a {type(tensor).__name__}; expected a torch.Tensor: "
                f"try torch.as_tensor({name})"
            )
        if not tensor.is_floating_point():
            raise TypeError(
                f"{name} has dtype {_name(tensor.dtype)}; expected a floating-point dtype: "
                f"embed token ids first, or call {name}.float()"
            )
        if tensor.dim() < 2:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}; expected at least two dimensions, "
                f"(..., length, width): for one vector use {name}[None, :]"
            )
        if 0 in tensor.shape[-2:]:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}: its length or width is 0; attention "
                "needs at least one position and one feature: drop empty sequences first"
            )
    _check_alike("dtype", {name: _name(t.dtype) for name, t in named.items()}, TypeError)
    _check_alike("device", {name: str(t.device) for name, t in named.items()}, ValueError)
    if query.size(-1) != key.size(-1):
        raise ValueError(
            f"query has width {query.size(-1)} and key has width {key.size(-1)}; a dot product "
            "needs equal widths (d_head): project them to the same size, or check that neither "
            "is transposed"
        )
    if key.size(-2) != value.size(-2):
        raise ValueError(
            f"key has length {key.size(-2)} and value has length {value.size(-2)}; expected one "
            "value for every key: take both from the same sequence"
        )


def _check_alike(what: str, given: dict[str, str], error: type[Exception]) -> None:
    if len(set(given.values())) > 1:
        listed = ", ".join(f"{name} has {what} {it}" for name, it in given.items())
        raise error(f"{listed}; expected one {what} for all three: convert them with .to(...)")


def _check_options(
    mask: Tensor | None,
    scale: float | None,
    dropout: float,
    scores_shape: tuple[int, ...],
    device: torch.device,
) -> None:
    if scale is not None and (isinstance(scale, bool) or not isinstance(scale, (int, float))):
        raise TypeError(
            f"scale is a {type(scale).__name__}; expected a float or None: multiply the query "
            "by a learned scale yourself and pass scale=1.0"
        )
    if not 0.0 <= dropout < 1.0:
        raise ValueError(
            f"dropout={dropout}; expected a probability in [0, 1): 0.1 drops one weight in ten"
        )
    if mask is None:
        return
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        given = (
            f"has dtype {_name(mask.dtype)}"
            if isinstance(mask, Tensor)
            else f"is a {type(mask).__name__}"
        )
        raise TypeError(
            f"mask {given}; masks are boolean tensors, True = may attend: see the converters in "
            "attention_lib.masks for 1/0 masks, additive masks and True = blocked"
        )
    if mask.device != device:
        raise ValueError(
            f"mask is on {mask.device} and query is on {device}; expected one device: "
            f"use mask.to({str(device)!r})"
        )
    try:
        fits = torch.broadcast_shapes(mask.shape, scores_shape) == scores_shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"mask has shape {tuple(mask.shape)}; expected one that broadcasts to "
            f"(..., query, key) = {scores_shape}: turn a (batch, length) mask of real tokens "
            "into one with attention_lib.masks.padding_mask, and give a (batch, query, key) "
            "mask its heads dimension with mask[:, None]"
        )


def _leading_shape(query: Tensor, key: Tensor, value: Tensor) -> torch.Size:
    """The batch and heads dimensions that the three share once broadcast."""
    shapes = [tensor.shape[:-2] for tensor in (query, key, value)]
    try:
        return torch.broadcast_shapes(*shapes)
    except RuntimeError:
        given = ", ".join(
            f"{name} {tuple(tensor.shape)}"
            for name, tensor in (("query", query), ("key", key), ("value", value))
        )
        raise ValueError(
            f"{given}: the dimensions before (length, width) do not broadcast together; expected "
            "the same batch and heads in all three: check the order (batch, heads, length, width)"
        ) from None


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
