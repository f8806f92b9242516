"""The Transformer of 2017 against ``torch.nn.Transformer``."""

from __future__ import annotations

import warnings
from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.masks import length_mask
from attention_lib.models.transformer import Transformer, TransformerConfig
from attention_lib.positions import sinusoids
from bench.race import OURS, Sections, check_agreement, race, training_step
from tests.reference import their_name


class TorchTransformer(nn.Module):
    """``nn.Transformer`` with embeddings, positions and head, each of them prepared."""

    def __init__(self, config: TransformerConfig, length: int) -> None:
        super().__init__()
        self.target_embedding = nn.Embedding(config.vocab_size, config.d_model)
        with warnings.catch_warnings():  # one says that nested tensors, not wanted here, do not go
            warnings.simplefilter("ignore")
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
        self.register_buffer("positions", sinusoids(length, config.d_model).float())
        self.register_buffer("blocked", torch.ones(length, length, dtype=torch.bool).triu(1))

    def forward(self, source: Tensor, target: Tensor, padding: Tensor) -> Tensor:
        """Give logits; ``padding`` is True where a source token is none."""
        x, y = (
            self.target_embedding(ids) * self.scale + self.positions for ids in (source, target)
        )
        options = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
        decoded = self.transformer(x, y, tgt_mask=self.blocked, tgt_is_causal=True, **options)
        return F.linear(decoded, self.target_embedding.weight)


def training(
    *,
    norm_first: bool,
    dropout: float,
    batch: int = 128,
    length: int = 32,
    d_model: int = 128,
    rounds: int = 20,
) -> pd.DataFrame:
    """Steps of training, 2 + 2 layers, on a batch with padding."""
    torch.manual_seed(0)
    shape = {"d_model": d_model, "num_heads": 8, "d_ff": 4 * d_model, "num_layers": 2}
    config = TransformerConfig(200, dropout=dropout, norm_first=norm_first, **shape)
    ours, theirs = Transformer(config), TorchTransformer(config, length)
    if not norm_first:  # torch.nn.Transformer has a norm behind the last layer in any case
        ours.encoder_norm, ours.decoder_norm = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
    state = {their_name(name): value for name, value in ours.state_dict().items()}
    del state["source_embedding.weight"]  # the same table
    theirs.load_state_dict(state | dict(theirs.named_buffers()))
    source, target, wanted = torch.randint(config.vocab_size, (3, batch, length))
    real = length_mask(torch.randint(length // 2, length + 1, (batch,)), length)
    models = {OURS: ours.eval(), "torch.nn.Transformer": theirs.eval()}
    logits = {
        OURS: lambda: ours(source, target, mask=real).logits,
        "torch.nn.Transformer": lambda: theirs(source, target, ~real),
    }
    check_agreement((run() for run in logits.values()), tolerance=1e-4)

    def loss(name: str) -> Tensor:
        return F.cross_entropy(logits[name]().flatten(0, 1), wanted.flatten())

    steps = {
        name: training_step(model.train(), partial(loss, name)) for name, model in models.items()
    }
    return race(steps, rounds=rounds)


SECTIONS: Sections = {
    "Training step of a Transformer, d_model 128, 2 + 2 layers, length 32, batch 128": {
        "post-norm": partial(training, norm_first=False, dropout=0.0),
        "pre-norm": partial(training, norm_first=True, dropout=0.0),
        "post-norm, dropout 0.1": partial(training, norm_first=False, dropout=0.1),
    }
}
