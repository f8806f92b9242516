"""A corpus in which "bank" keeps two kinds of company."""

from __future__ import annotations

import random
from typing import ClassVar

from attention_lib.tasks.task import Example, Task

__all__ = ["BankCorpus"]


class BankCorpus(Task):
    """Four-word sentences about money or about a river; "bank" is at home in both.

    It is generated, so it plants what it shows: words of one sense keep company with words of
    that sense, "bank" with both. ``source`` is the sentence, ``target`` the sense it was drawn
    from, ``("money",)`` or ``("river",)``.
    """

    name = "bank"

    #: who, does, what, for each sense
    senses: ClassVar = {
        "money": (
            ("clerk", "lender", "investor", "customer", "trader"),
            ("lends", "saves", "invests", "borrows", "counts"),
            ("money", "cash", "loan", "interest", "credit", "bank"),
        ),
        "river": (
            ("angler", "otter", "heron", "swimmer", "ferryman"),
            ("crosses", "follows", "watches", "leaves", "reaches"),
            ("river", "water", "stream", "reeds", "mud", "bank"),
        ),
    }
    #: endings that say nothing about the sense
    endings = ("today", "again", "slowly", "often", "early")

    def draw(self, rng: random.Random) -> Example:
        """Draw a sense, then one word for each of the four places."""
        sense = rng.choice(tuple(self.senses))
        words = tuple(rng.choice(place) for place in (*self.senses[sense], self.endings))
        return Example(words, (sense,))
