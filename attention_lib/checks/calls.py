"""Asking a reader's function: what it answers, and what else it may do instead."""

from __future__ import annotations

import random
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from attention_lib.checks.answers import (
    Answer,
    copied,
    described,
    is_changed,
    read,
    shortened,
    shown,
)
from attention_lib.checks.examples import given, on, other_shape
from attention_lib.checks.parts import Probe

__all__ = ["Answered", "Refusal", "ask", "own_randomness"]

# What PyTorch and NumPy say, and what it usually means.
_LINE_UP = (
    "two shapes do not line up: write both down. If one of them comes from a sum or a maximum "
    "over a dimension, does each row still meet its own number? If one should be a column, has "
    "it a dimension of 1?\n"
)
_FIT = "two matrices do not fit: write the shape of each beside it\n"
_HINTS = {
    "must match the size": _LINE_UP,
    "could not be broadcast": _LINE_UP,
    "cannot be multiplied": _FIT,
    "of batch2 tensor": _FIT,
    "mismatch in its core dimension": _FIT,
    "match target batch_size": "every target needs one prediction: write down both shapes\n",
    "Dimension out of range": "count dimensions from the end: -2 and -1 are the last two, whatever "
    "stands in front of them\n",
    "does not require grad": "no gradients were recorded: does the forward pass stand inside "
    "no_grad, or was its result detached or turned into a number?\n",
    "no attribute 'backward'": "a number has no gradients: call backward on the loss itself, and "
    "turn it into a number (.item()) afterwards\n",
    "unexpected keyword argument 'mask'": "the function takes four things: def attend(query, key, "
    "value, mask=None)\n",
    "argument: 'mask'": "without a mask the function is called with three things: def attend("
    "query, key, value, mask=None)\n",
    "Tensor with more than one value is ambiguous": "a tensor of several is neither true nor "
    "false: what is asked, whether there is one or what it holds?\n",
    "values to unpack": "a shape has a number for each dimension, and what stands in front of the "
    "last two may be there or not: write the shape down\n",
    "return_types": "max over a dimension returns the values and where they are: take .values\n",
}


_OWN = {
    Tensor: "work on a new tensor; operations that end in an underscore, -=, /= and x[...] = "
    "overwrite the caller's numbers",
    list: "work on a new list; append, insert, pop, del and x[...] = change the caller's",
}

# What a function may set for everything that runs after it.
_SETTINGS = {
    "torch's default dtype": torch.get_default_dtype,
    "whether torch records gradients": torch.is_grad_enabled,
    "whether torch insists on deterministic algorithms": torch.are_deterministic_algorithms_enabled,
}

# An answer with more numbers is judged by its shape: comparing costs memory.
_LARGEST = 1_000_000


class Refusal(Exception):
    """What a checker says of an answer that need not be compared: the diagnosis, and the answer."""

    def __init__(self, diagnosis: str, answer: object = None) -> None:
        super().__init__(diagnosis)
        self.shown = () if answer is None else (("you gave", shown(answer)),)


@contextmanager
def own_randomness() -> Iterator[None]:
    """Draw the same every time, and give the caller's random states back."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            random.seed(0)
            np.random.seed(0)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@dataclass(frozen=True)
class Answered:
    """What a function made of an input.

    Attributes:
        answer: something like the right one; None if there is none.
        complaint: why there is none.
        dtype: of what was returned; None if that has none.
        wrong_form: what is wrong with the answer besides its numbers.
    """

    answer: Answer | None = None
    complaint: str = ""
    dtype: object = None
    wrong_form: str = ""


def ask(
    function: Callable,
    probe: Probe,
    right: Answer,
    names: Sequence[str],
    form: Callable[[object], str],
) -> Answered:
    """Give a function the input of a probe, and see to it that it does nothing but answer."""
    arguments = copied(probe.arguments)
    expected = ("expected", shown(right))
    before = {setting: look() for setting, look in _SETTINGS.items()}
    try:
        answer = function(*arguments)
    except Refusal as refusal:
        rows = given(names, probe, *refusal.shown, expected)
        return Answered(complaint=f"{refusal}\n{on(probe)}{rows}")
    except (Exception, SystemExit) as error:
        return Answered(
            complaint=f"your function raised {type(error).__name__} on {probe.what}: "
            f"{shortened(str(error))}\n{_hint(error)}{given(names, probe)}"
        )
    for setting, look in _SETTINGS.items():
        if look() != before[setting]:
            return Answered(
                complaint=f"your function changed {setting}, on {probe.what}: that holds for "
                f"everything that runs after it, so leave it as it is\n{given(names, probe)}"
            )
    for name, after, prior in zip(names, arguments, probe.arguments, strict=False):
        if is_changed(after, prior):
            rows = given(names, probe, (f"{name}, after", shown(after)))
            return Answered(
                complaint=f"your function changed its input, on {probe.what}: "
                f"{_OWN[type(prior)]}\n{rows}"
            )
    rows = given(names, probe, expected)
    if answer is None or answer is Ellipsis:
        return Answered(
            complaint="your function returns nothing yet: end it with `return ...` and your "
            f"result\n{on(probe)}{rows}"
        )
    shape = tuple(answer.shape) if isinstance(answer, Tensor | np.ndarray) else ()
    if prod(shape) > _LARGEST:
        return Answered(complaint=other_shape(shape, right, probe, names))
    try:
        return Answered(read(answer, right), "", getattr(answer, "dtype", None), form(answer))
    except Exception:
        what, wanted = described(answer, right)
        return Answered(
            complaint=f"your function returned {what} on {probe.what}; expected {wanted}\n{rows}"
        )


def _hint(error: BaseException) -> str:
    """The reader's line that raised, and what such an error usually means."""
    here = str(Path(__file__).parent)  # a checker's own frames say nothing about the reader's
    frames = [f for f in traceback.extract_tb(error.__traceback__) if here not in f.filename]
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    line = own[-1].line if own else ""
    hint = next((hint for sign, hint in _HINTS.items() if sign in str(error)), "")
    if hint == _LINE_UP and re.search(r"[a-zA-Z_)\]]\s*\*\s*[a-zA-Z_(\[]", line):
        hint += "or does `*` stand where `@` belongs?\n"
    return (f"in the line: {line}\n" if line else "") + hint
