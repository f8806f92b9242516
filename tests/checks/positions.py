"""Chapter 6: what people write instead of the table of sinusoids."""

import math

import numpy as np
import torch

from attention_lib.positions import sinusoids


def _loops(length, d_model):
    return [
        [
            (math.cos if c % 2 else math.sin)(t / 10000 ** (2 * (c // 2) / d_model))
            for c in range(d_model)
        ]
        for t in range(length)
    ]


def _filled(angle, even=torch.sin, odd=torch.cos):
    """The usual way: an empty table, and every second column at a time."""

    def table(length, d_model):
        t = torch.arange(length, dtype=torch.float64).unsqueeze(1)
        columns = torch.arange(0, d_model, 2, dtype=torch.float64)  # 0, 2, 4, ...
        pe = torch.zeros(length, d_model, dtype=torch.float64)
        pe[:, 0::2] = even(angle(t, columns, d_model))
        pe[:, 1::2] = odd(angle(t, columns, d_model))
        return pe

    return table


def _numpy(length, d_model):
    columns = np.arange(d_model)
    angles = np.arange(length)[:, None] / np.power(10000, columns // 2 * 2 / d_model)
    return np.where(columns % 2, np.cos(angles), np.sin(angles))


def _annotated(length, d_model, sign=-1.0):
    """Exponentials of logarithms in single precision, as the Annotated Transformer has them."""
    div = torch.exp(torch.arange(0, d_model, 2) * (sign * math.log(10000.0) / d_model))
    pe = torch.zeros(length, d_model)
    pe[:, 0::2] = torch.sin(torch.arange(length).unsqueeze(1) * div)
    pe[:, 1::2] = torch.cos(torch.arange(length).unsqueeze(1) * div)
    return pe


def _blocks(length, d_model):
    angles = np.outer(np.arange(length), 1 / 10000 ** (np.arange(d_model // 2) / (d_model // 2)))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def _columns(factor):
    """Every column with a wave of its own."""

    def table(length, d_model):
        rows = []
        for t in range(length):
            angles = [t / 10000 ** (factor * c / d_model) for c in range(d_model)]
            rows.append([math.cos(a) if c % 2 else math.sin(a) for c, a in enumerate(angles)])
        return rows

    return table


def _by_position(length, d_model):
    rows = []
    for t in range(length):
        wave = math.cos if t % 2 else math.sin
        rows.append([wave(t / 10000 ** (2 * (c // 2) / d_model)) for c in range(d_model)])
    return rows


SINUSOIDS_RIGHT = {
    "loops": _loops,
    "library": sinusoids,
    "every second column": _filled(lambda t, c, d: t / 10000 ** (c / d)),
    "numpy": _numpy,
    "single precision": _annotated,
    "real and imaginary parts": lambda length, d: torch.view_as_real(
        1j
        * torch.polar(torch.ones(length, d // 2), -torch.outer(*_positions_and_speeds(length, d)))
    ).flatten(1),
}


def _positions_and_speeds(length, d):
    return torch.arange(length).float(), 10000 ** (-torch.arange(0, d, 2) / d)


SINUSOIDS_MISTAKES = {
    "sines, then cosines": (_blocks, "in another order: you put all sines first"),
    "swapped": (
        _filled(lambda t, c, d: t / 10000 ** (c / d), torch.cos, torch.sin),
        "sine and cosine are swapped",
    ),
    "half the exponent": (
        _filled(lambda t, c, d: t / 10000 ** (c / 2 / d)),
        "slow down too little",
    ),
    "range from 1": (
        _filled(lambda t, c, d: t / 10000 ** ((c + 1) / d)),
        "one too late",
    ),
    "divided too late": (
        _filled(lambda t, c, d: t * 10000.0**-c / d),
        "after taking the power",
    ),
    "base 100": (_filled(lambda t, c, d: t / 100 ** (c / d)), "slow down too little"),
    "2 times the column": (_filled(lambda t, c, d: t / 10000 ** (2 * c / d)), "too fast"),
    "one less pair": (
        _filled(lambda t, c, d: t / 10000 ** (c / max(d - 2, 1))),
        "the number of pairs less 1",
    ),
    "pairs from 1": (_filled(lambda t, c, d: t / 10000 ** ((c + 2) / d)), "counted from 1"),
    "whole division": (_filled(lambda t, c, d: t / 10000 ** (c // d)), "equally fast"),
    "base e": (_filled(lambda t, c, d: t * torch.exp(-c / d)), "your base is e "),
    "base 1000": (_filled(lambda t, c, d: t / 1000 ** (c / d)), "your base is 1000:"),
    "multiplied": (_filled(lambda t, c, d: t * 10000 ** (c / d)), "you multiply the position"),
    "multiplied, single precision": (
        lambda length, d: _annotated(length, d, sign=1.0),
        "you multiply the position",
    ),
    "positions from 1": (lambda length, d: sinusoids(length + 1, d)[1:], "start at 1"),
    "degrees": (
        _filled(lambda t, c, d: torch.deg2rad(t / 10000 ** (c / d))),
        "you take the angle for degrees",
    ),
    "2 pi": (_filled(lambda t, c, d: 2 * torch.pi * t / 10000 ** (c / d)), "by 2 pi"),
    "a wave a column": (_columns(1), "every column has a wave of its own"),
    "a wave a column, doubled": (_columns(2), "every column has a wave of its own"),
    "only sines": (
        _filled(lambda t, c, d: t / 10000 ** (c / d), odd=torch.sin),
        "you have only sines",
    ),
    "half a table": (lambda length, d: sinusoids(length, d)[:, ::2], "half the columns"),
    "only cosines": (
        _filled(lambda t, c, d: t / 10000 ** (c / d), even=torch.cos),
        "you have only cosines",
    ),
    "angles": (
        _filled(lambda t, c, d: t / 10000 ** (c / d), lambda a: a, lambda a: a),
        "these are the angles",
    ),
    "transposed": (lambda length, d: _numpy(length, d).T, "your table is transposed"),
    "over the length": (
        _filled(lambda t, c, d: t / len(t) / 10000 ** (c / d)),
        "divide the positions by the length",
    ),
    "slow first": (
        _filled(lambda t, c, d: t / 10000 ** ((d - 2 - c) / d)),
        "your slowest wave stands first",
    ),
    "by position": (_by_position, "by the position: the column decides"),
    "a batch of one": (lambda length, d: _numpy(length, d)[None], "a dimension for the batch"),
    "nothing": (lambda length, d: None, "returns nothing yet"),
    "unforeseen": (lambda length, d: 0.5 * sinusoids(length, d), "wrong on two positions, four"),
}
