"""Patches of images: what people write instead."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def _slices(images, p):
    patches = [
        images[:, :, y : y + p, x : x + p].flatten(1)
        for y in range(0, images.size(2), p)
        for x in range(0, images.size(3), p)
    ]
    return torch.stack(patches, dim=1)


def _unfolded(images, p):
    """Tensor.unfold: (batch, channels, rows, columns, p, p)."""
    parts = images.unfold(2, p, p).unfold(3, p, p)
    return parts.movedim(1, 3).flatten(3).flatten(1, 2)


def _convolution(images, p):
    """A convolution whose filters pick out one pixel each."""
    size = images.size(1) * p * p
    filters = torch.eye(size, dtype=images.dtype).view(size, images.size(1), p, p)
    return F.conv2d(images, filters, stride=p).flatten(2).transpose(1, 2)


def _numpy(images, p):
    images = images.numpy()
    b, _, h, w = images.shape
    rows = np.concatenate(np.split(images[:, None], w // p, axis=-1), axis=1)
    parts = np.stack(np.split(rows, h // p, axis=-2), axis=1)
    return parts.reshape(b, (h // p) * (w // p), -1)


PATCHES_RIGHT = {
    "slices": _slices,
    "F.unfold": lambda images, p: F.unfold(images, p, stride=p).transpose(1, 2),
    "nn.Unfold": lambda images, p: nn.Unfold(p, stride=p)(images).mT,
    "Tensor.unfold": _unfolded,
    "convolution": _convolution,
    "NumPy": _numpy,
    "pixel_unshuffle": lambda images, p: F.pixel_unshuffle(images, p).flatten(2).mT,
}


def _in_order(letters):
    """An einsum of b, c, rows y of p pixels v, columns x of p pixels u, then the right shape."""

    def patches(images, p):
        b, c, h, w = images.shape
        parts = images.unflatten(3, (w // p, p)).unflatten(2, (h // p, p))
        return torch.einsum(f"bcyvxu->{letters}", parts).reshape(b, -1, c * p * p)

    return patches


def _loop(images, p, flatten=lambda patch: patch.flatten(1), grid=None):
    """Slices again, with other patches or another order of them."""
    rows, columns = range(0, images.size(2), p), range(0, images.size(3), p)
    places = grid(rows, columns) if grid else [(y, x) for y in rows for x in columns]
    return torch.stack([flatten(images[:, :, y : y + p, x : x + p]) for y, x in places], 1)


def _looping(**change):
    return lambda images, p: _loop(images, p, **change)


def _by_columns(rows, columns):
    return [(y, x) for x in columns for y in rows]


def _stack_in_front(images, p):
    parts = torch.stack([part.flatten(1) for row in images.split(p, 2) for part in row.split(p, 3)])
    return parts.reshape(len(images), -1, parts.size(-1))


def _split_into_p(images, p):
    parts = [part.flatten(1) for row in images.chunk(p, 2) for part in row.chunk(p, 3)]
    return torch.stack(parts, 1)


def _dilated(images, p):
    steps = images.size(2) // p, images.size(3) // p
    return F.unfold(images, p, dilation=steps).transpose(1, 2)


def _channels_last_sampling(images, p):
    parts = [images[:, :, i::p, j::p] for i in range(p) for j in range(p)]
    return torch.stack([part.flatten(1) for part in parts], 1)


def _width_for_height(images, p):
    b, c, h, w = images.shape
    parts = images.reshape(b, c, w // p, p, h // p, p)
    return torch.einsum("bcyvxu->byxcvu", parts).reshape(b, h * w // p**2, c * p * p)


def _root(images, p):
    """As many patches along each side as the root of their number."""
    b, c, h, w = images.shape
    n = math.isqrt(h * w) // p
    parts = images.reshape(b, c, n, p, n, p)
    return torch.einsum("bcyvxu->byxcvu", parts).reshape(b, n * n, c * p * p)


def _height_only(images, p):
    n = images.size(2) // p
    parts = images.unflatten(2, (n, p)).unflatten(4, (n, p))
    return torch.einsum("bcyvxu->byxcvu", parts).flatten(3).flatten(1, 2)


def _writes(images, p):
    images -= images.mean()
    return _slices(images, p)


PATCHES_MISTAKES = {
    "reshape": (
        lambda images, p: images.reshape(len(images), -1, images.size(1) * p**2),
        "cut the numbers anew",
    ),
    "reshape of each channel": (
        lambda images, p: images.view(*images.shape[:2], -1, p, p).movedim(2, 1).flatten(2),
        "you cut each channel anew",
    ),
    "columns first": (_looping(grid=_by_columns), "^your patches go column by column"),
    "pixels by columns": (
        _looping(flatten=lambda patch: patch.mT.flatten(1)),
        "^the pixels of each patch go column",
    ),
    "all by columns": (
        lambda images, p: _slices(images.transpose(2, 3), p),
        "patches and their pixels go column",
    ),
    "channels last": (
        _looping(flatten=lambda patch: patch.permute(0, 2, 3, 1).flatten(1)),
        "^the channels come last",
    ),
    "channels between": (
        _looping(flatten=lambda patch: patch.transpose(1, 2).flatten(1)),
        "the channels come between",
    ),
    "columns first, channels last": (_in_order("bxyvuc"), "two things: patches go"),
    "channels before patches": (_in_order("bcyxvu"), "holds patches of one colour"),
    "mixed with the batch": (_stack_in_front, "batch and patches are mixed"),
    "unfold, reshaped": (
        lambda images, p: F.unfold(images, p, stride=p).reshape(
            len(images), -1, images.size(1) * p * p
        ),
        "which a reshape does not turn round",
    ),
    "unfold": (
        lambda images, p: F.unfold(images, p, stride=p),
        r"your answer is \(batch, numbers, patches\)",
    ),
    "dilated": (_dilated, "your patches are thinned images"),
    "sampled": (_channels_last_sampling, "you take every p-th pixel"),
    "p parts": (_split_into_p, "you cut each side into p parts"),
    "height and width": (_width_for_height, "height and width are swapped"),
    "square by height": (_height_only, "you count the patches of one side"),
    "square by width": (
        lambda images, p: _loop(
            images[..., : images.size(3), :], p, grid=lambda y, x: [(a, b) for a in x for b in x]
        ),
        "you count the patches of one side",
    ),
    "square by the root": (_root, "you count the patches of one side"),
    "overlapping": (lambda images, p: F.unfold(images, p).transpose(1, 2), "patches overlap"),
    "one list": (
        lambda images, p: _slices(images, p).flatten(0, 1),
        "images stand in one list",
    ),
    "a grid": (
        lambda images, p: _slices(images, p).unflatten(1, (images.size(2) // p, -1)),
        "are two dimensions in your answer",
    ),
    "small images": (_looping(flatten=lambda patch: patch), "still small images"),
    "six dimensions": (
        lambda images, p: images.unfold(2, p, p).unfold(3, p, p).permute(0, 2, 3, 1, 4, 5),
        "what is left is to join them",
    ),
    "split only": (
        lambda images, p: images.unflatten(3, (-1, p)).unflatten(2, (-1, p)),
        "nothing is moved or joined yet",
    ),
    "channels apart": (
        lambda images, p: torch.cat([_slices(one[:, None], p) for one in images.unbind(1)], 1),
        "each channel has patches of its own",
    ),
    "first image": (lambda images, p: _slices(images, p)[:1], "only the first image is cut:"),
    "first image, no batch": (lambda images, p: _slices(images, p)[0], "and the batch is gone"),
    "first channel": (
        lambda images, p: _slices(images, p)[..., : p * p],
        "only the first channel",
    ),
    "grey": (
        _looping(flatten=lambda patch: (patch.sum(1) / patch.size(1)).flatten(1)),
        "you average the channels",
    ),
    "means": (
        _looping(flatten=lambda patch: patch.mean((2, 3))),
        "you average the pixels of each patch",
    ),
    "upside down": (
        lambda images, p: _slices(images.flip(-2), p),
        "stands on its head",
    ),
    "changes its input": (_writes, "changed its input"),
    "a view of what was moved": (
        lambda images, p: (
            images.unfold(2, p, p)
            .unfold(3, p, p)
            .movedim(1, 3)
            .view(len(images), -1, images.size(1) * p * p)
        ),
        "raised RuntimeError.*view",
    ),
    "not written": (lambda images, p: None, "returns nothing yet"),
    "nobody foresaw": (
        lambda images, p: _slices(images, p).flip(1),
        r"wrong on one square image of four patches; it should be true that the first patch.*\n"
        r"images: +\[\[\[\[0\.0, 1\.0, 2\.0, 3\.0\], .*\np: +2\n"
        r"you gave: +\[\[\[10\.0, 11\.0, 14\.0, 15\.0\], ",
    ),
    "nobody foresaw pixels per patch": (
        lambda images, p: _slices(images, p) / 255,
        "it should be true that every pixel is there once, and it is not",
    ),
}
