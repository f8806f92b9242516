"""Learning-rate schedules: what share of the largest learning rate a step gets.

All have the same form, ``schedule(step, steps)``, and start with a warm-up: Adam's first steps
rest on few gradients, and post-norm Transformers do not forgive large ones.
"""

from __future__ import annotations

import math

__all__ = ["inverse_square_root", "linear", "one_cycle"]


def one_cycle(step: int, steps: int, warmup: float = 0.1) -> float:
    """Go up in a line, and down in a cosine.

    Args:
        step: from 0 to ``steps - 1``.
        steps: length of the run.
        warmup: share of the run on the way up.

    Returns:
        A factor above 0 and at most 1.

    Raises:
        ValueError: a warm-up outside 0 to 1.
    """
    rise = _rise(steps, warmup)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def linear(step: int, steps: int, warmup: float = 0.1) -> float:
    """Go up in a line, and down in a line; arguments as :func:`one_cycle`.

    Devlin et al. (2018), appendix A.2.
    """
    rise = _rise(steps, warmup)
    if step < rise:
        return (step + 1) / rise
    return (steps - step) / max(1, steps - rise)


def inverse_square_root(step: int, steps: int, warmup: float = 0.1) -> float:
    """Go up in a line, then fall as ``1 / sqrt(step)``; arguments as :func:`one_cycle`.

    Vaswani et al. (2017), equation 3, divided by its largest value: with their ``warmup_steps``
    that is ``(d_model * warmup_steps) ** -0.5``, the learning rate to use with it.
    """
    rise = _rise(steps, warmup)
    return min((step + 1) / rise, math.sqrt(rise / (step + 1)))


def _rise(steps: int, warmup: float) -> int:
    if not 0 <= warmup <= 1:
        raise ValueError(f"warmup={warmup}; expected a share of the run, 0 to 1")
    return max(1, round(warmup * steps))
