"""Chapter 1: what people write instead of the weights of additive attention."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from attention_lib.attention import AdditiveAttention


def _hidden(q, k, m, n):
    return F.linear(q, m).unsqueeze(1) + F.linear(k, n).unsqueeze(0)


def _good(q, k, m, n, v):
    return F.softmax(torch.tanh(_hidden(q, k, m, n)) @ v, dim=1)


def _naive(q, k, m, n, v):
    e = torch.exp(torch.tanh(_hidden(q, k, m, n)) @ v)
    return e / e.sum(1, keepdim=True)


def _no_keepdim(q, k, m, n, v):
    e = torch.exp(torch.tanh(_hidden(q, k, m, n)) @ v)
    return e / e.sum(1)


def _loops(q, k, m, n, v):
    rows = []
    for one in q:
        scores = [float(v @ torch.tanh(m @ one + n @ other)) for other in k]
        top = max(scores)
        parts = [math.exp(s - top) for s in scores]
        rows.append([p / sum(parts) for p in parts])
    return rows


def _library(q, k, m, n, v):
    layer = AdditiveAttention(3, 3, 3).double()
    layer.query_map.weight, layer.key_map.weight = nn.Parameter(m), nn.Parameter(n)
    layer.score.weight = nn.Parameter(v[None])
    return layer(q, k, k)[1]


ADDITIVE_WEIGHTS_MISTAKES = {
    "over the queries": (
        lambda q, k, m, n, v: F.softmax(torch.tanh(_hidden(q, k, m, n)) @ v, 0),
        "normalised over the queries",
    ),
    "scores": (lambda q, k, m, n, v: torch.tanh(_hidden(q, k, m, n)) @ v, "these are the scores"),
    "overflow": (_naive, "exp overflows"),
    "no keepdim": (_no_keepdim, "two shapes do not line up"),
    "no tanh": (lambda q, k, m, n, v: F.softmax(_hidden(q, k, m, n) @ v, 1), "tanh is missing"),
    "relu": (lambda q, k, m, n, v: F.softmax(_hidden(q, k, m, n).relu() @ v, 1), "with relu"),
    "sigmoid": (
        lambda q, k, m, n, v: F.softmax(_hidden(q, k, m, n).sigmoid() @ v, 1), "with a sigmoid",
    ),
    "tanh of the score": (
        lambda q, k, m, n, v: F.softmax((_hidden(q, k, m, n) @ v).tanh(), 1), "too late",
    ),
    "no v": (lambda q, k, m, n, v: F.softmax(_hidden(q, k, m, n).tanh().sum(2), 1), "v is missing"),
    "tanh apart": (
        lambda q, k, m, n, v: F.softmax(
            ((q @ m.T).tanh() @ v)[:, None] + ((k @ n.T).tanh() @ v)[None], 1
        ),
        "apart and add afterwards",
    ),
    "maps swapped": (lambda q, k, m, n, v: _good(q, k, n, m, v), "maps are swapped"),
    "one map": (lambda q, k, m, n, v: _good(q, k, m, m, v), "query's map for the keys too"),
    "maps transposed": (
        lambda q, k, m, n, v: F.softmax(torch.tanh((q @ m)[:, None] + (k @ n)[None]) @ v, 1),
        "act transposed",
    ),
    "dot product": (
        lambda q, k, m, n, v: F.softmax(F.linear(q, m) @ F.linear(k, n).T, 1), "are dot products",
    ),
    "difference": (
        lambda q, k, m, n, v: F.softmax(torch.tanh((q @ m.T)[:, None] - k @ n.T) @ v, 1),
        "subtract the mapped key",
    ),
    "mixture": (lambda q, k, m, n, v: _good(q, k, m, n, v) @ k, "mixture of the keys"),
    "query and key swapped": (
        lambda q, k, m, n, v: _good(k, q, m, n, v), r"has shape \(2, 1\)",
    ),
    "not written": (lambda q, k, m, n, v: None, "returns nothing yet"),
}  # fmt: skip

ADDITIVE_WEIGHTS_RIGHT = {
    "broadcast": _good,
    "loops": _loops,
    "library": _library,
    "a list of rows": lambda q, k, m, n, v: [
        torch.softmax(torch.tanh(m @ one + k @ n.T) @ v, 0) for one in q
    ],
    "einsum": lambda q, k, m, n, v: torch.softmax(
        torch.einsum("ijh,h->ij", torch.tanh(_hidden(q, k, m, n)), v), -1
    ),
}
