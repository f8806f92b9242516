"""Chapter 5: what people write instead of multi-head attention."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from attention_lib import MultiHeadAttention


def _heads(t, h):
    b, n, d = t.shape
    return torch.reshape(t, (b, n, h, d // h)).permute(0, 2, 1, 3)


def _side_by_side(t):
    return torch.cat(list(t.unbind(1)), dim=-1)


def _weights(q, k, factor=None, dim=-1):
    factor = q.shape[-1] ** -0.5 if factor is None else factor
    return F.softmax(torch.einsum("bhid,bhjd->bhij", q, k) * factor, dim)


def _good(x, a, b, c, o, h, cut=_heads, join=_side_by_side, **how):
    q, k, v = (cut(torch.matmul(x, m), h) for m in (a, b, c))
    return join(_weights(q, k, **how) @ v) @ o


def _loop(x, a, b, c, o, h, columns=None, scale=None, join=torch.cat):
    """One head at a time; ``columns(i, d_head)`` says which it gets."""
    d_head = x.shape[2] // h
    columns = columns or (lambda i, d: slice(i * d, (i + 1) * d))
    found = []
    for i in range(h):
        part = columns(i, d_head)
        q, k, v = x @ a[:, part], x @ b[:, part], x @ c[:, part]
        scores = q @ k.transpose(1, 2) / math.sqrt(scale or d_head)
        found.append(scores.softmax(-1) @ v)
    return join(found, -1) @ o


def _word_by_word(x, a, b, c, o, h):
    """No tensor operation but the dot product of two vectors."""
    d_head, answers = x.shape[2] // h, []
    for sentence in x:
        q, k, v = sentence @ a, sentence @ b, sentence @ c
        rows = []
        for i in range(len(sentence)):
            row = []
            for start in range(0, h * d_head, d_head):
                part = slice(start, start + d_head)
                scores = [float(q[i, part] @ key[part]) / d_head**0.5 for key in k]
                parts = [math.exp(s - max(scores)) for s in scores]
                row += [
                    sum(p * float(value[column]) for p, value in zip(parts, v, strict=True))
                    / sum(parts)
                    for column in range(start, start + d_head)
                ]
            rows.append(row)
        answers.append((torch.tensor(rows, dtype=x.dtype) @ o).tolist())
    return answers


def _einsum(x, a, b, c, o, h):
    a, b, c = (m.unflatten(1, (h, -1)) for m in (a, b, c))
    scores = torch.einsum("bie,ehd,bjf,fhd->bhij", x, a, x, b) / a.shape[2] ** 0.5
    return torch.einsum("bhij,bjf,fhd,hde->bie", scores.softmax(-1), x, c, o.unflatten(0, (h, -1)))


def _layer(x, a, b, c, o, h):
    layer = MultiHeadAttention(x.shape[-1], h, bias=False).double()
    with torch.no_grad():
        layer.in_map.weight.copy_(torch.cat([a.T, b.T, c.T]))
        layer.out_map.weight.copy_(o.T)
    return layer(x)


def _torch_layer(x, a, b, c, o, h, batch_first=True):
    layer = nn.MultiheadAttention(len(o), h, bias=False, batch_first=batch_first).double().eval()
    layer.in_proj_weight = nn.Parameter(torch.cat([a, b, c], dim=1).T)
    layer.out_proj.weight = nn.Parameter(o.T)
    return layer(x, x, x)[0]


def _torch_function(x, a, b, c, o, h):
    y = x.transpose(0, 1)
    maps = torch.cat([a, b, c], 1).T
    options = {"training": False, "need_weights": False}
    nothing = (None, None, None, False, 0.0)
    answer, _ = F.multi_head_attention_forward(
        y, y, y, len(o), h, maps, *nothing, o.T, None, **options
    )
    return answer.transpose(0, 1)


def _fused(x, a, b, c, o, h):
    q, k, v = (_heads(x @ m, h) for m in (a, b, c))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape) @ o


def _heads_into_the_batch(x, a, b, c, o, h):
    q, k, v = (torch.cat((x @ m).chunk(h, dim=-1)) for m in (a, b, c))
    mixed = (q @ k.mT / q.size(-1) ** 0.5).softmax(-1) @ v
    return torch.cat(mixed.chunk(h), dim=-1) @ o


def _rows_of_the_out_map(x, a, b, c, o, h):
    q, k, v = (_heads(x @ m, h) for m in (a, b, c))
    heads = (_weights(q, k) @ v).unbind(1)
    return sum(head @ rows for head, rows in zip(heads, o.chunk(h), strict=True))


MULTI_HEAD_RIGHT = {
    "loop over heads": _loop,
    "word by word": _word_by_word,
    "reshape": _good,
    "einsum": _einsum,
    "the library's layer": _layer,
    "nn.MultiheadAttention": _torch_layer,
    "PyTorch's function": _torch_function,
    "fused kernel": _fused,
    "heads as more sentences": _heads_into_the_batch,
    "sum over rows of W_o": _rows_of_the_out_map,
    "array": lambda *a: _good(*a).numpy(),
}


def _view(t, h):
    return t.contiguous().view(t.shape[0], h, t.shape[1], t.shape[2] // h)


def _back(t):
    return t.contiguous().view(t.shape[0], t.shape[2], t.shape[1] * t.shape[3])


def _among_heads(x, a, b, c, o, h):
    q, k, v = ((x @ m).view(*x.shape[:2], h, -1) for m in (a, b, c))
    weights = F.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)
    return (weights @ v).reshape(x.shape) @ o


def _scale_too_late(x, a, b, c, o, h):
    q, k, v = (_heads(x @ m, h) for m in (a, b, c))
    return _side_by_side(_weights(q, k, 1.0) @ v / q.shape[-1] ** 0.5) @ o


def _made(weigh):
    def function(x, a, b, c, o, h):
        q, k, v = (_heads(x @ m, h) for m in (a, b, c))
        return _side_by_side(weigh(q @ k.transpose(2, 3) / math.sqrt(q.shape[3])) @ v) @ o

    return function


def _mean_of_weights(s):
    w = s.softmax(3)
    return torch.stack([w.mean(1)] * w.shape[1], 1)


def _overflow(s):
    e = s.exp()
    return e / e.sum(3)[..., None]


def _one_maximum(s):
    e = (s - s.max()).exp()
    return e / e.sum(3, keepdim=True)


def _future_hidden(s):
    return (s + torch.full(s.shape[2:], -torch.inf).triu(1)).softmax(-1)


def _keys_reshaped(x, a, b, c, o, h):
    q, k, v = (_heads(x @ m, h) for m in (a, b, c))
    s = q @ k.reshape(q.shape[0], h, q.shape[3], q.shape[2])
    return _side_by_side(F.softmax(s / q.shape[3] ** 0.5, -1) @ v) @ o


def _cut_first(x, a, b, c, o, h):
    """Every head has its own columns of x, and d_head by d_head numbers of each matrix."""
    d = x.shape[2] // h
    found = []
    for i in range(0, x.shape[2], d):
        part = slice(i, i + d)
        q, k, v = (x[..., part] @ m[part, part] for m in (a, b, c))
        found.append(F.scaled_dot_product_attention(q, k, v))
    return torch.cat(found, -1) @ o


def _matrix_left(x, a, b, c, o, h):
    return _side_by_side(_found(*(torch.matmul(m, x) for m in (a, b, c)), h)) @ o


def _found(q, k, v, h):
    q, k, v = (_heads(t, h) for t in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v)


def _only(x, a, b, c, h):
    return _found(x @ a, x @ b, x @ c, h)


def _out_map_in_each_head(x, a, b, c, o, h):
    d = len(o) // h
    parts = [
        head @ o[i * d :][:d, i * d :][:, :d]
        for i, head in enumerate(_only(x, a, b, c, h).unbind(1))
    ]
    return torch.cat(parts, -1)


def _first_rows_only(x, a, b, c, o, h):
    return sum(head @ o[: len(o) // h] for head in _only(x, a, b, c, h).unbind(1))


def _changes_x(x, a, b, c, o, h):
    x /= (x.shape[-1] // h) ** 0.25
    return _good(x, a, b, c, o, h)


MULTI_HEAD_MISTAKES = {
    "view without transposing": (lambda *a: _good(*a, cut=_view), "in one go"),
    "view there and back": (lambda *a: _good(*a, cut=_view, join=_back), "and back, and never"),
    "merged without transposing": (lambda *a: _good(*a, join=_back), "put together wrongly"),
    "cat along the words": (
        lambda *a: _good(*a, join=lambda t: torch.cat(t.unbind(1), 1).view(len(t), t.shape[2], -1)),
        "put together wrongly",
    ),
    "stacked": (
        lambda *a: _good(*a, join=lambda t: torch.stack(t.unbind(1)).view(len(t), t.shape[2], -1)),
        "stacked and then reshaped",
    ),
    "stacked last": (
        lambda *a: _good(*a, join=lambda t: torch.stack(t.unbind(1), -1).flatten(2)),
        "alternate in what W_o is given",
    ),
    "every other column": (
        lambda *a: _loop(*a, columns=lambda i, d: slice(i, None, a[5])),
        "every num_heads-th column",
    ),
    "alternating there and back": (
        lambda *a: _loop(
            *a,
            columns=lambda i, d: slice(i, None, a[5]),
            join=lambda found, dim: torch.stack(found, -1).flatten(2),
        ),
        "before attention and after it",
    ),
    "sizes swapped": (
        lambda x, a, b, c, o, h: _good(x, a, b, c, o, x.shape[2] // h),
        "num_heads and d_head are swapped",
    ),
    "sizes swapped, scale of d_head": (
        lambda x, a, b, c, o, h: _good(
            x, a, b, c, o, x.shape[2] // h, factor=(x.shape[2] / h) ** -0.5
        ),
        "num_heads and d_head are swapped",
    ),
    "overlapping": (lambda *a: _loop(*a, columns=lambda i, d: slice(i, i + d)), "heads overlap"),
    "first head's columns": (
        lambda *a: _loop(*a, columns=lambda i, d: slice(0, d)),
        "columns of the first: each",
    ),
    "one head": (lambda x, a, b, c, o, h: _good(x, a, b, c, o, 1), "one head of full width"),
    "shared scores": (
        lambda x, a, b, c, o, h: _loop(x, a, b, c, o, 1, scale=x.shape[2] / h),
        "share one matrix of scores",
    ),
    "x cut first": (_cut_first, "a part of every word only"),
    "heads among heads": (_among_heads, "heads of one word attend"),
    "batch second": (lambda *a: _torch_layer(*a, batch_first=False), "across the batch"),
    "no scale": (lambda *a: _good(*a, factor=1.0), "the scale is missing"),
    "root of d_model": (lambda *a: _loop(*a, scale=a[0].shape[2]), "square root of d_model"),
    "d_head": (lambda *a: _loop(*a, scale=(a[0].shape[2] // a[5]) ** 2), "you divide by d_head"),
    "root of heads": (lambda *a: _loop(*a, scale=a[5]), "square root of num_heads"),
    "multiplied": (lambda *a: _loop(*a, scale=a[5] / a[0].shape[2]), "you multiply"),
    "scale too late": (_scale_too_late, "scale comes too late"),
    "over the queries": (lambda *a: _good(*a, dim=2), "normalised over the queries"),
    "over the heads": (lambda *a: _good(*a, dim=1), "softmax runs over the heads"),
    "no softmax": (_made(lambda s: s), "there is no softmax"),
    "overflow": (_made(_overflow), "exp overflows"),
    "one maximum for all": (_made(_one_maximum), "the largest score of all"),
    "mean of the weights": (_made(_mean_of_weights), "average the weights"),
    "causal": (_made(_future_hidden), "a causal mask"),
    "query and key swapped": (
        lambda x, a, b, c, o, h: _good(x, b, a, c, o, h),
        "queries and keys are swapped",
    ),
    "scores transposed": (
        _made(lambda s: s.transpose(2, 3).softmax(3)),
        "queries and keys are swapped",
    ),
    "key and value swapped": (
        lambda x, a, b, c, o, h: _loop(x, a, c, b, o, h),
        "keys and values are swapped",
    ),
    "mixes keys": (lambda x, a, b, c, o, h: _loop(x, a, b, b, o, h), "you mix the keys"),
    "query twice": (lambda x, a, b, c, o, h: _loop(x, a, a, c, o, h), "queries with queries"),
    "keys reshaped": (_keys_reshaped, "mean to transpose"),
    "values not mapped": (
        lambda x, a, b, c, o, h: _side_by_side(_found(x @ a, x @ b, x, h)) @ o,
        "values are not mapped",
    ),
    "keys not mapped": (
        lambda x, a, b, c, o, h: _side_by_side(_found(x @ a, x, x @ c, h)) @ o,
        "keys are not mapped",
    ),
    "queries not mapped": (
        lambda x, a, b, c, o, h: _side_by_side(_found(x, x @ b, x @ c, h)) @ o,
        "queries are not mapped",
    ),
    "nothing mapped": (
        lambda x, a, b, c, o, h: _side_by_side(_found(x, x, x, h)) @ o,
        "cut x itself",
    ),
    "all transposed": (
        lambda x, a, b, c, o, h: F.linear(
            _side_by_side(_found(F.linear(x, a), F.linear(x, b), F.linear(x, c), h)), o
        ),
        "all four matrices act transposed",
    ),
    "three transposed": (
        lambda x, a, b, c, o, h: _loop(x, a.T, b.T, c.T, o, h),
        "W_q, W_k and W_v act transposed",
    ),
    "out map transposed": (
        lambda x, a, b, c, o, h: _loop(x, a, b, c, o.T, h),
        "W_o acts transposed",
    ),
    "columns of the out map": (
        lambda x, a, b, c, o, h: sum(
            head @ part.T
            for head, part in zip(_only(x, a, b, c, h).unbind(1), o.chunk(h, dim=1), strict=True)
        ),
        "W_o acts transposed",
    ),
    "matrix on the left": (_matrix_left, "with as many words as columns"),
    "all matrices on the left": (
        lambda x, a, b, c, o, h: o @ _side_by_side(_found(a @ x, b @ x, c @ x, h)),
        "all four matrices stand on the wrong side",
    ),
    "reversed": (
        lambda *a: _loop(*a, join=lambda found, dim: torch.cat(found[::-1], dim)),
        "reversed order",
    ),
    "no out map": (
        lambda x, a, b, c, o, h: _side_by_side(_only(x, a, b, c, h)),
        "W_o is missing: your heads",
    ),
    "added": (lambda x, a, b, c, o, h: sum(_only(x, a, b, c, h).unbind(1)), "add the heads up"),
    "averaged": (lambda x, a, b, c, o, h: _only(x, a, b, c, h).mean(1), "mean of the heads"),
    "added, then the out map": (
        lambda x, a, b, c, o, h: sum(_only(x, a, b, c, h).unbind(1)) @ o,
        r"\(2x1 and 2x2\).*two matrices do not fit",
    ),
    "return in the loop": (
        lambda x, a, b, c, o, h: _only(x, a, b, c, h)[:, 0],
        "the first head alone",
    ),
    "last of the loop": (
        lambda x, a, b, c, o, h: _only(x, a, b, c, h)[:, -1],
        "the last head alone",
    ),
    "batches that do not meet": (
        lambda x, a, b, c, o, h: torch.bmm(x @ a, x @ b),
        "of batch2 tensor.*two matrices do not fit",
    ),
    "heads returned": (lambda x, a, b, c, o, h: _only(x, a, b, c, h), "you return the heads,"),
    "first rows of the out map": (_first_rows_only, "the first rows of W_o, as if"),
    "out map in each head": (_out_map_in_each_head, "to each head by itself"),
    "residual": (lambda *a: a[0] + _good(*a), "you add x to the result"),
    "weights": (
        lambda x, a, b, c, o, h: _weights(_heads(x @ a, h), _heads(x @ b, h)),
        "these are the weights",
    ),
    "changes its input": (_changes_x, "changed its input"),
    "a pair": (lambda *a: (_good(*a), None), "returned a tuple"),
    "nothing": (lambda *a: None, "returns nothing yet"),
    "unforeseen": (lambda *a: _good(*a, factor=0.5), "wrong on one sentence of two words"),
}
