"""Contenders side by side: agreement first, then interleaved rounds and the ratios between them.

One machine's seconds say little, and a busy machine's nothing. A ratio between two contenders of
the same round says how they compare, and its quartiles over many rounds how sure that is.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

OURS = "attention_lib"

#: Tables by their titles. Each holds several races, by what is special about each of them.
Sections = dict[str, dict[str, Callable[[], pd.DataFrame]]]


def race(
    contenders: dict[str, Callable[[], object]], *, rounds: int = 20, device: str = "cpu"
) -> pd.DataFrame:
    """Run all contenders in every round, each time in another order.

    Args:
        contenders: what each one does, by name; the others are compared with ``OURS``.
        rounds: how many rounds are measured, after two that are not.
        device: as :func:`seconds`.

    Returns:
        A row for every contender: its median time in milliseconds, and the quartiles of its time
        divided by ours. A ratio above 1 means that we are faster.
    """
    names = list(contenders)
    spent = {name: [] for name in names}
    for count in range(-2, rounds):
        turn = count % len(names)
        for name in names[turn:] + names[:turn]:
            taken = seconds(contenders[name], device)
            if count >= 0:
                spent[name].append(taken)
    table = pd.DataFrame(spent)
    ratios = table.div(table[OURS], axis=0).quantile([0.25, 0.5, 0.75])
    ratios.index = ["lower quartile", "ratio", "upper quartile"]
    return pd.concat([1000 * table.median().rename("ms").to_frame(), ratios.T], axis=1)


def seconds(run: Callable[[], object], device: str = "cpu") -> float:
    """Measure one run: on a CPU its time of computing, on a GPU until it has done its work."""
    if device == "cpu":
        start = time.process_time()
        run()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def check_agreement(outputs: Iterable[Tensor], tolerance: float) -> None:
    """Stop when contenders do not compute the same.

    Args:
        outputs: what each of them says; the others are compared with the first.
        tolerance: how much two numbers may differ.

    Raises:
        ValueError: other shapes, or numbers that differ by more than ``tolerance``.
    """
    first, *others = outputs
    for other in others:
        if other.shape != first.shape:
            raise ValueError(f"outputs {tuple(first.shape)} and {tuple(other.shape)}: not the same")
        difference = (first - other).abs().max().item()
        if not difference <= tolerance:
            raise ValueError(f"outputs differ by {difference:.1e}; expected at most {tolerance}")


def training_step(model: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """Give a whole step of training: forward, backward, AdamW; the same for everyone."""
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def machine() -> str:
    """Describe where the figures come from: date, machine, threads and versions."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    packages = ("torch", "transformers", "x-transformers", "numpy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    gpu = f"; {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{date.today()}; {cpu}, {os.cpu_count()} cores{gpu}, threads used: "
        f"{torch.get_num_threads()}; Python {platform.python_version()}, {versions}"
    )
