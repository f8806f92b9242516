"""A GPT against those of ``transformers`` and ``x_transformers``: training and writing."""

from __future__ import annotations

from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from attention_lib.generation import generate
from bench import peers
from bench.race import OURS, Sections, check_agreement, race, training_step

VOCAB = 512


def training(
    *,
    num_layers: int,
    d_model: int,
    num_heads: int,
    batch: int,
    length: int = 256,
    rounds: int = 20,
) -> pd.DataFrame:
    """Steps of training on ``batch`` texts of ``length`` tokens, without dropout."""
    torch.manual_seed(0)
    shape = num_layers, d_model, num_heads, VOCAB, length
    ours, theirs = peers.gpt(*shape, activation_function="gelu", use_cache=False)
    others = peers.x_transformer(ours)
    texts = torch.randint(VOCAB, (batch, length + 1))
    ids, wanted = texts[:, :-1].contiguous(), texts[:, 1:].flatten()
    models = {OURS: ours, "transformers": theirs, "x-transformers": others}
    logits = {
        OURS: lambda: ours(ids).logits,
        "transformers": lambda: theirs(ids).logits,
        "x-transformers": lambda: others(ids),
    }
    with torch.no_grad():
        check_agreement((run() for run in logits.values()), tolerance=1e-4)

    def loss(name: str) -> Tensor:
        return F.cross_entropy(logits[name]().flatten(0, 1), wanted)

    steps = {
        name: training_step(model.train(), partial(loss, name)) for name, model in models.items()
    }
    return race(steps, rounds=rounds)


def writing(
    *,
    num_layers: int,
    d_model: int,
    num_heads: int,
    vocab_size: int = VOCAB,
    batch: int = 1,
    length: int = 256,
    rounds: int = 20,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> pd.DataFrame:
    """Write ``length`` tokens behind prompts of 8, always the likeliest one, with a cache.

    Both must write the same in float32; in the rounds they compute in ``dtype``.
    """
    torch.manual_seed(0)
    # Weights larger than usual, or an untrained model would write one token again and again.
    shape = num_layers, d_model, num_heads, vocab_size, length + 8
    models = peers.gpt(*shape, initializer_range=0.2)
    ours, theirs = (model.to(device) for model in models)
    prompt = torch.randint(vocab_size, (batch, 8), device=device)

    def run_ours() -> Tensor:
        return torch.tensor(generate(ours, prompt, max_length=length), device=device)

    def run_theirs() -> Tensor:
        return theirs.generate(prompt, max_new_tokens=length, do_sample=False)[:, 8:]

    runs = {
        OURS: run_ours,
        "transformers": run_theirs,
        # What our function does by itself helps theirs too.
        "transformers, inference_mode": torch.inference_mode()(run_theirs),
    }
    check_agreement((run() for run in runs.values()), tolerance=0)
    for model in models:
        model.to(dtype)
    return race(runs, rounds=rounds, device=device)


SMALL = {"num_layers": 4, "d_model": 128, "num_heads": 4}
LARGE = {"num_layers": 6, "d_model": 384, "num_heads": 6}

SECTIONS: Sections = {
    "Training step of a GPT, length 256": {
        "4 layers, d_model 128, batch 16": partial(training, **SMALL, batch=16),
        "6 layers, d_model 384, batch 4": partial(training, **LARGE, batch=4),
    },
    "Writing with a GPT, token by token": {
        "4 layers, d_model 128, batch 1, 256 tokens": partial(writing, **SMALL),
        "6 layers, d_model 384, batch 1, 256 tokens": partial(writing, **LARGE),
        "4 layers, d_model 128, batch 8, 128 tokens": partial(
            writing, **SMALL, batch=8, length=128
        ),
    },
}
