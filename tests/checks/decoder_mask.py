"""Chapter 7: what people write instead of a decoder's mask."""

import numpy as np
import torch

from attention_lib.masks import causal_mask, combine_masks, padding_mask, to_additive


def _cells(allowed, rows_first=False):
    """A mask from a question about one sequence, a query and a key."""

    def mask(real):
        n = real.shape[1]
        return [
            [[[bool(allowed(row.tolist(), q, k)) for k in range(n)] for q in range(n)]]
            for row in real
        ]

    return mask


def _right(row, q, k):
    return k <= q and row[k]


def _arange(real):
    at = torch.arange(real.shape[1])
    return (at[:, None] >= at) & real.unsqueeze(1).unsqueeze(1)


def _numpy(real):
    return np.tril(np.broadcast_to(real.numpy()[:, None, None], (*_batch(real), *_square(real))))


def _batch(real):
    return len(real), 1


def _square(real):
    return real.shape[1], real.shape[1]


def _products(real):
    """Outer products of ones and each sequence."""
    ones = torch.ones_like(real, dtype=torch.double)
    keys = torch.einsum("bq,bk->bqk", ones, real.double()).tril()
    return (keys > 0)[:, None]


def _stacked(real):
    rows = [real & (torch.arange(real.shape[1]) <= q) for q in range(real.shape[1])]
    return torch.stack(rows, dim=1).unsqueeze(1)


def _numbers(dtype):
    return lambda real: _arange(real).to(dtype)


def _one_by_one(real):
    """Right for one sequence; for more, they are taken for queries."""
    return torch.tril(torch.ones(_square(real))).bool() * real


def _columns_with_padding(real):
    mask = torch.tril(torch.ones(_square(real), dtype=torch.bool))
    for column in range(real.shape[1]):
        if not real[:, column].min():
            mask[:, column] = False
    return mask


def _in_place(real):
    mask = _arange(real)
    real.fill_(True)
    return mask


DECODER_MASK_RIGHT = {
    "cells": _cells(_right),
    "library": lambda real: combine_masks(padding_mask(real), causal_mask(real.shape[1])),
    "arange": _arange,
    "numpy": _numpy,
    "products": _products,
    "rows stacked": _stacked,
    "not (later or padding)": lambda real: (
        ~(torch.ones(_square(real)).triu(1).bool() | ~real[:, None, None, :])
    ),
}

DECODER_MASK_MISTAKES = {
    "queries, without heads": (
        lambda real: real.unsqueeze(2) & torch.ones(real.size(1), real.size(1)).tril().bool(),
        "and there is no dimension for the heads",
    ),
    "turned round": (lambda real: ~_arange(real), "turned round: here True means may attend"),
    "turned round, in numbers": (
        lambda real: 1 - _arange(real).int(),
        "turned round: here True means may attend",
    ),
    "upper triangle": (_cells(lambda r, q, k: k >= q and r[k]), "the upper one"),
    "later tokens": (_cells(lambda r, q, k: k > q and r[k]), "your causal part is turned round"),
    "padding seen": (_cells(lambda r, q, k: k <= q and not r[k]), "your padding part is turned"),
    "both turned": (_cells(lambda r, q, k: k > q and not r[k]), "both parts are turned round"),
    "no diagonal": (_cells(lambda r, q, k: k < q and r[k]), "no token sees itself"),
    "one too many": (_cells(lambda r, q, k: k <= q + 1 and r[k]), "also sees the next token"),
    "aligned wrongly": (
        _cells(lambda r, q, k: q + k >= len(r) - 1 and r[k]),
        "your triangle leans the other way",
    ),
    "rows": (_cells(lambda r, q, k: k <= q and r[q]), r"hidden as a query \(its row\)"),
    "rows and keys": (
        _cells(lambda r, q, k: k <= q and r[q] and r[k]),
        "hidden as a key and as a query too",
    ),
    "transposed": (_cells(lambda r, q, k: q <= k and r[q]), "the whole mask is transposed"),
    "only causal": (_cells(lambda r, q, k: k <= q), "only later tokens are hidden"),
    "only causal, one matrix": (
        lambda real: torch.ones(_square(real)).tril() == 1,
        "only later tokens are hidden",
    ),
    "only padding": (_cells(lambda r, q, k: r[k]), "^only padding is hidden"),
    "only padding, not spread": (padding_mask, "^only padding is hidden"),
    "as given": (lambda real: real.clone(), "you return what you were given"),
    "or": (_cells(lambda r, q, k: k <= q or r[k]), "by `or`"),
    "hidden by both": (
        _cells(lambda r, q, k: k > q and not r[k]),
        "both parts are turned round, yet joined",
    ),
    "no heads": (lambda real: _arange(real).squeeze(1), "a dimension is missing"),
    "heads first": (
        lambda real: _arange(real).transpose(0, 1),
        "where the heads belong",
    ),
    "as they are": (_one_by_one, r"you join real \(batch, n\)"),
    "padding sees itself": (
        _cells(lambda r, q, k: k == q or (k < q and r[k])),
        "padding still sees itself",
    ),
    "lengths": (
        _cells(lambda r, q, k: k <= q and k < sum(r)),
        "you count the real tokens",
    ),
    "up to the first padding": (
        _cells(lambda r, q, k: k <= q and all(r[: k + 1])),
        "behind the first padding",
    ),
    "first sequence": (
        lambda real: _arange(real)[:1].repeat(len(real), 1, 1, 1),
        "of the first sequence in all of them",
    ),
    "any sequence": (_columns_with_padding, "where any sequence of the batch has padding"),
    "0 and -inf": (lambda real: to_additive(_arange(real)), "numbers to add to the scores"),
    "0 and -1e9": (
        lambda real: torch.where(_arange(real), 0.0, -1e9),
        "numbers to add to the scores",
    ),
    "ones and zeros": (_numbers(torch.float32), "your mask has dtype torch.float32"),
    "in place": (_in_place, "your function changed its input"),
    "nothing": (lambda real: ..., "returns nothing yet"),
    "unforeseen": (
        _cells(lambda r, q, k: q - 2 < k <= q and r[k]),
        "wrong on one sequence of three tokens",
    ),
}
