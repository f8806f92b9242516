"""What people write instead of attention: without a mask, with one, and in the weights."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from attention_lib.attention import dot_product_attention
from attention_lib.checks import masking, scaling
from attention_lib.checks.parts import Alternative
from attention_lib.masks import causal_mask

__all__ = [
    "MISTAKES_IN_WEIGHTS",
    "MISTAKES_WITHOUT_MASK",
    "MISTAKES_WITH_MASK",
    "WEIGHTS_FIRST",
    "output_of",
    "weights_of",
]

Formula = Callable[..., Tensor]


def output_of(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """The right output."""
    return dot_product_attention(query, key, value, mask=mask)


def weights_of(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """The right weights."""
    return dot_product_attention(query, key, value, mask=mask, return_weights=True)[1]


def _scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.mT / query.size(-1) ** 0.5


def _weighing(weights: Callable[[Tensor], Tensor]) -> Formula:
    """Other weights, made of the right scores."""
    return lambda q, k, v: weights(_scores(q, k)) @ v


def _for_matrices(
    turn: Callable[[Tensor], Tensor], dim: int, width: Callable[[Tensor], int]
) -> Formula:
    """Attention in which some step counts its dimensions as those of a matrix."""
    return lambda q, k, v: torch.softmax(q @ turn(k) / width(k) ** 0.5, dim) @ v


def _matrices_alone(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    if query.dim() > 2:
        raise ValueError("more than a matrix")
    return output_of(query, key, value)


def _all_together(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    q, k, v = (x.flatten(0, -2) for x in (query, key, value))
    return output_of(q, k, v).view(*query.shape[:-1], -1)


def _of_the_first(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    if query.dim() > 2:
        key, value = key[:1].expand_as(key), value[:1].expand_as(value)
    return output_of(query, key, value)


def _hot(scores: Tensor) -> Tensor:
    return torch.zeros_like(scores).scatter(-1, scores.argmax(-1, keepdim=True), 1.0)


# One step each, and the slip in it; the first is right.
_TURNS = [
    (lambda k: k.mT, ""),
    (lambda k: k.permute(*reversed(range(k.dim()))), ".T turns round batch and heads too (.mT)"),
    (lambda k: k.transpose(0, 1), "dimensions 0 and 1 are batch and heads: swap -2 and -1"),
]
_DIMS = [(-1, ""), (1, "softmax over dimension 1 runs over the heads: the keys are dimension -1")]
_WIDTHS = [
    (lambda k: k.size(-1), ""),
    (lambda k: k.size(1), "shape[1] counts the heads: the width of a key is shape[-1]"),
]

# Where keys are turned wrong the general shapes do not fit, and no width shows.
_STEPS = [*product(_TURNS, _DIMS, _WIDTHS[:1]), *product(_TURNS[:1], _DIMS, _WIDTHS[1:])]

_WITH_BATCH_AND_HEADS = [
    Alternative(
        _matrices_alone,
        "right for matrices, but not with batch and heads in front: .T and t() turn round all "
        "dimensions (.mT swaps the last two), and places have to be counted from the end",
    ),
    *[
        Alternative(
            _for_matrices(turn, dim, width),
            "right for matrices, but with batch and heads in front "
            + "; ".join(filter(None, slips)),
        )
        for (turn, *a), (dim, *b), (width, *c) in _STEPS
        if any(slips := [*a, *b, *c])
    ],
    Alternative(
        _for_matrices(*(step[0][0] for step in (_TURNS, _DIMS)), len),
        "you divide by the square root of len(key), the number of keys or of sequences: the width "
        "of a key is its last dimension",
    ),
    *[
        Alternative(
            _for_matrices(turn, 0, _WIDTHS[0][0]),
            "you normalise over dimension 0, the queries of a matrix and otherwise the batch: keys "
            "are the last dimension of the scores",
        )
        for turn, _ in _TURNS
    ],
    Alternative(
        _all_together,
        "right for matrices, but you flatten batch and heads into one long sequence: every "
        "sequence and every head attends on its own",
    ),
    Alternative(
        _of_the_first,
        "right for matrices, but all sequences of the batch attend to the keys and values of the "
        "first",
    ),
    Alternative(
        _weighing(lambda s: torch.softmax(s, -1).mean(-3, True) if s.dim() > 2 else s.softmax(-1)),
        "right for matrices, but you average the weights over the heads before they mix the "
        "values: every head mixes with its own",
    ),
]

MISTAKES_WITHOUT_MASK = [
    *_WITH_BATCH_AND_HEADS,
    *scaling.MISTAKES,
    Alternative(
        _for_matrices(
            lambda k: k.reshape(*k.shape[:-2], k.size(-1), k.size(-2)), -1, _WIDTHS[0][0]
        ),
        "you reshape the keys to (d_k, T_k) and mean to transpose: the shape fits, and the numbers "
        "stand in the wrong places",
    ),
    Alternative(
        lambda q, k, v: torch.softmax(_scores(q, k), -1).mT @ v,
        "your weights are transposed when they mix the values: a query has a row of them",
    ),
    Alternative(
        lambda q, k, v: output_of(q, k, v, causal_mask(q.size(-2), k.size(-2))),
        "you hide later keys though no mask is given: without one every query sees every key",
    ),
    Alternative(
        lambda q, k, v: torch.softmax(_scores(q, k) @ v, -1),
        "the softmax comes too late: it turns scores into weights, before the values are mixed",
    ),
    Alternative(
        _weighing(torch.sigmoid),
        "a sigmoid stands where softmax belongs: the weights of a query must sum to 1",
    ),
    Alternative(
        _weighing(lambda scores: torch.log_softmax(scores, -1)),
        "you mix with the logarithms of the weights (log_softmax): softmax gives the weights",
    ),
    Alternative(
        _weighing(_hot),
        "each query takes the value of its best key alone: softmax gives every key a share",
    ),
    Alternative(
        _weighing(lambda scores: torch.ones_like(scores) / scores.size(-1)),
        "every output is the mean of the values: the scores do not reach the weights",
    ),
    Alternative(
        lambda q, k, v: output_of(q, k, k),
        "you mix the keys: what is mixed are the values",
    ),
    Alternative(
        lambda q, k, v: output_of(q, q, v),
        "you compare queries with queries: they are compared with keys",
    ),
    Alternative(
        lambda q, k, v: output_of(q, k, v) + q,
        "you add the query to the output: that belongs to a layer (chapter 8), not to attention",
    ),
]

#: Of a function that returns two things.
WEIGHTS_FIRST = Alternative(
    weights_of,
    "what you return first are the weights: the output comes first, `return output, weights`",
)


def _masked(weights: Formula) -> Formula:
    """Output of weights that are made of scores and mask."""
    return lambda q, k, v, mask: weights(_scores(q, k), mask) @ v


def _with_other_mask(other: Callable[[Tensor, Tensor], Tensor | None]) -> Formula:
    return lambda q, k, v, mask: output_of(q, k, v, other(mask, _scores(q, k)))


MISTAKES_WITH_MASK = [
    *[Alternative(_masked(known.formula), known.diagnosis) for known in masking.MISTAKES],
    Alternative(
        _with_other_mask(lambda mask, scores: mask if scores.dim() == 2 else None),
        "the mask is used for matrices alone: with batch and heads in front it counts, too",
    ),
    Alternative(
        _with_other_mask(lambda mask, scores: mask if scores.dim() > 2 else None),
        "the mask is used only with batch and heads in front: for matrices it counts, too",
    ),
    Alternative(
        _with_other_mask(lambda mask, scores: mask if mask.shape == scores.shape else None),
        "a mask smaller than the scores is not used: it must be broadcast",
    ),
    Alternative(
        _with_other_mask(lambda mask, scores: mask[:1] if mask.dim() == 4 else mask),
        "every sequence of the batch gets the mask of the first",
    ),
    Alternative(
        _with_other_mask(lambda mask, scores: mask[:, :1] if mask.dim() == 4 else mask),
        "every head gets the mask of the first: a mask may differ from head to head",
    ),
    Alternative(
        _with_other_mask(lambda mask, scores: causal_mask(*scores.shape[-2:])),
        "you hide later keys, whatever the mask says: the mask says what is hidden",
    ),
    Alternative(
        _with_other_mask(lambda mask, scores: mask & causal_mask(*scores.shape[-2:])),
        "you hide later keys besides those that the mask hides: the mask alone says what is hidden",
    ),
    Alternative(
        _with_other_mask(lambda mask, scores: mask if mask.dim() < 2 else mask.any(-2, True)),
        "a key that some query may see is seen by all: each query has a row of the mask",
    ),
]


def _before_softmax(fill: float) -> Formula:
    def scores(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        return _scores(q, k) if mask is None else _scores(q, k).masked_fill(~mask, fill)

    return scores


def _of_filled(fill: float, dim: int = -1) -> Formula:
    return lambda *given: torch.softmax(_before_softmax(fill)(*given), dim)


_NOT_MASKED = "they are the weights without the mask: return those that mix the values"

MISTAKES_IN_WEIGHTS = [
    *[
        Alternative(_before_softmax(fill), "they are the scores, before softmax")
        for fill in (-torch.inf, -1e9)
    ],
    Alternative(
        lambda q, k, v, mask=None: q @ k.mT,
        "they are plain dot products, before scale, mask and softmax",
    ),
    Alternative(lambda q, k, v, mask=None: _scores(q, k), "they are the scores, before the mask"),
    Alternative(lambda q, k, v, mask=None: weights_of(q, k, v), _NOT_MASKED),
    Alternative(
        lambda *given: weights_of(*given).mT,
        "they are transposed: a query has a row, a key a column",
    ),
    Alternative(
        lambda q, k, v, mask=None: weights_of(q * q.size(-1) ** 0.5, k, v, mask),
        "they are made of scores without the scale: return those that mix the values",
    ),
    Alternative(
        _of_filled(-torch.inf),
        "a query that may attend to nothing has weights of nan: its row must be all zeros, as its "
        "output is",
    ),
    Alternative(
        _of_filled(-1e9),
        "a query that may attend to nothing has even weights: its row must be all zeros, as its "
        "output is",
    ),
    Alternative(
        lambda *given: weights_of(*given).mean(-3) if given[0].dim() > 2 else weights_of(*given),
        "they are averaged over the heads: return those of every head",
    ),
    *[
        Alternative(_of_filled(fill, dim=-2), "their columns sum to 1, not their rows")
        for fill in (-torch.inf, -1e9)
    ],
    Alternative(
        lambda *given: weights_of(*given).log(), "they are logarithms of the weights: take exp"
    ),
    Alternative(output_of, "they are the output once more"),
    Alternative(lambda q, k, v, mask=None: v, "they are the values"),
    Alternative(
        lambda *given: weights_of(*given)[None],
        "they have a dimension of 1 too much in front",
    ),
    Alternative(
        lambda *given: weights_of(*given).sum(-1),
        "they are the sums of the rows: return a weight for every query and key",
    ),
]
