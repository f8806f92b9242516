"""Letters to be written backwards, or as they are."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from attention_lib.tasks.task import Example, Task
from attention_lib.tasks.vocabulary import Vocabulary

__all__ = ["Copy", "Letters", "Reversal"]


class Letters(Task):
    """Random letters, to be written in another order. Nothing can be guessed or abbreviated.

    A subclass gives the order.

    Args:
        letters: how many different letters, 2 to 26.
        min_length, max_length: bounds of the length of a source, drawn evenly.

    Raises:
        ValueError: bounds that leave no length, or another number of letters.
    """

    #: 1 or -1, from one letter of the source to the next letter of the target
    step: int

    def __init__(self, letters: int = 12, min_length: int = 1, max_length: int = 20) -> None:
        if not 2 <= letters <= 26:
            raise ValueError(f"letters={letters}; expected 2 to 26")
        if not 1 <= min_length <= max_length:
            raise ValueError(
                f"min_length={min_length}, max_length={max_length}; expected "
                "1 <= min_length <= max_length"
            )
        self.letters = "abcdefghijklmnopqrstuvwxyz"[:letters]
        self.min_length, self.max_length = min_length, max_length
        #: the letters and, last, the token that starts every target
        self.vocabulary = Vocabulary([*self.letters, "<start>"])

    @property
    def start_id(self) -> int:
        """The id of the token that starts every target."""
        return len(self.letters)

    def draw(self, rng: random.Random) -> Example:
        """Draw a length, then the letters."""
        length = rng.randint(self.min_length, self.max_length)
        source = tuple(rng.choices(self.letters, k=length))
        return Example(source, source[:: self.step])

    def batch(
        self, size: int, *, length: int | None = None, seed: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Draw ids directly, all sources of one length: no padding, and fast.

        Unlike :meth:`sample` this has no held-out split: with 12 letters there are more sources of
        length 10 than a run of a year could show. Another seed is new data.

        Args:
            size: number of sources.
            length: their length; drawn evenly between the bounds when None.
            seed: the same seed draws the same batch.

        Returns:
            Source ids and target ids, ``(size, length)`` each; the target without start token.

        Raises:
            ValueError: a size or a length below 1.
        """
        if size < 1 or (length is not None and length < 1):
            raise ValueError(f"size={size}, length={length}; expected at least 1 each")
        generator = torch.Generator().manual_seed(seed)
        if length is None:
            bounds = (self.min_length, self.max_length + 1)
            length = int(torch.randint(*bounds, (1,), generator=generator))
        source = torch.randint(len(self.letters), (size, length), generator=generator)
        return source, source.flip(1) if self.step == -1 else source.clone()


class Reversal(Letters):
    """Random letters, to be written in reverse order.

    ``source`` is a sequence of letters, ``target`` the same letters backwards. Arguments and
    errors are those of :class:`Letters`.
    """

    name = "reversal"
    step = -1


class Copy(Letters):
    """Random letters, to be written as they are.

    ``source`` is a sequence of letters, ``target`` the same letters. Arguments and errors are
    those of :class:`Letters`.
    """

    name = "copy"
    step = 1
