"""Does it praise or blame? No word can tell, only words together and their order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from typing import ClassVar

from attention_lib.tasks.task import Example, Task
from attention_lib.tasks.vocabulary import PAD, START, STOP, Vocabulary

__all__ = ["Notes", "Sentiment"]


class Sentiment(Task):
    """Reviews such as "in my view the plot was never boring", to be called positive or negative.

    A clause calls something by an opinion word, and affirms or denies it: "the plot was boring",
    "nobody found the plot boring". Every second review joins two clauses that contradict each
    other, and one of them decides: the one behind "but" or "yet", the one without "although" or
    "though". All other words say nothing. ``source`` is 6 to 19 words; ``target`` is
    ``("positive",)`` or ``("negative",)``.

    Each word comes equally often with either target, in both splits. For exchange all affirming
    words for their denying partners, or all words of praise for those of blame, each at its place
    in the lists below: the target is the other one, the review as likely as before, and its split
    the same.

    Held out are one pair in five of an opinion word with what affirms or denies it, and one in
    five of the two opinion words of a contrast. A review with such a pair is for testing alone:
    training shows each of its words, but never the pair.
    """

    name = "sentiment"

    opinions: ClassVar = {
        "positive": (
            *("good", "great", "lovely", "charming", "brilliant"),
            *("superb", "wonderful", "delightful", "memorable", "pleasant"),
        ),
        "negative": (
            *("bad", "poor", "dull", "boring", "weak"),
            *("terrible", "dreadful", "tedious", "forgettable", "disappointing"),
        ),
    }
    #: what affirms an opinion word (nothing at all does, too), and what denies it
    stances: ClassVar = {
        "affirming": ("", "always", "clearly", "everybody", "most"),
        "denying": ("not", "never", "hardly", "nobody", "few"),
    }
    clauses: ClassVar = {
        "words": (
            "the {thing} was {stance} {degree} {opinion}",
            "the {thing} seemed {stance} {degree} {opinion}",
            "it was {stance} a {degree} {opinion} {thing}",
        ),
        "everybody nobody": (
            "{stance} found the {thing} {degree} {opinion}",
            "{stance} called the {thing} {degree} {opinion}",
        ),
        "most few": (
            "{stance} people found the {thing} {degree} {opinion}",
            "{stance} people called the {thing} {degree} {opinion}",
        ),
    }
    contrasts = (
        "{idle} but {deciding}",
        "{idle} yet {deciding}",
        "although {idle} , {deciding}",
        "{deciding} although {idle}",
        "{deciding} though {idle}",
        "{deciding} even though {idle}",
    )
    #: of a film, of a restaurant, of a book
    things = (
        ("plot", "ending", "hero", "villain", "scene", "song"),
        ("soup", "dessert", "waiter", "wine", "menu", "salad"),
        ("story", "chapter", "heroine", "title", "poem", "preface"),
    )
    degrees = ("", "", "very", "really", "truly")
    frames = (
        *("in my view {review}", "to be honest {review}", "this time {review}"),
        *("{review} last week", "{review} that evening", "{review} in my opinion"),
    )

    def __init__(self) -> None:
        patterns = (*self.contrasts, *self.frames, *sum(self.clauses.values(), ()))
        lists = (*self.opinions.values(), *self.stances.values(), *self.things, self.degrees)
        words = " ".join([*patterns, *sum(lists, ()), *self.opinions]).split()
        #: all words of the sources, and the two targets, behind ``<pad>``, ``<start>``, ``<stop>``
        self.vocabulary = Vocabulary.of(
            [[word for word in words if "{" not in word]], special=(PAD, START, STOP)
        )
        lists = (*self.opinions.values(), *self.stances.values())
        self._place = {word: place for words in lists for place, word in enumerate(words)}

    def draw(self, rng: random.Random) -> Example:
        """Draw a target, one clause or two, then the words."""
        target = rng.choice(tuple(self.opinions))
        [other] = set(self.opinions) - {target}
        first, second = rng.sample(rng.choice(self.things), 2)
        review = self._clause(rng, first, target)
        if rng.random() < 0.5:
            idle = self._clause(rng, second, other)
            review = rng.choice(self.contrasts).format(idle=idle, deciding=review)
        return Example(tuple(rng.choice(self.frames).format(review=review).split()), (target,))

    def _clause(self, rng: random.Random, thing: str, judgement: str) -> str:
        """Affirm an opinion word of this judgement, or deny one of the other."""
        kind = rng.choice(tuple(self.stances))
        stance = rng.choice(self.stances[kind])
        agrees = kind == "affirming"
        [opinions] = [words for j, words in self.opinions.items() if (j == judgement) == agrees]
        key = next((key for key in self.clauses if stance and stance in key.split()), "words")
        return rng.choice(self.clauses[key]).format(
            thing=thing,
            stance=stance,
            degree=rng.choice(self.degrees),
            opinion=rng.choice(opinions),
        )

    def is_held_out(self, example: Example) -> bool:
        """Hold out one pair in five, of every word and of either target as many."""
        pairs = self.pairs(example.source)
        if len(pairs) == 2:
            pairs = (*pairs, (pairs[0][1], pairs[1][1]))
        return any(self.are_held_out(*pair) for pair in pairs)

    def are_held_out(self, first: str, second: str) -> bool:
        """Tell whether two words, of opinion or stance, stand together in the test split alone."""
        return (self._place[first] + self._place[second]) % 5 == 0

    def pairs(self, source: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Find the opinion words, each with the word that affirms or denies it, or with ``""``.

        Raises:
            ValueError: no review of this task.
        """
        found, stance = [], ""
        for word in source:
            if any(word in words for words in self.opinions.values()):
                found.append((stance, word))
                stance = ""
            elif word in self._place:
                stance = word
        if not 1 <= len(found) <= 2:
            raise ValueError(
                f"source={' '.join(source)!r}; expected a review of this task, such as 'in my view "
                "the plot was never boring'.split()"
            )
        return tuple(found)

    def baseline(self, source: Sequence[str]) -> tuple[str, ...]:
        """Count the words of praise and those of blame; as many of both are called positive."""
        good, bad = (sum(word in words for word in source) for words in self.opinions.values())
        return ("positive",) if good >= bad else ("negative",)


class Notes(Task):
    """Notes that nobody labelled: "good plot , lovely hero , superb song , charming scene".

    Each has one mood: four things of one subject, with four opinion words of :class:`Sentiment`,
    all of them praise or all blame. In three notes of ten a thing may be judged by a whole clause,
    "the plot was lovely". So a reader who is never told what praise is can find out which words
    keep company. Nothing is denied or contrasted here, and nothing that :class:`Sentiment` holds
    out is shown: no clause with such an opinion word, and no two such words in one note.
    ``target`` is the mood, for whoever evaluates.
    """

    name = "notes"
    sentiment: ClassVar = Sentiment()
    vocabulary = sentiment.vocabulary

    def draw(self, rng: random.Random) -> Example:
        """Draw a mood, a subject, then opinion words that may stand together."""
        task = self.sentiment
        mood = rng.choice(tuple(task.opinions))
        things = rng.sample(rng.choice(task.things), 4)
        opinions: list[str] = []
        while not opinions or any(task.are_held_out(*p) for p in combinations(opinions, 2)):
            opinions = rng.sample(task.opinions[mood], 4)
        has_clauses = rng.random() < 0.3
        note = " , ".join(
            f"the {thing} was {opinion}"
            if has_clauses and not task.are_held_out("", opinion)
            else f"{opinion} {thing}"
            for opinion, thing in zip(opinions, things, strict=True)
        )
        return Example(tuple(note.split()), (mood,))
