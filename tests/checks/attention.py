"""The whole course: what people write instead of an attention function."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from attention_lib import dot_product_attention

INF = float("inf")


def _with_weights(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -INF)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return weights @ value, weights


def _output(query, key, value, mask=None):
    return _with_weights(query, key, value, mask)[0]


def _numpy(query, key, value, mask=None):
    q, k, v = (x.numpy() for x in (query, key, value))
    scores = np.einsum("...qd,...kd->...qk", q, k) / np.sqrt(q.shape[-1])
    seen = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    scores = scores - np.max(scores, -1, keepdims=True, where=seen, initial=-1e300)
    e = np.exp(np.where(seen, scores, -np.inf))
    return np.divide(e, e.sum(-1, keepdims=True), out=np.zeros_like(e), where=seen) @ v


def _loops(query, key, value, mask=None):
    if query.dim() > 2:
        scores_shape = (*query.shape[:-1], key.shape[-2])
        masks = [None] * len(query) if mask is None else mask.expand(scores_shape)
        return torch.stack([_loops(*one) for one in zip(query, key, value, masks, strict=True)])
    rows = []
    for i, q in enumerate(query):
        row = (
            torch.ones(len(key), dtype=torch.bool)
            if mask is None
            else mask.expand(len(query), len(key))[i]
        )
        rows.append(torch.zeros_like(value[0]))
        if row.any():
            rows[-1] = F.softmax(key[row] @ q / len(q) ** 0.5, 0) @ value[row]
    return torch.stack(rows)


def _pytorch(query, key, value, mask=None):
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return output if mask is None else output.nan_to_num(0.0)


ATTENTION_RIGHT = {
    "output": _output,
    "output and weights": _with_weights,
    "library": lambda q, k, v, mask=None: dot_product_attention(q, k, v, mask=mask),
    "library with weights": lambda q, k, v, mask=None: dot_product_attention(
        q, k, v, mask=mask, return_weights=True
    ),
    "pytorch": _pytorch,
    "numpy": _numpy,
    "loops": _loops,
    "scaled before": lambda q, k, v, mask=None: _with_weights(
        q * q.shape[-1] ** -0.25, k * q.shape[-1] ** -0.25 * q.shape[-1] ** 0.5, v, mask
    ),
    "keyword only mask": lambda query, key, value, *, mask=None: _output(query, key, value, mask),
    "nan to zero": lambda q, k, v, mask=None: _slip(finish=lambda w, m: w.nan_to_num(0.0))(
        q, k, v, mask
    ),
    "-1e9, then zeros": lambda q, k, v, mask=None: _slip(
        fill=-1e9, finish=lambda w, m: w if m is None else w * m
    )(q, k, v, mask),
    "weights of NumPy": lambda q, k, v, mask=None: (
        _output(q, k, v, mask),
        _with_weights(q, k, v, mask)[1].numpy(),
    ),
}


def _slip(
    turn=lambda k: k.transpose(-2, -1),
    scale=lambda q, k, v: q.shape[-1] ** -0.5,
    mask=lambda mask: mask,
    fill=-INF,
    soft=lambda scores: scores.softmax(-1),
    finish=lambda weights, mask: weights,
    mix=torch.matmul,
):
    """Attention in which one step is another; rows that see nothing stay as they come out."""

    def attend(query, key, value, given=None):
        scores = query @ turn(key) * scale(query, key, value)
        if given is not None:
            scores = torch.where(mask(given), scores, fill)
        return mix(finish(soft(scores), given), value)

    return lambda query, key, value, mask=None: attend(query, key, value, mask)


def _cleaned(**slips):
    """The same with zeros in rows that see nothing."""
    return _slip(
        finish=lambda w, m: w if m is None else torch.where(m.any(-1, keepdim=True), w, 0.0),
        **slips,
    )


def _in_place(query, key, value, mask=None):
    query /= query.shape[-1] ** 0.5
    return _output(query * query.shape[-1] ** 0.5, key, value, mask)


def _in_place_mask(query, key, value, mask=None):
    output = _output(query, key, value, mask)
    if mask is not None:
        mask.logical_not_()
    return output


def _weighted(weights):
    """The right output beside other weights."""

    def attend(query, key, value, mask=None):
        return _output(query, key, value, mask), weights(query, key, value, mask)

    return attend


def _averaged(weights):
    return weights.mean(1) if weights.dim() == 4 else weights


def _exp(soft):
    return _cleaned(soft=soft)


def _share(e):
    return e / e.sum(-1, keepdim=True)


def _after(query, key, value, mask=None):
    weights = _with_weights(query, key, value)[1]
    return (weights if mask is None else weights * mask) @ value


def _renormalised(query, key, value, mask=None):
    weights = _with_weights(query, key, value)[1]
    return (weights if mask is None else F.normalize(weights * mask, p=1, dim=-1)) @ value


def _added(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    return (scores if mask is None else scores + mask).softmax(-1) @ value


def _multiplied(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    return (scores if mask is None else scores * mask).softmax(-1) @ value


def _times_minus_inf(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    return (scores if mask is None else scores + ~mask * -INF).softmax(-1) @ value


def _mask_that_must_fit(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    if mask is not None:
        scores[~mask] = -INF
    return scores.softmax(-1).nan_to_num(0.0) @ value


def _turned_for_matrices(key):
    return key.permute(*range(key.dim())[::-1])


def _only_if(condition):
    """The mask is used under a condition."""
    return lambda query, key, value, mask=None: _output(
        query, key, value, mask if mask is not None and condition(query, mask) else None
    )


def _batch_loop(query, key, value, mask=None):
    if query.dim() == 2:
        return _output(query, key, value, mask)
    mask = None if mask is None else mask.expand(*query.shape[:-1], key.shape[-2])
    pairs = [
        _output(query[i], key[0], value[0], None if mask is None else mask[i])
        for i in range(len(query))
    ]
    return torch.stack(pairs)


def _one_sequence(query, key, value, mask=None):
    q, k, v = (x.reshape(-1, x.shape[-1]) for x in (query, key, value))
    return _output(q, k, v).reshape(*query.shape[:-1], -1)


def _causal_too(query, key, value, mask=None):
    causal = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool)
    causal = causal.tril(key.shape[-2] - query.shape[-2])
    return _output(query, key, value, causal if mask is None else mask & causal)


def _scale(query):
    _batch, _heads, _length, width = query.shape
    return width**-0.5


def _dropout(query, key, value, mask=None):
    return F.dropout(_with_weights(query, key, value, mask)[1], 0.1) @ value


ATTENTION_MISTAKES = {
    # Without a mask.
    "over the queries": (_cleaned(soft=lambda s: s.softmax(-2)), "the columns of your weights sum"),
    "no scale": (_cleaned(scale=lambda q, k, v: 1.0), "the scale is missing"),
    "d_k": (_cleaned(scale=lambda q, k, v: 1 / q.shape[-1]), "you divide by d_k"),
    "multiplied": (_cleaned(scale=lambda q, k, v: q.shape[-1] ** 0.5), "it divides"),
    "number of keys": (
        _cleaned(scale=lambda q, k, v: k.shape[-2] ** -0.5),
        "square root of the number of keys",
    ),
    "number of queries": (
        _cleaned(scale=lambda q, k, v: q.shape[-2] ** -0.5),
        "square root of the number of queries",
    ),
    "width of the values": (
        _cleaned(scale=lambda q, k, v: v.shape[-1] ** -0.5),
        "the width of the values",
    ),
    "scaled weights": (
        lambda q, k, v, mask=None: (q @ k.mT).softmax(-1) / q.shape[-1] ** 0.5 @ v,
        "the scale comes too late",
    ),
    "length of the keys": (
        _cleaned(scale=lambda q, k, v: len(k) ** -0.5),
        r"the square root of len\(key\)",
    ),
    "shape[1]": (
        _cleaned(scale=lambda q, k, v: k.shape[1] ** -0.5),
        r"in front shape\[1\] counts the heads",
    ),
    "softmax over dimension 1": (
        _cleaned(soft=lambda s: s.softmax(1)),
        "in front softmax over dimension 1 runs over the heads: the keys are dimension -1$",
    ),
    "softmax over dimension 0": (_cleaned(soft=lambda s: s.softmax(0)), "normalise over dim.* 0"),
    "all at once": (
        _cleaned(soft=lambda s: s.flatten().softmax(0).view(s.shape)),
        "all your weights together",
    ),
    ".T": (
        _cleaned(turn=_turned_for_matrices),
        r"in front \.T turns round batch and heads too \(\.mT\)$",
    ),
    ".t()": (_cleaned(turn=lambda k: k.t()), r"not with batch and heads in front: \.T and t\(\)"),
    "transpose(0, 1)": (
        _cleaned(turn=lambda k: k.transpose(0, 1)),
        "in front dimensions 0 and 1 are batch and heads: swap -2 and -1$",
    ),
    "all for matrices": (
        _slip(
            turn=_turned_for_matrices,
            scale=lambda q, k, v: k.size(1) ** -0.5,
            soft=lambda s: s.softmax(1),
        ),
        r"\.T turns round batch .*; softmax over dimension 1",
    ),
    "transpose(1, 2)": (
        _cleaned(turn=lambda k: k.transpose(1, 2)),
        "raised IndexError.*count dimensions from the end",
    ),
    "reshaped keys": (
        _cleaned(turn=lambda k: k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])),
        "you reshape the keys",
    ),
    "keys and values swapped": (
        lambda q, k, v, mask=None: (q @ v.mT / q.shape[-1] ** 0.5).softmax(-1) @ k,
        "keys and values are swapped",
    ),
    "keys mixed": (lambda q, k, v, mask=None: _output(q, k, k, mask), "you mix the keys"),
    "queries with queries": (
        lambda q, k, v, mask=None: _output(q, q, v, mask),
        "you compare queries with queries",
    ),
    "transposed scores": (
        lambda q, k, v, mask=None: (k @ q.mT / q.shape[-1] ** 0.5).softmax(-1) @ v,
        "your scores are transposed",
    ),
    "transposed weights": (
        _cleaned(mix=lambda w, v: torch.einsum("...kq,...kd->...qd", w, v)),
        "your weights are transposed",
    ),
    "no softmax": (_cleaned(soft=lambda s: s), "there is no softmax"),
    "sigmoid": (_cleaned(soft=torch.sigmoid), "a sigmoid stands"),
    "log_softmax": (_cleaned(soft=lambda s: s.log_softmax(-1)), "logarithms of the weights"),
    "softmax at the end": (
        lambda q, k, v, mask=None: (q @ k.mT / q.shape[-1] ** 0.5 @ v).softmax(-1),
        "the softmax comes too late",
    ),
    "best key alone": (
        _cleaned(soft=lambda s: F.one_hot(s.argmax(-1), s.shape[-1]).to(s.dtype)),
        "its best key alone",
    ),
    "mean": (lambda q, k, v, mask=None: v.mean(-2, True).expand_as(q @ k.mT @ v), "the mean of"),
    "residual": (
        lambda q, k, v, mask=None: _output(q, k, v, mask) + q,
        "you add the query to the output",
    ),
    "overflow": (_exp(lambda s: _share(s.exp())), "exp overflows for large scores"),
    "one maximum": (_exp(lambda s: _share((s - s.max()).exp())), "the largest score of the whole"),
    "never divided": (
        _exp(lambda s: (s - s.amax(-1, keepdim=True)).exp()),
        "never divide by the sum of the row: its weights do not",
    ),
    "weights as output": (
        lambda q, k, v, mask=None: _with_weights(q, k, v, mask)[1],
        "these are the weights",
    ),
    "first sequence for all": (_batch_loop, "attend to the keys and values of the first"),
    "one long sequence": (_one_sequence, "you flatten batch and heads"),
    "mean over heads": (
        _cleaned(soft=lambda s: s.softmax(-1).mean(1, True) if s.dim() == 4 else s.softmax(-1)),
        "you average the weights over the heads before",
    ),
    "causal": (_causal_too, "later keys though no mask is given"),
    "dropout": (_dropout, "gives two answers to the same input"),
    "float16": (
        lambda q, k, v, mask=None: _output(q.half(), k.half(), v.half(), mask),
        "right to a few digits: your answer has dtype torch.float16",
    ),
    "in place": (_in_place, "changed its input, on two queries, two keys, all widths 2"),
    "nothing": (lambda q, k, v, mask=None: None, "returns nothing yet"),
    "three things": (
        lambda q, k, v, mask=None: (*_with_weights(q, k, v, mask), q),
        "returned 3 things",
    ),
    "a list": (
        lambda q, k, v, mask=None: list(_with_weights(q, k, v, mask)),
        "returned a list of two tensors",
    ),
    "a mask that must be given": (
        lambda query, key, value, mask: _output(query, key, value, mask),
        "called with three things",
    ),
    "batch and heads taken for granted": (
        lambda query, key, value, mask=None: dot_product_attention(
            query, key, value, mask=mask, scale=_scale(query)
        ),
        "a shape has a number for each dimension",
    ),
    "if mask": (
        lambda q, k, v, mask=None: _output(q, k, v, mask if mask else None),
        "a tensor of several is neither true nor false",
    ),
    "bfloat16 at the end": (
        lambda q, k, v, mask=None: _output(q, k, v, mask).bfloat16(),
        "your answer has dtype torch.bfloat16",
    ),
    "one output for all heads": (
        lambda q, k, v, mask=None: _averaged(_output(q, k, v, mask)),
        r"your answer has shape \(2, 2, 2\) on",
    ),
    "weights first": (
        lambda q, k, v, mask=None: _with_weights(q, k, v, mask)[::-1],
        "what you return first are the weights",
    ),
    "unforeseen": (
        lambda q, k, v, mask=None: _output(q, k.flip(-2), v, mask),
        "^your answer is wrong on two queries, two keys, all widths 2",
    ),
    # With a mask.
    "no argument": (lambda query, key, value: _output(query, key, value), "takes four things"),
    "in place, mask": (_in_place_mask, r"changed its input, on two queries, two keys \(mask\)"),
    "nan": (_slip(), "softmax makes 0 / 0 = nan of them; such a row must be all zeros"),
    "-1e9": (_slip(fill=-1e9), "softmax gives every hidden key an even share"),
    "turned round": (
        lambda q, k, v, mask=None: _output(q, k, v, None if mask is None else ~mask),
        "turned round: True means that the query",
    ),
    "turned round, nan": (_slip(mask=torch.logical_not), "turned round: True means that the query"),
    "ignored": (lambda q, k, v, mask=None: _output(q, k, v), "the mask is not used"),
    "multiplied into scores": (_multiplied, "you multiply the scores by the mask"),
    "filled with 0": (_slip(fill=0.0), "you multiply the scores by the mask"),
    "after softmax": (_after, "you hide after softmax: the hidden keys still stand in the sum"),
    "after softmax, divided again": (_renormalised, "a hidden key with a huge score takes"),
    "added": (_added, "you add the mask as numbers"),
    "0 times -inf": (_times_minus_inf, "0 times -inf is nan"),
    "-100": (_slip(fill=-100.0), "you hide with -100,"),
    "transposed mask": (_slip(mask=lambda m: m.mT), "your mask is transposed"),
    "matrices alone": (
        _only_if(lambda query, mask: query.dim() == 2),
        "used for matrices alone",
    ),
    "batches alone": (
        _only_if(lambda query, mask: query.dim() == 4),
        "used only with batch and heads",
    ),
    "full masks alone": (
        _only_if(lambda query, mask: mask.dim() == query.dim() and 1 not in mask.shape),
        "a mask smaller than the scores is not used",
    ),
    "mask that must fit": (_mask_that_must_fit, "indexing with a mask does not"),
    "mask of the first sequence": (
        lambda q, k, v, mask=None: _output(
            q, k, v, mask[:1] if mask is not None and mask.dim() == 4 else mask
        ),
        "every sequence of the batch gets",
    ),
    "mask of the first head": (
        lambda q, k, v, mask=None: _output(
            q, k, v, mask[:, :1] if mask is not None and mask.dim() == 4 else mask
        ),
        "every head gets the mask of the first",
    ),
    "empty rows see all": (
        _slip(mask=lambda m: m | ~m.any(-1, keepdim=True)),
        "softmax does not notice",
    ),
    "causal with a mask": (
        lambda q, k, v, mask=None: _output(q, k, v) if mask is None else _causal_too(q, k, v, mask),
        "you hide later keys besides those",
    ),
    "causal instead of the mask": (
        lambda q, k, v, mask=None: _output(q, k, v) if mask is None else _causal_too(q, k, v),
        "you hide later keys, whatever the mask says",
    ),
    "seen by one, seen by all": (
        lambda q, k, v, mask=None: _output(
            q, k, v, mask if mask is None or mask.dim() < 2 else mask.any(-2, keepdim=True)
        ),
        "is seen by all",
    ),
    # Beside the right output.
    "weights without the mask": (
        _weighted(lambda q, k, v, mask: _with_weights(q, k, v)[1]),
        "not the weights beside it: they are the weights without the mask",
    ),
    "scores as weights": (
        _weighted(
            lambda q, k, v, mask: (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(
                torch.tensor(False) if mask is None else ~mask, -INF
            )
        ),
        "they are the scores, before softmax",
    ),
    "raw scores as weights": (
        _weighted(lambda q, k, v, mask: q @ k.mT),
        "they are plain dot products",
    ),
    "scores before the mask as weights": (
        _weighted(lambda q, k, v, mask: q @ k.mT / q.shape[-1] ** 0.5),
        "they are the scores, before the mask",
    ),
    "weights transposed": (
        _weighted(lambda *given: _with_weights(*given)[1].mT),
        "beside it: they are transposed",
    ),
    "weights without scale": (
        _weighted(lambda q, k, v, mask: _with_weights(q * q.shape[-1] ** 0.5, k, v, mask)[1]),
        "they are made of scores without the scale",
    ),
    "weights of nan": (
        _weighted(lambda q, k, v, mask: _slip(mix=lambda w, v: w)(q, k, v, mask)),
        "has weights of nan",
    ),
    "even weights": (
        _weighted(lambda q, k, v, mask: _slip(fill=-1e9, mix=lambda w, v: w)(q, k, v, mask)),
        "has even weights",
    ),
    "weights averaged": (
        _weighted(lambda *given: _averaged(_with_weights(*given)[1])),
        "beside it: they are averaged over the heads",
    ),
    "weights over the queries": (
        _weighted(
            lambda q, k, v, mask: _slip(soft=lambda s: s.softmax(-2), mix=lambda w, v: w)(
                q, k, v, mask
            )
        ),
        "their columns sum to 1",
    ),
    "the output twice": (_weighted(lambda *given: _output(*given)), "the output once more"),
    "values as weights": (_weighted(lambda q, k, v, mask: v), "they are the values"),
    "weights with a dimension too much": (
        _weighted(lambda *given: _with_weights(*given)[1].unsqueeze(0)),
        "they have a dimension of 1 too much",
    ),
    "other weights": (
        _weighted(lambda *given: 0.5 * _with_weights(*given)[1]),
        "not the weights beside it: your answer is wrong on two queries.*sums to 1, and it is not",
    ),
    "None as weights": (_weighted(lambda *given: None), "there are none here"),
    "weights with a mask alone": (
        lambda q, k, v, mask=None: (
            _output(q, k, v) if mask is None else _with_weights(q, k, v, mask)
        ),
        "there are none here",
    ),
}
