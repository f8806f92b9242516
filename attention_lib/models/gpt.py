"""GPT-2 (Radford et al., 2019): a decoder that guesses the next token from those before it.

Without an encoder to look at, a decoder layer is an encoder layer under a causal mask.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.cache import Cache
from attention_lib.formats import Format, Names, Transposed
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
    check_token,
)
from attention_lib.stacks import EncoderStack, StackOutput, draw_weights

__all__ = ["GPT", "GPTConfig"]


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT; the defaults are those of the smallest GPT-2.

    Attributes:
        vocab_size: tokens.
        d_model: width between layers.
        num_heads: a divisor of ``d_model``.
        d_ff: width inside the feed-forward networks; ``4 * d_model`` when None.
        num_layers: layers.
        max_length: rows of the table of positions: tokens that the model can see at once.
        dropout: on every sublayer's output, and on the embeddings.
        attention_dropout: on the attention weights.
        activation: as :class:`~attention_lib.layers.FeedForward`; GPT-2's approximates ``"gelu"``.
        norm_eps: as :class:`~attention_lib.layers.AddNorm`.
        stop_id: the token that ends a text, if there is one.

    Raises:
        TypeError, ValueError: a size below 1, ``d_model`` not divisible by ``num_heads``, an
            unknown activation, a dropout or ``norm_eps`` out of its range, or a ``stop_id``
            outside the vocabulary.
    """

    vocab_size: int = 50_257
    d_model: int = 768
    num_heads: int = 12
    d_ff: int | None = None
    num_layers: int = 12
    max_length: int = 1024
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: str = "gelu_tanh"
    norm_eps: float = 1e-5
    stop_id: int | None = None

    def __post_init__(self) -> None:
        check_head_sizes(self.d_model, self.num_heads, self.dropout)
        check_dropout(attention_dropout=self.attention_dropout)
        check_number("norm_eps", self.norm_eps, 0.0, 1.0, "from 0 to 1, such as 1e-5")
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)  # frozen, and here still being made
        names = ("vocab_size", "d_ff", "num_layers", "max_length")
        check_sizes(**{name: getattr(self, name) for name in names})
        check_one_of("activation", self.activation, ACTIVATIONS)
        if self.stop_id is not None:
            check_token("stop_id", self.stop_id, self.vocab_size)

    @classmethod
    def small(cls, **changes) -> GPTConfig:
        """GPT-2 with 124 million parameters; sizes from Radford et al. (2019), table 2."""
        return cls(**({"stop_id": 50_256} | changes))

    @classmethod
    def medium(cls, **changes) -> GPTConfig:
        """GPT-2 with 355 million parameters."""
        return cls.small(**({"d_model": 1024, "num_heads": 16, "num_layers": 24} | changes))

    @classmethod
    def large(cls, **changes) -> GPTConfig:
        """GPT-2 with 774 million parameters."""
        return cls.small(**({"d_model": 1280, "num_heads": 20, "num_layers": 36} | changes))

    @classmethod
    def xl(cls, **changes) -> GPTConfig:
        """GPT-2 with 1.6 thousand million parameters."""
        return cls.small(**({"d_model": 1600, "num_heads": 25, "num_layers": 48} | changes))


