"""The Transformer against ``torch.nn.Transformer``, its encoder against ``transformers``' BERT."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from attention_lib.layers import EncoderLayer
from attention_lib.masks import length_mask, padding_mask
from attention_lib.models.transformer import Transformer, TransformerConfig
from attention_lib.positions import sinusoids
from bench.race import OURS, check_agreement, race
from tests.reference import their_name

VOCAB, LENGTH, BATCH = 200, 32, 128


class TorchTransformer(nn.Module):
    """``nn.Transformer`` with embeddings, positions and head, each of them prepared."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.target_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.transformer = nn.Transformer(
            config.d_model,
            config.num_heads,
            config.num_layers,
            config.num_layers,
            config.d_ff,
            config.dropout,
            batch_first=True,
            norm_first=config.norm_first,
        )
        self.scale = config.d_model**0.5
        self.register_buffer("positions", sinusoids(LENGTH, config.d_model).float())
        self.register_buffer("blocked", torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1))

    def forward(self, source: Tensor, target: Tensor, padding: Tensor) -> Tensor:
        """Give logits; ``padding`` is True where a source token is none."""
        x, y = (
            self.target_embedding(ids) * self.scale + self.positions for ids in (source, target)
        )
        options = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
        decoded = self.transformer(x, y, tgt_mask=self.blocked, tgt_is_causal=True, **options)
        return F.linear(decoded, self.target_embedding.weight)


def training_step(dropout: float, norm_first: bool) -> pd.DataFrame:
    """A whole step: forward, backward, Adam; a batch with padding."""
    torch.manual_seed(0)
    shape = {"d_model": 128, "num_heads": 8, "d_ff": 512, "num_layers": 2}
    config = TransformerConfig(VOCAB, dropout=dropout, norm_first=norm_first, **shape)
    ours, theirs = Transformer(config), TorchTransformer(config)
    if not norm_first:  # torch.nn.Transformer has a norm behind the last layer in any case
        ours.encoder_norm, ours.decoder_norm = nn.LayerNorm(128), nn.LayerNorm(128)
    state = {their_name(name): value for name, value in ours.state_dict().items()}
    del state["source_embedding.weight"]  # the same table
    buffers = {name: value for name, value in theirs.named_buffers()}
    theirs.load_state_dict(state | buffers)
    source, target, wanted = torch.randint(VOCAB, (3, BATCH, LENGTH))
    real = length_mask(torch.randint(LENGTH // 2, LENGTH + 1, (BATCH,)), LENGTH)
    runs = {OURS: lambda: ours(source, target, mask=real).logits}
    runs["torch.nn.Transformer"] = lambda: theirs(source, target, ~real)
    if dropout == 0:
        check_agreement(*(run() for run in runs.values()), tolerance=1e-4)
    models = dict(zip(runs, (ours, theirs), strict=True))

    def step(name: str) -> Callable[[], None]:
        optimizer = torch.optim.Adam(models[name].parameters())

        def run() -> None:
            optimizer.zero_grad()
            F.cross_entropy(runs[name]().flatten(0, 1), wanted.flatten()).backward()
            optimizer.step()

        return run

    return race({name: step(name) for name in runs})


def encoder_forward(batch: int, length: int, padded: bool) -> pd.DataFrame:
    """Four encoder layers of BERT's size (d_model 768), in inference."""
    torch.manual_seed(0)
    config = BertConfig(vocab_size=100, num_hidden_layers=4)
    theirs = BertModel(config, add_pooling_layer=False).eval()
    options = {"activation": "gelu", "norm_eps": config.layer_norm_eps}
    ours = nn.ModuleList(EncoderLayer(768, 12, 3072, **options) for _ in range(4)).eval()
    for layer, bert in zip(ours, theirs.encoder.layer, strict=True):
        _copy(bert, layer)
    ids = torch.randint(100, (batch, length))
    real = length_mask(torch.linspace(length // 2, length, batch).long()) if padded else None
    mask = None if real is None else padding_mask(real)

    def run_ours() -> Tensor:
        x = theirs.embeddings(ids)
        for layer in ours:
            x = layer(x, mask=mask)
        return x

    def run_theirs() -> Tensor:
        return theirs(ids, attention_mask=None if real is None else real.long()).last_hidden_state

    with torch.inference_mode():
        counted = slice(None) if real is None else real
        check_agreement(run_ours()[counted], run_theirs()[counted], tolerance=1e-4)
        return race({OURS: run_ours, "transformers.BertModel": run_theirs})


def _copy(bert: nn.Module, layer: EncoderLayer) -> None:
    heads = bert.attention.self
    layer.self_attention.in_map.load_state_dict(
        {
            name: torch.cat([getattr(map_, name) for map_ in (heads.query, heads.key, heads.value)])
            for name in ("weight", "bias")
        }
    )
    for ours, theirs in (
        (layer.self_attention.out_map, bert.attention.output.dense),
        (layer.attention_norm.norm, bert.attention.output.LayerNorm),
        (layer.feed_forward.up, bert.intermediate.dense),
        (layer.feed_forward.down, bert.output.dense),
        (layer.feed_forward_norm.norm, bert.output.LayerNorm),
    ):
        ours.load_state_dict(theirs.state_dict())


def tables() -> Iterator[tuple[str, pd.DataFrame]]:
    """Measure everything, table by table."""
    for dropout, norm_first in ((0.0, False), (0.0, True), (0.1, False)):
        norm = "pre-norm" if norm_first else "post-norm"
        sizes = f"d_model 128, 2 + 2 layers, length {LENGTH}, batch {BATCH}"
        yield (
            f"Training step, {sizes}, {norm}, dropout {dropout}",
            training_step(dropout, norm_first),
        )
    for batch, length, padded in ((8, 128, False), (8, 128, True), (1, 32, False)):
        tokens = "three tokens in four real" if padded else "no padding"
        title = f"Encoder forward, d_model 768, 4 layers, length {length}, batch {batch}, {tokens}"
        yield title, encoder_forward(batch, length, padded)
