"""What people write instead of multi-head attention, step by step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.parts import Alternative

__all__ = ["MISTAKES", "multi_head_with"]


def _split(x: Tensor, num_heads: int) -> Tensor:
    """``(batch, n, d_model)`` to ``(batch, heads, n, d_head)``."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def _merge(heads: Tensor) -> Tensor:
    """``(batch, heads, n, d_head)`` to ``(batch, n, d_model)``."""
    return heads.transpose(1, 2).flatten(2)


def _scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.mT / query.size(-1) ** 0.5


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return torch.softmax(_scores(query, key), dim=-1) @ value


def multi_head_with(
    split: Callable = _split,
    attend: Callable = _attend,
    merge: Callable = _merge,
    finish: Callable = torch.matmul,
) -> Callable:
    """Multi-head attention in which one step is another."""

    def multi_head(
        x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, num_heads: int
    ) -> Tensor:
        query, key, value = (split(x @ m, num_heads) for m in (W_q, W_k, W_v))
        return finish(merge(attend(query, key, value)), W_o)

    return multi_head


_reference = multi_head_with()


def _scaled(factor: Callable[[Tensor], float]) -> Callable:
    return multi_head_with(attend=lambda q, k, v: torch.softmax(q @ k.mT * factor(q), dim=-1) @ v)


def _weighing(weights: Callable[[Tensor], Tensor]) -> Callable:
    return multi_head_with(attend=lambda q, k, v: weights(_scores(q, k)) @ v)


def _unmapped(merge: Callable[[Tensor], Tensor]) -> Callable:
    return multi_head_with(merge=merge, finish=lambda merged, map_o: merged)


def _one(x: Tensor) -> Tensor:
    return torch.eye(x.size(-1), dtype=x.dtype)


def _cut(x: Tensor, num_heads: int) -> Tensor:
    return x.reshape(len(x), num_heads, x.size(1), -1)


def _glue(heads: Tensor) -> Tensor:
    return heads.reshape(len(heads), heads.size(2), -1)


def _every_other(x: Tensor, num_heads: int) -> Tensor:
    return x.unflatten(-1, (-1, num_heads)).permute(0, 3, 1, 2)


def _alternating(heads: Tensor) -> Tensor:
    return heads.permute(0, 2, 3, 1).flatten(2)


def _swapped_sizes(x: Tensor, num_heads: int) -> Tensor:
    return _split(x, x.size(-1) // num_heads)


def _overlapping(x: Tensor, num_heads: int) -> Tensor:
    d_head = x.size(-1) // num_heads
    return torch.stack([x[..., i : i + d_head] for i in range(num_heads)], dim=1)


def _words_first(x: Tensor, num_heads: int) -> Tensor:
    return x.unflatten(-1, (num_heads, -1))


def _blocks(matrix: Tensor, num_heads: int) -> Tensor:
    """What is left of a matrix if every head maps its own columns of x alone."""
    d_head = len(matrix) // num_heads
    starts = range(0, len(matrix), d_head)
    return torch.block_diag(*(matrix[i : i + d_head, i : i + d_head] for i in starts))


def _left(x: Tensor, q: Tensor, k: Tensor, v: Tensor, num_heads: int) -> Tensor:
    query, key, value = (_split(m @ x, num_heads) for m in (q, k, v))
    return _merge(_attend(query, key, value))


def _divided(positive: Tensor) -> Tensor:
    return positive / positive.sum(-1, keepdim=True)


def _causal(scores: Tensor) -> Tensor:
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(later, float("-inf")), dim=-1)


