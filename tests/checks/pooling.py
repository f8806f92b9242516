"""Mean pooling: what people write instead of the mean of the real tokens."""

import numpy as np
import torch
from torch import nn


def _loop(hidden, mask):
    pooled = torch.zeros(hidden.size(0), hidden.size(2), dtype=hidden.dtype)
    for i, (vectors, real) in enumerate(zip(hidden, mask, strict=True)):
        if real.any():
            pooled[i] = vectors[real].mean(0)
    return pooled


def _weights(hidden, mask):
    weights = mask.double()
    weights = weights / weights.sum(1, keepdim=True).clamp(min=1e-9)
    return torch.einsum("bn,bnd->bd", weights, hidden)


def _nested(hidden, mask):
    totals = [[0.0] * hidden.size(2) for _ in hidden]
    for text, (vectors, real) in enumerate(zip(hidden.tolist(), mask.tolist(), strict=True)):
        for vector, is_real in zip(vectors, real, strict=True):
            for j, number in enumerate(vector):
                totals[text][j] += number * is_real / max(sum(real), 1)
    return totals


def _where(hidden, mask):
    total = torch.where(mask.unsqueeze(-1), hidden, 0.0).sum(dim=1)
    return total / torch.maximum(mask.sum(dim=1), torch.tensor(1)).unsqueeze(-1)


def _bag(hidden, mask):
    batch, n, d = hidden.shape
    places = torch.arange(batch * n).view(batch, n).masked_fill(~mask, batch * n)
    table = torch.cat([hidden.reshape(-1, d), hidden.new_zeros(1, d)])
    return nn.functional.embedding_bag(places, table, mode="mean", padding_idx=batch * n)


MEAN_POOL_RIGHT = {
    "loop": _loop,
    "weights": _weights,
    "nested lists": _nested,
    "where": _where,
    "embedding_bag": _bag,
    "nanmean": lambda h, m: torch.where(m[:, :, None], h, torch.nan).nanmean(1).nan_to_num(0.0),
    "NumPy": lambda h, m: (
        np.einsum("bnd,bn->bd", h.numpy(), m.numpy()) / np.maximum(m.numpy().sum(1), 1)[:, None]
    ),
    "mean over mean": lambda h, m: (
        (h * m.unsqueeze(2)).mean(1) / m.double().mean(1).clamp_min(1e-12).unsqueeze(1)
    ),
}


def _each(pool):
    """Something else of each text's real tokens."""

    def pooled(hidden, mask):
        found = [pool(h[m]) if m.sum() else h[0] * 0 for h, m in zip(hidden, mask, strict=True)]
        return torch.stack(found)

    return pooled


def _zeroed(hidden, mask):
    return torch.where(mask[:, :, None], hidden, 0.0)


def _in_place(hidden, mask):
    hidden[~mask] = 0.0
    return hidden.sum(1) / mask.sum(1).clamp(min=1)[:, None]


def _unit(vectors):
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)


