"""Checker of BERT's masking: what the model reads, and what it has to guess."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.calls import Refusal
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.masked_token_mistakes import MISTAKES, corrupt, label
from attention_lib.checks.parts import Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_mask_tokens"]

Masking = Callable[[Tensor, Tensor, Tensor, Tensor, int], tuple[Tensor, Tensor]]


def _probe(what: str, ids: list, chosen: list[str], dice: list, words: list, mask_id: int) -> Probe:
    """One letter a token: x where it is to be guessed."""
    marks = torch.tensor([[letter == "x" for letter in row] for row in chosen])
    numbers = torch.tensor(dice, dtype=torch.float64)
    return Probe(what, (torch.tensor(ids), marks, numbers, torch.tensor(words), mask_id))


def _drawn(what: str, batch: int, n: int, seed: int, mask_id: int) -> Probe:
    """Dice in steps of a tenth, so that 0.8 and 0.9 are among them; words are other tokens."""
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int) -> Tensor:
        return torch.randint(low, high, (batch, n), generator=generator)

    chosen = draw(0, 2) == 1
    dice = draw(0, 10).double() / 10
    return Probe(what, (draw(10, 50), chosen, dice, draw(50, 90), mask_id))


_PROBES = [
    _probe("a token to be masked", [[7, 8, 9]], [".x."], [[0.5, 0.2, 0.95]], [[21, 22, 23]], 4),
    _probe(
        "tokens to be masked, replaced and kept",
        [[11, 12, 13, 14, 15]],
        ["xx.xx"],
        [[0.3, 0.85, 0.6, 0.95, 0.05]],
        [[31, 32, 33, 34, 35]],
        4,
    ),
    _probe(
        "dice outside the chosen places",
        [[11, 12, 13, 14, 15]],
        ["x...."],
        [[0.95, 0.85, 0.6, 0.95, 0.15]],
        [[31, 32, 33, 34, 35]],
        5,
    ),
    _probe(
        "dice of exactly 0.8, 0.9, 0.1, 0.2 and 0",
        [[11, 12, 13, 14, 15]],
        ["xxxxx"],
        [[0.8, 0.9, 0.1, 0.2, 0.0]],
        [[31, 32, 33, 34, 35]],
        4,
    ),
    _probe("nothing to be guessed", [[7, 8]], [".."], [[0.5, 0.85]], [[21, 22]], 4),
    _drawn("two texts of seven tokens", 2, 7, seed=1, mask_id=3),
    _drawn("six texts of four tokens", 6, 4, seed=2, mask_id=103),
    _drawn("five texts of nine tokens", 5, 9, seed=3, mask_id=6),
]


def _reference(ids: Tensor, chosen: Tensor, dice: Tensor, words: Tensor, mask_id: int) -> Tensor:
    """Both answers in one tensor ``(2, batch, n)``."""
    return torch.stack([corrupt(ids, chosen, dice, words, mask_id), label(ids, chosen)])


_FACTS = [
    Fact(
        "tokens that were not chosen stay as they are",
        lambda answer, ids, chosen, *_: bool((answer[0] == ids)[~chosen].all()),
    ),
    Fact(
        "the labels are the tokens as they were at the chosen places, and -100 elsewhere",
        lambda answer, ids, chosen, *_: bool((answer[1] == label(ids, chosen)).all()),
    ),
]


def _pair(answer: object) -> list[Tensor] | None:
    """The two answers as tensors, or None."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return None
    try:
        pair = [torch.as_tensor(part) for part in answer]
    except (RuntimeError, TypeError, ValueError):
        return None
    return pair if pair[0].shape == pair[1].shape else None


def _not_ids(pair: Tensor) -> str:
    if not pair.is_floating_point():
        return ""
    return f"the numbers are right, but their dtype is {pair.dtype}: ids and labels are int64"


def check_mask_tokens(function: Masking) -> CheckResult:
    """Check ``function(ids, chosen, dice, words, mask_id) -> (corrupted, labels)``: BERT's masking.

    Devlin et al. (2019), section 3.1, with all that is drawn there given: at a chosen place the
    token becomes ``mask_id`` where dice are below 0.8, a random word from 0.8 to below 0.9, and
    stays from 0.9 on.

    Args:
        function: takes ``ids`` ``(batch, n)`` in int64; ``chosen`` ``(batch, n)``, boolean, True =
            to be guessed; ``dice`` ``(batch, n)``, float64 in [0, 1); ``words`` ``(batch, n)`` in
            int64, the random word of each place; and ``mask_id``, an int. Returns what the model
            reads and what it has to guess, both ``(batch, n)`` in int64: labels are ids where
            chosen, -100 elsewhere.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """

    def read(*arguments: object) -> object:
        answer = function(*arguments)
        pair = _pair(answer)
        if pair is None and answer is not None and answer is not Ellipsis:
            raise Refusal(
                f"your function returned a {type(answer).__name__}; expected two tensors of one "
                "shape, `return corrupted, labels`"
            )
        return answer if pair is None else torch.stack(pair)

    return diagnose(
        "masked tokens",
        read if callable(function) else function,
        reference=_reference,
        probes=_PROBES,
        alternatives=MISTAKES,
        facts=_FACTS,
        form=_not_ids,
    )