class GPT(Pretrained):
    """A decoder alone, pre-norm; the table of embeddings is also the map to the logits."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.positions = LearnedPositions(config.max_length, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = EncoderStack(
            EncoderLayer(
                config.d_model,
                config.num_heads,
                config.d_ff,
                activation=config.activation,
                norm_first=True,
                dropout=config.dropout,
                attention_dropout=config.attention_dropout,
                norm_eps=config.norm_eps,
            )
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(config.d_model, eps=config.norm_eps)
        self.apply(draw_weights)
        # What 2 N sublayers add up to would grow with their number (section 2.3 of the paper).
        for layer in self.layers:
            for map_ in (layer.self_attention.out_map, layer.feed_forward.down):
                draw_weights(map_, std=0.02 / (2 * config.num_layers) ** 0.5)

    def forward(
        self,
        ids: Tensor,
        *,
        mask: Tensor | None = None,
        cache: Cache | None = None,
        return_weights: bool = False,
        return_layers: bool = False,
    ) -> Output:
        """Say what comes after every token.

        Args:
            ids: ``(batch, length)``, int64; with a cache, those that it has not seen.
            mask: ``(batch, length)`` boolean, True = a real token; with a cache, of the tokens in
                it too. Positions are counted by real tokens, so padding may stand on either side.
                Without a mask all tokens are real.
            cache: ``Cache(config.num_layers)`` at the first call, the same one for the next; for
                inference, and one batch, alone.
            return_weights: also give the attention weights of every layer.
            return_layers: also give what each layer wrote.

        Returns:
            Hidden vectors ``(batch, length, d_model)`` and logits ``(batch, length, vocab_size)``;
            those at position ``t`` are for the token at ``t + 1``.

        Raises:
            TypeError: ids that are not integers, or a mask that is not boolean.
            ValueError: other shapes, ids outside the vocabulary, or more tokens than positions.
        """
        check_flags(return_weights=return_weights, return_layers=return_layers)
        found = self._read(
            ids, mask, cache, return_weights=return_weights, return_layers=return_layers
        )
        return Output(found.hidden, self._to_logits(found.hidden), found.weights, found.layers)

    def next_logits(
        self, ids: Tensor, *, mask: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """Give the logits after the last token, ``(batch, vocab_size)``; as :meth:`forward`."""
        return self._to_logits(self._read(ids, mask, cache).hidden[:, -1])

    def _read(
        self, ids: Tensor, mask: Tensor | None, cache: Cache | None, **wanted: bool
    ) -> StackOutput:
        start = 0 if cache is None else cache.length
        check_ids("ids", ids, self.config.vocab_size, mask, start=start)
        x = self.positions(self.token_embedding(ids), start=start, mask=mask)
        x = self.dropout(x) if self.training else x
        seen = None if mask is None else padding_mask(mask)
        hidden, *others = self.layers(x, mask=seen, is_causal=True, cache=cache, **wanted)
        return StackOutput(self.norm(hidden), *others)

    def _to_logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.token_embedding.weight)

    @classmethod
    def names(cls, config: GPTConfig) -> Names:
        """Give the table of names: ours, theirs. GPT-2's maps are stored (inputs, outputs)."""
        body: dict[str, str | tuple[str, ...]] = {
            "token_embedding": "transformer.wte",
            "positions.table": "transformer.wpe",
            "norm": "transformer.ln_f",
        }
        for i in range(config.num_layers):
            ours, theirs = f"layers.{i}", f"transformer.h.{i}"
            body |= {
                f"{ours}.attention_norm.norm": f"{theirs}.ln_1",
                f"{ours}.self_attention.in_map": Transposed(f"{theirs}.attn.c_attn"),
                f"{ours}.self_attention.out_map": Transposed(f"{theirs}.attn.c_proj"),
                f"{ours}.feed_forward_norm.norm": f"{theirs}.ln_2",
                f"{ours}.feed_forward.up": Transposed(f"{theirs}.mlp.c_fc"),
                f"{ours}.feed_forward.down": Transposed(f"{theirs}.mlp.c_proj"),
            }
        return Names(
            body,
            copies={"lm_head.weight": "transformer.wte.weight"},
            # Causal masks that old files hold beside the weights.
            dropped=("transformer.h.*.attn.bias", "transformer.h.*.attn.masked_bias"),
        )

    format = Format(
        config_class=GPTConfig,
        model_type="gpt2",
        prefix="transformer.",
        heads={"GPT2LMHeadModel": None, "GPT2Model": None},
        bare=("GPT2Model",),
        fields={
            "vocab_size": "vocab_size",
            "d_model": "n_embd",
            "num_heads": "n_head",
            "d_ff": "n_inner",
            "num_layers": "n_layer",
            "max_length": "n_positions",
            "dropout": ("resid_pdrop", "embd_pdrop"),
            "attention_dropout": "attn_pdrop",
            "activation": "activation_function",
            "norm_eps": "layer_norm_epsilon",
            "stop_id": "eos_token_id",
        },
        defaults={"n_inner": None, "eos_token_id": 50_256},
        fixed={
            "reorder_and_upcast_attn": False,
            "scale_attn_by_inverse_layer_idx": False,
            "scale_attn_weights": True,
        },
        written={"bos_token_id": "stop_id"},  # <|endoftext|> stands between texts: it is both
    )
