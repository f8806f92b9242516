"""Chapter 3: what people write instead of attention with queries, keys and values."""

import math

import torch
import torch.nn.functional as F

from attention_lib import dot_product_attention


def _soft(scores, dim=-1):
    return F.softmax(scores, dim)


def _good(x, m, q, k, v):
    return _soft(x.matmul(q).matmul(m.matmul(k).t())).matmul(m.matmul(v))


def _loops(x, m, q, k, v):
    keys, values = [k.T @ word for word in m], [v.T @ word for word in m]
    rows = []
    for word in x:
        asked = q.T @ word
        scores = [float(asked @ key) for key in keys]
        top = max(scores)
        parts = [math.exp(s - top) for s in scores]
        rows.append(sum(p / sum(parts) * value for p, value in zip(parts, values, strict=True)))
    return torch.stack(rows)


def _library(x, m, q, k, v):
    return dot_product_attention(x @ q, m @ k, m @ v, scale=1.0)


def _one_product(x, m, q, k, v):
    return _soft(x @ (q @ k.T) @ m.T) @ m @ v


def _linear(x, m, q, k, v):
    return F.scaled_dot_product_attention(
        F.linear(x, q.T)[None], F.linear(m, k.T)[None], F.linear(m, v.T)[None], scale=1.0
    )[0]


def _naive(x, m, q, k, v):
    e = (x @ q @ (m @ k).T).exp()
    return (e / e.sum(1)[:, None]) @ (m @ v)


def _changes_memory(x, m, q, k, v):
    m *= 2
    return _good(x, m, q, k, v)


QUERY_KEY_VALUE_MISTAKES = {
    "keys and values swapped": (
        lambda x, m, q, k, v: _soft(x @ q @ (m @ v).T) @ (m @ k),
        "keys and values are swapped",
    ),
    "maps of queries and keys swapped": (
        lambda x, m, q, k, v: _good(x, m, k, q, v),
        "maps of queries and keys",
    ),
    "scores transposed": (
        lambda x, m, q, k, v: _soft((m @ k) @ (x @ q).T) @ (m @ v),
        "scores are transposed",
    ),
    "softmax over queries": (
        lambda x, m, q, k, v: _soft(x @ q @ (m @ k).T, 0) @ (m @ v),
        "normalised over the queries",
    ),
    "no softmax": (lambda x, m, q, k, v: (x @ q) @ ((m @ k).T @ (m @ v)), "no softmax"),
    "scaled": (lambda x, m, q, k, v: dot_product_attention(x @ q, m @ k, m @ v), "square root"),
    "softmax of the whole matrix": (
        lambda x, m, q, k, v: _soft((x @ q @ (m @ k).T).reshape(-1)).reshape(len(x), -1) @ (m @ v),
        "all your weights together",
    ),
    "softmax last": (lambda x, m, q, k, v: _soft(x @ q @ (m @ k).T @ (m @ v)), "too late"),
    "divided by the sum": (
        lambda x, m, q, k, v: (lambda s: s / s.sum(1)[:, None])(x @ q @ (m @ k).T) @ (m @ v),
        "scores by their sum",
    ),
    "one map for both": (lambda x, m, q, k, v: _good(x, m, q, q, v), "keys go through W_q"),
    "hands over the keys": (lambda x, m, q, k, v: _good(x, m, q, k, k), "hand over the keys"),
    "values not mapped": (lambda x, m, q, k, v: _soft(x @ q @ (m @ k).T) @ m, "mix memory itself"),
    "keys not mapped": (
        lambda x, m, q, k, v: _soft(x @ q @ m.T) @ (m @ v),
        "keys are not mapped",
    ),
    "queries not mapped": (
        lambda x, m, q, k, v: _soft(x @ (m @ k).T) @ (m @ v),
        "queries are not mapped",
    ),
    "values from x": (
        lambda x, m, q, k, v: _soft(x @ q @ (m @ k).T) @ (x @ v),
        "values come from x",
    ),
    "self-attention": (lambda x, m, q, k, v: _good(x, x, q, k, v), "never use memory"),
    "queries from memory": (lambda x, m, q, k, v: _good(m, m, q, k, v), "queries come from memory"),
    "x and memory swapped": (
        lambda x, m, q, k, v: _good(m, x, q, k, v),
        "x and memory are swapped",
    ),
    "sum of three": (lambda x, m, q, k, v: m @ v + x @ q + m @ k, "add query, key and value"),
    "maps transposed": (
        lambda x, m, q, k, v: _good(x, m, q.T, k.T, v.T),
        "maps act transposed",
    ),
    "not normalised": (
        lambda x, m, q, k, v: torch.exp(x @ q @ (m @ k).T) @ (m @ v),
        "never divide by the sum",
    ),
    "overflow": (_naive, "right in exact arithmetic"),
    "weights only": (lambda x, m, q, k, v: _soft(x @ q @ (m @ k).T), "these are the weights"),
    "residual": (lambda x, m, q, k, v: x + _good(x, m, q, k, v), "add x to the mixture"),
    "changes its input": (_changes_memory, "changed its input"),
    "nothing": (lambda x, m, q, k, v: None, "returns nothing yet"),
    "no transpose": (
        lambda x, m, q, k, v: _soft((x @ q) @ (m @ k)) @ (m @ v),
        "transpose of the keys is missing",
    ),
}

QUERY_KEY_VALUE_RIGHT = {
    "matmul": _good,
    "loops": _loops,
    "library": _library,
    "scores from one matrix": _one_product,
    "PyTorch's own": _linear,
    "array": lambda *a: _good(*a).numpy(),
}
