"""What people write instead of BERT's masking."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from attention_lib.checks.parts import Alternative

__all__ = ["MISTAKES", "corrupt", "label"]

Rule = Callable[..., Tensor]


def corrupt(
    ids: Tensor,
    chosen: Tensor,
    dice: Tensor,
    words: Tensor,
    mask_id: int | Tensor,
    *,
    masked: Callable[[Tensor], Tensor] = lambda dice: dice < 0.8,
    replaced: Callable[[Tensor], Tensor] = lambda dice: (dice >= 0.8) & (dice < 0.9),
) -> Tensor:
    """Corrupt the chosen places, by these rules or others; the later one overwrites."""
    mask = torch.as_tensor(mask_id, dtype=ids.dtype)
    corrupted = torch.where(chosen & masked(dice), mask, ids)
    return torch.where(chosen & replaced(dice), words, corrupted)


def label(ids: Tensor, where: Tensor, other: int | Tensor = -100) -> Tensor:
    """Keep the ids of some places, and write another number elsewhere."""
    return torch.where(where, ids, torch.as_tensor(other, dtype=ids.dtype))


def _both(
    corrupted: Rule = corrupt, labels: Rule = lambda ids, chosen, *_: label(ids, chosen)
) -> Callable[..., Tensor]:
    return lambda *arguments: torch.stack([corrupted(*arguments), labels(*arguments)])


def _dice(**rules: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Read the dice in another way."""
    return _both(lambda *arguments: corrupt(*arguments, **rules))


def _at(where: Callable[[Tensor], Tensor]) -> Rule:
    """Corrupt other places than the chosen ones."""
    return lambda ids, chosen, *rest: corrupt(ids, where(chosen), *rest)


def _labels(rule: Rule) -> Callable[..., Tensor]:
    """Label in another way: ``rule(corrupted, ids, chosen, dice, words, mask_id)``."""
    return _both(labels=lambda *arguments: rule(corrupt(*arguments), *arguments))


def _words_in_turn(ids: Tensor, chosen: Tensor, dice: Tensor, words: Tensor, mask: int) -> Tensor:
    corrupted = corrupt(ids, chosen, dice, ids, mask)
    replaced = chosen & (dice >= 0.8) & (dice < 0.9)
    corrupted[replaced] = words.flatten()[: int(replaced.sum())]
    return corrupted


def _words_everywhere(ids: Tensor, chosen: Tensor, dice: Tensor, *rest: object) -> Tensor:
    return corrupt(ids, chosen | ((dice >= 0.8) & (dice < 0.9)), dice, *rest)


def _marked_after(ids: Tensor, chosen: Tensor, *rest: object) -> Tensor:
    """One tensor for both answers."""
    corrupted = label(corrupt(ids, chosen, *rest), chosen)
    return torch.stack([corrupted, corrupted])


def _never(dice: Tensor) -> Tensor:
    return dice < 0


def _always(dice: Tensor) -> Tensor:
    return dice >= 0


