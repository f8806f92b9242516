"""Who does it? Only the order of the words can tell."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from attention_lib.tasks.task import Example, Task, one_in_five
from attention_lib.tasks.vocabulary import Vocabulary

__all__ = ["Order"]


class Order(Task):
    """Who does it, in sentences such as "today dog often bites man".

    There are two different nouns, one verb and words that say nothing about it. One noun stands
    before the verb and one behind it, at any places; ``target`` is the one before it,
    ``("dog",)``. With the two nouns exchanged the words are the same and the answer is the other
    one, so a model blind to order is right half of the time. One pair of nouns in five is held
    out, in both orders.

    Args:
        min_length, max_length: bounds of the length of a source, drawn evenly.

    Raises:
        ValueError: bounds that leave no length, or a length below 3.
    """

    name = "order"

    nouns: ClassVar = (
        *("dog", "man", "cat", "child", "horse", "fox", "goose", "woman", "bear", "wolf"),
        *("donkey", "monkey", "sheep", "hen", "girl", "boy", "baker", "sailor", "king", "tailor"),
    )
    verbs: ClassVar = (
        *("bites", "sees", "hears", "follows", "chases", "watches"),
        *("finds", "meets", "knows", "likes", "fears", "greets"),
    )
    fillers: ClassVar = (
        *("today", "often", "again", "slowly", "suddenly", "now", "then", "here", "there", "once"),
        *("twice", "always", "never", "early", "late", "quickly", "outside", "inside", "nearby"),
        *("perhaps", "still", "soon", "quietly", "indeed"),
    )

    def __init__(self, min_length: int = 3, max_length: int = 12) -> None:
        if not 3 <= min_length <= max_length:
            raise ValueError(
                f"min_length={min_length}, max_length={max_length}; expected "
                "3 <= min_length <= max_length: two nouns and a verb are three words"
            )
        self.min_length, self.max_length = min_length, max_length
        #: all words of the sources; the targets are among them
        self.vocabulary = Vocabulary.of([self.nouns, self.verbs, self.fillers])

    def draw(self, rng: random.Random) -> Example:
        """Draw a length, the places of the three words that matter, then all words."""
        length = rng.randint(self.min_length, self.max_length)
        before, verb, behind = sorted(rng.sample(range(length), 3))
        source = [rng.choice(self.fillers) for _ in range(length)]
        source[before], source[behind] = rng.sample(self.nouns, 2)
        source[verb] = rng.choice(self.verbs)
        return Example(tuple(source), (source[before],))

    def is_held_out(self, example: Example) -> bool:
        """Hold out one pair of nouns in five, whichever stands before the verb."""
        return one_in_five(sorted(self.pair(example.source)))

    def pair(self, source: Sequence[str]) -> tuple[str, str]:
        """Find the two nouns of a sentence: the one before the verb and the one behind it.

        Raises:
            ValueError: not a sentence of this task.
        """
        words = [word for word in source if word not in self.fillers]
        if not (
            len(words) == 3
            and words[0] != words[2]
            and {words[0], words[2]} <= set(self.nouns)
            and words[1] in self.verbs
        ):
            raise ValueError(
                f"source={' '.join(source)!r}; expected a sentence of this task, such as "
                "'today dog often bites man'.split()"
            )
        return words[0], words[2]
