"""Masks as a checker sees them: boolean, or numbers that are to be added to the scores."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from attention_lib.checks.calls import Refusal

__all__ = ["as_mask", "not_boolean"]


def as_mask(answer: object) -> object:
    """The answer as a tensor of its own dtype, or as it is where only diagnose can judge it.

    Raises:
        Refusal: numbers to add to the scores.
    """
    if isinstance(answer, Tensor):
        if answer.is_complex() or answer.layout != torch.strided:
            return answer
        mask = answer.detach()
    elif answer is None or answer is Ellipsis or isinstance(answer, tuple):
        return answer
    else:
        try:
            mask = torch.from_numpy(np.array(answer))
        except (RuntimeError, TypeError, ValueError):
            return answer
    if mask.dtype != torch.bool and bool((mask < 0).any()):
        raise Refusal(
            "you return numbers to add to the scores, such as 0 and -inf: other libraries take "
            "that; here masks are boolean, True = may attend",
            mask,
        )
    return mask


def not_boolean(mask: object) -> str:
    """Say so if a mask that is right in its numbers is no boolean one."""
    if not isinstance(mask, Tensor) or mask.dtype == torch.bool:
        return ""
    return (
        f"your mask has dtype {mask.dtype}; masks are boolean, True = may attend: 1 and 0 must be "
        "compared with something, or turned into booleans"
    )
