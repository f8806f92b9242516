"""Chapter 8: what people write instead of beam search."""

import heapq
import itertools
import math

import torch


def _beams(first, table, steps, k):
    """Sums (k,) and ids (k, steps), best first."""
    sums, ids = first.topk(k)
    ids = ids[:, None]
    for _ in range(steps - 1):
        sums, flat = (sums[:, None] + table[ids[:, -1]]).flatten().topk(k)
        ids = torch.cat([ids[flat // len(first)], flat[:, None] % len(first)], dim=1)
    return sums, ids


def _lists(first, table, steps, k):
    beams = [([], 0.0)]
    for _ in range(steps):
        longer = []
        for ids, total in beams:
            row = table[ids[-1]] if ids else first
            longer += [([*ids, i], total + float(row[i])) for i in range(len(row))]
        beams = sorted(longer, key=lambda beam: -beam[1])[:k]
    return beams[0][0]


def _heap(first, table, steps, k):
    first, table = first.tolist(), table.tolist()
    beams = heapq.nsmallest(k, [(-score, (i,)) for i, score in enumerate(first)])
    for _ in range(1, steps):
        beams = heapq.nsmallest(
            k,
            [
                (cost - score, (*ids, i))
                for cost, ids in beams
                for i, score in enumerate(table[ids[-1]])
            ],
        )
    return list(beams[0][1])


def _backwards(first, table, steps, k):
    """Remember where each beam came from, and walk back."""
    sums, token = first.sort(descending=True)
    sums, token, history = sums[:k], token[:k], []
    for _ in range(steps - 1):
        sums, flat = (sums[:, None] + table[token]).view(-1).sort(descending=True)
        sums, flat = sums[:k], flat[:k]
        history.append((token, flat // len(first)))
        token = flat % len(first)
    place, found = 0, [int(token[0])]
    for token, origin in reversed(history):
        place = int(origin[place])
        found.append(int(token[place]))
    return torch.tensor(found[::-1])


def _probabilities(first, table, steps, k):
    """Fine for sequences as short as these: longer products would become 0."""
    beams = sorted(((float(p), [i]) for i, p in enumerate(first.exp())), reverse=True)[:k]
    for _ in range(steps - 1):
        longer = [
            (p * float(q), [*ids, i])
            for p, ids in beams
            for i, q in enumerate(table[ids[-1]].exp())
        ]
        beams = sorted(longer, reverse=True)[:k]
    return torch.tensor(beams[0][1])


def _few_of_each(first, table, steps, k):
    """Extend each beam by its best k tokens alone: no others can survive."""
    sums, ids = first.topk(k)
    ids = ids[:, None]
    for _ in range(steps - 1):
        best = table[ids[:, -1]].topk(k)
        sums, flat = (sums[:, None] + best.values).view(-1).topk(k)
        ids = torch.cat([ids[flat // k], best.indices.view(-1)[flat][:, None]], 1)
    return ids[0]


BEAM_SEARCH_RIGHT = {
    "topk": lambda *a: _beams(*a)[1][0],
    "lists": _lists,
    "heap of costs": _heap,
    "walked back": _backwards,
    "mean log-probability": lambda *a: max(
        (float(total) / a[2], ids.tolist()) for total, ids in zip(*_beams(*a), strict=True)
    )[1],
    "products of probabilities": _probabilities,
    "the best few of each": _few_of_each,
    "array": lambda *a: _beams(*a)[1][0].numpy(),
}


def _greedy(first, table, steps, k):
    ids = [int(first.argmax())]
    while len(ids) < steps:
        ids.append(int(table[ids[-1]].argmax()))
    return ids


def _copies(first, table, steps, k):
    """All beams begin alike, and stay so."""
    ids, sums = first.argmax().repeat(k)[:, None], first.max().repeat(k)
    for _ in range(steps - 1):
        total = sums[:, None] + table[ids[:, -1]]
        order = total.flatten().argsort(descending=True, stable=True)[:k]
        sums = total.flatten()[order]
        ids = torch.cat([ids[order // len(first)], order[:, None] % len(first)], 1)
    return ids[0]


def _total(first, table, ids):
    return float(first[ids[0]]) + sum(float(table[a, b]) for a, b in itertools.pairwise(ids))


def _exhaustive(first, table, steps, k):
    every = itertools.product(range(len(first)), repeat=steps)
    return list(max(every, key=lambda ids: _total(first, table, ids)))


def _viterbi(first, table, steps, k):
    total, came = first, []
    for _ in range(steps - 1):
        total, origin = (total[:, None] + table).max(0)
        came.append(origin)
    ids = [int(total.argmax())]
    for origin in reversed(came):
        ids.insert(0, int(origin[ids[0]]))
    return ids


def _topk_with(first, table, steps, k, *, begin=None, join=torch.add, largest=True, rest=None):
    """Tensors again, with one thing changed."""
    sums, ids = first.topk(begin or k, largest=largest)
    ids = ids[:, None]
    for _ in range(steps - 1):
        total = join(sums[:, None], table[ids[:, -1]]).flatten()
        sums, flat = total.topk(min(rest or k, len(total)), largest=largest)
        ids = torch.cat([ids[flat // len(first)], flat[:, None] % len(first)], dim=1)
    return sums, ids


def _with(**change):
    return lambda *a: _topk_with(*a, **change)[1][0]


def _first_beam_only(first, table, steps, k):
    return _topk_with(first, table, steps, k, begin=1)[1][0]


def _all_first_tokens(first, table, steps, k):
    return _topk_with(first, table, steps, k, begin=len(first))[1][0]


def _own_successor(first, table, steps, k):
    sums, ids = first.topk(k)
    ids = ids[:, None]
    for _ in range(steps - 1):
        best = table[ids[:, -1]].max(1)
        sums, ids = sums + best.values, torch.cat([ids, best.indices[:, None]], 1)
    return ids[sums.argmax()]


def _growing(first, table, steps, k):
    sums, ids = first.topk(k)
    ids = ids[:, None]
    for _ in range(steps - 1):
        best = table[ids[:, -1]].topk(k)
        sums = (sums[:, None] + best.values).flatten()
        ids = torch.cat([ids.repeat_interleave(k, 0), best.indices.reshape(-1, 1)], 1)
    return ids[sums.argmax()]


def _one_for_each_end(first, table, steps, k):
    beams = {i: (float(p), [i]) for i, p in enumerate(first)}
    for _ in range(steps - 1):
        kept = sorted(beams.values(), reverse=True)[:k]
        beams = {
            i: max((total + float(table[ids[-1], i]), [*ids, i]) for total, ids in kept)
            for i in range(len(first))
        }
    return max(beams.values())[1]


def _extended(beams, table):
    return [(s + float(p), [*ids, i]) for s, ids in beams for i, p in enumerate(table[ids[-1]])]


def _worst_of_all(first, table, steps, k):
    beams = sorted((float(p), [i]) for i, p in enumerate(first))[:k]
    for _ in range(steps - 1):
        beams = sorted(_extended(beams, table))[:k]
    return beams


def _start_at_zero(first, table, steps, k, everything=False):
    tokens = range(len(first)) if everything else first.argsort(descending=True)[:k].tolist()
    beams = [(0.0, [i]) for i in tokens]
    for _ in range(steps - 1):
        beams = sorted(_extended(beams, table), reverse=True)[:k]
    return max(beams)[1]


def _tokens_stay(first, table, steps, k):
    """The sums move with the beams, the tokens do not."""
    sums, last = first.topk(k)
    ids = last[:, None]
    for _ in range(steps - 1):
        sums, flat = (sums[:, None] + table[last]).flatten().topk(k)
        last = flat % len(first)
        ids = torch.cat([ids, last[:, None]], 1)
    return ids[0]


def _overwrites_first(first, table, steps, k):
    first[first < first.topk(k).values[-1]] = -math.inf
    return _beams(first, table, steps, k)[1][0]


BEAM_SEARCH_MISTAKES = {
    "greedy": (_greedy, "that is greedy search"),
    "copies of one beam": (_copies, "that is greedy search"),
    "everything": (_exhaustive, "you find the best sequence of all"),
    "Viterbi": (_viterbi, "you find the best sequence of all"),
    "every first token": (_all_first_tokens, "you keep every first token"),
    "one first token": (_first_beam_only, "the likeliest first token alone"),
    "products": (_with(join=torch.mul), "you multiply log-probabilities"),
    "sums of probabilities": (
        lambda p, q, *sizes: _beams(torch.exp(p), torch.exp(q), *sizes)[1][0],
        "you add probabilities",
    ),
    "last step": (_with(join=lambda sums, row: row + 0 * sums), "judged by its last step alone"),
    "own successor": (_own_successor, "each keeps its own best successor"),
    "growing": (_growing, "each keeps num_beams extensions of its own"),
    "one for each end": (_one_for_each_end, "that end in the same token you keep one"),
    "worst": (lambda *a: _worst_of_all(*a)[0][1], "you look for the worst"),
    "worst, with topk": (_with(largest=False), "you look for the worst"),
    "worst, then the best of them": (
        lambda *a: _worst_of_all(*a)[-1][1],
        "you keep the worst at each step",
    ),
    "last beam": (lambda *a: _beams(*a)[1][-1], "you return the last beam"),
    "column": (lambda p, q, *sizes: _lists(p, q.T, *sizes), "row and column are swapped"),
    "no first score": (_start_at_zero, "the first token's log-probability is lost"),
    "first not used": (lambda *a: _start_at_zero(*a, everything=True), "first is never used"),
    "stitched": (_tokens_stay, "your tokens come from different sequences"),
    "all beams": (lambda *a: _beams(*a)[1], "you return all beams"),
    "the sum": (lambda *a: _beams(*a)[0][0], "you return the sum"),
    "reversed": (lambda *a: _lists(*a)[::-1], "your tokens stand in reverse"),
    "one more": (lambda p, q, t, k: _lists(p, q, t + 1, k), "a token too many"),
    "one less": (lambda p, q, t, k: _lists(p, q, max(t - 1, 1), k), "a token too few"),
    "one less, none at last": (
        lambda p, q, t, k: _lists(p, q, t - 1, k) if t > 1 else [],
        "a token too few",
    ),
    "one beam more": (lambda p, q, t, k: _lists(p, q, t, 1 + k), "one sequence more"),
    "one beam less": (lambda p, q, t, k: _lists(p, q, t, k - 1 or 1), "one sequence less"),
    "always two beams": (lambda p, q, t, k: _lists(p, q, t, 2), "number of beams is fixed"),
    "always three beams": (lambda p, q, t, k: _lists(p, q, t, 3), "number of beams is fixed"),
    "both returned": (lambda *a: _beams(*a)[::-1], "returned a tuple"),
    "changes its input": (_overwrites_first, "changed its input"),
    "not written": (lambda *a: None, "returns nothing yet"),
    "nobody foresaw": (
        lambda *a: [a[0].argmin().item(), *_lists(*a)[1:]],
        r"wrong on three tokens, two steps.*is one of the num_beams likeliest.*steps: +2\n",
    ),
    "nobody foresaw that the last step has one beam": (
        lambda p, q, t, k: (
            [*(ids := _lists(p, q, t - 1, k)), int(q[ids[-1]].argmax())]
            if t > 1
            else _lists(p, q, 1, k)
        ),
        r"steps, two beams\nfirst: .*\nyou gave: +\[0.0, 0.0\]\nexpected: +\[1.0, 2.0\]",
    ),
    "nobody foresaw nan": (lambda *a: [math.nan] * a[2], "the id of a token, and it is not"),
}
