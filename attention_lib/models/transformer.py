"""The Transformer of Vaswani et al. (2017): an encoder reads, a decoder writes.

Figure 1 of "Attention Is All You Need", from the layers of :mod:`attention_lib.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.attention import MultiHeadAttention
from attention_lib.cache import Cache
from attention_lib.inputs import check_ids, check_sequences
from attention_lib.layers import ACTIVATIONS, DecoderLayer, EncoderLayer
from attention_lib.masks import padding_mask
from attention_lib.positions import LearnedPositions, SinusoidalPositions
from attention_lib.settings import check_flags, check_head_sizes, check_one_of, check_sizes
from attention_lib.stacks import DecoderStack, EncoderStack, StackOutput

__all__ = [
    "EncoderDecoder",
    "Transformer",
    "TransformerConfig",
    "TransformerLayers",
    "TransformerOutput",
    "TransformerWeights",
]


@dataclass(frozen=True)
class TransformerConfig:
    """The shape of a Transformer; the defaults are those of the paper's base model.

    Attributes:
        vocab_size: tokens of the target, and of the source if they share a table.
        source_vocab_size: tokens of the source, which then gets a table of its own; None shares
            the target's, as the paper does (section 3.4).
        d_model: width between layers.
        num_heads: a divisor of ``d_model``.
        d_ff: width inside the feed-forward networks.
        num_layers: layers of the encoder, and as many of the decoder.
        dropout: on every sublayer's output, and on the embeddings (section 5.4).
        activation: as :class:`~attention_lib.layers.FeedForward`.
        norm_first: pre-norm, with a norm behind the last layer; the paper's is post-norm.
        bias: whether maps and norms add a bias.
        positions: ``"sinusoidal"`` or ``"learned"``, which the paper found equally good.
        max_length: rows of a learned table of positions; sinusoidal ones need no bound.

    Raises:
        ValueError: a size below 1, ``d_model`` not divisible by ``num_heads``, or an unknown
            activation or kind of positions.
    """

    vocab_size: int
    source_vocab_size: int | None = None
    d_model: int = 512
    num_heads: int = 8
    d_ff: int = 2048
    num_layers: int = 6
    dropout: float = 0.1
    activation: str = "relu"
    norm_first: bool = False
    bias: bool = True
    positions: str = "sinusoidal"
    max_length: int = 512

    def __post_init__(self) -> None:
        names = ("vocab_size", "source_vocab_size", "d_ff", "num_layers", "max_length")
        sizes = {name: getattr(self, name) for name in names}
        if self.source_vocab_size is None:
            del sizes["source_vocab_size"]
        check_sizes(**sizes)
        check_head_sizes(self.d_model, self.num_heads, self.dropout)
        check_flags(norm_first=self.norm_first, bias=self.bias)
        check_one_of("positions", self.positions, ("sinusoidal", "learned"))
        check_one_of("activation", self.activation, ACTIVATIONS)

    @classmethod
    def base(cls, vocab_size: int = 37_000, **changes) -> TransformerConfig:
        """The paper's base model: table 3, first row."""
        return cls(vocab_size, **changes)

    @classmethod
    def big(cls, vocab_size: int = 37_000, **changes) -> TransformerConfig:
        """The paper's big model: table 3, last row (dropout 0.3, as for English to German)."""
        big = {"d_model": 1024, "num_heads": 16, "d_ff": 4096, "dropout": 0.3}
        return cls(vocab_size, **(big | changes))


class TransformerWeights(NamedTuple):
    """Attention weights, one tensor ``(batch, num_heads, query, key)`` for every layer."""

    encoder: tuple[Tensor, ...]
    decoder: tuple[Tensor, ...]
    cross: tuple[Tensor, ...]


class TransformerLayers(NamedTuple):
    """What went into the first layer and came out of each, ``(batch, length, d_model)``."""

    encoder: tuple[Tensor, ...]
    decoder: tuple[Tensor, ...]


@dataclass(frozen=True)
class TransformerOutput:
    """What the model says.

    Attributes:
        logits: ``(batch, T_target, vocab_size)``; None of a model without a head.
        hidden: output of the decoder, ``(batch, T_target, d_model)``.
        memory: output of the encoder, ``(batch, T_source, d_model)``.
        weights: the attention weights of every layer, if asked.
        layers: what each layer wrote, if asked.
    """

    logits: Tensor | None
    hidden: Tensor
    memory: Tensor
    weights: TransformerWeights | None = None
    layers: TransformerLayers | None = None


