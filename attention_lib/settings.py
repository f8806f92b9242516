"""What the options of layers and models must be, and what is said of those that are not."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = [
    "check_dropout",
    "check_flags",
    "check_function",
    "check_head_sizes",
    "check_number",
    "check_one_of",
    "check_sizes",
    "check_token",
]


def check_flags(**flags: bool) -> None:
    """Check that every flag is True or False, and raise a TypeError that names one that is not."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise TypeError(f"{name} is {flag!r}; expected True or False: try bool(...)")


def check_sizes(**sizes: int) -> None:
    """Check that every size is an integer, at least 1, and name the one that is not.

    Raises:
        TypeError: not an integer.
        ValueError: below 1.
    """
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"{name} is {size!r}; expected an integer, such as 64")
        if size < 1:
            raise ValueError(f"{name}={size}; expected at least 1")


def check_number(name: str, number: float, low: float, high: float, expected: str) -> None:
    """Check a finite number from ``low`` to ``high``; ``expected`` says it in words.

    Raises:
        TypeError: not a number.
        ValueError: outside.
    """
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError(f"{name} is {number!r}; expected a number {expected}")
    if not low <= number <= high or math.isinf(number):
        raise ValueError(f"{name}={number}; expected a number {expected}")


def check_dropout(**dropouts: float) -> None:
    """Check probabilities of dropping something, and name the one that is none.

    Raises:
        TypeError: not a number.
        ValueError: outside ``[0, 1)``.
    """
    for name, dropout in dropouts.items():
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)):
            raise TypeError(f"{name} is a {type(dropout).__name__}; expected a float, such as 0.1")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(
                f"{name}={dropout}; expected a probability in [0, 1): 0.1 drops one number in ten"
            )


def check_one_of(name: str, given: object, expected: Iterable[object]) -> None:
    """Check that an option is one of those that exist.

    Raises:
        ValueError: it is not; the message lists those that are.
    """
    expected = list(expected)
    if given not in expected:
        raise ValueError(f"{name}={given!r}; expected one of {', '.join(map(repr, expected))}")


def check_token(name: str, token_id: int, vocab_size: int) -> None:
    """Check one token's id.

    Raises:
        TypeError: not an integer.
        ValueError: outside ``0 .. vocab_size - 1``.
    """
    if isinstance(token_id, bool) or not isinstance(token_id, int):
        raise TypeError(f"{name} is {token_id!r}; expected an integer: vocabulary.encode([...])")
    if not 0 <= token_id < vocab_size:
        raise ValueError(f"{name}={token_id}; expected 0 to {vocab_size - 1}, a token's id")


def check_head_sizes(d_model: int, num_heads: int, dropout: float = 0.0) -> None:
    """Check the sizes of a layer with several heads.

    Raises:
        TypeError: sizes that are not integers.
        ValueError: sizes below 1, ``d_model`` not divisible by ``num_heads``, or a dropout outside
            ``[0, 1)``.
    """
    check_sizes(d_model=d_model, num_heads=num_heads)
    if d_model % num_heads:
        divisors = [n for n in range(1, d_model + 1) if d_model % n == 0]
        nearest = min(divisors, key=lambda n: abs(n - num_heads))
        raise ValueError(
            f"d_model={d_model} is not divisible by num_heads={num_heads}; every head gets an "
            f"equal share: try num_heads={nearest}"
        )
    check_dropout(dropout=dropout)


def check_function(name: str, function: object) -> None:
    """Check that something can be called like :func:`dot_product_attention`.

    Raises:
        TypeError: it cannot, or it is a class and not an object made of it.
    """
    if not callable(function) or isinstance(function, type):
        made = f"{function.__name__}(...)" if isinstance(function, type) else "RotaryAttention()"
        raise TypeError(
            f"{name} is {function!r}; expected a function that is called like "
            f"dot_product_attention: try {made}"
        )
