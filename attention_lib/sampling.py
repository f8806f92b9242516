"""Choosing the next token: which ones may be drawn, and how likely each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attention_lib.inputs import check_ids
from attention_lib.settings import check_number, check_sizes

__all__ = ["check_sampling", "next_probabilities", "penalise"]

_ABOVE_0 = torch.finfo(torch.float32).tiny


def next_probabilities(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """Turn logits into the probabilities with which the next token is drawn.

    Args:
        logits: ``(..., vocab_size)``.
        temperature: logits are divided by it: below 1 likely tokens become likelier, above 1 all
            become more alike. At 0 the likeliest has probability 1.
        top_k: only the ``top_k`` likeliest may be drawn (Fan et al., 2018); those that tie with the
            last of them too.
        top_p: only the smallest set of likeliest tokens may be drawn that together have at least
            this probability (nucleus sampling; Holtzman et al., 2020, equation 2); after ``top_k``.

    Returns:
        ``(..., vocab_size)``, float32; every row sums to 1.

    Raises:
        TypeError, ValueError: logits that are no tensor or have no dimension, or a number of
            another type or out of its range.
        FloatingPointError: logits that are not numbers, or a row without a finite one.
    """
    check_sampling(temperature, top_k, top_p)
    _check_scores("logits", logits, 1, "(..., vocab_size)")
    logits = logits.float()
    if temperature == 0:
        return torch.zeros_like(logits).scatter(-1, logits.argmax(-1, keepdim=True), 1.0)
    # The largest becomes 0, and so stays a number however small the temperature.
    logits = (logits - logits.amax(dim=-1, keepdim=True)) / max(temperature, _ABOVE_0)
    if top_k is not None and top_k < logits.size(-1):
        least = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    probabilities = torch.softmax(logits, dim=-1)
    if probabilities.isnan().any():
        raise FloatingPointError(
            "logits hold NaN, +inf, or -inf alone; expected a finite largest one in every row: did "
            "the training diverge?"
        )
    if top_p is None or top_p == 1:
        return probabilities
    descending, order = probabilities.sort(dim=-1, descending=True)
    before = descending.cumsum(dim=-1) - descending  # of the likelier ones
    is_out = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= top_p)
    kept = probabilities.masked_fill(is_out, 0.0)
    return kept / kept.sum(dim=-1, keepdim=True)


def check_sampling(
    temperature: float, top_k: int | None, top_p: float | None, repetition_penalty: float = 1.0
) -> None:
    """Check how tokens are to be drawn.

    Raises:
        TypeError: not a number.
        ValueError: a negative temperature, ``top_k`` below 1, ``top_p`` outside ``(0, 1]``, or a
            penalty not above 0.
    """
    check_number("temperature", temperature, 0.0, math.inf, "0 or more, such as 0.8")
    if top_k is not None:
        check_sizes(top_k=top_k)
    if top_p is not None:
        check_number("top_p", top_p, _ABOVE_0, 1.0, "above 0 and at most 1, such as 0.9")
    check_number(
        "repetition_penalty", repetition_penalty, _ABOVE_0, math.inf, "above 0, such as 1.2"
    )


def penalise(scores: Tensor, tokens: Tensor, penalty: float) -> Tensor:
    """Make tokens that stand there already less likely: a repetition penalty.

    Positive scores are divided by it, others multiplied (Keskar et al., 2019, section 4.1).

    Args:
        scores: logits or log-probabilities, ``(batch, vocab_size)``.
        tokens: what stands there, ``(batch, length)``, int64.
        penalty: 1 changes nothing; the paper takes 1.2.

    Returns:
        ``(batch, vocab_size)``.

    Raises:
        TypeError, ValueError: tensors of another type or shape, tokens outside the vocabulary, or
            a penalty that is no number or not above 0.
    """
    check_number("penalty", penalty, _ABOVE_0, math.inf, "above 0, such as 1.2")
    _check_scores("scores", scores, 2, "(batch, vocab_size)")
    if penalty == 1:
        return scores
    check_ids("tokens", tokens, scores.size(1))
    if len(tokens) != len(scores):
        raise ValueError(
            f"tokens has {len(tokens)} rows and scores {len(scores)}; expected one batch"
        )
    tokens = tokens.long()
    seen = scores.gather(1, tokens)
    return scores.scatter(1, tokens, torch.where(seen < 0, seen * penalty, seen / penalty))


def _check_scores(name: str, scores: Tensor, dim: int, shape: str) -> None:
    if not isinstance(scores, Tensor):
        raise TypeError(f"{name} is a {type(scores).__name__}; expected a torch.Tensor {shape}")
    if scores.dim() < dim or 0 in scores.shape:
        raise ValueError(f"{name} has shape {tuple(scores.shape)}; expected {shape}, none of it 0")
