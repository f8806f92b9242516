"""BERT against that of ``transformers``."""

from __future__ import annotations

from functools import partial

import pandas as pd
import torch
from torch import Tensor

from attention_lib.masks import length_mask
from bench import peers
from bench.race import OURS, Sections, check_agreement, race


@torch.inference_mode()
def reading(
    *,
    batch: int,
    length: int,
    is_padded: bool,
    num_layers: int = 4,
    d_model: int = 768,
    rounds: int = 20,
) -> pd.DataFrame:
    """Read texts, in inference; padded, three tokens in four are real."""
    torch.manual_seed(0)
    ours, theirs = peers.bert(
        num_hidden_layers=num_layers,
        hidden_size=d_model,
        num_attention_heads=12,
        intermediate_size=4 * d_model,
        vocab_size=512,
    )
    ids, real, told = torch.randint(512, (batch, length)), None, None
    if is_padded:
        real = length_mask(torch.linspace(length // 2, length, batch).long(), length)
        told = real.long()

    def run_ours() -> Tensor:
        return ours(ids, mask=real).hidden

    def run_theirs() -> Tensor:
        return theirs(ids, attention_mask=told).last_hidden_state

    runs = {OURS: run_ours, "transformers": run_theirs}
    counted = slice(None) if real is None else real  # nobody reads what padding says
    check_agreement((run()[counted] for run in runs.values()), tolerance=1e-4)
    return race(runs, rounds=rounds)


SECTIONS: Sections = {
    "Forward pass of a BERT, 4 layers, d_model 768, in inference": {
        "length 128, batch 8": partial(reading, batch=8, length=128, is_padded=False),
        "length 128, batch 8, padded": partial(reading, batch=8, length=128, is_padded=True),
        "length 32, batch 1": partial(reading, batch=1, length=32, is_padded=False),
    }
}
