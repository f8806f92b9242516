"""One training loop for the whole course.

A batch is a function of the step number, so a run can stop anywhere and go on exactly where it
was: nothing about the data needs to be saved.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

__all__ = ["load_checkpoint", "one_cycle", "save_checkpoint", "train"]


def one_cycle(step: int, steps: int, warmup: float = 0.1) -> float:
    """Give the share of the largest learning rate at a step: up in a line, down in a cosine.

    Args:
        step: from 0 to ``steps - 1``.
        steps: length of the run.
        warmup: share of the run on the way up.

    Returns:
        A factor above 0 and at most 1.
    """
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def train(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    batch: Callable[[int], Any],
    *,
    steps: int,
    learning_rate: float = 1e-3,
    schedule: Callable[[int, int], float] = one_cycle,
    clip: float = 1.0,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    every: int | None = None,
    patience: int | None = None,
    checkpoint: Path | str | None = None,
    label: str = "training",
) -> pd.DataFrame:
    """Train with Adam, and say how it goes.

    A progress bar runs on stdout (``TQDM_DISABLE=1`` turns it off); at the end one line stays.
    The loop is plain: loss, gradients, clip, step.

    Args:
        model: trained in place; left in evaluation mode.
        loss: ``loss(model, batch)`` gives a scalar tensor.
        batch: ``batch(step)`` gives the data of a step, the same for the same step.
        steps: optimizer steps in all, at least 1.
        learning_rate: the largest one; ``schedule`` scales it.
        schedule: ``schedule(step, steps)`` gives a factor on the learning rate.
        clip: largest norm of the gradient; longer ones are shortened to it.
        evaluate: measures beside the loss, by name; called in evaluation mode, without gradients.
        every: steps between two rows of the history; a twentieth of the run when None.
        patience: stop after so many rows without a better ``loss`` (or a better ``"loss"`` of
            ``evaluate``, if it gives one).
        checkpoint: a file to save to with every row, and to go on from if it exists.
        label: what the progress bar and the closing line call the run.

    Returns:
        The history: a table with ``step``, ``loss`` (mean since the last row), ``learning_rate``
        and the measures of ``evaluate``.

    Raises:
        ValueError: ``steps``, ``every`` or ``patience`` below 1, or a checkpoint that does not
            fit the model.
        FloatingPointError: the loss is no longer finite.
    """
    every = max(1, steps // 20) if every is None else every
    for name, value in {"steps": steps, "every": every, "patience": patience}.items():
        if value is not None and value < 1:
            raise ValueError(f"{name}={value}; expected at least 1")
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    rows: list[dict[str, float]] = []
    if checkpoint is not None and Path(checkpoint).exists():
        rows = load_checkpoint(checkpoint, model, optimizer)
    start = int(rows[-1]["step"]) if rows else 0
    total, counted = 0.0, 0

    model.train()
    bar = tqdm(range(start, steps), desc=label, leave=False, file=_Stdout())
    for step in bar:
        if _is_stuck(rows, patience):
            break
        rate = learning_rate * schedule(step, steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        value = loss(model, batch(step))
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        total, counted = total + value.item(), counted + 1
        if not math.isfinite(total):
            raise FloatingPointError(
                f"{label}: the loss is {value.item()} at step {step + 1}; expected a finite "
                f"number: try a learning rate below {learning_rate:g}"
            )
        if (step + 1) % every == 0 or step + 1 == steps:
            row = {"step": step + 1, "loss": total / counted, "learning_rate": rate}
            rows.append(row | _measure(model, evaluate))
            total, counted = 0.0, 0
            bar.set_postfix(loss=f"{rows[-1]['loss']:.3f}")
            if checkpoint is not None:
                save_checkpoint(checkpoint, model, optimizer, rows)
    bar.close()
    model.eval()
    print(f"{label}: {int(rows[-1]['step'])} steps, loss {rows[-1]['loss']:.3f}")
    return pd.DataFrame(rows)


class _Stdout:
    """The stdout of now: a notebook replaces it, and tqdm would keep the old one."""

    def write(self, text: str) -> None:
        print(text, end="")

    def flush(self) -> None:
        print(end="", flush=True)


def _measure(
    model: nn.Module, evaluate: Callable[[nn.Module], dict[str, float]] | None
) -> dict[str, float]:
    if evaluate is None:
        return {}
    model.eval()
    with torch.no_grad():
        measures = evaluate(model)
    model.train()
    return measures


def _is_stuck(rows: list[dict[str, float]], patience: int | None) -> bool:
    """Tell whether the last ``patience`` rows are no better than the best before them."""
    if patience is None or len(rows) <= patience:
        return False
    losses = [row["loss"] for row in rows]
    return min(losses[-patience:]) >= min(losses[:-patience])


def save_checkpoint(
    path: Path | str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, float]],
) -> None:
    """Save everything that a run needs to go on exactly: safetensors, never pickle.

    Weights, optimizer state, the state of the random generators and the history go into one file,
    which is written beside ``path`` and then renamed: a run killed meanwhile loses nothing.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    path = Path(path)
    beside = path.with_name(path.name + ".part")
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    save_file(tensors, beside, metadata={"history": json.dumps(history)})
    os.replace(beside, path)


def load_checkpoint(
    path: Path | str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> list[dict[str, float]]:
    """Restore what :func:`save_checkpoint` saved. Return the history.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a checkpoint, a damaged one, or one of another model. Nothing has changed
            then.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            history = json.loads((file.metadata() or {})["history"])
        cpu = tensors.pop("random.cpu")
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is not a readable checkpoint ({error}): delete it to start afresh"
        ) from error
    cuda = tensors.pop("random.cuda", None)
    weights = {n[6:]: value for n, value in tensors.items() if n.startswith("model.")}
    own = model.state_dict()
    if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in weights.items()}:
        wrong = sorted(
            name
            for name in own.keys() | weights.keys()
            if name not in own or name not in weights or own[name].shape != weights[name].shape
        )
        raise ValueError(
            f"{path} belongs to another model: {', '.join(wrong[:5])} differ; delete it to start "
            "afresh, or name another file"
        )
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    model.load_state_dict(weights)
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    torch.set_rng_state(cpu)
    if cuda is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(cuda)
    return history