MEAN_POOL_MISTAKES = {
    "nan": (
        lambda h, m: torch.einsum("bnd,bn->bd", h, m.double()) / m.sum(1, keepdim=True),
        "gives 0 / 0 = nan, where zeros",
    ),
    "nan of nothing": (
        lambda h, m: torch.stack([x[y].mean(0) for x, y in zip(h, m, strict=True)]),
        "gives 0 / 0 = nan, where zeros",
    ),
    "padding counts": (lambda h, m: h.mean(dim=-2), "padding counts in your mean: the mask"),
    "numerator only": (lambda h, m: _zeroed(h, m).mean(1), "by the length with padding"),
    "denominator only": (
        lambda h, m: torch.stack(
            [x.sum(0) / max(int(y.sum()), 1) for x, y in zip(h, m, strict=True)]
        ),
        "of real tokens, but padding is in your sum",
    ),
    "denominator only, inf": (
        lambda h, m: h.sum(1) / m.sum(1)[:, None],
        r"\(0 of them in one text\)",
    ),
    "longest": (
        lambda h, m: _zeroed(h, m).sum(1) / max(m.sum(1).tolist()),
        "the longest text",
    ),
    "all tokens of the batch": (
        lambda h, m: _zeroed(h, m).sum(1) / m.double().sum(),
        "by the real tokens of the whole batch",
    ),
    "one more": (lambda h, m: _zeroed(h, m).sum(1) / (1 + m.sum(1)[:, None]), "by one more than"),
    "square root": (
        lambda h, m: _each(lambda v: v.sum(0) / len(v) ** 0.5)(h, m),
        "square root of the number",
    ),
    "inverted": (
        lambda h, m: _loop(h, torch.logical_not(m)),
        "turned round: you average the padding",
    ),
    "inverted, nan": (
        lambda h, m: h.masked_fill(m[..., None], 0).sum(1) / (~m).sum(1, keepdim=True),
        "turned round, and a text without padding",
    ),
    "masked_fill": (
        lambda h, m: h.masked_fill(m[..., None], 0).sum(1) / m.sum(1, keepdim=True).clamp(1),
        "masked_fill writes where",
    ),
    "masked_fill, inf": (
        lambda h, m: h.masked_fill(m[..., None], 0).sum(1) / m.sum(1, keepdim=True),
        "masked_fill writes where",
    ),
    "inverted, by length": (
        lambda h, m: (h * m.logical_not().unsqueeze(-1)).mean(1),
        "two things: you add the padding",
    ),
    "first": (lambda h, m: h[:, 0, :], r"\[CLS\] in BERT"),
    "last": (lambda h, m: h[:, -1, :], "in the last place, padding perhaps"),
    "last real": (
        lambda h, m: torch.stack(
            [x[max(y.nonzero().flatten().tolist() or [0])] for x, y in zip(h, m, strict=True)]
        ),
        "the last real token's vector",
    ),
    "first real": (
        lambda h, m: torch.stack(
            [x[min(y.nonzero().flatten().tolist() or [0])] for x, y in zip(h, m, strict=True)]
        ),
        "the first real token's vector",
    ),
    "sum": (lambda h, m: _each(lambda v: v.sum(0))(h, m), "a long text gets a long vector"),
    "sum of everything": (lambda h, m: torch.einsum("bnd->bd", h), "the sum, padding included"),
    "max": (
        lambda h, m: _each(lambda v: v.max(0).values)(h, m),
        "max pooling: the largest number",
    ),
    "max, -inf": (
        lambda h, m: torch.where(m[..., None], h, -torch.inf).max(1).values,
        "max pooling: the largest number",
    ),
    "max of everything": (lambda h, m: h.max(dim=1).values, "max pooling, over padding too"),
    "max with zeros": (lambda h, m: _zeroed(h, m).max(1)[0], "where padding counts as 0"),
    "median": (
        lambda h, m: _each(lambda v: torch.from_numpy(np.median(v.numpy(), 0)))(h, m),
        "the median of each column",
    ),
    "squares": (lambda h, m: _each(lambda v: v.pow(2).mean(0))(h, m), "you average squares"),
    "length 1": (lambda h, m: _unit(_loop(h, m)), "your vectors have length 1"),
    "tokens of length 1": (lambda h, m: _loop(_unit(h), m), "every token to length 1 first"),
    "without [CLS]": (lambda h, m: _loop(h[:, 1:], m[:, 1:]), "the first token is left out"),
    "without the end": (lambda h, m: _loop(h[:, :-1], m[:, :-1]), "the last place is left out"),
    "over the batch": (lambda h, m: _zeroed(h, m).mean(dim=0), r"\(dimension 0\): over"),
    "over the batch, with padding": (
        lambda h, m: torch.mean(h, 0),
        r"\(dimension 0\), padding included",
    ),
    "over the numbers": (
        lambda h, m: h.mean(dim=2) * m,
        "the numbers of each vector: over the tokens",
    ),
    "over the numbers, with padding": (
        lambda h, m: h.mean(dim=2),
        "the numbers of each vector, padding included",
    ),
    "all in one": (lambda h, m: h[m].mean(dim=0), "one mean for all came out"),
    "the same for all": (
        lambda h, m: torch.stack([h[m].mean(dim=0)] * len(h)),
        "every text gets the same vector",
    ),
    "a dimension too many": (lambda h, m: _loop(h, m).unsqueeze(1), "a dimension of 1 is left"),
    "zeroed only": (_zeroed, "nothing is averaged yet"),
    "divided, not added": (
        lambda h, m: _zeroed(h, m) / m.sum(1).clamp(min=1)[:, None, None],
        "what is left is to add them",
    ),
    "padding counts, but not alone": (
        lambda h, m: torch.where(m.any(1, keepdim=True), h.mean(1), 0.0),
        "only texts without any real token are treated apart",
    ),
    "counts over the batch": (
        lambda h, m: _zeroed(h, m).sum(1) / m.sum(0).unsqueeze(1),
        "you count over the texts",
    ),
    "changes its input": (_in_place, "changed its input.*work on a new tensor"),
    "no dimension for the mask": (
        lambda h, m: (h * m).sum(1) / m.sum(1, keepdim=True),
        "raised RuntimeError.*two shapes do not line up",
    ),
    "not written": (lambda h, m: None, "returns nothing yet"),
    "nobody foresaw": (
        lambda h, m: _loop(h, m) + 0.1,
        r"wrong on one text of two.*hidden: +\[\[\[1.0, 0.0\], .*mask: +\[\[True, True, False\]\]"
        r"\nyou gave: +\[\[1.6, 2.1\]\]\nexpected: +\[\[1.5, 2.0\]\]",
    ),
    "nobody foresaw the second text": (
        lambda h, m: _loop(h, m[:1].expand_as(m)),
        "wrong on three texts of two to four tokens",
    ),
}
