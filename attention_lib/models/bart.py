"""BART (Lewis et al., 2020): the whole Transformer, trained to repair a damaged text.

The Transformer of 2017 with learned positions, a norm behind the embeddings, and GELU.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.formats import Format, Names
from attention_lib.inputs import check_ids
from attention_lib.layers import ACTIVATIONS, DecoderLayer, EncoderLayer
from attention_lib.models.transformer import EncoderDecoder, TransformerOutput
from attention_lib.positions import LearnedPositions
from attention_lib.pretrained import Pretrained
from attention_lib.settings import (
    check_dropout,
    check_flags,
    check_head_sizes,
    check_one_of,
    check_sizes,
    check_token,
)
from attention_lib.stacks import DecoderStack, EncoderStack, draw_weights

__all__ = ["BART", "BARTConfig"]

# BART was first written in a library whose position 0 was that of the padding token's id plus 1.
_FIRST_POSITION = 2


@dataclass(frozen=True)
class BARTConfig:
    """The shape of a BART; the defaults are BART-base's.

    Attributes:
        vocab_size: tokens, of source and target.
        d_model: width between layers.
        num_heads: a divisor of ``d_model``.
        d_ff: width inside the feed-forward networks.
        num_layers: layers of the encoder.
        num_decoder_layers: layers of the decoder; as many as the encoder's when None.
        max_length: tokens of a source, or a target, that have a position.
        dropout: on every sublayer's output, and on the embeddings.
        attention_dropout: on the attention weights.
        activation_dropout: inside the feed-forward networks.
        classifier_dropout: before each map of a classifier.
        activation: as :class:`~attention_lib.layers.FeedForward`.
        scale_embedding: whether embeddings are multiplied by the root of ``d_model``.
        start_id: what every target starts with.
        stop_id: what ends a text, source or target.
        pad_id: what batches are filled up with; masks say where.
        head: ``"language_model"``: the next token of the target; ``"classification"``: one of
            ``num_classes`` for the source; None: hidden vectors alone.
        num_classes: what a classifier chooses from.

    Raises:
        TypeError, ValueError: a size below 1, ``d_model`` not divisible by ``num_heads``, an
            unknown activation or head, a dropout out of its range, or an id outside the
            vocabulary.
    """

    vocab_size: int = 50_265
    d_model: int = 768
    num_heads: int = 12
    d_ff: int = 3072
    num_layers: int = 6
    num_decoder_layers: int | None = None
    max_length: int = 1024
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation_dropout: float = 0.1
    classifier_dropout: float = 0.0
    activation: str = "gelu"
    scale_embedding: bool = False
    start_id: int = 2
    stop_id: int = 2
    pad_id: int = 1
    head: str | None = "language_model"
    num_classes: int = 3

    def __post_init__(self) -> None:
        if self.num_decoder_layers is None:  # frozen, and here still being made
            object.__setattr__(self, "num_decoder_layers", self.num_layers)
        names = ("vocab_size", "d_ff", "num_layers", "num_decoder_layers", "max_length")
        check_sizes(num_classes=self.num_classes, **{name: getattr(self, name) for name in names})
        check_head_sizes(self.d_model, self.num_heads, self.dropout)
        names = ("attention_dropout", "activation_dropout", "classifier_dropout")
        check_dropout(**{name: getattr(self, name) for name in names})
        check_flags(scale_embedding=self.scale_embedding)
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("head", self.head, (None, "language_model", "classification"))
        for name in ("start_id", "stop_id", "pad_id"):
            check_token(name, getattr(self, name), self.vocab_size)

    @classmethod
    def base(cls, **changes) -> BARTConfig:
        """Lewis et al. (2020), section 2.1: six layers each."""
        return cls(**changes)

    @classmethod
    def large(cls, **changes) -> BARTConfig:
        """Lewis et al. (2020), section 2.1: twelve layers each."""
        large = {"d_model": 1024, "num_heads": 16, "d_ff": 4096, "num_layers": 12}
        return cls(**(large | changes))


class BART(Pretrained, EncoderDecoder):
    """An encoder that reads a text, a decoder that writes one, and a head."""

    def __init__(self, config: BARTConfig) -> None:
        super().__init__(config)
        d_model, shape = config.d_model, (config.d_model, config.num_heads, config.d_ff)
        options = {
            "activation": config.activation,
            "dropout": config.dropout,
            "attention_dropout": config.attention_dropout,
            "activation_dropout": config.activation_dropout,
        }
        self.target_embedding = nn.Embedding(config.vocab_size, d_model)
        self.source_embedding = self.target_embedding
        rows = config.max_length + _FIRST_POSITION
        self.source_positions = LearnedPositions(rows, d_model)
        self.target_positions = LearnedPositions(rows, d_model)
        self.source_norm, self.target_norm = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = EncoderStack(
            EncoderLayer(*shape, **options) for _ in range(config.num_layers)
        )
        self.decoder = DecoderStack(
            DecoderLayer(*shape, **options) for _ in range(config.num_decoder_layers)
        )
        self.encoder_norm, self.decoder_norm = nn.Identity(), nn.Identity()
        if config.head == "language_model":
            self.register_buffer("logits_bias", torch.zeros(1, config.vocab_size))  # not trained
        if config.head == "classification":
            self.classifier_dropout = nn.Dropout(config.classifier_dropout)
            self.classifier_map = nn.Linear(d_model, d_model)
            self.classifier = nn.Linear(d_model, config.num_classes)
        self.apply(draw_weights)

    def forward(
        self,
        source: Tensor,
        target: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        target_mask: Tensor | None = None,
        return_weights: bool = False,
        return_layers: bool = False,
    ) -> TransformerOutput:
        """Predict every target token from the source and the target tokens before it.

        Args:
            source: ids ``(batch, T_source)``; for a classifier each row has a ``stop_id``.
            target: ids ``(batch, T_target)``, ``start_id`` first. When None it is the source
                itself, moved to the right by one and ``start_id`` put before it: so a classifier
                reads its source, and so a model that repairs texts can be shown an intact one.
            mask, target_mask, return_weights: as
                :meth:`EncoderDecoder.forward`.
            return_layers: also give what each layer of encoder and decoder wrote.

        Returns:
            Logits ``(batch, T_target, vocab_size)``, those at ``t`` for the token at ``t + 1``; or
            of a classifier ``(batch, num_classes)``, from the decoder's vector at the last
            ``stop_id``; None without a head.

        Raises:
            TypeError: ids that are not integers, or a mask that is not boolean.
            ValueError: other shapes, ids outside the vocabulary, more tokens than positions, or a
                source without ``stop_id`` for a classifier.
        """
        check_ids("source", source, self.config.vocab_size, mask)
        if target is None:
            start = torch.full_like(source[:, :1], self.config.start_id)
            target = torch.cat([start, source[:, :-1]], dim=1)
            target_mask = mask if target_mask is None else target_mask
        found = super().forward(
            source,
            target,
            mask=mask,
            target_mask=target_mask,
            return_weights=return_weights,
            return_layers=return_layers,
        )
        if self.config.head != "classification":
            return found
        return replace(found, logits=self._classify(source, found.hidden))

    def _embed_source(self, source: Tensor) -> Tensor:
        return self._embed(source, 0, self.source_positions, self.source_norm)

    def _embed_target(self, target: Tensor, start: int) -> Tensor:
        return self._embed(target, start, self.target_positions, self.target_norm)

    def _embed(
        self, ids: Tensor, start: int, positions: LearnedPositions, norm: nn.LayerNorm
    ) -> Tensor:
        x = self.target_embedding(ids)
        if self.config.scale_embedding:
            x = x * self.config.d_model**0.5
        return self.dropout(norm(positions(x, start=start + _FIRST_POSITION)))

    def _to_logits(self, hidden: Tensor) -> Tensor | None:
        if self.config.head != "language_model":
            return None
        return F.linear(hidden, self.target_embedding.weight) + self.logits_bias

    def _classify(self, source: Tensor, hidden: Tensor) -> Tensor:
        """Choose by the decoder's vector at the last stop token, which has seen all others."""
        stops = source == self.config.stop_id
        if not stops.any(dim=1).all():
            raise ValueError(
                f"source has a row without stop_id={self.config.stop_id}; expected one in each: a "
                "classifier looks at the whole text from its last token"
            )
        last = (stops * torch.arange(source.size(1), device=source.device)).argmax(dim=1)
        x = hidden[torch.arange(len(source), device=source.device), last]
        x = torch.tanh(self.classifier_map(self.classifier_dropout(x)))
        return self.classifier(self.classifier_dropout(x))

    @classmethod
    def names(cls, config: BARTConfig) -> Names:
        """Give the table of names: ours, theirs."""
        body: dict[str, str | tuple[str, ...]] = {"target_embedding": "model.shared"}
        attentions = {"self_attention": "self_attn", "cross_attention": "encoder_attn"}
        norms = {"attention": "self_attn", "cross": "encoder_attn", "feed_forward": "final"}
        for side, count in (("encoder", config.num_layers), ("decoder", config.num_decoder_layers)):
            ours = {"encoder": "source", "decoder": "target"}[side]
            body[f"{ours}_positions.table"] = f"model.{side}.embed_positions"
            body[f"{ours}_norm"] = f"model.{side}.layernorm_embedding"
            for i in range(count):
                ours, theirs = f"{side}.{i}", f"model.{side}.layers.{i}"
                for name, other in attentions.items():
                    body[f"{ours}.{name}.in_map"] = tuple(
                        f"{theirs}.{other}.{role}_proj" for role in "qkv"
                    )
                    body[f"{ours}.{name}.out_map"] = f"{theirs}.{other}.out_proj"
                for name, other in norms.items():
                    body[f"{ours}.{name}_norm.norm"] = f"{theirs}.{other}_layer_norm"
                body[f"{ours}.feed_forward.up"] = f"{theirs}.fc1"
                body[f"{ours}.feed_forward.down"] = f"{theirs}.fc2"
        head = {
            "logits_bias": "final_logits_bias",
            "classifier_map": "classification_head.dense",
            "classifier": "classification_head.out_proj",
        }
        seconds = ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight")
        copies = dict.fromkeys((*seconds, "lm_head.weight"), "model.shared.weight")
        return Names(body, head, copies)

    format = Format(
        config_class=BARTConfig,
        model_type="bart",
        prefix="model.",
        heads={
            "BartForConditionalGeneration": "language_model",
            "BartForSequenceClassification": "classification",
            "BartModel": None,
        },
        bare=("BartModel",),
        fields={
            "vocab_size": "vocab_size",
            "d_model": "d_model",
            "num_heads": ("encoder_attention_heads", "decoder_attention_heads"),
            "d_ff": ("encoder_ffn_dim", "decoder_ffn_dim"),
            "num_layers": "encoder_layers",
            "num_decoder_layers": "decoder_layers",
            "max_length": "max_position_embeddings",
            "dropout": "dropout",
            "attention_dropout": "attention_dropout",
            "activation_dropout": "activation_dropout",
            "classifier_dropout": "classifier_dropout",
            "activation": "activation_function",
            "scale_embedding": "scale_embedding",
            "start_id": "decoder_start_token_id",
            "stop_id": "eos_token_id",
            "pad_id": "pad_token_id",
        },
        defaults={
            "activation_dropout": 0.0,
            "attention_dropout": 0.0,
            "classifier_dropout": 0.0,
            "scale_embedding": False,
            "decoder_start_token_id": 2,
            "num_labels": 3,
        },
        fixed={
            "add_bias_logits": False,
            "add_final_layer_norm": False,
            "decoder_layerdrop": 0.0,
            "encoder_layerdrop": 0.0,
            "extra_pos_embeddings": 2,
            "normalize_before": False,
            "normalize_embedding": True,
            "static_position_embeddings": False,
        },
        written={"forced_eos_token_id": None},  # or they would end every text with token 2
    )