_SPLITTING = [
    Alternative(
        multi_head_with(split=_cut),
        "you reshape to (batch, heads, n, d_head) in one go: a reshape keeps all numbers in their "
        "order, so each head gets pieces of other words; cut the columns alone, then swap",
    ),
    Alternative(
        multi_head_with(split=_cut, merge=_glue),
        "you reshape to (batch, heads, n, d_head) and back, and never swap two dimensions: each "
        "head gets a part of the words, with all their columns, in pieces",
    ),
    Alternative(
        multi_head_with(split=_every_other),
        "head i gets every num_heads-th column, from column i on: the columns of a head are "
        "neighbours, so the last dimension falls apart into (heads, d_head), in this order",
    ),
    Alternative(
        multi_head_with(split=_every_other, merge=_alternating),
        "the columns of your heads alternate, before attention and after it: the columns of a head "
        "are neighbours",
    ),
    Alternative(
        multi_head_with(split=_swapped_sizes),
        "num_heads and d_head are swapped: you have d_head heads of width num_heads",
    ),
    Alternative(
        multi_head_with(
            split=_swapped_sizes,
            attend=lambda q, k, v: _attend(q * (q.size(-1) / q.size(1)) ** 0.5, k, v),
        ),
        "num_heads and d_head are swapped: you have d_head heads of width num_heads",
    ),
    Alternative(
        multi_head_with(split=_overlapping),
        "your heads overlap: head i starts at column i, and before it stand i whole heads",
    ),
    Alternative(
        multi_head_with(split=lambda x, h: _split(x, h)[:, :1].expand(-1, h, -1, -1)),
        "all your heads use the columns of the first: each has d_head columns of its own",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, q, k, v, o, 1),
        "you have one head of full width, and num_heads changes nothing: every head compares and "
        "mixes in its own d_head columns",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, q * h**0.5, k, v, o, 1),
        "all your heads share one matrix of scores, summed over all d_model columns: each head has "
        "its own, from its d_head columns",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, *(_blocks(m, h) for m in (q, k, v)), o, h),
        "each of your heads sees a part of every word only: cut x @ W_q, x @ W_k and x @ W_v into "
        "heads, not x",
    ),
    Alternative(
        multi_head_with(split=_words_first, merge=lambda heads: heads.flatten(2)),
        "the heads of one word attend to each other: (batch, n, heads, d_head) gives scores of "
        "heads by heads for every word; words must meet words (with a batch in front, words and "
        "heads are dimensions 1 and 2)",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x.transpose(0, 1), q, k, v, o, h).transpose(0, 1),
        "your words attend across the batch, to the words at their place in other sentences "
        "(nn.MultiheadAttention takes x so, unless you say batch_first=True)",
    ),
]

_ATTENDING = [
    Alternative(
        _scaled(lambda q: 1.0),
        "the scale is missing: divide the scores of a head by the square root of d_head",
    ),
    Alternative(
        _scaled(lambda q: (q.size(1) * q.size(-1)) ** -0.5),
        "you divide by the square root of d_model: a score of one head is a sum over d_head "
        "products only",
    ),
    Alternative(
        _scaled(lambda q: 1 / q.size(-1)),
        "you divide by d_head, or by its square root twice: the standard deviation of a score is "
        "the square root, once",
    ),
    Alternative(
        _scaled(lambda q: q.size(1) ** -0.5),
        "you divide by the square root of num_heads: the width of a head counts, not how many",
    ),
    Alternative(
        _scaled(lambda q: q.size(-1) ** 0.5),
        "you multiply by the square root of d_head: it divides",
    ),
    Alternative(
        multi_head_with(attend=lambda q, k, v: torch.softmax(q @ k.mT, -1) / q.size(-1) ** 0.5 @ v),
        "the scale comes too late: after softmax the rows no longer sum to 1; divide the scores",
    ),
    Alternative(
        _weighing(lambda scores: torch.softmax(scores, dim=-2)),
        "the columns of your weights sum to 1, not the rows: you normalised over the queries",
    ),
    Alternative(
        _weighing(lambda scores: torch.softmax(scores, dim=1)),
        "your softmax runs over the heads: in (batch, heads, n, n) the keys come last",
    ),
    Alternative(
        _weighing(lambda scores: scores),
        "there is no softmax: you mix the values by raw scores",
    ),
    Alternative(
        _weighing(lambda scores: _divided(torch.exp(scores))),
        "right in exact arithmetic, but exp overflows for large scores: use torch.softmax, or "
        "subtract the largest score of each row first",
    ),
    Alternative(
        _weighing(lambda scores: _divided(torch.exp(scores - scores.max()))),
        "you subtract the largest score of all: a row whose scores lie far below it becomes 0 / 0; "
        "take the largest of each row",
    ),
    Alternative(
        _weighing(lambda scores: torch.softmax(scores, dim=-1).mean(1, keepdim=True)),
        "you average the weights over the heads: each head mixes with weights of its own",
    ),
    Alternative(
        _weighing(_causal),
        "each word sees only itself and the words before it (a causal mask, chapter 7): here every "
        "word sees every word",
    ),
    Alternative(
        multi_head_with(attend=lambda q, k, v: _attend(k, q, v)),
        "queries and keys are swapped: W_q makes the queries, one row of scores each; W_k makes "
        "the keys, one column each",
    ),
    Alternative(
        multi_head_with(attend=lambda q, k, v: _attend(q, v, k)),
        "keys and values are swapped: queries are compared with keys, and values are mixed",
    ),
    Alternative(
        multi_head_with(attend=lambda q, k, v: _attend(q, k, k)),
        "you mix the keys: what is mixed are the values, x @ W_v",
    ),
    Alternative(
        multi_head_with(attend=lambda q, k, v: _attend(q, q, v)),
        "you compare queries with queries: the keys have a map of their own, W_k",
    ),
    Alternative(
        multi_head_with(
            attend=lambda q, k, v: _attend(q, k.reshape(*k.shape[:2], -1, k.size(2)).mT, v)
        ),
        "you reshape the keys to (d_head, n) and mean to transpose: the shape fits, and the "
        "numbers stand in the wrong places",
    ),
]

