"""Nucleus sampling: what people write instead."""

import numpy as np
import torch
from torch.distributions import Categorical

from attention_lib.sampling import next_probabilities


def _loop(logits, p):
    """Take the likeliest token until p is reached."""
    probabilities = torch.softmax(logits, dim=-1).tolist()
    answer, total = [0.0] * len(probabilities), 0.0
    for token in sorted(range(len(probabilities)), key=lambda i: -probabilities[i]):
        answer[token] = probabilities[token]
        total += probabilities[token]
        if total >= p:
            break
    return [number / total for number in answer]


def _ascending(logits, p):
    """Take away from below what sums to 1 - p at most."""
    values, order = torch.sort(logits)
    remove = values.softmax(-1).cumsum(-1) <= 1 - p
    return logits.masked_fill(remove.scatter(0, order, remove), -torch.inf).softmax(-1)


def _numpy(logits, p):
    weights = np.exp(logits.numpy() - logits.numpy().max())
    weights /= weights.sum()
    order = np.argsort(-weights)
    size = np.searchsorted(np.cumsum(weights[order]), p) + 1
    result = np.zeros_like(weights)
    result[order[:size]] = weights[order[:size]] / weights[order[:size]].sum()
    return result


def _by_comparing(logits, p):
    """A token stays if those before it do not reach p yet."""
    q = logits.softmax(0)
    before = (q[None] * (q[None] > q[:, None])).sum(1)
    return Categorical(probs=q.where(before < p, 0.0)).probs


TOP_P_RIGHT = {
    "the library's": lambda logits, p: next_probabilities(logits, top_p=p),
    "loop": _loop,
    "from below": _ascending,
    "NumPy": _numpy,
    "compare": _by_comparing,
}


def _sorted(logits):
    q, order = torch.softmax(logits, dim=-1).sort(descending=True)
    return q, order, order.argsort()


def _size(q, p):
    """How many of some sorted probabilities reach p."""
    total = 0.0
    for size, number in enumerate(q.tolist(), start=1):
        total += number
        if total >= p:
            return size
    return len(q)


def _cut(size=_size, finish=None):
    """Keep the first few sorted ones: ``size(q, p)``, then ``finish``, then back in place."""

    def top_p(logits, p):
        q, _, back = _sorted(logits)
        kept = torch.cat([q[: size(q, p)], 0 * q[size(q, p) :]])
        return (kept / kept.sum() if finish is None else finish(kept, p))[back]

    return top_p


def _only(keep):
    """Keep tokens by a condition ``keep(q, p)`` on unsorted probabilities."""

    def top_p(logits, p):
        q = logits.softmax(0)
        kept = torch.where(keep(q, p), q, 0.0)
        return kept / kept.sum()

    return top_p


def _after(change):
    """The right answer, and something done to it: ``change(answer, logits)``."""
    return lambda logits, p: change(torch.tensor(_loop(logits, p)), logits)


def _crossing_left_out(logits, p):
    q, order = logits.softmax(-1).sort(descending=True)
    remove = q.cumsum(-1) > p
    q[remove] = 0.0
    return torch.zeros_like(q).scatter(-1, order, q / q.sum())


def _crossing_left_out_zeros(logits, p):
    answer = _crossing_left_out(logits, p)
    return answer.nan_to_num(0.0)


def _places_of_the_sorted(logits, p):
    q = _sorted(logits)[0]
    remove = q.cumsum(0) - q >= p
    return logits.masked_fill(remove, -torch.inf).softmax(0)


def _back_wrongly(logits, p):
    q, order, _ = _sorted(logits)
    q[q.cumsum(0) - q >= p] = 0
    return (q / q.sum()).gather(0, order)


def _from_below(logits, p):
    q, order = logits.softmax(0).sort()
    kept = q * (q.cumsum(0) - q < p)
    return torch.zeros_like(q).scatter(0, order, kept / kept.sum())


def _adds_logits(logits, p):
    values, order = logits.sort(descending=True)
    remove = values.cumsum(0) > p
    remove = torch.cat([torch.tensor([False]), remove[:-1]])
    values[remove] = -torch.inf
    return torch.zeros_like(values).scatter(0, order, values).softmax(0)


def _in_place(logits, p):
    q, order, _ = _sorted(logits)
    logits[order[_size(q, p) :]] = -torch.inf
    return logits.softmax(0)


def _raw(logits, p):
    weights = logits.exp()
    q, order = (weights / weights.sum()).sort(descending=True)
    kept = q * (q.cumsum(0) - q < p)
    return torch.zeros_like(q).scatter(0, order, kept / kept.sum())


