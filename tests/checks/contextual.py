"""Chapter 2: what people write instead of a softmax and of parameter-free attention.

For each checker: ``MISTAKES[name] = (function, a part of its own diagnosis)`` and
``RIGHT[name] = function``.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from attention_lib import dot_product_attention


def _divide(e, dim=-1):
    return e / e.sum(dim, keepdim=True)


def _in_place(s):
    s -= s.max(-1, keepdim=True).values
    return _divide(s.exp())


def _rounded(s):
    return torch.softmax(s.round(), dim=-1)


def _loop_over_rows(s):
    rows = []
    for row in s.tolist():
        top = max(row)
        parts = [math.exp(x - top) for x in row]
        rows.append([p / sum(parts) for p in parts])
    return rows


def _numpy_softmax(s):
    s = np.asarray(s)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


SOFTMAX_MISTAKES = {
    "no maximum subtracted": (lambda s: _divide(s.exp()), "exp overflows: scores in the thousands"),
    "over the queries": (lambda s: torch.softmax(s, 0), "normalised over the queries"),
    "over the queries, no maximum": (lambda s: _divide(s.exp(), 0), "not the rows, and exp"),
    "over everything": (lambda s: torch.softmax(s.view(-1), 0).view(s.shape), "all scores at once"),
    "over everything, no maximum": (lambda s: s.exp() / s.exp().sum(), "matrix sums to 1, and exp"),
    "maximum of the matrix": (lambda s: _divide((s - s.max()).exp()), "of the whole matrix"),
    "maximum of the columns": (lambda s: _divide((s - s.amax(0)).exp()), "maximum of each column"),
    "minimum of the rows": (lambda s: _divide((s - s.amin(-1, True)).exp()), "is too small"),
    "mean of the rows": (lambda s: _divide((s - s.mean(-1, True)).exp()), "is too small"),
    "no exp": (_divide, "by their sum without taking exp"),
    "absolute values": (lambda s: _divide(s.abs()), "divide absolute values"),
    "no division": (lambda s: (s - s.amax(-1, True)).exp(), "never divide: the rows do not"),
    "exp alone": (lambda s: s.exp(), "never divide, and exp overflows"),
    "log-softmax": (lambda s: F.log_softmax(s, -1), "logarithms of the weights"),
    "sign": (lambda s: F.softmin(s, -1), "sign is turned round"),
    "base 2": (lambda s: _divide(2 ** (s - s.amax(-1, True))), "raise 2 to the scores"),
    "sigmoid": (lambda s: 1 / (1 + (-s).exp()), "a sigmoid"),
    "argmax": (lambda s: (s == s.amax(-1, True)).double(), "an argmax"),
    "sum without keepdim": (lambda s: s.exp() / s.exp().sum(-1), "two shapes do not line up"),
    "changes its input": (_in_place, "changed its input"),
    "not written": (lambda s: None, "returns nothing yet"),
    "a tuple": (lambda s: (torch.softmax(s, -1), s), "returned a tuple"),
    "transposed": (lambda s: torch.softmax(s, -1).T, r"has shape \(2, 1\)"),
    "nobody foresaw rounding": (_rounded, "wrong on two rows of three"),
}  # fmt: skip

SOFTMAX_RIGHT = {
    "torch.softmax": lambda s: torch.softmax(s, dim=-1),
    "by hand": lambda s: _divide((s - s.amax(-1, keepdim=True)).exp()),
    "logsumexp": lambda s: (s - s.logsumexp(-1, keepdim=True)).exp(),
    "nested lists": _loop_over_rows,
    "NumPy": _numpy_softmax,
    "a list of rows": lambda s: [torch.softmax(row, 0) for row in s],
    "float32 inside": lambda s: torch.softmax(s.float(), dim=-1),
    "minus log-softmax of the other sign": lambda s: F.softmin(-s, dim=-1),
}


def _weights(x):
    return torch.softmax(x @ x.T, dim=-1)


def _without_self(x):
    scores = x @ x.T
    scores.fill_diagonal_(float("-inf"))
    return torch.softmax(scores, dim=-1) @ x


def _zero_self(x):
    return _weights(x).fill_diagonal_(0.0) @ x


def _causal(x):
    return dot_product_attention(x, x, x, is_causal=True, scale=1.0)


def _global_maximum(x):
    scores = x @ x.T
    return _divide(torch.exp(scores - scores.max())) @ x


def _overwrites(x):
    y = x
    for i in range(len(x)):
        y[i] = torch.softmax(x @ x[i], dim=0) @ x
    return y


def _loop(x):
    y = torch.zeros_like(x)
    for i in range(len(x)):
        scores = torch.stack([x[i] @ x[j] for j in range(len(x))])
        weights = torch.softmax(scores, dim=0)
        for j in range(len(x)):
            y[i] += weights[j] * x[j]
    return y


def _numpy_contextualise(x):
    x = np.asarray(x)
    return _numpy_softmax(x @ x.T) @ x


CONTEXTUALISE_MISTAKES = {
    "softmax over the queries": (lambda x: torch.softmax(x @ x.T, 0) @ x, "each column of what"),
    "weights transposed": (lambda x: _weights(x).T @ x, "each column of what"),
    "maximum of the matrix": (_global_maximum, "of the whole matrix of scores"),
    "maximum without values": (
        lambda x: torch.exp(x @ x.T - (x @ x.T).max(-1, keepdim=True)), "take .values",
    ),
    "wrong side": (lambda x: x @ _weights(x), r"\(3x4 and 3x3\).*two matrices do not fit"),
    "softmax over everything": (
        lambda x: torch.softmax((x @ x.T).view(-1), 0).view(len(x), -1) @ x, "all scores at once",
    ),
    "no softmax": (lambda x: (x @ x.T) @ x, "softmax is missing"),
    "divided by the sum": (lambda x: _divide(x @ x.T) @ x, "by their sum instead"),
    "overflow": (lambda x: _divide((x @ x.T).exp()) @ x, "exp overflows for long vectors"),
    "never divided": (lambda x: (x @ x.T).exp() @ x, "never divided"),
    "features compared": (lambda x: x @ torch.softmax(x.T @ x, -1), "compared the features"),
    "scaled by the root": (lambda x: dot_product_attention(x, x, x), "square root of d"),
    "scaled by d": (lambda x: torch.softmax(x @ x.T / x.shape[1], -1) @ x, "scores by d:"),
    "cosine": (lambda x: torch.softmax(F.normalize(x) @ F.normalize(x).T, -1) @ x, "the cosine"),
    "itself left out": (_without_self, "out of its own average"),
    "causal": (_causal, "a causal mask"),
    "residual": (lambda x: x + _weights(x) @ x, "a residual"),
    "mean": (lambda x: x.mean(0).repeat(len(x), 1), "plain mean"),
    "hard": (lambda x: x[torch.argmax(x @ x.T, dim=1)], "picked the one word"),
    "distance": (lambda x: torch.softmax(-torch.cdist(x, x), -1) @ x, "scored by distance"),
    "weights returned": (_weights, "you returned the weights"),
    "overwrites its input": (_overwrites, "changed its input"),
    "pair returned": (lambda x: (_weights(x) @ x, _weights(x)), "returned a tuple"),
    "one word only": (lambda x: _weights(x)[0] @ x, r"has shape \(2,\)"),
    "not written": (lambda x: ..., "returns nothing yet"),
    "raises": (lambda x: x @ x, r"\(3x4 and 3x4\)"),
    "nobody foresaw zeroing": (_zero_self, "wrong on two words"),
}  # fmt: skip

CONTEXTUALISE_RIGHT = {
    "three lines": lambda x: torch.softmax(x @ x.T, dim=-1) @ x,
    "double loop": _loop,
    "one vector at a time": lambda x: torch.stack([torch.softmax(x @ q, 0) @ x for q in x]),
    "einsum": lambda x: torch.einsum(
        "ij,jd->id", torch.softmax(torch.einsum("id,jd->ij", x, x), 1), x
    ),
    "transposed twice": lambda x: (x.T @ torch.softmax(x @ x.T, dim=0)).T,
    "fused kernel": lambda x: F.scaled_dot_product_attention(x, x, x, scale=1.0),
    "NumPy": _numpy_contextualise,
}