class EncoderDecoder(nn.Module):
    """What the Transformer and BART do alike: read the source, then write the target.

    A subclass has a ``config``, an ``encoder`` and a ``decoder``, a norm behind each, and says how
    tokens become vectors, and vectors logits.
    """

    encoder: EncoderStack
    decoder: DecoderStack

    def forward(
        self,
        source: Tensor,
        target: Tensor,
        *,
        mask: Tensor | None = None,
        target_mask: Tensor | None = None,
        return_weights: bool = False,
        return_layers: bool = False,
    ) -> TransformerOutput:
        """Predict every target token from the source and the target tokens before it.

        Args:
            source: ids ``(batch, T_source)``.
            target: ids ``(batch, T_target)``, the start token first (teacher forcing).
            mask: ``(batch, T_source)`` boolean, True = a real token.
            target_mask: ``(batch, T_target)`` boolean. Not needed when padding stands at the end:
                no real token sees what comes after it. The loss must skip padding either way.
            return_weights: also give the attention weights of every layer.
            return_layers: also give what each layer wrote.

        Returns:
            Logits; those at position ``t`` are for the token at ``t + 1``.

        Raises:
            TypeError: ids that are not integers, or a mask that is not boolean.
            ValueError: other shapes, ids outside the vocabulary, or a target longer than the
                table of positions.
        """
        check_flags(return_weights=return_weights, return_layers=return_layers)
        wanted = {"return_weights": return_weights, "return_layers": return_layers}
        read = self._encode(source, mask, **wanted)
        written = self._decode(target, read.hidden, mask, target_mask, None, **wanted)
        weights = TransformerWeights(read.weights, written.weights, written.cross_weights)
        layers = TransformerLayers(read.layers, written.layers)
        return TransformerOutput(
            self._to_logits(written.hidden),
            written.hidden,
            read.hidden,
            weights if return_weights else None,
            layers if return_layers else None,
        )

    def encode(self, source: Tensor, *, mask: Tensor | None = None) -> Tensor:
        """Read the source: the memory ``(batch, T_source, d_model)``; as :meth:`forward`."""
        return self._encode(source, mask).hidden

    def decode(
        self,
        target: Tensor,
        memory: Tensor,
        *,
        mask: Tensor | None = None,
        target_mask: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Give the logits that follow each target token, as :meth:`forward`.

        Args:
            target: ids ``(batch, T_target)``; with a cache, those that it has not seen.
            memory: what :meth:`encode` gave for the source.
            mask: that of the source.
            target_mask: that of all target tokens, those in the cache included.
            cache: ``Cache(config.num_layers)`` at the first call, the same one for the next; for
                inference, and one memory, alone.

        Returns:
            ``(batch, T_target, vocab_size)``.
        """
        return self._to_logits(self._decode(target, memory, mask, target_mask, cache).hidden)

    def _encode(self, source: Tensor, mask: Tensor | None, **wanted: bool) -> StackOutput:
        check_ids("source", source, self.source_embedding.num_embeddings, mask)
        x = self._embed_source(source)
        found = self.encoder(x, mask=None if mask is None else padding_mask(mask), **wanted)
        return StackOutput(self.encoder_norm(found.hidden), *found[1:])

    def _decode(
        self,
        target: Tensor,
        memory: Tensor,
        mask: Tensor | None,
        target_mask: Tensor | None,
        cache: Cache | None,
        **wanted: bool,
    ) -> StackOutput:
        start = 0 if cache is None else cache.length
        check_ids("target", target, self.config.vocab_size, target_mask, start=start)
        check_sequences(self.config.d_model, memory=memory, fix="take it from encode(source)")
        if len(memory) != len(target):
            raise ValueError(
                f"target has {len(target)} rows and memory, that is, the source, {len(memory)}; "
                "expected one batch: repeat the memory for several targets of one source"
            )
        found = self.decoder(
            self._embed_target(target, start),
            memory,
            mask=None if target_mask is None else padding_mask(target_mask),
            memory_mask=None if mask is None else padding_mask(mask),
            cache=cache,
            **wanted,
        )
        return StackOutput(self.decoder_norm(found.hidden), *found[1:])

    def _embed_source(self, source: Tensor) -> Tensor:
        raise NotImplementedError

    def _embed_target(self, target: Tensor, start: int) -> Tensor:
        raise NotImplementedError

    def _to_logits(self, hidden: Tensor) -> Tensor | None:
        raise NotImplementedError


class Transformer(EncoderDecoder):
    """An encoder that reads the source, and a decoder that writes the target.

    The table of target embeddings is also the map from the last layer to the logits (section 3.4).

    Raises:
        TypeError: a config that is no :class:`TransformerConfig`.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        if not isinstance(config, TransformerConfig):
            raise TypeError(
                f"config is {config!r}; expected a TransformerConfig, such as "
                "TransformerConfig.base(vocab_size)"
            )
        self.config = config
        d_model, shape = config.d_model, (config.d_model, config.num_heads, config.d_ff)
        options = {
            "activation": config.activation,
            "norm_first": config.norm_first,
            "bias": config.bias,
            "dropout": config.dropout,
        }
        self.target_embedding = nn.Embedding(config.vocab_size, d_model)
        self.source_embedding = (
            self.target_embedding
            if config.source_vocab_size is None
            else nn.Embedding(config.source_vocab_size, d_model)
        )
        self.positions = (
            SinusoidalPositions(d_model)
            if config.positions == "sinusoidal"
            else LearnedPositions(config.max_length, d_model)
        )
        self.dropout = nn.Dropout(config.dropout)
        layers = range(config.num_layers)
        self.encoder = EncoderStack(EncoderLayer(*shape, **options) for _ in layers)
        self.decoder = DecoderStack(DecoderLayer(*shape, **options) for _ in layers)
        # Pre-norm leaves the sum of all layers without a norm; post-norm ends with one.
        norms = [
            nn.LayerNorm(d_model, bias=config.bias) if config.norm_first else nn.Identity()
            for _ in range(2)
        ]
        self.encoder_norm, self.decoder_norm = norms
        self.apply(_initialise)

    def _embed_source(self, source: Tensor) -> Tensor:
        return self._embed(self.source_embedding, source, start=0)

    def _embed_target(self, target: Tensor, start: int) -> Tensor:
        return self._embed(self.target_embedding, target, start)

    def _embed(self, embedding: nn.Embedding, ids: Tensor, start: int) -> Tensor:
        """Look up embeddings, scale them to the size of the positions (section 3.4), add those."""
        x = embedding(ids) * self.config.d_model**0.5
        return self.dropout(self.positions(x, start=start))

    def _to_logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.target_embedding.weight)


def _initialise(module: nn.Module) -> None:
    """Draw embeddings that have length 1 on average, and maps that keep the size of their input."""
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, MultiHeadAttention):  # after its Linears: three square maps, not one
        for weight in module.in_map.weight.chunk(3):
            nn.init.xavier_uniform_(weight)
