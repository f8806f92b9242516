"""Coloured digits: a picture, a question about it in words, and an answer of one word."""

from __future__ import annotations

import random
from typing import NamedTuple

import torch
from torch import Tensor

from attention_lib.settings import check_sizes
from attention_lib.tasks.digits import Digits
from attention_lib.tasks.vocabulary import Vocabulary

__all__ = ["ColouredDigits", "PictureBatch"]

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
#: Bright colours of Okabe and Ito (2008), which people with any colour blindness tell apart.
_COLOURS = {
    "white": (1.0, 1.0, 1.0),
    "yellow": (0.94, 0.89, 0.26),
    "orange": (0.90, 0.62, 0.0),
    "blue": (0.34, 0.71, 0.91),
    "green": (0.0, 0.62, 0.45),
    "pink": (0.80, 0.47, 0.65),
}
_ROWS, _COLUMNS = 2, 2
_CELLS = _ROWS * _COLUMNS
_HELD_OUT_ONE_IN = 5


class PictureBatch(NamedTuple):
    """Pictures with a question each.

    Attributes:
        pictures: ``(size, 3, 16, 16)`` float32: red, green and blue, from 0 to 1.
        questions: ids of words, ``(size, 6)`` int64.
        answers: the id of a word, ``(size,)`` int64.
        asked: the cell that the question is about, ``(size,)`` int64: 0 to 3, row by row.
    """

    pictures: Tensor
    questions: Tensor
    answers: Tensor
    asked: Tensor


class ColouredDigits:
    """Four handwritten digits in coloured chalk, two by two, and a question about one of them.

    The digits of a picture are all different, and so are their colours. The question names a
    digit and asks for its colour (what colour is digit seven ?), or the other way round (what
    digit has colour green ?): whoever knows the picture alone, or the question alone, cannot
    answer it.

    One in five of the 40 pairs of a digit and a cell is held out: training never asks about that
    digit in that cell (but may show it there), and testing asks about nothing else. Test pictures
    are made of the held-out images of :class:`~attention_lib.tasks.Digits`.

    Raises:
        ImportError: scikit-learn is not installed.
    """

    def __init__(self) -> None:
        words = ("what", "colour", "digit", "is", "has", "?", *_DIGITS, *_COLOURS)
        self.vocabulary = Vocabulary(words)
        pairs = [(digit, cell) for digit in range(len(_DIGITS)) for cell in range(_CELLS)]
        rng = random.Random("coloured digits")
        held_out = set(rng.sample(pairs, len(pairs) // _HELD_OUT_ONE_IN))
        self._pairs = {
            "train": torch.tensor([pair for pair in pairs if pair not in held_out]),
            "test": torch.tensor(sorted(held_out)),
        }
        digits = Digits()
        self._images = {}
        for split, (images, labels) in {"train": digits.train, "test": digits.test}.items():
            self._images[split] = images[labels.argsort(stable=True), 0], labels.bincount()
        encode = self.vocabulary.encode
        self._digit_ids, self._colour_ids = (torch.tensor(encode(w)) for w in (_DIGITS, _COLOURS))
        for_colour = [encode(f"what colour is digit {d} ?".split()) for d in _DIGITS]
        for_digit = [encode(f"what digit has colour {c} ?".split()) for c in _COLOURS]
        self._for_colour, self._for_digit = torch.tensor(for_colour), torch.tensor(for_digit)

    def batch(self, size: int, *, seed: int = 0, split: str = "train") -> PictureBatch:
        """Draw pictures and questions.

        Args:
            size: number of pictures.
            seed: the same seed draws the same batch; from 0 to 2**62 - 1.
            split: ``"train"`` or ``"test"``.

        Returns:
            A :class:`PictureBatch`.

        Raises:
            TypeError, ValueError: a size that is no integer of at least 1, a seed out of bounds,
                or another split.
        """
        check_sizes(size=size)
        if not 0 <= seed < 2**62:
            raise ValueError(f"seed={seed}; expected 0 to 2**62 - 1")
        if split not in self._pairs:
            raise ValueError(f"split={split!r}; expected 'train' or 'test'")
        # Even numbers seed the training split and odd ones the test split.
        generator = torch.Generator().manual_seed(2 * seed + (split == "test"))
        pairs = self._pairs[split]
        digit, asked = pairs[torch.randint(len(pairs), (size,), generator=generator)].T
        colour = torch.randint(len(_COLOURS), (size,), generator=generator)
        # Where they stand, and what fills the other cells.
        digits = _with(digit, at=asked, count=len(_DIGITS), generator=generator)
        colours = _with(colour, at=asked, count=len(_COLOURS), generator=generator)

        images, counts = self._images[split]
        first = counts.cumsum(0) - counts
        drawn = torch.randint(2**40, (size, _CELLS), generator=generator) % counts[digits]
        ink = images[first[digits] + drawn]  # (size, 4, 8, 8)
        chalk = torch.tensor(list(_COLOURS.values()))[colours]  # (size, 4, 3)
        cells = ink[:, :, None] * chalk[..., None, None]  # (size, 4, 3, 8, 8)
        pictures = cells.unflatten(1, (_ROWS, _COLUMNS)).permute(0, 3, 1, 4, 2, 5)

        is_for_colour = torch.rand(size, generator=generator) < 0.5
        questions = torch.where(
            is_for_colour[:, None], self._for_colour[digit], self._for_digit[colour]
        )
        answers = torch.where(is_for_colour, self._colour_ids[colour], self._digit_ids[digit])
        return PictureBatch(pictures.reshape(size, 3, 16, 16), questions, answers, asked)


def _with(given: Tensor, *, at: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw different numbers below ``count`` for the cells, the given one in cell ``at``."""
    noise = torch.rand(len(given), count, generator=generator)
    given_first = noise.scatter(1, given[:, None], -1.0).argsort(dim=1)[:, :_CELLS]
    places = torch.arange(_CELLS).repeat(len(given), 1)
    places[:, 0] = at  # the first changes places with the one in cell `at`
    return given_first.gather(1, places.scatter(1, at[:, None], 0))
