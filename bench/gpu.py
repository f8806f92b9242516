"""GPT-2 of 124 million parameters on a GPU, against that of ``transformers``."""

from __future__ import annotations

from functools import partial
from statistics import median

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.models import GPT
from bench import language_model, peers
from bench.race import OURS, Sections, check_agreement, race, seconds, training_step

SMALL = {"num_layers": 12, "d_model": 768, "num_heads": 12, "vocab_size": 50_257}


def training(
    *,
    num_layers: int,
    d_model: int,
    num_heads: int,
    vocab_size: int,
    batch: int = 16,
    length: int = 1024,
    backend: str | None = None,
    rounds: int = 20,
    device: str = "cuda",
    matmul_size: int = 8192,
) -> pd.DataFrame:
    """Steps of training in bf16, compiled if there is a ``backend`` of torch.compile.

    Returns:
        As :func:`~bench.race.race`, with tokens a second, and the share of the device's rate: the
        operations that the model needs, over those that a large product of matrices reaches.
    """
    torch.manual_seed(0)
    shape = num_layers, d_model, num_heads, vocab_size, length
    ours, theirs = (model.to(device) for model in peers.gpt(*shape, use_cache=False))
    models: dict[str, nn.Module] = {OURS: ours, "transformers": theirs}
    texts = torch.randint(vocab_size, (batch, length + 1), device=device)
    ids, wanted = texts[:, :-1].contiguous(), texts[:, 1:].flatten()
    with torch.no_grad():
        check_agreement((model(ids[:1]).logits for model in models.values()), tolerance=1e-3)
    for model in models.values():
        model.train()
    if backend is not None:
        models = {name: torch.compile(model, backend=backend) for name, model in models.items()}

    def loss(name: str) -> Tensor:
        with torch.autocast(device, torch.bfloat16):
            return F.cross_entropy(models[name](ids).logits.flatten(0, 1), wanted)

    check_agreement((loss(name).detach() for name in models), tolerance=1e-2)
    steps = {name: training_step(model, partial(loss, name)) for name, model in models.items()}
    table = _per_second(race(steps, rounds=rounds, device=device), batch * length)
    used = operations(ours, length) * table["tokens/s"]
    table["share of matmul rate"] = used / matmul_rate(device, matmul_size)
    return table


def writing(*, batch: int = 1, length: int = 256, device: str = "cuda", **sizes) -> pd.DataFrame:
    """Write in bf16, as :func:`bench.language_model.writing`, with tokens a second."""
    options = {"batch": batch, "length": length, "device": device, "dtype": torch.bfloat16}
    return _per_second(language_model.writing(**options, **sizes), batch * length)


def matmul_rate(device: str, size: int) -> float:
    """Measure how many operations a second a product of two large matrices reaches, in bf16."""
    matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    taken = [seconds(lambda: matrix @ matrix, device) for _ in range(13)]
    return 2 * size**3 / median(taken[3:])


def operations(model: GPT, length: int) -> int:
    """Count the operations of a step of training, for one token of a text of ``length``.

    Two for every parameter in forward, four in backward; for attention as many with every number
    of every key and value that a query sees, which is half the text on average.
    """
    used = sum(p.numel() for p in model.parameters()) - model.positions.table.weight.numel()
    seen = 2 * model.config.num_layers * model.config.d_model * length // 2
    return 6 * (used + seen)


def _per_second(table: pd.DataFrame, tokens: int) -> pd.DataFrame:
    table["tokens/s"] = 1000 * tokens / table["ms"]
    return table


SECTIONS: Sections = {
    "GPU: training step of GPT-2 (124 million parameters), length 1024, batch 16, bf16": {
        "eager": partial(training, **SMALL),
        "torch.compile": partial(training, **SMALL, backend="inductor"),
    },
    "GPU: writing with GPT-2 (124 million parameters), bf16": {
        "batch 1, 256 tokens": partial(writing, **SMALL)
    },
}