MISTAKES = [
    Alternative(formula, diagnosis)
    for formula, diagnosis in [
        (
            _dice(masked=_always, replaced=_never),
            "every chosen token is masked: only those with dice below 0.8; else the model would "
            "learn to do its work at masks alone, and real text has none",
        ),
        (
            _dice(replaced=_never),
            "no token is replaced by a random one: from 0.8 to below 0.9 it becomes the one of "
            "words",
        ),
        (
            _dice(replaced=lambda dice: dice >= 0.8),
            "no chosen token stays as it is: from 0.9 on it does",
        ),
        (
            _dice(replaced=lambda dice: dice < 0.9),
            "no token is masked: whatever lies below 0.9 becomes a random one (is the mask written "
            "first, and overwritten then?)",
        ),
        (
            _dice(masked=_never),
            "no token is masked: below 0.8 it becomes mask_id",
        ),
        (
            _dice(masked=lambda d: (d >= 0.8) & (d < 0.9), replaced=lambda d: d < 0.8),
            "mask and random word have each other's share: eight in ten are masked, one is random",
        ),
        (
            _dice(masked=lambda d: d >= 0.9, replaced=lambda d: (d >= 0.8) & (d < 0.9)),
            "masked and kept tokens have each other's share: eight in ten are masked",
        ),
        (
            _dice(replaced=lambda d: d >= 0.9),
            "from 0.8 to below 0.9 a token becomes a random one, from 0.9 on it stays: with you it "
            "is the other way round",
        ),
        *[
            (
                _dice(masked=masked, replaced=replaced),
                "you read the dice from the other end: small numbers mean a mask here (below 0.8), "
                "and the largest that a token stays",
            )
            for masked, replaced in [
                (lambda d: d > 0.2, lambda d: (d > 0.1) & (d <= 0.2)),
                (lambda d: d >= 0.2, lambda d: (d >= 0.1) & (d < 0.2)),
            ]
        ],
        (
            _dice(masked=lambda d: d <= 0.8, replaced=lambda d: (d > 0.8) & (d < 0.9)),
            "dice of exactly 0.8 mean a random word: below 0.8 is <, not <=",
        ),
        (
            _dice(replaced=lambda d: (d >= 0.8) & (d <= 0.9)),
            "dice of exactly 0.9 mean that the token stays: below 0.9 is <, not <=",
        ),
        (
            _dice(masked=lambda d: d <= 0.8, replaced=lambda d: (d > 0.8) & (d <= 0.9)),
            "dice of exactly 0.8 or 0.9 belong to the next case: below is <, not <=",
        ),
        (
            _dice(replaced=lambda d: (d > 0.8) & (d < 0.9)),
            "dice of exactly 0.8 fall between your cases: they mean a random word",
        ),
        (
            _both(_at(lambda chosen: chosen | True)),
            "tokens are corrupted that were not chosen: the dice count at chosen places alone",
        ),
        *[
            (
                _both(_at(lambda chosen: chosen | True), labels),
                "chosen is never used: it says which tokens are to be guessed, and no others are "
                "touched",
            )
            for labels in (
                lambda ids, *_: ids,
                lambda ids, chosen, *rest: label(ids, corrupt(ids, chosen | True, *rest) != ids),
            )
        ],
        (
            _both(_words_everywhere),
            "random words stand at places that were not chosen: one in ten of the chosen, not of "
            "all",
        ),
        (
            _both(_at(lambda chosen: ~chosen)),
            "you corrupt the places that were not chosen, and label those that were",
        ),
        (
            _both(_at(lambda chosen: ~chosen), lambda ids, chosen, *_: label(ids, ~chosen)),
            "chosen is turned round: True = to be guessed",
        ),
        (
            _both(labels=lambda ids, chosen, *_: label(ids, ~chosen)),
            "your labels stand at the places that were not chosen: the model would be asked for "
            "what it sees",
        ),
        (
            _both(labels=lambda ids, *_: ids),
            "your labels stand everywhere: only the chosen tokens are to be guessed, elsewhere "
            "-100",
        ),
        (
            _labels(lambda corrupted, ids, chosen, *_: label(corrupted, chosen)),
            "your labels are what the model reads: they are the tokens that stood there before",
        ),
        (
            _labels(lambda corrupted, *_: corrupted),
            "your labels are the corrupted tokens, all of them: they are the chosen ones as they "
            "were before",
        ),
        (
            _both(labels=lambda i, chosen, d, words, m: label(words, chosen)),
            "your labels are the random words: they are the tokens that stood there before",
        ),
        (
            _both(labels=lambda ids, chosen, dice, *_: label(ids, chosen & (dice < 0.8))),
            "you label masked places alone: a chosen token that is replaced or kept is to be "
            "guessed too, and the model must not know which it is",
        ),
        (
            _labels(lambda corrupted, ids, *_: label(ids, corrupted != ids)),
            "you label the places that changed: a chosen token that is kept is to be guessed too",
        ),
        *[
            (
                _both(labels=lambda ids, chosen, *_, other=other: label(ids, chosen, other)),
                f"where nothing is to be guessed your labels are {other}: cross_entropy passes "
                "over -100",
            )
            for other in (0, -1, 100, 1)
        ],
        (
            _both(labels=lambda ids, chosen, d, w, mask_id: label(ids, chosen, mask_id)),
            "where nothing is to be guessed your labels are mask_id: expected -100",
        ),
        (
            _both(lambda ids, chosen, *rest: label(ids, ~chosen)),
            "the model reads -100 at the chosen places: -100 is for labels alone",
        ),
        (
            _marked_after,
            "your two answers are the same tensor: is one of them a second name instead of a copy "
            "(clone)?",
        ),
        (
            _both(_words_in_turn),
            "your random words come from the front of words: each place has a word of its own",
        ),
        *[
            (
                _both(lambda i, c, d, w, mask_id, own=own: corrupt(i, c, d, w, own)),
                "your mask is a number of your own: take mask_id",
            )
            for own in (0, 1, 3, 4, 103, -100)
        ],
        (
            _both(lambda ids, *_: ids),
            "nothing is corrupted: the model would read what it has to guess",
        ),
        (
            lambda *arguments: _both()(*arguments).flip(0),
            "your answers stand in the wrong order: corrupted first, then labels",
        ),
    ]
]
