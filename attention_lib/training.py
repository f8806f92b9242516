"""One training loop for the whole course.

A batch is a function of the step number, so a run can stop anywhere and go on exactly where it
was: nothing about the data needs to be saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from attention_lib.checkpoints import load_checkpoint, save_checkpoint
from attention_lib.distributed import rows, share, start_processes
from attention_lib.schedules import one_cycle
from attention_lib.settings import check_sizes

__all__ = ["cross_entropy", "train"]

Loss = Tensor | tuple[Tensor, Tensor]


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    mask: Tensor | None = None,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Surprise at the right tokens, in nats a token; padding does not count.

    Args:
        logits: ``(batch, length, vocab_size)``.
        target: ids ``(batch, length)``.
        mask: ``(batch, length)`` boolean, True = a token that counts.
        label_smoothing: share of the target's probability that is spread over all tokens (Szegedy
            et al., 2015; the Transformer's is 0.1).
        reduction: ``"mean"`` over the tokens that count, or their ``"sum"``.

    Returns:
        A scalar.

    Raises:
        TypeError: a mask that is not boolean.
        ValueError: shapes that do not fit, another reduction, or a smoothing outside 0 to 1.
    """
    if logits.dim() != 3 or logits.shape[:2] != target.shape:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)} and target {tuple(target.shape)}; expected "
            "(batch, length, vocab_size) and (batch, length)"
        )
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction={reduction!r}; expected 'mean' or 'sum'")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing={label_smoothing}; expected 0 to 1, such as 0.1")
    if mask is not None:
        if mask.dtype != torch.bool:
            raise TypeError(f"mask has dtype {mask.dtype}; masks are boolean, True = counts")
        if mask.shape != target.shape:
            raise ValueError(
                f"mask has shape {tuple(mask.shape)}; expected that of target, "
                f"{tuple(target.shape)}"
            )
        target = target.masked_fill(~mask, -100)  # what F.cross_entropy leaves out
    return F.cross_entropy(
        logits.flatten(0, 1),
        target.flatten(),
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def train(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Loss],
    batch: Callable[[int], Any],
    *,
    steps: int,
    learning_rate: float = 1e-3,
    schedule: Callable[[int, int], float] = one_cycle,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    clip: float = 1.0,
    accumulate: int = 1,
    precision: torch.dtype = torch.float32,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    every: int | None = None,
    patience: int | None = None,
    checkpoint: Path | str | None = None,
    label: str = "training",
) -> pd.DataFrame:
    """Train a model, and say how it goes.

    A progress bar runs on stdout (``TQDM_DISABLE=1`` turns it off); at the end one line stays.
    The loop is plain: loss, gradients, clip, step. Under ``torchrun`` the processes share each
    batch, and the first one reports, evaluates and saves.

    Args:
        model: trained in place; left in evaluation mode.
        loss: ``loss(model, batch)`` gives a scalar: the mean over the rows of the batch. If its
            mean is over something else (tokens that are not padding), it gives ``(sum, count)``:
            parts of a batch with different counts then add up to the same as the whole.
        batch: ``batch(step)`` gives the data of a step, the same for the same step.
        steps: optimizer steps in all, at least 1.
        learning_rate: the largest one; ``schedule`` scales it.
        schedule: ``schedule(step, steps)`` gives a factor on the learning rate; see
            :mod:`attention_lib.schedules`.
        optimizer: called as ``optimizer(parameters, lr=...)``; ``functools.partial`` sets more.
        clip: largest norm of the gradient; longer ones are shortened to it.
        accumulate: work through each batch in so many parts, to use less memory. The result is
            that of the whole batch.
        precision: dtype of the matrix products, such as that of
            :func:`attention_lib.runtime.default_precision`; parameters stay as they are. With
            float16 the loss is scaled up, so that small gradients do not vanish.
        evaluate: measures beside the loss, by name; called in evaluation mode, without gradients.
        every: steps between two rows of the history; a twentieth of the run when None.
        patience: stop after so many rows without a better ``loss`` (or a better ``"loss"`` of
            ``evaluate``, if it gives one).
        checkpoint: a file to save to with every row, and to go on from if it exists; all processes
            must see it.
        label: what the progress bar and the closing line call the run.

    Returns:
        The history, a table with ``step``, ``loss`` (mean since the last row), ``learning_rate``
        and the measures of ``evaluate``.

    Raises:
        TypeError, ValueError: a number out of its range, a batch that cannot be divided, or a
            checkpoint that does not fit the model.
        FloatingPointError: the loss is no longer finite.
    """
    every = max(1, steps // 20) if every is None else every
    numbers = {"steps": steps, "every": every, "patience": patience, "accumulate": accumulate}
    check_sizes(**{name: number for name, number in numbers.items() if number is not None})
    if precision not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(f"precision={precision}; expected float32, bfloat16 or float16")
    processes = start_processes()
    device = next(model.parameters()).device.type
    step_with = optimizer(model.parameters(), lr=learning_rate)
    scaler = torch.amp.GradScaler(device, enabled=precision == torch.float16)
    history: list[dict[str, float]] = []
    if checkpoint is not None and Path(checkpoint).exists():
        history = load_checkpoint(checkpoint, model, step_with, scaler)
    start = int(history[-1]["step"]) if history else 0
    gradients = _Gradients(model, loss, precision, scaler, accumulate)
    if processes.count > 1:  # or all of them would drop the same numbers
        torch.manual_seed(torch.initial_seed() + start * processes.count + processes.rank)
    losses: list[float] = []

    model.train()
    hide = {} if processes.is_first else {"disable": True}
    bar = tqdm(range(start, steps), desc=label, leave=False, file=_Stdout(), **hide)
    for step in bar:
        if _is_stuck(history, patience):
            break
        rate = learning_rate * schedule(step, steps)
        for group in step_with.param_groups:
            group["lr"] = rate
        step_with.zero_grad()
        losses.append(gradients(batch(step)))
        if not math.isfinite(losses[-1]):
            raise FloatingPointError(
                f"{label}: the loss is {losses[-1]} at step {step + 1}; expected a finite "
                f"number: try a learning rate below {learning_rate:g}"
            )
        scaler.unscale_(step_with)
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        scaler.step(step_with)  # left out when a float16 gradient overflowed
        scaler.update()
        if (step + 1) % every == 0 or step + 1 == steps:
            row = {"step": step + 1, "loss": sum(losses) / len(losses), "learning_rate": rate}
            measures = _measure(model, evaluate) if processes.is_first else {}
            history.append(row | processes.from_first(measures))
            losses = []
            bar.set_postfix(loss=f"{history[-1]['loss']:.3f}")
            if checkpoint is not None and processes.is_first:
                save_checkpoint(checkpoint, model, step_with, history, scaler)
    bar.close()
    model.eval()
    if processes.is_first:
        print(f"{label}: {int(history[-1]['step'])} steps, loss {history[-1]['loss']:.3f}")
    return pd.DataFrame(history)


class _Gradients:
    """The gradient of a whole batch's mean loss, however many parts and processes share it."""

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module, Any], Loss],
        precision: torch.dtype,
        scaler: torch.amp.GradScaler,
        accumulate: int,
    ) -> None:
        self.processes = start_processes()
        self.parts, self.accumulate = accumulate * self.processes.count, accumulate
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.precision, self.scaler = precision, scaler
        self.loss = _SumAndWeight(model, loss)
        if self.processes.count > 1:
            self.loss = DistributedDataParallel(self.loss)

    def __call__(self, batch: Any) -> float:
        """Give the parameters their gradients, and return the loss of the whole batch."""
        # Every part is divided by the same number at first: its own weight would not add up.
        usual = rows(batch) / self.parts if self.parts > 1 else 1.0
        total, weight = 0.0, 0.0
        for index in range(self.accumulate):
            part, last = batch, index == self.accumulate - 1
            if self.parts > 1:
                part = share(batch, self.parts, self.processes.rank * self.accumulate + index)
            wait = self.processes.count > 1 and not last
            with self.loss.no_sync() if wait else nullcontext():
                with torch.autocast(
                    self.parameters[0].device.type,
                    self.precision,
                    enabled=self.precision != torch.float32,
                ):
                    part_total, part_weight = self.loss(part, self.parts > 1)
                self.scaler.scale(part_total / usual).backward()
            total, weight = total + part_total.item(), weight + float(part_weight)
        total, weight = self.processes.sum(total, weight)
        if weight == 0:
            raise ValueError(
                "the loss counted nothing in this batch; expected a count above 0: does its mask "
                "hide every token?"
            )
        factor = usual * self.processes.count / weight  # DistributedDataParallel gives the mean
        if factor != 1:
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.grad *= factor
        return total / weight


class _SumAndWeight(nn.Module):
    """A loss as a sum and what to divide it by: what DistributedDataParallel wraps and calls."""

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Any], Loss]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Any, divided: bool) -> tuple[Tensor, Tensor | float]:
        found = self.loss(self.model, batch)
        if isinstance(found, tuple):
            return found
        weight = rows(batch) if divided else 1
        return found * weight, weight


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


def _is_stuck(history: list[dict[str, float]], patience: int | None) -> bool:
    """Tell whether the last ``patience`` rows are no better than the best before them."""
    if patience is None or len(history) <= patience:
        return False
    losses = [row["loss"] for row in history]
    return min(losses[-patience:]) >= min(losses[:-patience])
