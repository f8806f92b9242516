"""What every task offers: seeded samples of a train and a test split that never overlap."""

from __future__ import annotations

import random
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Example", "Task", "one_in_five"]

_HELD_OUT_ONE_IN = 5
_TRIES_FOR_ONE = 100_000


def one_in_five(words: Iterable[str]) -> bool:
    """Pick one sequence of words in five by its checksum: the same ones on every machine."""
    return zlib.crc32("\x1f".join(words).encode()) % _HELD_OUT_ONE_IN == 0


class Example(NamedTuple):
    """One example: what a model is given, and what it should say."""

    source: tuple[str, ...]
    target: tuple[str, ...]


class Task(ABC):
    """A small world. A subclass names itself and draws one example; the rest is here.

    Which split an example belongs to depends on the example alone (one in five is held out), so
    splits never overlap, whatever the seed or the number of examples.
    """

    name: str

    @abstractmethod
    def draw(self, rng: random.Random) -> Example:
        """Draw one example, using no other randomness than ``rng``."""

    def is_held_out(self, example: Example) -> bool:
        """Tell whether an example is for testing alone; here by a checksum of the whole source.

        A task may hold out more than single sources: all that share a new pair of words, say.
        """
        return one_in_five(example.source)

    def sample(self, count: int, *, split: str = "train", seed: int = 0) -> list[Example]:
        """Draw examples with replacement.

        Args:
            count: how many, at least 1.
            split: ``"train"`` or ``"test"``.
            seed: the same seed draws the same examples, on every machine.

        Returns:
            ``count`` examples.

        Raises:
            ValueError: another split, or a count below 1.
            RuntimeError: the split of this task is empty.
        """
        if split not in ("train", "test"):
            raise ValueError(f"split={split!r}; expected 'train' or 'test'")
        if count < 1:
            raise ValueError(f"count={count}; expected at least 1")
        rng = random.Random(f"{self.name} {split} {seed}")
        examples: list[Example] = []
        misses = 0
        while len(examples) < count:
            example = self.draw(rng)
            if self.is_held_out(example) == (split == "test"):
                examples.append(example)
                misses = 0
                continue
            misses += 1
            if misses == _TRIES_FOR_ONE:
                raise RuntimeError(
                    f"{self.name}: no {split} example in {misses} draws; expected a task with "
                    "enough distinct sources for both splits"
                )
        return examples
