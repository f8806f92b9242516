"""Chapter 6: what people write instead of turning pairs by their position."""

import math

import numpy as np
import torch

from attention_lib.positions import rotate


def _loops(x):
    """One number after the other, every vector by itself."""
    half = x.shape[-1] // 2
    flat = x.reshape(-1, *x.shape[-2:])
    out = torch.zeros_like(flat)
    for sequence in range(len(flat)):
        for t in range(x.shape[-2]):
            for i in range(half):
                angle = t / 10000 ** (2 * i / x.shape[-1])
                a, b = float(flat[sequence, t, i]), float(flat[sequence, t, i + half])
                out[sequence, t, i] = a * math.cos(angle) - b * math.sin(angle)
                out[sequence, t, i + half] = b * math.cos(angle) + a * math.sin(angle)
    return out.view(x.shape)


def _complex(x, base=10000.0, sign=1, start=0, stretch=1.0, exponent=1.0):
    """A pair is a complex number, and the turn a product."""
    a, b = x.numpy()[..., : x.shape[-1] // 2], x.numpy()[..., x.shape[-1] // 2 :]
    t = stretch * np.arange(start, start + x.shape[-2])
    speed = base ** (-exponent * np.arange(0, x.shape[-1], 2) / x.shape[-1])
    turned = (a + 1j * b) * np.exp(sign * 1j * np.outer(t, speed))
    return np.concatenate([turned.real, turned.imag], axis=-1)


def _matrices(x):
    """One rotation matrix for each position."""
    d, half = x.shape[-1], x.shape[-1] // 2
    turns = torch.zeros(x.shape[-2], d, d, dtype=torch.float64)
    for t in range(x.shape[-2]):
        for i in range(half):
            c, s = (f(t * 10000 ** (-i / half)) for f in (math.cos, math.sin))
            turns[t, i, i], turns[t, i, i + half] = c, -s
            turns[t, i + half, i], turns[t, i + half, i + half] = s, c
    return torch.einsum("tij,...tj->...ti", turns, x)


def _table(x, length=None):
    """Angles in single precision, as most code has them."""
    speed = 1.0 / (10000 ** (torch.arange(0, x.shape[-1], 2).float() / x.shape[-1]))
    return torch.outer(torch.arange(length or x.shape[-2]).float(), speed)


def _rotate_half(x):
    return torch.cat([-x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]], -1)


def _rotate_neighbours(x):
    return torch.stack([-x[..., 1::2], x[..., ::2]], -1).reshape(x.shape)


def _with(angles, partner=_rotate_half):
    return lambda x: x * angles(x).cos() + partner(x) * angles(x).sin()


def _twice(x):
    return torch.cat([_table(x), _table(x)], -1)


def _neighbours(x):
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
    unit = torch.polar(torch.ones_like(_table(x)), _table(x))
    return torch.view_as_real(pairs * unit).flatten(-2)


def _steps(first, second):
    def turn(x):
        a, b = x.chunk(2, -1)
        c, s = _table(x).cos(), _table(x).sin()
        return torch.cat([first(a, b, c, s), second(a, b, c, s)], -1)

    return turn


def _overwrites(x):
    out = x.clone()
    half = x.shape[-1] // 2
    c, s = _table(x).cos(), _table(x).sin()
    out[..., :half] = out[..., :half] * c - out[..., half:] * s
    out[..., half:] = out[..., half:] * c + out[..., :half] * s
    return out


def _in_place(x):
    x *= 2
    return x


def _moved(source):
    """Turn along another dimension, by moving it to the place of the length."""
    return lambda x: rotate(x.transpose(source, -2)).transpose(source, -2)


def _front_dimension(dim):
    """A size counted from the front, which is the length in some shapes only."""

    def turn(x):
        angles = _table(x, x.shape[dim])
        a, b = x.chunk(2, -1)
        c, s = angles.cos(), angles.sin()
        return torch.cat([a * c - b * s, b * c + a * s], -1)

    return turn


