"""Recurrent encoder-decoders: everything through one vector, or a look back at every step.

The fixed context is that of Cho et al. (2014) and Sutskever et al. (2014); the attention that of
Bahdanau et al. (2014), with the query taken after the decoder's step instead of before it (as
Luong et al., 2015, do), so that training needs no Python loop over the target.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attention_lib.attention import AdditiveAttention
from attention_lib.inputs import check_ids

__all__ = ["RNNConfig", "RNNEncoderDecoder", "RNNOutput"]

_CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


@dataclass(frozen=True)
class RNNConfig:
    """The shape of a recurrent encoder-decoder.

    Attributes:
        vocab_size: tokens of source and target together, the start token included.
        d_model: width of the hidden state, and of the context; even, half for each direction.
        d_embedding: width of the embeddings.
        cell: ``"rnn"``, ``"gru"`` or ``"lstm"``.
        attention: look back at the source at every step, instead of reading one context.

    Raises:
        ValueError: another cell, an odd ``d_model``, or a size below 1.
    """

    vocab_size: int
    d_model: int = 64
    d_embedding: int = 32
    cell: str = "gru"
    attention: bool = False

    def __post_init__(self) -> None:
        if self.cell not in _CELLS:
            raise ValueError(f"cell={self.cell!r}; expected one of {', '.join(_CELLS)}")
        if self.d_model < 2 or self.d_model % 2:
            raise ValueError(
                f"d_model={self.d_model}; expected an even number: the encoder gives half of it to "
                "each direction"
            )
        if self.vocab_size < 1 or self.d_embedding < 1:
            raise ValueError(
                f"vocab_size={self.vocab_size}, d_embedding={self.d_embedding}; expected at least "
                "1 each"
            )


@dataclass(frozen=True)
class RNNOutput:
    """What the model says: ``logits`` ``(batch, T_target, vocab_size)``.

    ``weights`` ``(batch, T_target, T_source)`` when asked for, of a model with attention.
    """

    logits: Tensor
    weights: Tensor | None = None


class RNNEncoderDecoder(nn.Module):
    """A bidirectional recurrent encoder and a recurrent decoder.

    Without attention the decoder gets one vector, the context: as its first state and beside
    every input. With attention it gets the context as its first state alone, and a fresh
    weighted sum of all encoder states at every step.
    """

    def __init__(self, config: RNNConfig) -> None:
        super().__init__()
        self.config = config
        d_model, cell = config.d_model, _CELLS[config.cell]
        self.embedding = nn.Embedding(config.vocab_size, config.d_embedding)
        self.encoder = cell(config.d_embedding, d_model // 2, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(d_model, d_model)
        if config.attention:
            self.decoder = cell(config.d_embedding, d_model, batch_first=True)
            self.attention = AdditiveAttention(d_model, d_model, d_model)
            self.head = nn.Linear(2 * d_model, config.vocab_size)
        else:
            self.decoder = cell(config.d_embedding + d_model, d_model, batch_first=True)
            self.head = nn.Linear(d_model, config.vocab_size)

    def forward(
        self,
        source: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        return_weights: bool = False,
    ) -> RNNOutput:
        """Predict every target token from those before it (teacher forcing).

        Args:
            source: ids ``(batch, T_source)``.
            target: ids ``(batch, T_target)``, the start token first.
            mask: ``(batch, T_source)`` boolean, True = a real token; padding stands at the end,
                and every sequence has at least one real token.
            return_weights: also return the attention weights.

        Raises:
            TypeError: ids that are not integers, or a mask that is not boolean.
            ValueError: ids that are not two-dimensional or outside the vocabulary, a mask that
                does not fit, or weights asked of a model without attention.
        """
        if return_weights and not self.config.attention:
            raise ValueError(
                "return_weights=True, but this model has no attention: RNNConfig(attention=True)"
            )
        memory, context = self.encode(source, mask)
        logits, weights, _ = self._decode(target, memory, context, self._first(context), mask)
        return RNNOutput(logits, weights if return_weights else None)

    def encode(self, source: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read the source.

        Args:
            source, mask: as :meth:`forward`.

        Returns:
            The memory ``(batch, T_source, d_model)``, one state for every token, and the context
            ``(batch, d_model)``, one vector for all of them.
        """
        _check_source(source, mask, self.config.vocab_size)
        embedded = self.embedding(source)
        if mask is None:
            memory, state = self.encoder(embedded)
        else:  # skip padding, or the backward direction would start with it
            lengths = mask.sum(dim=1).cpu()
            packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
            packed, state = self.encoder(packed)
            memory, _ = pad_packed_sequence(packed, batch_first=True, total_length=mask.size(1))
        last = state[0] if isinstance(state, tuple) else state  # an LSTM's state is a pair
        return memory, torch.tanh(self.bridge(torch.cat([last[0], last[1]], dim=-1)))

    @torch.no_grad()
    def greedy(
        self, source: Tensor, length: int, start_id: int, *, mask: Tensor | None = None
    ) -> Tensor:
        """Write ``length`` tokens, each the likeliest after those before it.

        Args:
            source, mask: as :meth:`forward`.
            length: how many tokens to write, at least 1.
            start_id: id of the start token.

        Returns:
            Ids ``(batch, length)``.

        Raises:
            ValueError: a length below 1.
        """
        if length < 1:
            raise ValueError(f"length={length}; expected at least 1")
        memory, context = self.encode(source, mask)
        state = self._first(context)
        token = source.new_full((len(source), 1), start_id)
        written = []
        for _ in range(length):  # each token waits for the one before it
            logits, _, state = self._decode(token, memory, context, state, mask)
            token = logits.argmax(dim=-1)
            written.append(token)
        return torch.cat(written, dim=1)

    def _first(self, context: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Turn the context into the decoder's first state."""
        state = context.unsqueeze(0)  # (layers, batch, d_model)
        return (state, torch.zeros_like(state)) if self.config.cell == "lstm" else state

    def _decode(
        self,
        target: Tensor,
        memory: Tensor,
        context: Tensor,
        state: Tensor | tuple[Tensor, Tensor],
        mask: Tensor | None,
    ) -> tuple[Tensor, Tensor | None, Tensor | tuple[Tensor, Tensor]]:
        inputs = self.embedding(target)
        if not self.config.attention:
            repeated = context.unsqueeze(1).expand(-1, target.size(1), -1)
            states, state = self.decoder(torch.cat([inputs, repeated], dim=-1), state)
            return self.head(states), None, state
        states, state = self.decoder(inputs, state)
        key_mask = None if mask is None else mask[:, None, :]  # (batch, 1, T_source)
        found, weights = self.attention(states, memory, memory, mask=key_mask)
        return self.head(torch.cat([states, found], dim=-1)), weights, state


def _check_source(source: Tensor, mask: Tensor | None, vocab_size: int) -> None:
    check_ids("source", source, vocab_size, mask)
    if mask is None:
        return
    at_the_end = (mask[:, 1:] <= mask[:, :-1]).all()
    if not (mask[:, 0].all() and at_the_end):
        raise ValueError(
            "mask has padding before a real token, or a sequence of padding alone; expected real "
            "tokens first: pad at the end, and drop empty sequences"
        )
