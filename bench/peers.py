"""The same models in other libraries, with the same numbers in them."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, PreTrainedModel
from transformers.utils import logging
from x_transformers import Decoder, TransformerWrapper

from attention_lib.models import BERT, GPT
from attention_lib.pretrained import Pretrained


def gpt(
    num_layers: int, d_model: int, num_heads: int, vocab_size: int, max_length: int, **options
) -> tuple[GPT, GPT2LMHeadModel]:
    """Give a GPT without dropout, ours and that of ``transformers``.

    Args:
        num_layers, d_model, num_heads, vocab_size, max_length: as
            :class:`~attention_lib.models.gpt.GPTConfig`.
        options: of ``transformers.GPT2Config``.
    """
    config = GPT2Config(
        vocab_size=vocab_size,
        n_positions=max_length,
        n_embd=d_model,
        n_layer=num_layers,
        n_head=num_heads,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
        **dict.fromkeys(("bos_token_id", "eos_token_id")),  # nothing ends a text
        **options,
    )
    theirs = GPT2LMHeadModel(config).eval()
    return _read(GPT, theirs), theirs


def bert(**options) -> tuple[BERT, BertModel]:
    """Give a BERT, ours and that of ``transformers``; options are those of its ``BertConfig``."""
    theirs = BertModel(BertConfig(**options), add_pooling_layer=False).eval()
    return _read(BERT, theirs), theirs


def x_transformer(ours: GPT) -> TransformerWrapper:
    """Give the same GPT as ``x_transformers`` builds it.

    It has no biases in attention and in norms; those of ours must be 0, as they are when drawn.
    """
    config = ours.config
    layers = Decoder(
        dim=config.d_model,
        depth=config.num_layers,
        heads=config.num_heads,
        attn_dim_head=config.d_model // config.num_heads,
        attn_flash=True,
    )
    theirs = TransformerWrapper(
        num_tokens=config.vocab_size,
        max_seq_len=config.max_length,
        attn_layers=layers,
        tie_embedding=True,
        tie_embedding_scale=1.0,
    ).eval()

    def norm(place: nn.Module, numbers: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        return place.gamma, numbers.weight - float(place.unit_offset)  # kept as a difference from 1

    pairs = [
        (theirs.token_emb.emb.weight, ours.token_embedding.weight),
        (theirs.pos_emb.emb.weight, ours.positions.table.weight / theirs.pos_emb.scale),
        norm(layers.final_norm, ours.norm),
    ]
    blocks = iter(layers.layers)  # each: its norms, what it does, how it is added
    for layer in ours.layers:
        (attention_norm, *_), attention, _ = next(blocks)
        (feed_forward_norm, *_), feed_forward, _ = next(blocks)
        query, key, value = layer.self_attention.in_map.weight.chunk(3)
        (up, _), _, down = feed_forward.ff
        pairs += [
            norm(attention_norm, layer.attention_norm.norm),
            (attention.to_q.weight, query),
            (attention.to_k.weight, key),
            (attention.to_v.weight, value),
            (attention.to_out.weight, layer.self_attention.out_map.weight),
            norm(feed_forward_norm, layer.feed_forward_norm.norm),
            *zip(up.parameters(), layer.feed_forward.up.parameters(), strict=True),
            *zip(down.parameters(), layer.feed_forward.down.parameters(), strict=True),
        ]
    with torch.no_grad():
        for place, numbers in pairs:
            place.copy_(numbers)
    return theirs


def _read(ours: type[Pretrained], theirs: PreTrainedModel) -> nn.Module:
    """Read their model from a folder that they wrote."""
    logging.disable_progress_bar()
    with TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        return ours.from_pretrained(folder)