_MAPPING = [
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, q, k, _one(x), o, h),
        "the values are not mapped: what is mixed is x @ W_v",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, q, _one(x), v, o, h),
        "the keys are not mapped: the queries are compared with x @ W_k",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, _one(x), k, v, o, h),
        "the queries are not mapped: what asks is x @ W_q",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, _one(x), _one(x), _one(x), o, h),
        "you cut x itself into heads: map it first, with W_q, W_k and W_v",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, q.T, k.T, v.T, o.T, h),
        "all four matrices act transposed: a word is a row here and stands on the left, x @ W "
        "(torch.nn.Linear stores its matrix the other way round)",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, q.T, k.T, v.T, o, h),
        "W_q, W_k and W_v act transposed: a word is a row here and stands on the left, x @ W; the "
        "columns of W belong to the heads, not its rows",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _reference(x, q, k, v, o.T, h),
        "W_o acts transposed: what the heads found is a row and stands on the left, so each head "
        "meets rows of W_o, not columns",
    ),
    Alternative(
        lambda x, q, k, v, o, h: _left(x, q, k, v, h) @ o,
        "W @ x mixes the words where it runs at all, with as many words as columns: a word is a "
        "row, and its matrix stands on the right",
    ),
    Alternative(
        lambda x, q, k, v, o, h: o @ _left(x, q, k, v, h),
        "all four matrices stand on the wrong side: W @ x mixes words, where it runs at all; a "
        "word is a row, x @ W",
    ),
]

_MERGING = [
    Alternative(
        multi_head_with(merge=_glue),
        "your heads are right, and put together wrongly: (batch, heads, n, d_head) holds one head "
        "after the other, and a reshape keeps that order; swap words and heads back first",
    ),
    Alternative(
        multi_head_with(
            merge=lambda heads: heads.transpose(0, 1).reshape(len(heads), heads.size(2), -1)
        ),
        "your heads are right, but stacked and then reshaped, which mixes up sentences, words and "
        "heads: put them side by side along the last dimension",
    ),
    Alternative(
        multi_head_with(merge=_alternating),
        "the columns of your heads alternate in what W_o is given: all columns of the first head "
        "come first",
    ),
    Alternative(
        multi_head_with(merge=lambda heads: _merge(heads.flip(1))),
        "your heads stand in reversed order: the first head comes first, and meets the first rows "
        "of W_o",
    ),
    Alternative(
        _unmapped(_merge),
        "W_o is missing: your heads stand side by side, and nothing has mixed them yet",
    ),
    Alternative(
        _unmapped(lambda heads: heads.sum(1)),
        "you add the heads up, and W_o is missing: heads are put side by side, so that W_o can "
        "tell them apart",
    ),
    Alternative(
        _unmapped(lambda heads: heads.mean(1)),
        "you take the mean of the heads, and W_o is missing: heads are put side by side",
    ),
    Alternative(
        _unmapped(lambda heads: heads[:, 0]),
        "you return the first head alone (a return inside the loop, perhaps): all heads are "
        "needed, side by side, and then W_o",
    ),
    Alternative(
        _unmapped(lambda heads: heads[:, -1]),
        "you return the last head alone: keep every head of the loop, put them side by side, "
        "and apply W_o",
    ),
    Alternative(
        _unmapped(lambda heads: heads),
        "you return the heads, (batch, heads, n, d_head): put them side by side and apply W_o",
    ),
    Alternative(
        multi_head_with(
            merge=lambda heads: heads.sum(1),
            finish=lambda total, map_o: total @ map_o[: total.size(-1)],
        ),
        "all your heads meet the first rows of W_o, as if you had added them up: each head has "
        "d_head rows of its own there",
    ),
    Alternative(
        multi_head_with(
            merge=lambda heads: heads,
            finish=lambda heads, o: _merge(heads) @ _blocks(o, heads.size(1)),
        ),
        "you apply W_o to each head by itself: it takes all heads of a word at once, and every "
        "number of the output may depend on every head",
    ),
    Alternative(
        lambda x, q, k, v, o, h: x + _reference(x, q, k, v, o, h),
        "you add x to the result: that comes in chapter 8",
    ),
    Alternative(
        lambda x, q, k, v, o, h: torch.softmax(_scores(_split(x @ q, h), _split(x @ k, h)), dim=-1),
        "these are the weights, (batch, heads, n, n): each head still has to mix its values",
    ),
]

MISTAKES = [*_SPLITTING, *_ATTENDING, *_MAPPING, *_MERGING]
