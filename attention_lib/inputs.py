"""What every attention demands of its inputs, and what it says when they do not fit.

Kept apart so that attention.py reads as the computation alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch
from torch import Tensor

from attention_lib.settings import check_dropout, check_flags

__all__ = [
    "check_attention",
    "check_ids",
    "check_images",
    "check_options",
    "check_sequences",
    "check_tensor",
    "check_tensors",
    "dtype_name",
    "leading_shape",
]


def check_tensor(name: str, tensor: Tensor) -> None:
    """Check one tensor ``(..., length, width)``.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: fewer than two dimensions, or an empty one.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"{name} is a {type(tensor).__name__}; expected a torch.Tensor: "
            f"try torch.as_tensor({name})"
        )
    if not tensor.is_floating_point():
        raise TypeError(
            f"{name} has dtype {dtype_name(tensor.dtype)}; expected a floating-point dtype: "
            f"embed token ids first, or call {name}.float()"
        )
    if len(shape := tensor.shape) < 2:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)}; expected at least two dimensions, "
            f"(..., length, width): for one vector use {name}[None, :]"
        )
    if shape[-1] == 0 or shape[-2] == 0:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)}: its length or width is 0; attention "
            "needs at least one position and one feature: drop empty sequences first"
        )


def check_tensors(query: Tensor, key: Tensor, value: Tensor, *, same_width: bool = True) -> None:
    """Check three tensors ``(..., length, width)``; ``same_width`` asks it of query and key.

    Raises:
        TypeError: not floating-point tensors, or mixed dtypes.
        ValueError: shapes that do not fit together, empty sequences, or mixed devices.
    """
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        check_tensor(name, tensor)
    if not query.dtype == key.dtype == value.dtype:
        given = [dtype_name(tensor.dtype) for tensor in (query, key, value)]
        raise TypeError(_unlike("dtype", given))
    if not query.device == key.device == value.device:
        raise ValueError(_unlike("device", [query.device, key.device, value.device]))
    if same_width and query.size(-1) != key.size(-1):
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


def _unlike(what: str, given: Sequence[object]) -> str:
    listed = zip(("query", "key", "value"), given, strict=True)
    told = ", ".join(f"{name} has {what} {one}" for name, one in listed)
    return f"{told}; expected one {what} for all three: convert them with .to(...)"


def check_options(
    mask: Tensor | None,
    scale: float | None,
    dropout: float,
    scores_shape: tuple[int, ...],
    device: torch.device,
) -> None:
    """Check the options of an attention whose scores have a known shape.

    Raises:
        TypeError: a mask that is not boolean, or a scale or dropout that is not a number.
        ValueError: a mask that does not broadcast or stands elsewhere, a scale that is not finite,
            or a dropout outside ``[0, 1)``.
    """
    if scale is not None and (isinstance(scale, bool) or not isinstance(scale, (int, float))):
        raise TypeError(
            f"scale is a {type(scale).__name__}; expected a float or None: multiply the query "
            "by a learned scale yourself and pass scale=1.0"
        )
    if scale is not None and not abs(scale) < sys.float_info.max:
        raise ValueError(f"scale={scale}; expected a finite number, such as 1 / sqrt(d_head)")
    check_dropout(dropout=dropout)
    if mask is None:
        return
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        given = (
            f"has dtype {dtype_name(mask.dtype)}"
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
    # Not torch.broadcast_shapes: it takes longer than the attention of a short sequence.
    pairs = zip(reversed(mask.shape), reversed(scores_shape), strict=False)
    if mask.dim() > len(scores_shape) or not all(own in (1, wanted) for own, wanted in pairs):
        raise ValueError(
            f"mask has shape {tuple(mask.shape)}; expected one that broadcasts to "
            f"(..., query, key) = {scores_shape}: turn a (batch, length) mask of real tokens "
            "into one with attention_lib.masks.padding_mask, and give a (batch, query, key) "
            "mask its heads dimension with mask[:, None]"
        )


def check_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    scale: float | None = None,
    dropout: float = 0.0,
    **flags: bool,
) -> torch.Size:
    """Check everything that an attention is called with. Give the leading shape of all three.

    Raises:
        TypeError, ValueError: as :func:`check_tensors`, :func:`check_flags`,
            :func:`leading_shape` and :func:`check_options`.
    """
    check_tensors(query, key, value)
    check_flags(**flags)
    leading = leading_shape(query, key, value)
    check_options(mask, scale, dropout, (*leading, query.size(-2), key.size(-2)), query.device)
    return leading


