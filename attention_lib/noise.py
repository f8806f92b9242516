"""Damaging texts, so that a model can learn to repair them.

BERT's masking (Devlin et al., 2019, section 3.1) works on a batch of ids. The five noises of BART
(Lewis et al., 2020, section 2.2) each take a list of tokens, words or ids, and give a new one; what
is random comes from the ``random.Random`` that they are given.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from attention_lib.inputs import check_ids
from attention_lib.settings import check_number

__all__ = ["delete", "draw_spans", "hide", "infill", "mask_tokens", "permute_sentences", "rotate"]


def mask_tokens(
    ids: Tensor,
    words: Tensor,
    mask_id: int,
    *,
    share: float = 0.15,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Choose tokens for a model to guess, and hide most of them.

    Of ten chosen tokens eight become ``mask_id``, one becomes any other word, one stays as it is:
    the model is not told which of the tokens that it sees are right.

    Args:
        ids: ``(batch, length)``, int64.
        words: the ids that may be chosen, and that random ones are drawn from, ``(count,)``: all
            but padding, [CLS] and the like.
        mask_id: [MASK].
        share: how likely each word is to be chosen, 0 to 1.
        generator: a source of random numbers on the device of ``ids``, or PyTorch's own.

    Returns:
        The damaged ids and where they were chosen, ``(batch, length)`` int64 and bool.

    Raises:
        TypeError: ids that are not integers.
        ValueError: other shapes, no words, or a share outside 0 to 1.
    """
    check_ids("ids", ids, torch.iinfo(torch.int64).max)
    _check_share(share)
    if not isinstance(words, Tensor) or words.dim() != 1 or len(words) == 0:
        given = f"shape {tuple(words.shape)}" if isinstance(words, Tensor) else f"{words!r}"
        raise ValueError(
            f"words is given as {given}; expected the ids that may be chosen, (count,): "
            "try torch.arange(4, vocab_size)"
        )

    def draw() -> Tensor:
        return torch.rand(ids.shape, generator=generator, device=ids.device)

    words = words.to(ids.device)
    chosen = torch.isin(ids, words) & (draw() < share)
    dice, others = draw(), words[(draw() * len(words)).long()]
    damaged = torch.where(chosen & (dice < 0.8), mask_id, ids)
    return torch.where(chosen & (dice >= 0.8) & (dice < 0.9), others, damaged), chosen


def hide(tokens: Sequence[Any], mask: Any, rng: random.Random, *, share: float = 0.15) -> list[Any]:
    """Token masking (Devlin et al., 2019): put ``mask`` in the place of some tokens.

    Args:
        tokens: a text.
        mask: what is shown instead.
        rng: draws.
        share: how likely each token is to be hidden, 0 to 1.

    Returns:
        As many tokens.

    Raises:
        TypeError: one string instead of a list of tokens, or a share that is no number.
        ValueError: a share outside 0 to 1.
    """
    _check_text(tokens, share)
    return [mask if rng.random() < share else token for token in tokens]


def delete(tokens: Sequence[Any], rng: random.Random, *, share: float = 0.15) -> list[Any]:
    """Token deletion: leave some tokens out, and no trace of where.

    Args:
        tokens: a text.
        rng: draws.
        share: how likely each token is to be left out, 0 to 1.

    Returns:
        The other tokens in their order, or an empty list.

    Raises:
        TypeError: one string instead of a list of tokens, or a share that is no number.
        ValueError: a share outside 0 to 1.
    """
    _check_text(tokens, share)
    return [token for token in tokens if rng.random() >= share]


