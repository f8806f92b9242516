"""Chapter 4: what people write instead of softmax's derivative and of scaled attention."""

import math

import torch
import torch.nn.functional as F

from attention_lib import dot_product_attention


def _autograd(s):
    return torch.autograd.functional.jacobian(lambda x: torch.softmax(x, 0), s)


def _jacobian_loops(s):
    top = max(s.tolist())
    parts = [math.exp(v - top) for v in s.tolist()]
    w = [p / sum(parts) for p in parts]
    return [[w[i] * ((i == j) - w[j]) for j in range(len(w))] for i in range(len(w))]


def _jacobian_broadcast(s):
    w = F.softmax(s, 0)
    return w[:, None] * (torch.eye(len(s), dtype=s.dtype) - w)


SOFTMAX_JACOBIAN_RIGHT = {
    "autograd": _autograd,
    "loops": _jacobian_loops,
    "broadcast": _jacobian_broadcast,
    "softmax of numpy": lambda s: _jacobian_broadcast(s).numpy(),
}

SOFTMAX_JACOBIAN_MISTAKES = {
    "diag alone": (lambda s: F.softmax(s, 0).diag(), "the case i = j of the sum alone"),
    "only the diagonal": (
        lambda s: (F.softmax(s, 0) - F.softmax(s, 0) ** 2).diag(),
        "everything beside it is 0",
    ),
    "a vector": (lambda s: F.softmax(s, 0) * (1 - F.softmax(s, 0)), "the diagonal alone"),
    "sign": (lambda s: -_jacobian_broadcast(s), "the sign is turned round"),
    "plus": (
        lambda s: F.softmax(s, 0).diag() + F.softmax(s, 0)[:, None] * F.softmax(s, 0),
        "must be subtracted",
    ),
    "no diagonal": (lambda s: -F.softmax(s, 0)[:, None] * F.softmax(s, 0), "i = j is missing"),
    "identity": (
        lambda s: torch.eye(len(s), dtype=s.dtype) - torch.outer(F.softmax(s, 0), F.softmax(s, 0)),
        r"the identity stands where diag\(w\) belongs",
    ),
    "of the logarithm": (
        lambda s: torch.autograd.functional.jacobian(lambda x: torch.log_softmax(x, 0), s),
        "derivative of the logarithm",
    ),
    "columns multiplied": (
        lambda s: F.softmax(s, 0) * (torch.eye(len(s), dtype=s.dtype) - F.softmax(s, 0)),
        "you have w_j squared",
    ),
    "product of the vector with itself": (
        lambda s: torch.diag(F.softmax(s, 0)) - F.softmax(s, 0) * F.softmax(s, 0),
        "you have w_j squared",
    ),
    "rows multiplied twice": (
        lambda s: (
            F.softmax(s, 0)[:, None] * (torch.eye(len(s), dtype=s.dtype) - F.softmax(s, 0)[:, None])
        ),
        "you have w_i squared",
    ),
    "dot product": (
        lambda s: F.softmax(s, 0).diag() - torch.dot(F.softmax(s, 0), F.softmax(s, 0)),
        "one number everywhere",
    ),
    "scores for weights": (lambda s: s.diag() - s[:, None] * s, "the scores where the weights"),
    "exp": (lambda s: s.exp().diag(), "derivative of the exponentials"),
    "overflow": (
        lambda s: (
            torch.diag(s.exp() / s.exp().sum()) - torch.outer(s.exp(), s.exp()) / s.exp().sum() ** 2
        ),
        "exp overflows",
    ),
    "summed": (lambda s: _jacobian_broadcast(s).sum(0), "you add the matrix up"),
    "nothing": (lambda s: None, "returns nothing yet"),
    "unforeseen": (lambda s: 0.9 * _jacobian_broadcast(s), "wrong on two scores"),
}


def _attend_loops(q, k, v):
    rows = []
    for query in q.tolist():
        scores = [sum(a * b for a, b in zip(query, key, strict=True)) for key in k.tolist()]
        scores = [s / math.sqrt(k.shape[1]) for s in scores]
        parts = [math.exp(s - max(scores)) for s in scores]
        rows.append(
            [
                sum(p * x for p, x in zip(parts, column, strict=True)) / sum(parts)
                for column in v.T.tolist()
            ]
        )
    return rows


def _scaled(factor, dim=-1):
    return lambda q, k, v: F.softmax(q @ k.T * factor(q, k, v), dim) @ v


def _exp(q, k, v, top, total=lambda e: e.sum(1, keepdim=True)):
    s = q @ k.T / math.sqrt(k.shape[1])
    e = (s - top(s)).exp()
    return e @ v / total(e)


