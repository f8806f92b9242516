"""The whole course: what people write instead of a causal mask."""

import numpy as np
import torch

from attention_lib.masks import causal_mask


def _of_places(allowed):
    """A mask from a question about the place of a query, that of a key, and both lengths."""
    return lambda n, m: [[bool(allowed(q, k, n, m)) for k in range(m)] for q in range(n)]


def _tril(last):
    return lambda n, m: torch.ones(n, m).tril(last(n, m)) == 1


def _triu(last):
    return lambda n, m: torch.ones(n, m).triu(last(n, m)).bool()


def _additive(n, m):
    return torch.zeros(n, m).masked_fill(~causal_mask(n, m), float("-inf"))


CAUSAL_MASK_RIGHT = {
    "library": causal_mask,
    "loops": _of_places(lambda q, k, n, m: k <= q + m - n),
    "tril": _tril(lambda n, m: m - n),
    "not triu": lambda n, m: ~_triu(lambda n, m: m - n + 1)(n, m),
    "numpy": lambda n, m: np.tri(n, m, m - n, dtype=bool),
    "arange": lambda n, m: torch.arange(m) <= torch.arange(m - n, m)[:, None],
    "the last rows of a square": lambda n, m: (
        torch.ones(m, m, dtype=torch.bool).tril()[m - n :] if n <= m else causal_mask(n, m)
    ),
    "flipped twice": lambda n, m: causal_mask(n, m).flip(0, 1).flip(0, 1),
}

CAUSAL_MASK_MISTAKES = {
    "at the start": (_tril(lambda n, m: 0), "^your mask is aligned at the start"),
    "at the start, loops": (
        _of_places(lambda q, k, n, m: k <= q),
        "^your mask is aligned at the start",
    ),
    "wrong sign": (_tril(lambda n, m: n - m), "your offset has the wrong sign"),
    "upper": (_triu(lambda n, m: m - n), "upper one.* up to its own$"),
    "upper, at the start": (_triu(lambda n, m: 0), "upper one.*; and the mask is aligned"),
    "turned round": (_triu(lambda n, m: m - n + 1), r"turned round.*way\)$"),
    "turned round, at the start": (_triu(lambda n, m: 1), r"turned round.*; and it is aligned"),
    "no diagonal": (_tril(lambda n, m: m - n - 1), "no query sees itself.* attend to$"),
    "no diagonal, at the start": (_tril(lambda n, m: -1), "no query sees itself.*; and the mask"),
    "the next one too": (_tril(lambda n, m: m - n + 1), "also sees the next key.* the diagonal$"),
    "the next one too, at the start": (
        _tril(lambda n, m: 1),
        "also sees the next key.*; and the mask",
    ),
    "leaning": (lambda n, m: torch.fliplr(causal_mask(n, m)), "leans the other way"),
    "reversed": (lambda n, m: torch.flipud(causal_mask(n, m)), "your rows stand in reverse"),
    "lengths swapped": (lambda n, m: causal_mask(m, n), "the lengths are swapped"),
    "transposed": (lambda n, m: causal_mask(n, m).T, "your mask is transposed"),
    "queries by queries": (lambda n, m: causal_mask(n, n), "square, queries by queries"),
    "keys by keys": (lambda n, m: causal_mask(m), "square, keys by keys"),
    "everything": (lambda n, m: np.ones((n, m), dtype=bool), "every query sees every key"),
    "nothing allowed": (lambda n, m: torch.zeros(n, m) > 0, "no query sees anything"),
    "itself alone": (
        _of_places(lambda q, k, n, m: k == q + m - n),
        "every query sees itself alone",
    ),
    "more dimensions": (lambda n, m: causal_mask(n, m)[None, None], "more dimensions than two"),
    "additive": (_additive, "numbers to add to the scores"),
    "floats": (lambda n, m: causal_mask(n, m).float(), "your mask has dtype torch.float32"),
    "integers": (lambda n, m: np.tri(n, m, m - n, dtype=int), "your mask has dtype torch.int64"),
    "no second length": (lambda n: causal_mask(n), "raised TypeError on two queries, two keys"),
    "nothing": (lambda n, m: ..., "returns nothing yet"),
    "unforeseen": (
        _of_places(lambda q, k, n, m: m - n + q - 1 <= k <= m - n + q),
        "wrong on three queries, three keys",
    ),
}
