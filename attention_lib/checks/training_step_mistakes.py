"""What people write instead of a training step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["MISTAKES", "Step", "right_step"]

Step = Callable[[nn.Module, torch.optim.Optimizer, Callable, Tensor, Tensor], "float | Tensor"]


def right_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_function: Callable,
    inputs: Tensor,
    targets: Tensor,
    *,
    zero: bool = True,
    changed: Callable[[Tensor], Tensor] = lambda loss: loss,
    backwards: int = 1,
    clip: Callable = lambda parameters: None,
    is_training: bool = True,
) -> float:
    """One update; the options are slips."""
    if zero:
        optimizer.zero_grad()
    model.train(is_training)
    loss = loss_function(model(inputs), targets)
    for _ in range(backwards):
        changed(loss).backward(retain_graph=True)
    clip(model.parameters())
    optimizer.step()
    model.train()
    return loss.item()


def _slip(returned: Callable[[float, Tensor], float] = lambda loss, x: loss, **slips) -> Step:
    """A step with slips, or one that returns something else."""
    return lambda m, o, f, x, y: returned(right_step(m, o, f, x, y, **slips), x)


def _times_batch(returned: bool) -> Step:
    def step(model: nn.Module, optimizer, loss_function, x: Tensor, y: Tensor) -> float:
        loss = right_step(model, optimizer, loss_function, x, y, changed=lambda loss: len(x) * loss)
        return len(x) * loss if returned else loss

    return step


def _swapped(model: nn.Module, optimizer, loss_function, x: Tensor, y: Tensor) -> float:
    return right_step(model, optimizer, lambda output, target: loss_function(target, output), x, y)


def _loss_afterwards(model: nn.Module, optimizer, loss_function, x: Tensor, y: Tensor) -> float:
    right_step(model, optimizer, loss_function, x, y)
    return loss_function(model(x), y).item()


def _twice(first: bool) -> Step:
    def step(*given) -> float:
        losses = [right_step(*given), right_step(*given)]
        return losses[0 if first else 1]

    return step


def _of_examples(part: slice) -> Step:
    return lambda m, o, f, x, y: right_step(m, o, f, x[part], y[part])


def _one_by_one(model: nn.Module, optimizer, loss_function, x: Tensor, y: Tensor) -> float:
    pairs = zip(x.split(1), y.split(1), strict=True)
    losses = [right_step(model, optimizer, loss_function, *pair) for pair in pairs]
    return sum(losses) / len(losses)


MISTAKES: list[tuple[Step, str]] = [
    (
        _slip(zero=False),
        "right for one update, but then the gradients add up: those of earlier batches are still "
        "there when new ones are computed",
    ),
    (
        _loss_afterwards,
        "the loss that you return is that of the updated weights: the loss of this "
        "batch is the one whose gradients were taken",
    ),
    *[
        (_twice(first), "two updates are made of one batch: a step is one")
        for first in (True, False)
    ],
    (_swapped, "predictions and targets are swapped: the loss takes the predictions first"),
    (
        _slip(is_training=False),
        "the forward pass runs in evaluation: dropout does nothing there, so you train another "
        "model than you mean",
    ),
    *[
        (
            _times_batch(returned),
            "you multiply the loss by the size of the batch: it is a mean already, and a step must "
            "not grow with the batch",
        )
        for returned in (True, False)
    ],
    (
        _slip(returned=lambda loss, x: loss * len(x)),
        "the update is right, but you return the loss times the size of the batch: it is the mean",
    ),
    (
        _slip(returned=lambda loss, x: loss / len(x)),
        "the update is right, but you divide the loss by the size of the batch: it is the mean "
        "already",
    ),
    (
        _slip(changed=lambda loss: -loss),
        "the weights climb: the gradient has the wrong sign, and the loss grows",
    ),
    (
        _slip(backwards=2),
        "the gradients are twice as large: they are computed twice, and add up",
    ),
    (
        _slip(clip=lambda parameters: nn.utils.clip_grad_norm_(parameters, 1.0)),
        "you clip the norm of the gradients at 1: a plain step leaves them as they are",
    ),
    (
        _slip(clip=lambda parameters: nn.utils.clip_grad_value_(parameters, 1.0)),
        "you clip every gradient at 1: a plain step leaves them as they are",
    ),
    (_of_examples(slice(1)), "only the first example of the batch counts"),
    (_of_examples(slice(-1, None)), "only the last example of the batch counts"),
    (_one_by_one, "you make an update for each example: a step makes one, of the whole batch"),
    (
        _slip(returned=lambda loss, x: 0.0),
        "the update is right, but you return 0: the loss of the batch is asked for",
    ),
]
