"""Checker of an image cut into patches, the words of a Vision Transformer."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_patches"]

Formula = Callable[[Tensor, int], Tensor]


def _probe(what: str, batch: int, channels: int, height: int, width: int, p: int) -> Probe:
    """Every pixel has a number of its own, which says where it was."""
    shape = (batch, channels, height, width)
    pixels = torch.arange(batch * channels * height * width, dtype=torch.float64)
    return Probe(what, (pixels.view(shape), p))


# Squares come first: whoever counts patches in one direction alone is right there. Four patches
# are among them, where other functions raise that cut a square into one.
_PROBES = [
    _probe("one square image of one patch", 1, 1, 2, 2, p=2),
    _probe("one square image of four patches", 1, 1, 4, 4, p=2),
    _probe("an image of two patches side by side", 1, 1, 2, 4, p=2),
    _probe("patches of one pixel", 1, 2, 2, 3, p=1),
    _probe("two square images in three colours", 2, 3, 4, 4, p=2),
    _probe("two images, higher than wide", 2, 3, 6, 4, p=2),
    _probe("three images, wider than high", 3, 2, 4, 10, p=2),
    _probe("patches of 3 by 3 pixels", 2, 4, 6, 15, p=3),
    _probe("more channels than patches", 2, 5, 4, 8, p=4),
]

# The six dimensions into which images fall: batch, channel, patch row, pixel row, patch column,
# pixel column.
_B, _C, _Y, _V, _X, _U = range(6)
_RIGHT = (_B, _Y, _X, _C, _V, _U)


def _cut(images: Tensor, p: int) -> Tensor:
    batch, channels, height, width = images.shape
    return images.reshape(batch, channels, height // p, p, width // p, p)


def _size(images: Tensor, p: int) -> tuple[int, int, int]:
    batch, channels, height, width = images.shape
    return batch, (height // p) * (width // p), channels * p * p


def _reference(images: Tensor, p: int) -> Tensor:
    return _ordered(*_RIGHT)(images, p)


def _ordered(*order: int) -> Formula:
    """Put the six dimensions into some order, and then into the right shape."""
    return lambda images, p: _cut(images, p).permute(order).reshape(_size(images, p))


def _strided(images: Tensor, p: int) -> Tensor:
    """Each "patch" is a thinned image: every p-th pixel."""
    batch, channels, height, width = images.shape
    parts = images.reshape(batch, channels, p, height // p, p, width // p)
    return parts.permute(0, 3, 5, 1, 2, 4).reshape(_size(images, p))


def _thinned(images: Tensor, p: int) -> Tensor:
    """One thinned image for each place inside a patch."""
    parts = [images[:, :, y::p, x::p].flatten(1) for y in range(p) for x in range(p)]
    return torch.stack(parts, dim=1)


def _sides_swapped(images: Tensor, p: int) -> Tensor:
    batch, channels, height, width = images.shape
    parts = images.reshape(batch, channels, width // p, p, height // p, p)
    return parts.permute(_RIGHT).reshape(_size(images, p))


def _square(side: int) -> Formula:
    """Count patches along one side (2: height, 3: width) and take the other for the same."""

    def formula(images: Tensor, p: int) -> Tensor:
        batch, channels = images.shape[:2]
        count = images.size(side) // p
        parts = images.reshape(batch, channels, count, p, count, p)
        return parts.permute(_RIGHT).reshape(batch, count * count, -1)

    return formula


def _corner(side: int) -> Formula:
    """As :func:`_square`, with slices: the rest of the longer side is not looked at."""

    def formula(images: Tensor, p: int) -> Tensor:
        starts = range(0, images.size(side), p)
        parts = [images[:, :, y : y + p, x : x + p].flatten(1) for y in starts for x in starts]
        return torch.stack(parts, dim=1)

    return formula


def _tiles(images: Tensor, p: int) -> Tensor:
    """The number of patches along each side and their size, taken for one another."""
    batch, channels, height, width = images.shape
    parts = images.reshape(batch, channels, p, height // p, p, width // p)
    return parts.permute(_RIGHT).reshape(batch, p * p, -1)


_FORGOTTEN = "you cut the numbers anew without moving dimensions: "
_ALTERNATIVES = [
    Alternative(formula, diagnosis)
    for formula, diagnosis in [
        (
            lambda images, p: images.reshape(_size(images, p)),
            _FORGOTTEN + "a patch becomes a few rows of the image, or of one channel",
        ),
        (
            lambda images, p: (
                images.flatten(2).unflatten(2, (-1, p * p)).transpose(1, 2).flatten(2)
            ),
            "you cut each channel anew without moving rows: p * p numbers behind one another are "
            "no square",
        ),
        (
            _ordered(_B, _X, _Y, _C, _V, _U),
            "your patches go column by column: row by row, as one reads",
        ),
        (
            _ordered(_B, _Y, _X, _C, _U, _V),
            "the pixels of each patch go column by column: row by row",
        ),
        (
            _ordered(_B, _X, _Y, _C, _U, _V),
            "patches and their pixels go column by column: rows come first in both",
        ),
        (
            _ordered(_B, _Y, _X, _V, _U, _C),
            "the channels come last inside each patch: they come first, a whole channel at a time",
        ),
        (
            _ordered(_B, _Y, _X, _V, _C, _U),
            "the channels come between the pixels' rows inside each patch: they come first",
        ),
        (
            _ordered(_B, _X, _Y, _V, _U, _C),
            "two things: patches go column by column, and channels come last",
        ),
        (
            _ordered(_B, _C, _Y, _X, _V, _U),
            "patch row and column stand side by side, but the channels still before them: a row of "
            "your answer holds patches of one colour",
        ),
        (
            _ordered(_Y, _X, _B, _C, _V, _U),
            "batch and patches are mixed: the first rows of your answer hold the same patch of "
            "different images; the batch stays in front",
        ),
        (
            _ordered(_B, _C, _V, _U, _Y, _X),
            "that is (batch, numbers, patches) in memory, which a reshape does not turn round: "
            "swap the two dimensions (a transpose)",
        ),
        (
            lambda images, p: _reference(images, p).mT,
            "your answer is (batch, numbers, patches): swap the last two dimensions",
        ),
        (
            _strided,
            "your patches are thinned images, every so-many-th pixel: a patch is made of "
            "neighbours; in height split into (height // p, p) the patch comes first",
        ),
        (
            _thinned,
            "you take every p-th pixel, from each of p * p starts: a patch is made of neighbours",
        ),
        (
            _tiles,
            "you cut each side into p parts: parts of p pixels each were asked for",
        ),
        (
            _sides_swapped,
            "height and width are swapped where you split them: that fits square images alone",
        ),
        *[
            (
                formula,
                "you count the patches of one side and take the other for as long: that "
                "fits square images alone",
            )
            for side in (2, 3)
            for formula in (_square(side), _corner(side))
        ],
        (
            lambda images, p: F.unfold(images, p).mT,
            "your patches overlap, one begins at each pixel: they tile the image (stride p)",
        ),
        (
            lambda images, p: _cut(images, p).permute(_RIGHT).reshape(-1, _size(images, p)[2]),
            "the patches of all images stand in one list: the batch stays a dimension",
        ),
        (
            lambda images, p: _cut(images, p).permute(_RIGHT).flatten(3),
            "rows and columns of patches are two dimensions in your answer: one list of patches",
        ),
        (
            lambda images, p: _cut(images, p).permute(_RIGHT).flatten(1, 2),
            "your patches are still small images: flatten each to one vector",
        ),
        (
            lambda images, p: _cut(images, p).permute(_RIGHT),
            "the dimensions stand in the right order; what is left is to join them into three",
        ),
        (
            lambda images, p: _cut(images, p),
            "you split the sides, but nothing is moved or joined yet",
        ),
        (
            lambda images, p: (
                _cut(images, p).permute(_B, _C, _Y, _X, _V, _U).flatten(4).flatten(1, 3)
            ),
            "each channel has patches of its own: a patch holds the pixels of all channels",
        ),
        (
            lambda images, p: _reference(images[:1], p),
            "only the first image is cut: one list of patches for each image of the batch",
        ),
        (
            lambda images, p: _reference(images[:1], p)[0],
            "only the first image is cut, and the batch is gone",
        ),
        (
            lambda images, p: _reference(images[:, :1], p),
            "only the first channel is in your patches: all of them",
        ),
        (
            lambda images, p: _reference(images.mean(1, keepdim=True), p),
            "you average the channels: each keeps its own numbers",
        ),
        (
            lambda images, p: F.avg_pool2d(images, p).flatten(2).mT,
            "you average the pixels of each patch: all of them are kept",
        ),
        (
            lambda images, p: _reference(images.flip(2), p),
            "your image stands on its head: the first row of pixels is the top one",
        ),
    ]
]

_FACTS = [
    Fact(
        "every pixel is there once",
        lambda answer, images, p: torch.equal(
            answer.flatten().sort().values, images.flatten().sort().values
        ),
    ),
    Fact(
        "the first patch is the upper left corner",
        lambda answer, images, p: torch.equal(
            answer[:, 0].sort().values, images[:, :, :p, :p].flatten(1).sort().values
        ),
    ),
]


def check_patches(function: Formula) -> CheckResult:
    """Check ``function(images, p) -> patches``: images cut into patches of p by p pixels.

    What Dosovitskiy et al. (2021), equation 1, multiply by a matrix: with the weights of a
    convolution of kernel and stride ``p``, flattened in the same order, it gives the same.

    Args:
        function: takes ``images`` ``(batch, channels, height, width)`` in float64, and ``p``, a
            divisor of height and width; returns
            ``(batch, (height // p) * (width // p), channels * p * p)``: patches row by row, each
            flattened channel by channel, and in each channel row by row.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "patches",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
