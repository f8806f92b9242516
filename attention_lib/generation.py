"""Writing: a model gives probabilities for the next token, and somebody has to choose.

Every token waits for the one before it, in a Transformer too: training reads all positions at
once, generation does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import torch
from torch import Tensor

from attention_lib.cache import Cache
from attention_lib.fast_step import FastStep
from attention_lib.inputs import check_ids
from attention_lib.models.gpt import GPT
from attention_lib.models.transformer import EncoderDecoder
from attention_lib.sampling import check_sampling, next_probabilities, penalise
from attention_lib.settings import check_flags, check_number, check_sizes, check_token

__all__ = ["generate", "stream"]

Model = EncoderDecoder | GPT


def generate(
    model: Model,
    source: Tensor,
    *,
    max_length: int,
    mask: Tensor | None = None,
    start_id: int | None = None,
    stop_id: int | Collection[int] | None = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float = 1.0,
    num_beams: int = 1,
    length_penalty: float = 1.0,
    use_cache: bool = True,
    generator: torch.Generator | None = None,
) -> list[list[int]]:
    """Write a target for every source, or go on with every prompt.

    Args:
        model: a Transformer, a BART or a GPT in evaluation mode (``model.eval()``), or dropout
            would blur what it says.
        source: ids ``(batch, T_source)``; for a GPT the prompts.
        max_length: tokens to write at most.
        mask: ``(batch, T_source)`` boolean, True = a real token. Prompts of different lengths may
            be filled up on either side.
        start_id: what every target starts with; that of ``model.config`` when None. A GPT has
            none: its prompt is the start.
        stop_id: what ends a target, or several such tokens; that of ``model.config`` when None.
            With none, which ``()`` asks for, every target has ``max_length`` tokens.
        temperature: 0 takes the likeliest token, always (greedy); above 0, tokens are drawn with
            :func:`~attention_lib.sampling.next_probabilities`.
        top_k, top_p: as there.
        repetition_penalty: as :func:`~attention_lib.sampling.penalise`; prompts count.
        num_beams: above 1: beam search (Sutskever et al., 2014; Wu et al., 2016, section 7), which
            goes on with the ``num_beams`` likeliest beginnings and returns the end that is
            likeliest per token. It draws nothing.
        length_penalty: of beams. A hypothesis of ``n`` tokens, the stop token among them, is scored
            by its log-probability over ``n ** length_penalty``: 0 prefers short ones, 1 judges by
            the mean.
        use_cache: keep keys and values of earlier tokens. Without, the same tokens come out, later.
        generator: draws the tokens; PyTorch's own when None.

    Returns:
        For every source the ids that were written, without the start and the stop token.

    Raises:
        TypeError: another model, an id that is no integer, or as the model.
        ValueError: a model in training mode, an id outside the vocabulary, a number out of its
            range, options that have no effect together, more tokens than the model has positions,
            or as the model.
        FloatingPointError: the model's logits are not numbers.
    """
    check_sizes(num_beams=num_beams)
    check_number("length_penalty", length_penalty, -10.0, 10.0, "from -10 to 10, such as 1.0")
    writer = _Writer(
        model, source, mask, start_id, stop_id, max_length, beams=num_beams, use_cache=use_cache
    )
    if num_beams == 1:
        choose = _chooser(temperature, top_k, top_p, repetition_penalty, generator)
        written: list[list[int]] = [[] for _ in source]
        for step in _steps(writer, choose, max_length):
            for row, token in zip(written, step, strict=True):
                if token is not None:
                    row.append(token)
        return written
    check_sampling(temperature, top_k, top_p, repetition_penalty)
    if temperature != 0 or top_k is not None or top_p is not None:
        raise ValueError(
            f"temperature={temperature}, top_k={top_k}, top_p={top_p} with num_beams={num_beams}: "
            "beam search draws nothing; expected one beam, or nothing to draw"
        )
    return _beam_search(writer, num_beams, length_penalty, repetition_penalty, max_length)


def stream(
    model: Model,
    source: Tensor,
    *,
    max_length: int,
    mask: Tensor | None = None,
    start_id: int | None = None,
    stop_id: int | Collection[int] | None = None,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float = 1.0,
    use_cache: bool = True,
    generator: torch.Generator | None = None,
) -> Iterator[list[int | None]]:
    """Write token by token: gives the next token of every row as soon as it is chosen.

    Args:
        model: as :func:`generate`, like all others.

    Yields:
        For every row its next id, or None once it has ended; the stop token itself is not given.

    Raises:
        TypeError, ValueError, FloatingPointError: as :func:`generate`.
    """
    choose = _chooser(temperature, top_k, top_p, repetition_penalty, generator)
    writer = _Writer(model, source, mask, start_id, stop_id, max_length, use_cache=use_cache)
    return _steps(writer, choose, max_length)


def _chooser(
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    repetition_penalty: float,
    generator: torch.Generator | None,
) -> Callable[[Tensor, Tensor], Tensor]:
    """Give what chooses a token ``(batch,)``, from logits and the tokens before it."""
    check_sampling(temperature, top_k, top_p, repetition_penalty)
    if temperature == 0 and (top_k is not None or top_p is not None):
        raise ValueError(
            f"top_k={top_k}, top_p={top_p} have no effect at temperature=0, which always takes the "
            "likeliest token; expected a temperature above 0, such as 1.0"
        )

    def choose(logits: Tensor, tokens: Tensor) -> Tensor:
        if repetition_penalty != 1:
            logits = penalise(logits, tokens, repetition_penalty)
        if temperature == 0:
            return logits.argmax(dim=-1)
        probabilities = next_probabilities(
            logits, temperature=temperature, top_k=top_k, top_p=top_p
        )
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0]

    return choose


def _steps(
    writer: _Writer, choose: Callable[[Tensor, Tensor], Tensor], max_length: int
) -> Iterator[list[int | None]]:
    has_ended = [False] * len(writer.tokens)
    for _ in range(max_length):
        token = choose(writer.next_logits(), writer.tokens)
        writer.add(token)
        ids = token.tolist()
        for row, token_id in enumerate(ids):
            has_ended[row] |= token_id in writer.stop_ids
        if all(has_ended):
            return
        yield [None if ended else id_ for id_, ended in zip(ids, has_ended, strict=True)]


class _Writer:
    """A model, and what it has been given and has written so far, row by row."""

    def __init__(
        self,
        model: Model,
        source: Tensor,
        mask: Tensor | None,
        start_id: int | None,
        stop_id: int | Collection[int] | None,
        max_length: int,
        *,
        beams: int = 1,
        use_cache: bool = True,
    ) -> None:
        if not isinstance(model, Model):
            raise TypeError(
                f"model is a {type(model).__name__}; expected a Transformer, a BART or a GPT"
            )
        if model.training:
            raise ValueError("the model is in training mode; expected evaluation: model.eval()")
        check_sizes(max_length=max_length)
        check_flags(use_cache=use_cache)
        self.model = model
        self.stop_ids = self._stop_ids(stop_id)
        if isinstance(model, GPT):
            if start_id is not None:
                raise ValueError(f"start_id={start_id}; a GPT has none: its prompt is the start")
            check_ids("source", source, model.config.vocab_size, mask)
            # Filled up before the first token, so that the next one stands behind the last.
            tokens, self.real = _to_the_right(source, mask)
            self.memory = None
        else:
            head = getattr(model.config, "head", "language_model")
            if head != "language_model":
                raise ValueError(
                    f"the model's head is {head!r}, which writes nothing; expected "
                    "model.with_head('language_model')"
                )
            check_ids("source", source, model.source_embedding.num_embeddings, mask)
            tokens = torch.full_like(source[:, :1], self._start_id(start_id))
            with torch.no_grad():
                self.memory = model.encode(source, mask=mask).repeat_interleave(beams, dim=0)
            self.real = mask
        # All tokens of the row, padding and prompt included: (rows, length).
        self.tokens = self.new = tokens.repeat_interleave(beams, dim=0)
        self.real = None if self.real is None else self.real.repeat_interleave(beams, dim=0)
        self.start = self.tokens.size(1)
        self._check_room(self.start + max_length - 1)  # the last token is not read
        self.cache = None
        if use_cache:
            self.cache = Cache(self._num_layers(), capacity=self.start + max_length - 1)
        self.fast_step = FastStep(model) if use_cache and FastStep.fits(model) else None

    @torch.inference_mode()
    def next_logits(self) -> Tensor:
        """Give the logits of the token behind the last, ``(rows, vocab_size)``, float32."""
        if self.fast_step is not None and self.new.size(1) == 1:
            logits = self.fast_step(self.new, self.real, self.cache)
        elif self.memory is None:
            logits = self.model.next_logits(self.new, mask=self.real, cache=self.cache)
        else:
            logits = self.model.decode(self.new, self.memory, mask=self.real, cache=self.cache)
            logits = logits[:, -1]
        if logits.isnan().any():
            raise FloatingPointError(
                "the logits are not numbers; expected finite ones: did the training diverge?"
            )
        return logits.float()

    def add(self, token: Tensor, parents: Tensor | None = None) -> None:
        """Put a token ``(rows,)`` behind every row, or behind the rows ``parents``."""
        if parents is not None:
            self.tokens = self.tokens[parents]
            if self.cache is not None:
                self.cache.select(parents)
        token = token[:, None]
        self.tokens = torch.cat([self.tokens, token], dim=1)
        self.new = self.tokens if self.cache is None else token
        if self.memory is None and self.real is not None:
            self.real = torch.cat([self.real, torch.ones_like(self.real[:, :1])], dim=1)

    def _start_id(self, start_id: int | None) -> int:
        start_id = getattr(self.model.config, "start_id", None) if start_id is None else start_id
        check_token("start_id", start_id, self.model.config.vocab_size)
        return start_id

    def _stop_ids(self, stop_id: int | Collection[int] | None) -> frozenset[int]:
        stop_id = getattr(self.model.config, "stop_id", None) if stop_id is None else stop_id
        if stop_id is None:
            return frozenset()
        several = stop_id if isinstance(stop_id, Collection) else [stop_id]
        for one in several if not isinstance(stop_id, str) else [stop_id]:
            check_token("stop_id", one, self.model.config.vocab_size)
        return frozenset(several)

    def _num_layers(self) -> int:
        return len(self.model.layers if isinstance(self.model, GPT) else self.model.decoder)

    def _check_room(self, needed: int) -> None:
        config = self.model.config
        if getattr(config, "positions", "learned") == "learned" and needed > config.max_length:
            raise ValueError(
                f"prompt or start of {self.start} tokens, and max_length={needed - self.start + 1} "
                f"more to write; the model has {config.max_length} positions: expected at most "
                f"max_length={config.max_length - self.start + 1}, or a shorter prompt"
            )


def _to_the_right(ids: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Move the padding of each row before its first token; drop what all rows have of it."""
    if real is None or real.all():
        return ids, None
    lengths = real.sum(dim=1)
    if not lengths.all():
        raise ValueError(
            f"row {int(lengths.argmin())} of source has no real token; expected at least one in "
            "each: start a text with a token of its own"
        )
    order = real.long().argsort(dim=1, stable=True)[:, -int(lengths.max()) :]
    ids, real = ids.gather(1, order), real.gather(1, order)
    first = ids.gather(1, real.long().argmax(dim=1, keepdim=True))
    # Any token would do; one that stands there anyhow is not penalised for standing there.
    return torch.where(real, ids, first), None if real.all() else real


