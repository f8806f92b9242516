"""BERT (Devlin et al., 2019): an encoder that sees both sides of every word.

The encoder of the Transformer, with learned positions, a mark for the first and the second of two
texts, and a head for what it is trained to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.formats import Format, Names
from attention_lib.inputs import check_ids
from attention_lib.layers import ACTIVATIONS, EncoderLayer
from attention_lib.masks import padding_mask
from attention_lib.models.output import Output
from attention_lib.positions import LearnedPositions
from attention_lib.pretrained import Pretrained
from attention_lib.settings import (
    check_dropout,
    check_flags,
    check_head_sizes,
    check_number,
    check_one_of,
    check_sizes,
)
from attention_lib.stacks import EncoderStack, draw_weights

__all__ = ["BERT", "BERTConfig"]


@dataclass(frozen=True)
class BERTConfig:
    """The shape of a BERT; the defaults are BERT-base's.

    Attributes:
        vocab_size: tokens.
        d_model: width between layers.
        num_heads: a divisor of ``d_model``.
        d_ff: width inside the feed-forward networks.
        num_layers: layers.
        max_length: rows of the table of positions.
        num_segments: texts that one input can hold side by side.
        dropout: on every sublayer's output, on the embeddings and before a classifier.
        attention_dropout: on the attention weights.
        activation: as :class:`~attention_lib.layers.FeedForward`.
        norm_eps: as :class:`~attention_lib.layers.AddNorm`.
        head: ``None``: hidden vectors alone; ``"masked_lm"``: the token at every position;
            ``"classification"``: one of ``num_classes`` for the whole input, from its first token
            ([CLS]); ``"pooler"``: the map and tanh that this classifier starts with, alone.
        num_classes: what a classifier chooses from.

    Raises:
        TypeError, ValueError: a size below 1, ``d_model`` not divisible by ``num_heads``, or an
            unknown activation or head; a dropout or ``norm_eps`` out of its range.
    """

    vocab_size: int = 30_522
    d_model: int = 768
    num_heads: int = 12
    d_ff: int = 3072
    num_layers: int = 12
    max_length: int = 512
    num_segments: int = 2
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: str = "gelu"
    norm_eps: float = 1e-12
    head: str | None = None
    num_classes: int = 2

    def __post_init__(self) -> None:
        names = ("vocab_size", "d_ff", "num_layers", "max_length", "num_segments", "num_classes")
        check_sizes(**{name: getattr(self, name) for name in names})
        check_head_sizes(self.d_model, self.num_heads, self.dropout)
        check_dropout(attention_dropout=self.attention_dropout)
        check_number("norm_eps", self.norm_eps, 0.0, 1.0, "from 0 to 1, such as 1e-5")
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("head", self.head, (None, "pooler", "masked_lm", "classification"))
        if self.head == "masked_lm" and self.activation == "swiglu":
            raise ValueError(
                "activation='swiglu' with head='masked_lm': the head has no room for a gate; "
                "expected another activation, such as 'gelu'"
            )

    @classmethod
    def base(cls, **changes) -> BERTConfig:
        """Devlin et al. (2019), section 3."""
        return cls(**changes)

    @classmethod
    def large(cls, **changes) -> BERTConfig:
        """Devlin et al. (2019), section 3."""
        large = {"d_model": 1024, "num_heads": 16, "d_ff": 4096, "num_layers": 24}
        return cls(**(large | changes))

    @classmethod
    def mini_lm(cls, **changes) -> BERTConfig:
        """The six layers of Wang et al. (2020), "MiniLM", with which all-MiniLM-L6-v2 began."""
        small = {"d_model": 384, "num_heads": 12, "d_ff": 1536, "num_layers": 6}
        return cls(**(small | changes))


class BERT(Pretrained):
    """An encoder over tokens, and its head."""

    def __init__(self, config: BERTConfig) -> None:
        super().__init__(config)
        d_model, dropout = config.d_model, config.dropout
        self.token_embedding = nn.Embedding(config.vocab_size, d_model)
        self.positions = LearnedPositions(config.max_length, d_model)
        self.segment_embedding = nn.Embedding(config.num_segments, d_model)
        self.embedding_norm = nn.LayerNorm(d_model, eps=config.norm_eps)
        self.dropout = nn.Dropout(dropout)
        self.layers = EncoderStack(
            EncoderLayer(
                d_model,
                config.num_heads,
                config.d_ff,
                activation=config.activation,
                dropout=dropout,
                attention_dropout=config.attention_dropout,
                norm_eps=config.norm_eps,
            )
            for _ in range(config.num_layers)
        )
        if config.head == "masked_lm":
            self.head_map = nn.Linear(d_model, d_model)
            self.head_norm = nn.LayerNorm(d_model, eps=config.norm_eps)
            self.logits_bias = nn.Parameter(torch.zeros(config.vocab_size))
            self.activation = ACTIVATIONS[config.activation]
        if config.head in ("pooler", "classification"):
            self.pooler = nn.Linear(d_model, d_model)
        if config.head == "classification":
            self.classifier = nn.Linear(d_model, config.num_classes)
        self.apply(draw_weights)

    def forward(
        self,
        ids: Tensor,
        segments: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        return_weights: bool = False,
        return_layers: bool = False,
    ) -> Output:
        """Read tokens.

        Args:
            ids: ``(batch, length)``, int64.
            segments: ``(batch, length)``: 0 for a token of the first text, 1 for one of the
                second; all 0 when None.
            mask: ``(batch, length)`` boolean, True = a real token.
            return_weights: also give the attention weights of every layer.
            return_layers: also give what each layer wrote.

        Returns:
            Hidden vectors ``(batch, length, d_model)``, the head's logits, and what was asked for.

        Raises:
            TypeError: ids that are not integers, or a mask that is not boolean.
            ValueError: other shapes, ids outside the vocabulary, or more tokens than positions.
        """
        check_ids("ids", ids, self.config.vocab_size, mask)
        check_flags(return_weights=return_weights, return_layers=return_layers)
        found = self.layers(
            self._embed(ids, segments),
            mask=None if mask is None else padding_mask(mask),
            return_weights=return_weights,
            return_layers=return_layers,
        )
        logits = self._to_logits(found.hidden)
        return Output(found.hidden, logits, found.weights, found.layers)

    def pool(self, hidden: Tensor) -> Tensor:
        """Map the first token's vector ``(batch, length, d_model)``: ``(batch, d_model)``.

        Raises:
            ValueError: a model without the map.
        """
        if not hasattr(self, "pooler"):
            raise ValueError(
                f"head={self.config.head!r} has no pooler; expected 'pooler' or 'classification': "
                "for one vector a text, average the hidden vectors of its real tokens"
            )
        return torch.tanh(self.pooler(hidden[:, 0]))

    def _embed(self, ids: Tensor, segments: Tensor | None) -> Tensor:
        if segments is None:
            segments = torch.zeros_like(ids)
        check_ids("segments", segments, self.config.num_segments)
        if segments.shape != ids.shape:
            raise ValueError(
                f"segments has shape {tuple(segments.shape)}; expected that of ids, "
                f"{tuple(ids.shape)}: 0 or 1 for every token"
            )
        x = self.positions(self.token_embedding(ids) + self.segment_embedding(segments))
        return self.dropout(self.embedding_norm(x))

    def _to_logits(self, hidden: Tensor) -> Tensor | None:
        if self.config.head == "masked_lm":
            x = self.head_norm(self.activation(self.head_map(hidden)))
            return F.linear(x, self.token_embedding.weight, self.logits_bias)
        if self.config.head == "classification":
            return self.classifier(self.dropout(self.pool(hidden)))
        return None

    @classmethod
    def names(cls, config: BERTConfig) -> Names:
        """Give the table of names: ours, theirs."""
        body: dict[str, str | tuple[str, ...]] = {
            "token_embedding": "bert.embeddings.word_embeddings",
            "positions.table": "bert.embeddings.position_embeddings",
            "segment_embedding": "bert.embeddings.token_type_embeddings",
            "embedding_norm": "bert.embeddings.LayerNorm",
        }
        for i in range(config.num_layers):
            ours, theirs = f"layers.{i}", f"bert.encoder.layer.{i}"
            body |= {
                f"{ours}.self_attention.in_map": tuple(
                    f"{theirs}.attention.self.{name}" for name in ("query", "key", "value")
                ),
                f"{ours}.self_attention.out_map": f"{theirs}.attention.output.dense",
                f"{ours}.attention_norm.norm": f"{theirs}.attention.output.LayerNorm",
                f"{ours}.feed_forward.up": f"{theirs}.intermediate.dense",
                f"{ours}.feed_forward.down": f"{theirs}.output.dense",
                f"{ours}.feed_forward_norm.norm": f"{theirs}.output.LayerNorm",
            }
        head = {
            "head_map": "cls.predictions.transform.dense",
            "head_norm": "cls.predictions.transform.LayerNorm",
            "logits_bias": "cls.predictions.bias",
            "pooler": "bert.pooler.dense",
            "classifier": "classifier",
        }
        copies = {
            "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
            "cls.predictions.decoder.bias": "cls.predictions.bias",
        }
        dropped = ("bert.embeddings.position_ids",)  # the numbers 0, 1, 2, ...
        if config.head != "masked_lm":
            return Names(body, head, dropped=dropped)
        # Published beside it: what the next-sentence task was trained with.
        dropped += ("bert.pooler.dense.*", "cls.seq_relationship.*")
        return Names(body, head, copies, dropped)

    format = Format(
        config_class=BERTConfig,
        model_type="bert",
        prefix="bert.",
        heads={
            "BertModel": ("pooler", None),
            "BertForMaskedLM": "masked_lm",
            "BertForSequenceClassification": "classification",
        },
        bare=("BertModel",),
        fields={
            "vocab_size": "vocab_size",
            "d_model": "hidden_size",
            "num_heads": "num_attention_heads",
            "d_ff": "intermediate_size",
            "num_layers": "num_hidden_layers",
            "max_length": "max_position_embeddings",
            "num_segments": "type_vocab_size",
            "dropout": "hidden_dropout_prob",
            "attention_dropout": "attention_probs_dropout_prob",
            "activation": "hidden_act",
            "norm_eps": "layer_norm_eps",
        },
        defaults={"num_labels": 2},
        fixed={"classifier_dropout": None, "position_embedding_type": "absolute"},
        renamed={".gamma": ".weight", ".beta": ".bias"},
    )