TOP_P_MISTAKES = {
    "crossing left out": (
        _cut(lambda q, p: max(_size(q, p) - 1, 1)),
        "reaches p is left out.*the likeliest token always stays",
    ),
    "crossing left out, nan": (_crossing_left_out, "alone nothing is left: 0 / 0"),
    "crossing left out, zeros": (_crossing_left_out_zeros, "alone all become 0"),
    "one too many": (_cut(lambda q, p: _size(q, p) + 1), "one token too many"),
    "two at least": (_cut(lambda q, p: max(2, _size(q, p))), "two tokens at least"),
    "single probabilities": (_only(lambda q, p: q > p), "each single probability with p"),
    "single probabilities, the largest stays": (
        _only(lambda q, p: (q > p) | (q == q.max())),
        "each single probability with p",
    ),
    "single probabilities, 1 - p": (_only(lambda q, p: q > 1 - p), "each single probability with"),
    "min-p": (_only(lambda q, p: q / q.max() >= p), "that is min-p"),
    "not divided": (_cut(finish=lambda kept, p: kept), "your probabilities do not sum to 1:"),
    "divided by p": (_cut(finish=lambda kept, p: kept / p), "you divide by p"),
    "sorted": (
        _after(lambda answer, _: answer.sort(descending=True).values),
        "^your probabilities stand in sorted",
    ),
    "sorted and not divided": (
        lambda logits, p: (lambda q: q.where(q.cumsum(0) - q < p, 0.0))(_sorted(logits)[0]),
        "two things: your probabilities",
    ),
    "the kept ones, sorted": (
        _after(lambda answer, _: answer[answer > 0].sort(descending=True).values),
        "only the kept tokens are in your answer, sorted",
    ),
    "the kept ones": (
        _after(lambda answer, _: answer[answer.nonzero()[:, 0]]),
        "only the kept tokens are in your answer:",
    ),
    "back in the wrong direction": (_back_wrongly, "in the wrong direction"),
    "places of the sorted": (_places_of_the_sorted, "use them for the unsorted ones"),
    "from below": (_from_below, "you add up from the least likely"),
    "the tail": (
        _after(lambda answer, logits: logits.masked_fill(answer > 0, -torch.inf).softmax(0)),
        "you keep the tail",
    ),
    "not sorted": (
        _only(lambda q, p: torch.arange(len(q)) < _size(q, p)),
        "order of the vocabulary: sort",
    ),
    "not sorted, crossing left out": (
        _only(lambda q, p: torch.cumsum(q, 0) < p),
        "order of the vocabulary, and leave out",
    ),
    "logits added": (_adds_logits, "you add up logits"),
    "a share of the tokens": (
        _cut(lambda q, p: max(int(p * len(q)), 1)),
        r"a share p of the tokens \(top-k\)",
    ),
    "top-k": (_cut(lambda q, p: 2), "always keep the same number"),
    "softmax of the kept": (
        lambda logits, p: (lambda kept: kept.where(kept > 0, -torch.inf).softmax(0))(
            _cut(finish=lambda kept, p: kept)(logits, p)
        ),
        "which evens them out",
    ),
    "softmax of all": (
        lambda logits, p: _cut(finish=lambda kept, p: kept.softmax(0))(logits, p),
        "the others do not stay 0",
    ),
    "logits of 0": (
        _after(lambda answer, logits: torch.where(answer > 0, logits, 0.0).softmax(0)),
        "the others have logit 0",
    ),
    "logits": (
        _after(lambda answer, logits: torch.where(answer > 0, logits, -torch.inf)),
        "you return logits",
    ),
    "logarithms": (_after(lambda answer, _: torch.log(answer)), "you return logarithms"),
    "which": (_after(lambda answer, _: answer > 0), "you return which tokens stay"),
    "all alike": (
        _after(lambda answer, _: (answer > 0) / (answer > 0).sum()),
        "the kept tokens are all alike",
    ),
    "softmax": (lambda logits, p: torch.softmax(logits, -1), "every token is kept"),
    "greedy": (
        lambda logits, p: torch.eye(len(logits))[logits.argmax()],
        "the likeliest token alone",
    ),
    "its own p": (lambda logits, p: _loop(logits, 0.9), "your p is a number of your own"),
    "1 - p": (lambda logits, p: _loop(logits, 1 - p), "your set reaches 1 - p"),
    "exp": (_raw, "exp overflows for large logits"),
    "changes its input": (_in_place, "changed its input"),
    "values and places": (
        lambda logits, p: torch.softmax(logits, 0).sort(descending=True),
        "returned a sort on",
    ),
    "not written": (lambda logits, p: ..., "returns nothing yet"),
    "nobody foresaw": (
        _cut(finish=lambda kept, p: kept**2 / (kept**2).sum()),
        r"wrong on three tokens, two enough\nlogits: +\[-2\.3026, .*\np: +0\.8\n"
        r"you gave: +\[0\.0, 0\.8, 0\.2\]\nexpected: +\[0\.0, 0\.6667, 0\.3333\]",
    ),
    "nobody foresaw another token": (
        _after(lambda answer, _: answer.roll(1)),
        "less likely than one thrown away, and it is not",
    ),
}