def draw_spans(
    length: int, rng: random.Random, *, share: float = 0.3, mean: float = 3.0
) -> list[tuple[int, int]]:
    """Draw spans for :func:`infill`.

    Their lengths are drawn from a Poisson distribution, of which 0 is a possible result, until
    ``share`` of the text is covered; the last one is cut short if need be. Then they are laid into
    the text, each way to do so with the same probability.

    Args:
        length: of the text.
        rng: draws.
        share: how much of it the spans cover, 0 to 1.
        mean: of the Poisson distribution, 0.001 to 100.

    Returns:
        Pairs of start and length, in order, none overlapping another.

    Raises:
        TypeError: a share or a mean that is no number.
        ValueError: a share outside 0 to 1, or a mean outside its bounds.
    """
    _check_share(share)
    check_number("mean", mean, 1e-3, 100.0, "from 0.001 to 100, such as 3.0")
    left, lengths = round(share * length), []
    while left > 0:
        lengths.append(min(_poisson(mean, rng), left))
        left -= lengths[-1]
    # Shrink every span to one item: then places are a choice among the items that remain.
    items = length - sum(lengths) + len(lengths)
    spans, grown = [], 0
    for place, span in zip(sorted(rng.sample(range(items), len(lengths))), lengths, strict=True):
        spans.append((place + grown, span))
        grown += span - 1
    return spans


def infill(tokens: Sequence[Any], spans: Sequence[tuple[int, int]], mask: Any) -> list[Any]:
    """Text infilling: put one ``mask`` in the place of each span, whatever its length.

    Args:
        tokens: a text.
        spans: pairs of start and length, in order, none overlapping another;
            :func:`draw_spans` draws some. A length of 0 inserts a mask.
        mask: what is shown instead.

    Returns:
        The text with its gaps, in which nothing says how many tokens each one hides.

    Raises:
        TypeError: one string instead of a list of tokens.
        ValueError: spans that overlap, are not in order or leave the text.
    """
    _check_text(tokens)
    damaged, position = [], 0
    for start, length in spans:
        if length < 0 or not position <= start <= start + length <= len(tokens):
            raise ValueError(
                f"span {(start, length)} behind position {position} in {len(tokens)} tokens; "
                "expected (start, length) in order, not overlapping and inside the text"
            )
        damaged += [*tokens[position:start], mask]
        position = start + length
    return [*damaged, *tokens[position:]]


def permute_sentences(tokens: Sequence[Any], stop: Any, rng: random.Random) -> list[Any]:
    """Sentence permutation: put the sentences into any order.

    Args:
        tokens: a text.
        stop: the token that ends a sentence, such as the full stop. What stands behind the last
            one counts as a sentence, too.
        rng: draws.

    Returns:
        The same tokens.

    Raises:
        TypeError: one string instead of a list of tokens.
    """
    _check_text(tokens)
    sentences: list[list[Any]] = [[]]
    for token in tokens:
        sentences[-1].append(token)
        if token == stop:
            sentences.append([])
    rng.shuffle(sentences)
    return [token for sentence in sentences for token in sentence]


def rotate(tokens: Sequence[Any], rng: random.Random) -> list[Any]:
    """Document rotation: start at any token; what stood before it comes last.

    Args:
        tokens: a text, of at least one token.
        rng: draws.

    Returns:
        The same tokens.

    Raises:
        TypeError: one string instead of a list of tokens.
        ValueError: no tokens.
    """
    _check_text(tokens)
    if len(tokens) == 0:
        raise ValueError("0 tokens; expected at least one, to start from")
    start = rng.randrange(len(tokens))
    return [*tokens[start:], *tokens[:start]]


def _poisson(mean: float, rng: random.Random) -> int:
    """Count how many random numbers can be multiplied before they fall below exp(-mean)."""
    count, product = 0, rng.random()
    while product > math.exp(-mean):  # Knuth (1969)
        count += 1
        product *= rng.random()
    return count


def _check_text(tokens: Sequence[Any], share: float = 0.0) -> None:
    if isinstance(tokens, str):
        raise TypeError(f"tokens is the string {tokens!r}; expected a list: try .split()")
    _check_share(share)


def _check_share(share: float) -> None:
    check_number("share", share, 0.0, 1.0, "from 0 to 1, such as 0.15")
