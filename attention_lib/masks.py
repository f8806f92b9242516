"""Masks: who may attend to whom.

One convention everywhere: a mask is boolean, broadcasts to ``(batch, heads, query, key)``, and
**True means "may attend"**. Other libraries say it differently; the converters at the end of
this file are the only place where that shows.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = [
    "causal_mask",
    "combine_masks",
    "from_additive",
    "from_blocked",
    "from_hugging_face",
    "length_mask",
    "padding_mask",
    "to_additive",
    "to_blocked",
    "to_hugging_face",
    "window_mask",
]


def causal_mask(
    query_length: int, key_length: int | None = None, *, device: torch.device | None = None
) -> Tensor:
    """Let every query attend to itself and to what came before it.

    Aligned at the end: the last query sees every key. With a cache of earlier keys
    (``key_length > query_length``) that is what decoding needs.

    Args:
        query_length: number of queries, at least 1.
        key_length: number of keys; ``query_length`` when None.
        device: where to put the mask.

    Returns:
        A boolean mask ``(query_length, key_length)``.

    Raises:
        ValueError: a length below 1.
    """
    query_at, key_at = _positions(query_length, key_length, device)
    return key_at <= query_at


def window_mask(
    query_length: int,
    key_length: int | None = None,
    *,
    window: int,
    device: torch.device | None = None,
) -> Tensor:
    """Let every query attend to keys fewer than ``window`` positions away, on either side.

    ``combine_masks(causal_mask(n), window_mask(n, window=w))`` is the sliding window of Mistral
    7B (Jiang et al., 2023): the query itself and the ``w - 1`` positions before it.

    Args:
        query_length: number of queries, at least 1.
        key_length: number of keys; ``query_length`` when None. Aligned at the end.
        window: at least 1; with 1 a query sees itself alone.
        device: where to put the mask.

    Returns:
        A boolean mask ``(query_length, key_length)``.

    Raises:
        ValueError: a length or a window below 1.
    """
    if window < 1:
        raise ValueError(f"window={window}; expected at least 1: a query sees itself")
    query_at, key_at = _positions(query_length, key_length, device)
    return (query_at - key_at).abs() < window


def length_mask(lengths: Tensor, max_length: int | None = None) -> Tensor:
    """Which tokens of a padded batch are real.

    Args:
        lengths: number of real tokens of each sequence, ``(batch,)``, integers.
        max_length: width of the batch; the longest length when None.

    Returns:
        A boolean tensor ``(batch, max_length)``, True = a real token.

    Raises:
        TypeError: lengths that are not integers.
        ValueError: not one-dimensional, or a length outside ``0..max_length``.
    """
    _check_tensor("lengths", lengths)
    if lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise TypeError(f"lengths has dtype {lengths.dtype}; expected integers, one a sequence")
    if lengths.dim() != 1 or len(lengths) == 0:
        raise ValueError(f"lengths has shape {tuple(lengths.shape)}; expected (batch,)")
    longest = int(lengths.max())
    max_length = longest if max_length is None else max_length
    if int(lengths.min()) < 0 or longest > max_length:
        raise ValueError(
            f"lengths run from {int(lengths.min())} to {longest}; expected 0 to "
            f"max_length={max_length}: truncate the sequences, or raise max_length"
        )
    return torch.arange(max_length, device=lengths.device) < lengths[:, None]


def padding_mask(real: Tensor) -> Tensor:
    """Hide padding from every query: ``(batch, length)`` -> ``(batch, 1, 1, length)``.

    Args:
        real: boolean ``(batch, length)``, True = a real token.

    Returns:
        A boolean mask ``(batch, 1, 1, length)``, the same keys for every head and query.

    Raises:
        TypeError: not boolean.
        ValueError: not two-dimensional.
    """
    _check_boolean("real", real)
    _check_two_dimensional("real", real)
    return real[:, None, None, :]


def combine_masks(*masks: Tensor | None) -> Tensor | None:
    """May attend only where every mask says so. None stands for "no restriction".

    Args:
        masks: boolean, of shapes that broadcast together, such as ``(batch, 1, 1, key)`` and
            ``(query, key)``; or None.

    Returns:
        Their "and", or None when every argument is None.

    Raises:
        TypeError: a mask that is not boolean.
        ValueError: masks whose shapes do not broadcast together, or on different devices.
    """
    combined = None
    for mask in masks:
        if mask is None:
            continue
        _check_boolean("mask", mask)
        if combined is None:
            combined = mask
            continue
        if mask.device != combined.device:
            raise ValueError(
                f"masks are on {combined.device} and {mask.device}; expected one device: give "
                "causal_mask the device of the others"
            )
        try:
            combined = combined & mask
        except RuntimeError:
            raise ValueError(
                f"masks of shapes {tuple(combined.shape)} and {tuple(mask.shape)} do not "
                "broadcast together; expected shapes that fit (batch, heads, query, key): "
                "padding_mask turns (batch, length) into (batch, 1, 1, length)"
            ) from None
    return combined


# --- other libraries' conventions ---------------------------------------------------------


def from_blocked(mask: Tensor) -> Tensor:
    """From ``torch.nn.MultiheadAttention``'s boolean masks, where True means "blocked".

    Args:
        mask: boolean, any shape (``attn_mask`` or ``key_padding_mask``).

    Returns:
        The same shape, True = may attend (for ``key_padding_mask``, True = a real token).

    Raises:
        TypeError: not boolean.
    """
    _check_boolean("mask", mask)
    return ~mask


def to_blocked(mask: Tensor) -> Tensor:
    """To ``torch.nn.MultiheadAttention``'s boolean masks, where True means "blocked".

    The opposite of :func:`from_blocked`; argument, result and errors as :func:`from_blocked`.
    """
    return from_blocked(mask)


def from_hugging_face(attention_mask: Tensor) -> Tensor:
    """From Hugging Face's ``attention_mask``: 1 for a real token, 0 for padding.

    Args:
        attention_mask: ``(batch, length)`` of 1 and 0, any dtype.

    Returns:
        Boolean ``(batch, length)``, True = a real token; see :func:`padding_mask`.

    Raises:
        ValueError: not two-dimensional, or other values than 0 and 1.
    """
    _check_tensor("attention_mask", attention_mask)
    _check_two_dimensional("attention_mask", attention_mask)
    real = attention_mask == 1
    if not bool((real | (attention_mask == 0)).all()):
        raise ValueError(
            "attention_mask holds values other than 0 and 1; expected 1 for a real token and 0 "
            "for padding: for 0 and -inf use from_additive"
        )
    return real


def to_hugging_face(real: Tensor) -> Tensor:
    """To Hugging Face's ``attention_mask``: ``(batch, length)`` int64, 1 for a real token.

    Raises:
        TypeError: not boolean.
        ValueError: not two-dimensional.
    """
    _check_boolean("real", real)
    _check_two_dimensional("real", real)
    return real.to(torch.int64)


def from_additive(mask: Tensor) -> Tensor:
    """From a mask that is added to the scores: 0 where allowed, -inf where blocked.

    The lowest finite number of the dtype counts as -inf; some libraries write that.

    Args:
        mask: floating point, any shape.

    Returns:
        Boolean, the same shape, True = may attend.

    Raises:
        TypeError: not floating point.
        ValueError: other values, that is, a bias and not a mask.
    """
    _check_tensor("mask", mask)
    if not mask.is_floating_point():
        raise TypeError(f"mask has dtype {mask.dtype}; expected 0 and -inf in floating point")
    allowed = mask == 0
    if not bool((allowed | (mask <= torch.finfo(mask.dtype).min)).all()):
        raise ValueError(
            "mask holds values other than 0 and -inf: it is a bias on the scores, which a "
            "boolean mask cannot express"
        )
    return allowed


def to_additive(mask: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """To a mask that is added to the scores: 0 where allowed, -inf where blocked.

    A query that may attend to nothing then gets NaN from most libraries, not zeros.

    Args:
        mask: boolean, any shape, True = may attend.
        dtype: floating-point dtype of the scores.

    Returns:
        The same shape, in ``dtype``.

    Raises:
        TypeError: not boolean.
    """
    _check_boolean("mask", mask)
    if not dtype.is_floating_point:
        raise TypeError(f"dtype is {dtype}; expected a floating-point dtype, that of the scores")
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(
        ~mask, float("-inf")
    )


def _positions(
    query_length: int, key_length: int | None, device: torch.device | None
) -> tuple[Tensor, Tensor]:
    """Positions of queries ``(T_q, 1)`` and keys ``(1, T_k)`` when the last of both coincide."""
    key_length = query_length if key_length is None else key_length
    if query_length < 1 or key_length < 1:
        raise ValueError(
            f"query_length={query_length}, key_length={key_length}; expected at least 1 each"
        )
    query_at = torch.arange(query_length, device=device) + (key_length - query_length)
    return query_at[:, None], torch.arange(key_length, device=device)[None, :]


def _check_tensor(name: str, given: Tensor) -> None:
    if not isinstance(given, Tensor):
        raise TypeError(
            f"{name} is a {type(given).__name__}; expected a torch.Tensor: torch.tensor({name})"
        )


def _check_boolean(name: str, mask: Tensor) -> None:
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        given = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(
            f"{name} is {given}; masks are boolean tensors, True = may attend: compare first "
            "(ids != pad_id), or use a converter such as from_hugging_face"
        )


def _check_two_dimensional(name: str, mask: Tensor) -> None:
    if mask.dim() != 2:
        raise ValueError(
            f"{name} has shape {tuple(mask.shape)}; expected (batch, length): one row a sequence"
        )
