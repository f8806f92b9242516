"""Chapter 7: what people write instead of a softmax over the visible keys."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from attention_lib import dot_product_attention

INF = float("inf")


def _loops(scores, mask):
    mask = np.broadcast_to(mask.numpy(), scores.shape).reshape(-1, scores.shape[-1])
    rows = []
    for row, seen in zip(scores.reshape(-1, scores.shape[-1]).tolist(), mask, strict=True):
        visible = [s for s, may in zip(row, seen, strict=True) if may]
        total = sum(math.exp(s - max(visible)) for s in visible)
        rows.append(
            [
                math.exp(s - max(visible)) / total if may else 0.0
                for s, may in zip(row, seen, strict=True)
            ]
        )
    return np.array(rows).reshape(scores.shape)


def _library(scores, mask):
    """Against the rows of an identity matrix, scores are queries and weights are outputs."""
    key = torch.eye(scores.shape[-1], dtype=scores.dtype).expand(
        *scores.shape[:-2], scores.shape[-1], scores.shape[-1]
    )
    return dot_product_attention(scores, key, key, mask=mask, scale=1.0)


def _largest_visible_off(scores, mask):
    low = torch.where(mask, scores, torch.finfo(scores.dtype).min)
    e = torch.where(mask, torch.exp(low - low.amax(-1, keepdim=True)), 0.0)
    return e / e.sum(-1, keepdim=True).clamp(min=1e-9)


def _numpy(scores, mask):
    s, m = scores.numpy(), np.broadcast_to(mask.numpy(), scores.shape)
    top = np.max(s, axis=-1, keepdims=True, where=m, initial=-1e300)
    e = np.exp(np.where(m, s - top, -np.inf))
    return np.divide(e, e.sum(-1, keepdims=True), out=np.zeros_like(s), where=m)


def _masked(fill=-INF, dim=-1, polarity=True):
    return lambda s, m: torch.where(m == polarity, s, fill).softmax(dim)


def _exp(hide, top, divide):
    def weights(s, m):
        e = hide(torch.exp(s - top(s, m)), m)
        return divide(e, e.sum(-1, keepdim=True))

    return weights


def _zero(e, m):
    return torch.where(m, e, 0.0)


def _plain(e, total):
    return e / total


def _clamped(e, total):
    return e / total.clamp(min=1e-9)


def _assigns(s, m):
    s = s.clone()
    s[~m] = -INF
    return F.softmax(s, -1)


def _assigns_and_cleans(s, m):
    return _assigns(s, m).nan_to_num(0.0)


def _in_place(s, m):
    return F.softmax(s.masked_fill_(~m, -INF), -1).nan_to_num(0.0)


MASKED_SOFTMAX_RIGHT = {
    "loops": _loops,
    "attention with an identity": _library,
    "largest visible score off": _largest_visible_off,
    "numpy": _numpy,
    "nan to zero": lambda s, m: _masked()(s, m).nan_to_num(0.0),
    "hidden twice": lambda s, m: F.softmax(s.masked_fill(~m, -1e9), -1) * m,
    "lowest number, hidden twice": lambda s, m: _masked(torch.finfo(s.dtype).min)(s, m) * m,
}

MASKED_SOFTMAX_MISTAKES = {
    "nan in an empty row": (_masked(), "all its scores are -inf"),
    "log of the mask": (lambda s, m: F.softmax(s + m.log(), -1), "all its scores are -inf"),
    "assigned": (_assigns, "your function raises where the mask must be broadcast to the scores"),
    "assigned and cleaned": (_assigns_and_cleans, "indexing with a mask does not"),
    "-1e9": (_masked(-1e9), "softmax gives every hidden key an even share"),
    "lowest number": (_masked(torch.finfo(torch.float32).min), "an even share"),
    "-1e9 added": (
        lambda s, m: F.softmax(s + (1.0 - m.double()) * -1e9, -1),
        "softmax does not notice",
    ),
    "zeroed after softmax": (lambda s, m: _zero(s.softmax(-1), m), "you hide after softmax"),
    "divided again": (
        lambda s, m: F.normalize(_zero(s.softmax(-1), m), p=1, dim=-1, eps=0),
        "since it takes part until it is hidden",
    ),
    "maximum of all": (
        _exp(_zero, lambda s, m: s.amax(-1, keepdim=True), _plain),
        "since it takes part until it is hidden",
    ),
    "divided again, guarded": (
        lambda s, m: F.normalize(_zero(s.softmax(-1), m), p=1, dim=-1),
        "a hidden key with a huge score takes everything",
    ),
    "maximum of all, guarded": (
        _exp(_zero, lambda s, m: s.amax(-1, keepdim=True), _clamped),
        "a hidden key with a huge score takes everything",
    ),
    "turned round": (_masked(polarity=False), "turned round: True means that the query may"),
    "turned round, -1e9": (_masked(-1e9, polarity=False), "turned round: True means that"),
    "turned round, cleaned": (
        lambda s, m: _masked(polarity=False)(s, m).nan_to_num(0.0),
        "turned round: True means that",
    ),
    "turned round, after softmax": (
        lambda s, m: torch.where(m, 0.0, s.softmax(-1)),
        "and it comes after softmax",
    ),
    "times the mask": (lambda s, m: F.softmax(s * m.double(), -1), "you multiply the scores"),
    "filled with 0": (_masked(0.0), "you multiply the scores"),
    "plus the mask": (lambda s, m: (s + m.double()).softmax(-1), "you add the mask as numbers"),
    "0 times -inf": (lambda s, m: F.softmax(s + (~m).double() * -INF, -1), "0 times -inf"),
    "-10": (_masked(-10.0), "you hide with -10,"),
    "-100 added": (lambda s, m: F.softmax(torch.where(m, s, s - 100), -1), "you hide with -100,"),
    "-10000, twice hidden": (
        lambda s, m: _zero(_masked(-1e4)(s, m), m),
        "you hide with -10000,",
    ),
    "over the queries": (_masked(dim=-2), "you normalised over the queries"),
    "over the queries, cleaned": (
        lambda s, m: _masked(dim=-2)(s, m).nan_to_num(0.0),
        "you normalised over the queries",
    ),
    "over dimension 0": (_masked(dim=0), "over the first dimension"),
    "over dimension 1": (
        lambda s, m: torch.where(m, s, -INF).softmax(1).nan_to_num(0.0),
        "over dimension 1",
    ),
    "all at once": (
        lambda s, m: torch.where(m, s, -INF).view(-1).softmax(0).view(s.shape),
        "all your weights together",
    ),
    "transposed": (lambda s, m: _masked()(s, m.mT), "your mask is transposed"),
    "transposed, cleaned": (
        lambda s, m: _masked()(s, m.mT).nan_to_num(0.0),
        "your mask is transposed",
    ),
    "no mask": (lambda s, m: s.softmax(-1), "the mask is not used"),
    "no softmax": (lambda s, m: torch.where(m, s, -INF), "there is no softmax"),
    "no softmax, zeros": (_zero, "there is no softmax"),
    "never divided": (lambda s, m: _zero(s.exp(), m), "you take exp and never divide"),
    "overflow": (_exp(_zero, lambda s, m: 0, _plain), "exp overflows"),
    "overflow, guarded": (_exp(_zero, lambda s, m: 0, _clamped), "exp overflows"),
    "overflow, times the mask": (
        _exp(lambda e, m: e * m, lambda s, m: 0, _plain),
        "exp overflows",
    ),
    "one maximum": (_exp(_zero, lambda s, m: s[m.expand_as(s)].max(), _plain), "whole tensor"),
    "one maximum of all": (_exp(_zero, lambda s, m: s.max(), _clamped), "whole tensor"),
    "in place": (_in_place, "your function changed its input"),
    "nothing": (lambda s, m: None, "returns nothing yet"),
    "unforeseen": (lambda s, m: 0.5 * _loops(s, m), "wrong on two queries, two keys"),
}
