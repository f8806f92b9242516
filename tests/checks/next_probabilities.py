"""Chapter 10: what people write instead of temperature and top-k."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from attention_lib import sampling

INF = float("inf")


def _count(logits, top_k):
    return min(top_k or logits.shape[-1], logits.shape[-1])


def _greedy(logits):
    return F.one_hot(logits.argmax(-1), logits.shape[-1]).double()


def _tempered(change):
    """Another use of the temperature."""

    def probabilities(logits, temperature, top_k):
        if temperature == 0:
            return _greedy(logits)
        return _kept(change(logits, temperature), top_k).softmax(-1)

    return probabilities


def _kept(logits, top_k):
    least = logits.topk(_count(logits, top_k)).values[..., -1:]
    return logits.masked_fill(logits < least, -INF)


def _chosen(choose, finish=lambda logits: logits.softmax(-1)):
    """Other tokens that stay: ``choose(logits, k)`` gives a mask."""

    def probabilities(logits, temperature, top_k):
        if temperature == 0:
            return _greedy(logits)
        logits = logits / temperature
        return finish(logits.masked_fill(~choose(logits, _count(logits, top_k)), -INF))

    return probabilities


def _best(logits, k):
    return logits >= logits.topk(k).values[..., -1:]


def _finished(finish):
    return _chosen(_best, finish)


def _numpy(logits, temperature, top_k):
    rows = np.atleast_2d(logits.numpy())
    out = np.zeros_like(rows)
    for row, scores in zip(out, rows, strict=True):
        if temperature == 0:
            row[scores.argmax()] = 1.0
            continue
        best = np.argsort(-scores)[: top_k or None]
        e = np.exp((scores[best] - scores.max()) / temperature)
        row[best] = e / e.sum()
    return out.reshape(logits.shape)


def _loops(logits, temperature, top_k):
    if logits.dim() > 1:
        return [_loops(row, temperature, top_k) for row in logits]
    if temperature == 0:
        return [float(s == max(logits.tolist())) for s in logits.tolist()]
    scores = [s / temperature for s in logits.tolist()]
    least = sorted(scores, reverse=True)[: top_k or None][-1]
    e = [math.exp(s - max(scores)) if s >= least else 0.0 for s in scores]
    return [x / sum(e) for x in e]


def _of_probabilities(logits, temperature, top_k):
    p = torch.softmax(logits / max(temperature, 1e-9), -1)
    p = torch.where(_best(p, _count(p, top_k)), p, 0.0)
    return p / p.sum(-1, keepdim=True)


def _sharpened(logits, temperature, top_k):
    p = torch.softmax(_kept(logits, top_k), -1)
    if temperature == 0:
        return _greedy(logits)
    p = p ** (1 / temperature)
    return p / p.sum(-1, keepdim=True)


NEXT_PROBABILITIES_RIGHT = {
    "library": lambda s, t, k: sampling.next_probabilities(s, temperature=t, top_k=k),
    "threshold": _tempered(lambda s, t: s / t),
    "k first": lambda s, t, k: _tempered(lambda s, t: s / t)(_kept(s, k), t, None),
    "numpy": _numpy,
    "loops": _loops,
    "of probabilities": _of_probabilities,
    "probabilities to the power of 1 / T": _sharpened,
}


def _never_zero(logits, temperature, top_k):
    return _kept(logits / temperature, top_k).softmax(-1)


def _one_row(logits, temperature, top_k):
    if temperature == 0:
        return _greedy(logits)
    best = logits.argsort(descending=True)[: top_k or len(logits)].tolist()
    e = [math.exp((logits[i] - max(logits)) / temperature) for i in best]
    out = torch.zeros(len(logits))
    for i, x in zip(best, e, strict=True):
        out[i] = x / sum(e)
    return out


def _share(logits):
    e = logits.exp()
    return e / e.sum(-1, keepdim=True)


def _sorted_first(logits, temperature, top_k):
    values = logits.sort(-1, descending=True).values
    return _tempered(lambda s, t: s / t)(values, temperature, top_k)


def _only_k(logits, temperature, top_k):
    if temperature == 0:
        return _greedy(logits)
    return (logits.topk(_count(logits, top_k)).values / temperature).softmax(-1)


def _no_share(logits, temperature, top_k):
    if temperature == 0:
        return _greedy(logits)
    p = (logits / temperature).softmax(-1)
    return p * _best(p, _count(p, top_k))


def _zeros(logits, temperature, top_k):
    if temperature == 0:
        return _greedy(logits)
    scores = logits / temperature
    return torch.where(_best(scores, _count(scores, top_k)), scores, 0.0).softmax(-1)


def _late(logits, temperature, top_k):
    p = _kept(logits, top_k).softmax(-1)
    return p / temperature if temperature else p


def _topk_of_all(logits, temperature, top_k):
    if temperature == 0:
        return _greedy(logits)
    if top_k is not None:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[..., -1:], -INF)
    return (logits / temperature).softmax(-1)


def _in_place(logits, temperature, top_k):
    logits /= max(temperature, 1e-9)
    return _kept(logits, top_k).softmax(-1)


def _draws(logits, temperature, top_k):
    p = _of_probabilities(logits, temperature, top_k)
    return F.one_hot(torch.multinomial(p, 1)[..., 0], logits.shape[-1]).double()


NEXT_PROBABILITIES_MISTAKES = {
    "temperature 0 divides": (_never_zero, "^right, but for temperature 0, which divides by 0"),
    "temperature 0 left out": (
        lambda s, t, k: _kept(s / t if t else s, k).softmax(-1),
        "you sample as if it were 1",
    ),
    "None": (
        lambda s, t, k: _tempered(lambda s, t: s / t)(s, t, min(k, s.shape[-1])),
        "right, but where top_k is None",
    ),
    "more than there are": (_topk_of_all, "where top_k is more than there are tokens"),
    "one row": (_one_row, "right for one row of logits"),
    "raises at 0": (
        lambda s, t, k: _kept(s * (1 / t), k).softmax(-1),
        "right, but for temperature 0: there",
    ),
    "multiplied": (_tempered(lambda s, t: s * t), "you multiply by the temperature"),
    "power of T": (
        _tempered(lambda s, t: s.log_softmax(-1) * t),
        "you multiply by the temperature",
    ),
    "ignored": (_tempered(lambda s, t: s), "the temperature changes nothing"),
    "ignored, at 0 too": (
        lambda s, t, k: _kept(s, k).softmax(-1),
        "the temperature changes nothing",
    ),
    "root": (_tempered(lambda s, t: s / math.sqrt(t)), "the root of the temperature"),
    "twice": (_tempered(lambda s, t: s / t / t), "by the temperature twice"),
    "too late": (_late, "the temperature comes too late"),
    "of probabilities": (
        _tempered(lambda s, t: s.softmax(-1) / t),
        "the temperature divides probabilities, of which",
    ),
    "softmax twice": (_tempered(lambda s, t: (s / t).softmax(-1)), "softmax is taken of prob"),
    "no top-k": (_chosen(lambda s, k: s > -INF), "top_k is not used"),
    "one more": (
        _chosen(lambda s, k: _best(s, min(k + 1, s.shape[-1]))),
        "you keep one token too many",
    ),
    "strictly above": (
        _chosen(lambda s, k: s > s.topk(k).values[..., -1:] if k < s.shape[-1] else s > -INF),
        "you keep one token too few",
    ),
    "the least": (
        _chosen(lambda s, k: s <= s.topk(k, largest=False).values[..., -1:]),
        "you keep the least likely",
    ),
    "the others": (
        _chosen(lambda s, k: ~_best(s, k) if k < s.shape[-1] else _best(s, k)),
        "throw away the best",
    ),
    "the first": (
        _chosen(lambda s, k: torch.arange(s.shape[-1]).expand_as(s) < k),
        "the first tokens of the vocabulary",
    ),
    "first threshold": (
        _chosen(lambda s, k: s >= s.view(-1, s.shape[-1])[0].topk(k).values.min()),
        "one threshold serves all rows",
    ),
    "whole batch": (
        _chosen(lambda s, k: s >= s.view(-1).topk(k).values.min()),
        "the best tokens of the whole batch",
    ),
    "over the batch": (_finished(lambda s: s.softmax(0)), "runs over the first dimension"),
    "not shared": (_no_share, "what the others had"),
    "zeros": (_zeros, "the others have logit 0"),
    "only k": (_only_k, "only the kept tokens are in your answer"),
    "sorted": (_sorted_first, "stand in sorted order"),
    "logits": (_finished(lambda s: s), "you return logits"),
    "logarithms": (_finished(lambda s: s.log_softmax(-1)), "you return logarithms"),
    "alike": (_finished(lambda s: F.normalize((s > -INF).double(), 1, -1)), "are all alike"),
    "which": (_finished(lambda s: (s > -INF).double()), "which tokens stay"),
    "greedy": (lambda s, t, k: _greedy(s), "that is greedy"),
    "overflow": (_finished(_share), "exp overflows for large logits"),
    "drawn": (_draws, "gives two answers to the same input"),
    "in place": (_in_place, "changed its input"),
    "nothing": (lambda s, t, k: None, "returns nothing yet"),
    "unforeseen": (
        _tempered(lambda s, t: s / (t + 0.1)),
        "wrong on three tokens, temperature 0.5, the best two",
    ),
}
