"""Writing: a model gives probabilities for the next token, and somebody has to choose.

Every token waits for the one before it, in a Transformer too: training reads all positions at
once, generation does not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from attention_lib.cache import Cache
from attention_lib.inputs import check_sizes
from attention_lib.models.transformer import Transformer

__all__ = ["generate"]


@torch.no_grad()
def generate(
    model: Transformer,
    source: Tensor,
    *,
    start_id: int,
    stop_id: int,
    max_length: int,
    mask: Tensor | None = None,
    num_beams: int = 1,
    length_penalty: float = 1.0,
) -> list[list[int]]:
    """Write a target for every source.

    With one beam: always the likeliest next token (greedy). With several: beam search (Sutskever
    et al., 2014; Wu et al., 2016, section 7), which goes on with the ``num_beams`` likeliest
    beginnings and returns the end that is likeliest per token.

    Args:
        model: in evaluation mode (``model.eval()``), or dropout would blur what it says.
        source: ids ``(batch, T_source)``.
        start_id: what every target starts with.
        stop_id: what ends a target.
        max_length: tokens to write at most.
        mask: ``(batch, T_source)`` boolean, True = a real token.
        num_beams: beginnings to go on with.
        length_penalty: a hypothesis of ``n`` tokens, the stop token among them, is scored by its
            log-probability over ``n ** length_penalty``: 0 prefers short ones, 1 judges by the
            mean.

    Returns:
        For every source its ids, without the start and the stop token.

    Raises:
        TypeError: another model, an id that is no integer, or as :meth:`Transformer.encode`.
        ValueError: a model in training mode, an id outside the vocabulary, a size below 1, a
            ``length_penalty`` outside -10 to 10, or as :meth:`Transformer.encode`.
        FloatingPointError: the model's logits are not numbers.
    """
    _check(model, start_id, stop_id, length_penalty)
    check_sizes(max_length=max_length, num_beams=num_beams)
    reader = _Reader(model, source, mask, num_beams)
    if num_beams == 1:
        return _greedy(reader, start_id, stop_id, max_length)
    return _beam_search(reader, start_id, stop_id, max_length, num_beams, length_penalty)


def _check(model: Transformer, start_id: int, stop_id: int, length_penalty: float) -> None:
    if not isinstance(model, Transformer):
        raise TypeError(f"model is a {type(model).__name__}; expected a Transformer")
    if model.training:
        raise ValueError("the model is in training mode; expected evaluation mode: model.eval()")
    vocab_size = model.config.vocab_size
    for name, number in (("start_id", start_id), ("stop_id", stop_id)):
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{name} is {number!r}; expected an integer: vocabulary.encode([...])")
        if not 0 <= number < vocab_size:
            raise ValueError(f"{name}={number}; expected 0 to {vocab_size - 1}, a target token")
    if not isinstance(length_penalty, int | float) or not math.fabs(length_penalty) <= 10:
        raise ValueError(f"length_penalty={length_penalty!r}; expected a number such as 1.0")


class _Reader:
    """A model that has read its sources: give it a token, it gives probabilities for the next."""

    def __init__(self, model: Transformer, source: Tensor, mask: Tensor | None, beams: int) -> None:
        memory = model.encode(source, mask=mask)
        self.model, self.cache = model, Cache(model.config.num_layers)
        self.memory = memory.repeat_interleave(beams, dim=0)
        self.mask = None if mask is None else mask.repeat_interleave(beams, dim=0)
        self.rows = len(self.memory)

    def next(self, token: Tensor) -> Tensor:
        """Add a token ``(rows,)``, and give the log-probabilities of the next ``(rows, vocab)``."""
        logits = self.model.decode(token[:, None], self.memory, mask=self.mask, cache=self.cache)
        if logits.isnan().any():
            raise FloatingPointError(
                "the logits are not numbers; expected finite ones: did the training diverge?"
            )
        return torch.log_softmax(logits[:, -1].float(), dim=-1)


def _greedy(reader: _Reader, start_id: int, stop_id: int, max_length: int) -> list[list[int]]:
    token = torch.full((reader.rows,), start_id, device=reader.memory.device)
    ended = torch.zeros_like(token, dtype=torch.bool)
    written = []
    while len(written) < max_length and not ended.all():
        token = reader.next(token).argmax(dim=-1)
        ended |= token == stop_id
        written.append(token)
    return [_before(stop_id, row) for row in torch.stack(written, dim=1).tolist()]


def _beam_search(
    reader: _Reader, start_id: int, stop_id: int, max_length: int, beams: int, penalty: float
) -> list[list[int]]:
    batch, device = reader.rows // beams, reader.memory.device
    first_row = beams * torch.arange(batch, device=device)[:, None]  # of each source
    written = torch.full((reader.rows, 1), start_id, device=device)
    # All beams of a source are alike at first: one of them is enough.
    scores = torch.full((batch, beams), float("-inf"), device=device)
    scores[:, 0] = 0.0
    ended: list[list[tuple[float, list[int]]]] = [[] for _ in range(batch)]  # best first
    is_done = [False] * batch

    for length in range(1, max_length + 1):
        log_probs = reader.next(written[:, -1]).view(batch, beams, -1)
        candidates = (scores[..., None] + log_probs).flatten(1)
        # Every beam can end once, so among twice as many there are enough that go on.
        best, index = candidates.topk(2 * beams, dim=-1)  # (batch, 2 beams)
        parent, token = index // log_probs.size(-1), index % log_probs.size(-1)
        grown = torch.cat([written[first_row + parent], token[..., None]], dim=-1)
        ends = (token == stop_id) | (length == max_length)

        for i, rank in (ends[:, :beams] & best[:, :beams].isfinite()).nonzero().tolist():
            if not is_done[i]:
                score = best[i, rank].item() / length**penalty
                ended[i].append((score, grown[i, rank, 1:].tolist()))
        # The likeliest that go on, in their order; those that end count as impossible.
        scores, kept = best.masked_fill(token == stop_id, float("-inf")).topk(beams, dim=-1)
        for i in range(batch):
            ended[i] = sorted(ended[i], key=lambda found: -found[0])[:beams]
            hopeless = len(ended[i]) == beams and (
                scores[i, 0].item() / length**penalty <= ended[i][-1][0]
            )
            is_done[i] = is_done[i] or hopeless
        if all(is_done):
            break
        rows = torch.arange(batch, device=device)[:, None]
        written = grown[rows, kept].flatten(0, 1)
        reader.cache.select((first_row + parent[rows, kept]).flatten())
    return [_before(stop_id, found[0][1]) for found in ended]


def _before(stop_id: int, ids: list[int]) -> list[int]:
    return ids[: ids.index(stop_id)] if stop_id in ids else ids
