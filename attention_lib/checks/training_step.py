"""Checker of a training step: one update of a model, whatever the optimizer."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_lib.checks.calls import Refusal
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult
from attention_lib.checks.training_step_mistakes import MISTAKES, Step, right_step

__all__ = ["check_training_step"]

# Under the names by which a reader is shown them. Plain SGD makes the smallest example; the others
# have a state, which a step must leave to them.
_OPTIMIZERS = {
    "SGD(lr=0.5)": lambda weights: torch.optim.SGD(weights, lr=0.5),
    "SGD(lr=0.5, momentum=0.9)": lambda weights: torch.optim.SGD(weights, lr=0.5, momentum=0.9),
    "AdamW(lr=0.1, weight_decay=0.5)": lambda weights: torch.optim.AdamW(
        weights, lr=0.1, weight_decay=0.5
    ),
}


class _Halved(nn.Module):
    """Stands for dropout without its chance: in evaluation the inputs are halved."""

    def forward(self, x: Tensor) -> Tensor:
        return x if self.training else x / 2


def _model(weight: Tensor) -> nn.Module:
    """Logistic regression that begins with this weight, ``(1, features)``."""
    linear = nn.Linear(weight.size(1), 1, bias=False, dtype=weight.dtype)
    with torch.no_grad():
        linear.weight.copy_(weight)
    return nn.Sequential(_Halved(), linear)


def _probe(what: str, updates: int, batch: int, features: int, optimizer: str) -> Probe:
    """As many batches as updates, each ``(batch, features)``; targets are 0 or 1."""
    inputs = 4 * drawn(updates, batch, features, seed=10 * updates + batch + features)
    targets = (drawn(updates, batch, 1, seed=updates + batch) > 0).double()
    what += " (each row is the loss and the weights after the update)"
    return Probe(what, (inputs, targets, drawn(1, features, seed=features), optimizer))


_SGD, _MOMENTUM, _ADAMW = _OPTIMIZERS
_PROBES = [
    _probe("one update of one weight", 1, 2, 1, _SGD),
    _probe("three updates of one weight", 3, 2, 1, _SGD),
    _probe("three updates of two weights, with momentum", 3, 4, 2, _MOMENTUM),
    _probe("four updates of two weights by AdamW", 4, 3, 2, _ADAMW),
]

_FACTS = [
    FINITE,
    Fact("the loss is not negative", lambda answer, *_: bool((answer[:, 0] >= 0).all())),
    Fact(
        "the loss that is returned first is that of the weights at the start",
        lambda answer, *given: torch.allclose(answer[0, 0], _trained(right_step)(*given)[0, 0]),
    ),
    Fact(
        "the weights after the first update are right",
        lambda answer, *given: torch.allclose(answer[0, 1:], _trained(right_step)(*given)[0, 1:]),
    ),
]


def _number(returned: object) -> float:
    """The loss that a step returned."""
    if returned is None or returned is Ellipsis:
        raise Refusal("your step returns nothing: end it with `return ...` and the loss, a number")
    what = f"a {type(returned).__name__}"
    if isinstance(returned, Tensor):
        what = f"a tensor of shape {tuple(returned.shape)}"
        returned = returned.detach()
    try:
        return float(returned)
    except (TypeError, ValueError, RuntimeError):
        raise Refusal(f"your step returned {what}; expected the loss, one number") from None


def _refuse_what_happened(
    events: list[str], is_moved: bool, model: nn.Module, numbers: Tensor
) -> None:
    """Say what a step did or left undone, whatever numbers came of it.

    Raises:
        Refusal: the weights stayed, or were moved by another hand, or the model evaluates.
    """
    if not is_moved:
        raise Refusal(f"the weights stay as they were: {_WHY[_order(events)]}", numbers)
    if "step" not in events:
        raise Refusal(
            "the weights move, but not by a step of the optimizer that you are given: an update by "
            "hand, or by a new optimizer, knows nothing of its momentum",
            numbers,
        )
    if not model.training:
        raise Refusal(
            "your step leaves the model in evaluation (model.eval()): the next step would train "
            "without dropout; a step that trains leaves it in training",
            numbers,
        )


_WHY = {
    "": "no gradients are computed, and the optimizer makes no step",
    "gradients": "gradients are computed, but the optimizer makes no step",
    "step": "the optimizer makes a step, but no gradients are computed",
    "gradients, step": "gradients are computed and the optimizer makes a step, but in between the "
    "gradients are set to zero",
    "step, gradients": "the optimizer makes its step before the gradients are computed",
}


def _order(events: list[str]) -> str:
    return ", ".join(dict.fromkeys(events))


def _trained(
    step: Step, is_strict: bool = False
) -> Callable[[Tensor, Tensor, Tensor, str], Tensor]:
    """What becomes of a model that begins with some weight.

    The numbers are ``(updates, 1 + features)``, for each update the loss that was returned and the
    weights afterwards. If strict, a loss that keeps its graph is refused.
    """

    def train(inputs: Tensor, targets: Tensor, weight: Tensor, optimizer: str) -> Tensor:
        model, events = _model(weight), []
        (parameter,) = model.parameters()
        updater = _OPTIMIZERS[optimizer]([parameter])
        parameter.register_hook(lambda gradient: events.append("gradients"))
        updater.register_step_post_hook(lambda *_: events.append("step"))
        rows = []
        for x, y in zip(inputs, targets, strict=True):
            before = parameter.detach().clone()
            events.clear()
            returned = step(model, updater, F.binary_cross_entropy_with_logits, x, y)
            rows.append([_number(returned), *parameter[0].tolist()])
            numbers = torch.tensor(rows, dtype=torch.float64)
            _refuse_what_happened(events, not torch.equal(before, parameter), model, numbers)
            if is_strict and isinstance(returned, Tensor) and returned.requires_grad:
                raise Refusal(
                    "the loss is right, but it keeps the graph of the forward pass: who adds such "
                    "losses up keeps the memory of every step; return a number",
                    numbers,
                )
        return numbers

    return train


def check_training_step(step: Step) -> CheckResult:
    """Check ``step(model, optimizer, loss_function, inputs, targets) -> loss``: one update.

    A small model is trained by a few such steps, with several optimizers. The step is judged by
    the losses that it returns, by the weights after each update, by the order in which gradients
    and update come, and by the mode in which it leaves the model.

    Args:
        step: takes a model in training mode, an optimizer of its parameters, a loss
            ``loss_function(predictions, targets)`` that gives the mean over the batch, and a batch
            of ``inputs`` ``(batch, features)`` and ``targets`` ``(batch, 1)``, float64. It makes
            one update, and returns the loss before it, as a number or a tensor without a graph.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``step`` cannot be called.
    """
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller is doing
        result = _diagnosed(step, is_strict=False)
        return _diagnosed(step, is_strict=True) if result.passed else result


def _diagnosed(step: Step, is_strict: bool) -> CheckResult:
    return diagnose(
        "training step",
        _trained(step, is_strict) if callable(step) else step,
        reference=_trained(right_step),
        probes=_PROBES,
        alternatives=[Alternative(_trained(known), diagnosis) for known, diagnosis in MISTAKES],
        facts=_FACTS,
    )