SCALED_ATTENTION_RIGHT = {
    "loops": _attend_loops,
    "library": dot_product_attention,
    "query scaled first": lambda q, k, v: F.softmax(q / q.shape[1] ** 0.5 @ k.T, 1) @ v,
    "a fourth root each": lambda q, k, v: (
        F.softmax((q * q.shape[1] ** -0.25) @ (k * k.shape[1] ** -0.25).T, 1) @ v
    ),
    "maximum of each row": lambda q, k, v: _exp(q, k, v, lambda s: s.amax(1, keepdim=True)),
}

SCALED_ATTENTION_MISTAKES = {
    "no scale": (_scaled(lambda q, k, v: 1), "the scale is missing"),
    "1 / d_k": (_scaled(lambda q, k, v: 1 / k.shape[1]), "you divide by d_k"),
    "root twice": (
        lambda q, k, v: F.softmax((q / q.shape[1] ** 0.5) @ (k / k.shape[1] ** 0.5).T, 1) @ v,
        "you divide by d_k",
    ),
    "number of keys": (_scaled(lambda q, k, v: k.shape[0] ** -0.5), "the number of keys"),
    "number of queries": (_scaled(lambda q, k, v: q.shape[0] ** -0.5), "the number of queries"),
    "width of values": (_scaled(lambda q, k, v: v.shape[1] ** -0.5), "the width of the values"),
    "multiplied": (_scaled(lambda q, k, v: k.shape[1] ** 0.5), "you multiply"),
    "all numbers": (_scaled(lambda q, k, v: k.numel() ** -0.5), "all numbers in the keys"),
    "after softmax": (
        lambda q, k, v: F.softmax(q @ k.T, 1) @ v / k.shape[1] ** 0.5,
        "the scale comes too late",
    ),
    "over the queries": (_scaled(lambda q, k, v: k.shape[1] ** -0.5, dim=0), "over the queries"),
    "one maximum": (lambda q, k, v: _exp(q, k, v, lambda s: s.max()), "of the whole matrix"),
    "overflow": (lambda q, k, v: _exp(q, k, v, lambda s: 0), "right in exact arithmetic"),
    "maximum of the columns": (
        lambda q, k, v: _exp(q, k, v, lambda s: s.max(0, keepdim=True)[0]),
        "the largest score of each column",
    ),
    "sum of the matrix": (
        lambda q, k, v: _exp(q, k, v, lambda s: s.amax(1, True), total=lambda e: e.sum()),
        "all your weights together sum to 1: every row is a distribution of its own",
    ),
    "sum of the matrix, one maximum": (
        lambda q, k, v: _exp(q, k, v, lambda s: s.max(), total=lambda e: e.sum()),
        "all your weights together sum to 1: every row is a distribution of its own",
    ),
    "never divided": (
        lambda q, k, v: _exp(q, k, v, lambda s: s.amax(1, True), total=lambda e: 1),
        "its weights do not sum to 1",
    ),
    "never divided, no maximum": (
        lambda q, k, v: torch.exp(q @ k.T / math.sqrt(k.shape[1])) @ v,
        "never divide by the sum of the row, and exp overflows",
    ),
    "scores number by number": (
        lambda q, k, v: F.softmax(q.mul(k.T) / k.shape[1] ** 0.5, 1) @ v,
        "queries and keys number by number",
    ),
    "values number by number": (
        lambda q, k, v: F.softmax(q @ k.T / k.shape[1] ** 0.5, 1).mul(v),
        "weights and values number by number",
    ),
    "cosine": (
        lambda q, k, v: F.softmax(F.normalize(q, dim=1) @ F.normalize(k, dim=1).T, 1) @ v,
        "that is the cosine",
    ),
    "no softmax": (lambda q, k, v: q @ k.T / k.shape[1] ** 0.5 @ v, "there is no softmax"),
    "the weights": (
        lambda q, k, v: F.softmax(q @ k.T / k.shape[1] ** 0.5, 1),
        "these are the weights",
    ),
    "keys and values swapped": (
        lambda q, k, v: F.softmax(q @ v.T / v.shape[1] ** 0.5, 1) @ k,
        "keys and values are swapped",
    ),
    "transposed": (
        lambda q, k, v: F.softmax(k @ q.T / k.shape[1] ** 0.5, 1) @ v,
        "your scores are transposed",
    ),
    "measured scale": (
        lambda q, k, v: F.softmax((q @ k.T) / torch.std(q @ k.T), 1) @ v,
        "of these very scores",
    ),
    "nothing": (lambda q, k, v: ..., "returns nothing yet"),
    "unforeseen": (_scaled(lambda q, k, v: 0.5), "wrong on two queries, two keys"),
}