def check_ids(
    name: str, ids: Tensor, vocab_size: int, mask: Tensor | None = None, *, start: int = 0
) -> None:
    """Check token ids ``(batch, length)`` and the mask of real tokens ``(batch, start + length)``.

    Raises:
        TypeError: ids that are not integers, or a mask that is not boolean.
        ValueError: other shapes, or (seen on the CPU only: a GPU would have to wait) ids outside
            ``0 .. vocab_size - 1``.
    """
    if not isinstance(ids, Tensor) or ids.dtype not in (torch.int64, torch.int32):
        given = dtype_name(ids.dtype) if isinstance(ids, Tensor) else type(ids).__name__
        raise TypeError(f"{name} is {given}; expected token ids: a tensor of int64")
    if ids.dim() != 2 or 0 in ids.shape:
        raise ValueError(
            f"{name} has shape {tuple(ids.shape)}; expected (batch, length), neither of them 0: "
            f"for one sequence use {name}[None]"
        )
    if ids.device.type == "cpu" and not 0 <= int(ids.min()) <= int(ids.max()) < vocab_size:
        raise ValueError(
            f"{name} holds ids from {int(ids.min())} to {int(ids.max())}; expected 0 to "
            f"{vocab_size - 1}: raise vocab_size, or encode with the vocabulary of this model"
        )
    if mask is None:
        return
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        given = dtype_name(mask.dtype) if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(
            f"the mask of {name} is {given}; masks are boolean tensors, True = a real token: "
            "try ids != pad_id"
        )
    expected = (ids.size(0), start + ids.size(1))
    if mask.shape != expected:
        raise ValueError(
            f"the mask of {name} has shape {tuple(mask.shape)}; expected {expected}, one entry a "
            "token; causal masks are made inside"
        )


def check_images(images: Tensor, num_channels: int, size: int) -> None:
    """Check images ``(batch, num_channels, size, size)``.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: another shape, or an empty batch.
    """
    if not isinstance(images, Tensor) or not images.is_floating_point():
        given = dtype_name(images.dtype) if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"images is {given}; expected floating point: try images.float() / 255")
    if images.dim() != 4 or images.shape[1:] != (num_channels, size, size) or len(images) == 0:
        raise ValueError(
            f"images has shape {tuple(images.shape)}; expected (batch, {num_channels}, {size}, "
            f"{size}): for one image use images[None], for grey ones images[:, None]"
        )


def check_sequences(
    d_model: int, *, like: Tensor | None = None, fix: str = "", **named: Tensor
) -> None:
    """Check tensors ``(batch, length, d_model)``.

    Args:
        d_model: their width.
        like: a parameter whose dtype and device they must have; autocast may mix dtypes.
        fix: what to do about another width.
        named: the tensors, by the names that the caller knows.

    Raises:
        TypeError: not a floating-point tensor, or another dtype.
        ValueError: another number of dimensions, another width, or another device.
    """
    for name, tensor in named.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"{name} is a {type(tensor).__name__}; expected a torch.Tensor "
                f"(batch, length, {d_model}){': ' + fix if fix else ''}"
            )
        if len(shape := tensor.shape) != 3 or shape[2] != d_model:
            mend = fix or "map it to this width first, or build the layer for another d_model"
            if tensor.dim() == 2 and not fix:
                mend = f"for one sequence use {name}[None]"
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}; expected (batch, length, {d_model}): "
                f"{mend}"
            )
        if not tensor.is_floating_point():
            raise TypeError(
                f"{name} has dtype {dtype_name(tensor.dtype)}; expected a floating-point dtype: "
                "embed token ids first"
            )
        if like is None:
            continue
        if tensor.device != like.device:
            raise ValueError(
                f"{name} is on {tensor.device}; expected {like.device}, where this layer is: "
                f"{name}.to({str(like.device)!r})"
            )
        if tensor.dtype != like.dtype and not torch.is_autocast_enabled(tensor.device.type):
            raise TypeError(
                f"{name} has dtype {dtype_name(tensor.dtype)}; expected "
                f"{dtype_name(like.dtype)}, that of this layer: {name}.to({like.dtype}), or "
                f"convert the layer with .to({tensor.dtype})"
            )


def leading_shape(query: Tensor, key: Tensor, value: Tensor) -> torch.Size:
    """Give the batch and heads dimensions that the three share once broadcast.

    Raises:
        ValueError: they do not broadcast together.
    """
    shapes = [tensor.shape[:-2] for tensor in (query, key, value)]
    if shapes[0] == shapes[1] == shapes[2]:
        return shapes[0]
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


def dtype_name(dtype: torch.dtype) -> str:
    """Name a dtype as people write it: ``float32``."""
    return str(dtype).removeprefix("torch.")