def _llama_layout(x):
    """(batch, length, heads, d_head), as Llama's own code has it."""
    _, length, _, d_head = x.shape
    angles = _table(x, length).view(1, length, 1, d_head // 2)
    a, b = x.chunk(2, -1)
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def _four(function):
    def unpacks(x):
        batch, heads, length, d_head = x.shape
        return function(x).reshape(batch, heads, length, d_head)

    return unpacks


def _apart(x):
    turned = _neighbours(x)
    return torch.cat([turned[..., ::2], turned[..., 1::2]], -1)


def _own_angles(x):
    j = torch.arange(x.shape[-1]).double()
    return torch.arange(x.shape[-2])[:, None] / 10000 ** (j / x.shape[-1])


ROTATE_RIGHT = {
    "loops": _loops,
    "library": rotate,
    "complex numbers": _complex,
    "matrices": _matrices,
    "rotate_half": _with(_twice),
    "two assignments": _steps(
        lambda a, b, c, s: c * a - s * b,
        lambda a, b, c, s: c * b + s * a,
    ),
}

ROTATE_MISTAKES = {
    "neighbours": (_neighbours, "you pair neighbours"),
    "neighbours of four dimensions": (_four(_neighbours), "you pair neighbours"),
    "the other way": (lambda x: _complex(x, sign=-1), "you turn the other way round"),
    "two plus": (
        _steps(lambda a, b, c, s: a * c + b * s, lambda a, b, c, s: b * c + a * s),
        "a minus is missing: with plus",
    ),
    "two minus": (
        _steps(lambda a, b, c, s: a * c - b * s, lambda a, b, c, s: b * c - a * s),
        "a minus too many",
    ),
    "overwritten": (_overwrites, "you overwrite the first half"),
    "cos and sin swapped": (
        _steps(lambda a, b, c, s: a * s - b * c, lambda a, b, c, s: b * s + a * c),
        "cos and sin are swapped",
    ),
    "halves swapped": (
        _steps(lambda a, b, c, s: b * c + a * s, lambda a, b, c, s: a * c - b * s),
        "returned in the wrong order",
    ),
    "pairs apart": (_apart, "your pairs come apart"),
    "pairs woven": (
        lambda x: torch.stack(torch.from_numpy(_complex(x)).chunk(2, -1), -1).reshape(x.shape),
        "your pairs come apart",
    ),
    "mixed conventions": (
        _with(lambda x: _table(x).repeat_interleave(2, -1)),
        "two conventions are mixed",
    ),
    "mixed the other way": (_with(_twice, _rotate_neighbours), "two conventions are mixed"),
    "an angle each": (_with(_own_angles), "by different angles"),
    "one angle": (lambda x: _complex(x, base=1.0), "equally fast"),
    "half the exponent": (lambda x: _complex(x, exponent=0.5), "slow down too little"),
    "twice the exponent": (lambda x: _complex(x, exponent=2.0), "slow down too fast"),
    "multiplied": (lambda x: _complex(x, exponent=-1.0), "you multiply the position"),
    "base 1000": (lambda x: _complex(x, base=1e3), "your base is 1000:"),
    "positions from 1": (lambda x: _complex(x, start=1), "start at 1"),
    "degrees": (lambda x: _complex(x, stretch=math.pi / 180), "you take the angle for degrees"),
    "2 pi": (lambda x: _complex(x, stretch=2 * math.pi), "by 2 pi"),
    "over the length": (
        lambda x: _complex(x, stretch=1 / x.shape[-2]),
        "divide the positions by the length",
    ),
    "along the heads": (_moved(-3), "along the heads"),
    "length of dimension 1": (_front_dimension(1), "along the heads"),
    "the layout of Llama": (_llama_layout, "along the heads"),
    "along the batch": (_moved(0), "along the first dimension"),
    "length of dimension 0": (_front_dimension(0), "along the first dimension"),
    "angles added": (lambda x: x + _twice(x), "you add something to the vectors"),
    "sines added": (
        lambda x: x + torch.cat([_table(x).sin(), _table(x).cos()], -1),
        "you add something to the vectors",
    ),
    "cos alone": (lambda x: x * _twice(x).cos(), "by the cosine alone"),
    "itself twice": (_with(_twice, lambda x: x), "each number meets itself twice"),
    "unchanged": (lambda x: x.clone(), "every vector comes back as it was"),
    "four dimensions": (_four(rotate), "exactly four dimensions"),
    "in place": (_in_place, "your function changed its input"),
    "nothing": (lambda x: ..., "returns nothing yet"),
    "unforeseen": (lambda x: 2 * rotate(x), "wrong on one head, two vectors"),
}