def _beam_search(
    writer: _Writer, beams: int, length_penalty: float, penalty: float, max_length: int
) -> list[list[int]]:
    batch, device = len(writer.tokens) // beams, writer.tokens.device
    stop_ids = torch.tensor(sorted(writer.stop_ids), dtype=torch.long, device=device)
    first_row = beams * torch.arange(batch, device=device)[:, None]  # of each source
    # All beams of a source are alike at first: one of them is enough.
    scores = torch.full((batch, beams), float("-inf"), device=device)
    scores[:, 0] = 0.0
    ended: list[list[tuple[float, list[int]]]] = [[] for _ in range(batch)]  # best first
    is_done = [False] * batch

    for length in range(1, max_length + 1):
        log_probs = torch.log_softmax(writer.next_logits(), dim=-1)
        log_probs = penalise(log_probs, writer.tokens, penalty).view(batch, beams, -1)
        candidates = (scores[..., None] + log_probs).flatten(1)
        # Every beam can end in each stop token: among so many there are enough that go on.
        count = min(beams * max(2, 1 + len(stop_ids)), candidates.size(1))
        best, index = candidates.topk(count, dim=-1)
        parent, token = index // log_probs.size(-1), index % log_probs.size(-1)
        stops = torch.isin(token, stop_ids)
        ends = stops | (length == max_length)

        for i, rank in (ends[:, :beams] & best[:, :beams].isfinite()).nonzero().tolist():
            if not is_done[i]:
                row = writer.tokens[first_row[i, 0] + parent[i, rank], writer.start :].tolist()
                last = [] if stops[i, rank] else [int(token[i, rank])]
                ended[i].append((best[i, rank].item() / length**length_penalty, row + last))
        # The likeliest that go on, in their order; those that end count as impossible.
        scores, kept = best.masked_fill(stops, float("-inf")).topk(beams, dim=-1)
        for i in range(batch):
            ended[i] = sorted(ended[i], key=lambda found: -found[0])[:beams]
            hopeless = len(ended[i]) == beams and (
                scores[i, 0].item() / length**length_penalty <= ended[i][-1][0]
            )
            is_done[i] = is_done[i] or hopeless
        if all(is_done):
            break
        rows = torch.arange(batch, device=device)[:, None]
        parents = (first_row + parent[rows, kept]).flatten()
        writer.add(token[rows, kept].flatten(), parents)
    return [found[0][1] for found in ended]
