"""Answers as a checker sees them: a tensor of numbers, or a list of words."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "TOLERANCE",
    "Answer",
    "copied",
    "described",
    "is_changed",
    "read",
    "same",
    "shortened",
    "shown",
]

Answer = Tensor | list[str]

#: Numbers that differ by no more count as equal.
TOLERANCE = 1e-6


def copied(arguments: tuple) -> tuple:
    """Copy tensors and lists; what else a function is given cannot be changed."""
    return tuple(
        a.clone() if isinstance(a, Tensor) else a[:] if isinstance(a, list) else a
        for a in arguments
    )


def is_changed(after: object, before: object) -> bool:
    """Whether a function has written into a tensor or a list that it was given."""
    if isinstance(before, Tensor):
        return not torch.allclose(after, before, 0, 0, equal_nan=True)
    return isinstance(before, list) and after != before


def read(answer: object, expected: Answer) -> Answer:
    """Copy what a reader's function returned into something like what is expected.

    Returns:
        A list of strings, or a float64 tensor on the CPU made of a tensor, an array or (nested)
        lists of them.

    Raises:
        TypeError, ValueError: it cannot be read as that.
    """
    if isinstance(expected, list):
        if not isinstance(answer, list | tuple) or not all(isinstance(w, str) for w in answer):
            raise TypeError("no list of strings")
        return [str.__str__(word) for word in answer]  # words alone, not what may call itself one
    if isinstance(answer, list) and answer and all(isinstance(row, Tensor) for row in answer):
        answer = torch.stack(answer)
    if isinstance(answer, tuple):
        raise TypeError("several answers")
    if not isinstance(answer, Tensor):
        answer = torch.from_numpy(np.array(answer, dtype=float))  # a copy; refuses complex numbers
    if type(answer) is not Tensor:  # or it could say itself what it is equal to
        with torch._C.DisableTorchFunctionSubclass():
            answer = answer.as_subclass(Tensor)
    if answer.is_complex():
        raise TypeError("complex")
    if answer.layout != torch.strided:
        answer = answer.to_dense()
    return answer.detach().to("cpu", torch.float64, copy=True)


def described(answer: object, expected: Answer) -> tuple[str, str]:
    """Say what an answer is that cannot be read, and what it should be."""
    what = f"a {type(answer).__name__}"
    if isinstance(answer, Tensor):
        what = f"a tensor of dtype {answer.dtype} on {answer.device}"
    if not isinstance(expected, list):
        return what, "one tensor of real numbers and nothing beside it"
    if isinstance(answer, list | tuple):
        other = next(word for word in answer if not isinstance(word, str))
        what += f" that holds a {type(other).__name__}"
    return what, "one list of strings"


def same(answer: Answer, expected: Answer) -> bool:
    """Whether two answers are equal, numbers up to :data:`TOLERANCE`."""
    if isinstance(answer, list) or isinstance(expected, list):
        return answer == expected
    if answer.shape != expected.shape:
        return False
    expected = expected.to(torch.float64)
    return torch.allclose(answer, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def shown(thing: object, digits: int = 4) -> str:
    """Print an answer or an argument, a large tensor by its shape, other things up to a length."""
    if not isinstance(thing, Tensor):
        return shortened(repr(thing))
    if thing.numel() > 16:
        return f"a tensor of shape {tuple(thing.shape)}"
    return str(_rounded(thing.tolist(), digits))


def shortened(text: str) -> str:
    """As much of a text as can be read at a glance."""
    return text if len(text) <= 400 else f"{text[:400]} ..."


def _rounded(numbers: list | float, digits: int) -> list | float:
    if isinstance(numbers, list):
        return [_rounded(number, digits) for number in numbers]
    return round(numbers, digits) + 0.0 if isinstance(numbers, float) else numbers
