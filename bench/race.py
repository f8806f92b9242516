"""Contenders side by side: agreement first, then interleaved rounds and the ratios between them.

One machine's seconds say little, and a busy machine's nothing. A ratio between two contenders of
the same round says how they compare, and its quartiles over many rounds how sure that is.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

OURS = "attention_lib"


def race(
    contenders: dict[str, Callable[[], object]], *, rounds: int = 30, device: str = "cpu"
) -> pd.DataFrame:
    """Run all contenders in every round, each time in another order.

    Args:
        contenders: what each one does, by name; the others are compared with ``OURS``.
        rounds: how many rounds are measured, after two that are not.
        device: on a CPU, the CPU time of all threads is measured; on a GPU, the time until it has
            done its work.

    Returns:
        A row for every contender: its median time in milliseconds, and the quartiles of its time
        divided by ours. A ratio above 1 means that we are faster.
    """
    names = list(contenders)
    seconds = {name: [] for name in names}
    for count in range(-2, rounds):
        turn = count % len(names)
        for name in names[turn:] + names[:turn]:
            spent = _seconds(contenders[name], device)
            if count >= 0:
                seconds[name].append(spent)
    table = pd.DataFrame(seconds)
    ratios = table.div(table[OURS], axis=0).quantile([0.25, 0.5, 0.75])
    ratios.index = ["lower quartile", "ratio", "upper quartile"]
    return pd.concat([1000 * table.median().rename("ms").to_frame(), ratios.T], axis=1)


def check_agreement(ours: Tensor, theirs: Tensor, tolerance: float) -> None:
    """Stop when two contenders do not compute the same.

    Raises:
        ValueError: the outputs differ by more than ``tolerance``.
    """
    difference = (ours - theirs).abs().max().item()
    if not difference <= tolerance:
        raise ValueError(f"outputs differ by {difference:.1e}; expected at most {tolerance:.0e}")


def machine() -> str:
    """Describe where the figures come from: date, machine and versions."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    packages = ("torch", "transformers", "numpy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return (
        f"{date.today()}; {cpu}, {os.cpu_count()} cores, {torch.get_num_threads()} threads; "
        f"Python {platform.python_version()}, {versions}"
    )


def _seconds(run: Callable[[], object], device: str) -> float:
    if device == "cpu":
        start = time.process_time()
        run()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - start
