"""What a reader is shown of a failure: the inputs, what came out, and what was expected."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import torch

from attention_lib.checks.answers import TOLERANCE, Answer, shown
from attention_lib.checks.parts import Probe

__all__ = ["compared", "given", "on", "other_shape", "parameter_names", "shape_of"]

Rows = list[tuple[str, str]]


def parameter_names(reference: Callable, probes: Sequence[Probe]) -> list[str]:
    """The names under which the inputs of a function are shown, at least one for each."""
    parameters = inspect.signature(reference).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    most = max(len(probe.arguments) for probe in probes)
    return names if len(names) >= most else ["input"] * most


def shape_of(answer: Answer) -> tuple[int, ...]:
    """The shape of a tensor, and none of a list of words."""
    return () if isinstance(answer, list) else tuple(answer.shape)


def on(probe: Probe) -> str:
    """The line above an example."""
    return f"for example, on {probe.what}:\n"


def other_shape(shape: tuple[int, ...], right: Answer, probe: Probe, names: Sequence[str]) -> str:
    """Say that an answer has another shape than the right one."""
    words = f"your answer has shape {shape} on {probe.what}; expected {shape_of(right)}"
    return f"{words}\n{given(names, probe)}"


def given(names: Sequence[str], probe: Probe, *more: tuple[str, str]) -> str:
    """Show the inputs of a probe, each beside its name, and further rows below them."""
    return _table([*zip(names, map(shown, probe.arguments), strict=False), *more])


def compared(names: Sequence[str], probe: Probe, answer: Answer, right: Answer) -> str:
    """Show the inputs of a probe, the answer and the right one.

    Where the two look alike, being rounded or too large to show, the largest difference comes
    first.
    """
    lines, digits = [], 4
    if not isinstance(right, list):
        right = right.to(answer)
        if answer.shape == right.shape and shown(answer) == shown(right):
            digits = 8
            difference = (answer - right).abs().nan_to_num(torch.inf)
            place = torch.unravel_index(difference.argmax(), difference.shape)
            lines.append(
                f"the largest difference is {difference.max():.1g}, in place "
                f"{[int(i) for i in place]}; up to {TOLERANCE} counts as equal"
            )
    results = [("you gave", shown(answer, digits)), ("expected", shown(right, digits))]
    return "\n".join([*lines, given(names, probe, *results)])


def _table(rows: Rows) -> str:
    width = max(len(label) for label, _ in rows) + 3
    return "\n".join(f"{label + ':':{width}}{text}" for label, text in rows)
