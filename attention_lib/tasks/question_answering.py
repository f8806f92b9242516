"""A story, a question, and an answer that stands in the story."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from attention_lib.tasks.task import Example, Task, one_in_five
from attention_lib.tasks.vocabulary import PAD, START, STOP, Vocabulary

__all__ = ["QuestionAnswering"]


class _Fact(NamedTuple):
    """Somebody puts something in a place (direction "in"), or takes it "from" there."""

    direction: str
    person: str
    thing: str
    place: str


class QuestionAnswering(Task):
    """Stories of who puts what where, and a question about one of their facts.

    ``source`` is three to six facts in any order and the question: "anna put the red key in the
    hall . ben took the red key from the hall . ... who got the red key out of the hall ?".
    ``target`` is the answer in the words of the story: a person ("ben"), a thing ("the red key")
    or a place ("the hall"). One behind the other they read as one text.

    The question gives the direction, in other words than the facts, and two of person, thing and
    place; it asks for the third. Beside the fact that answers it, a story has

    - one of the other direction, with just as many words of the question;
    - one of the same direction that differs in one of the two things given; in a story of four
      facts or more there is another one that differs in the other.

    One pair in five of a person and a thing is held out. Questions for testing are about such
    pairs, and no story for training has a fact with one of them; all words are known.
    """

    name = "question-answering"

    people = ("anna", "ben", "clara", "david", "emma", "felix", "grace", "hugo")
    adjectives = ("red", "blue", "old", "small", "silver", "wooden")
    nouns = ("key", "coin", "cup", "book", "lamp", "ring", "map", "box")
    places = ("kitchen", "garden", "hall", "attic", "cellar", "library", "stable", "tower")
    #: of facts, by their direction
    verbs: ClassVar = {"in": ("put", "left"), "from": ("took", "stole")}
    #: by the direction, and what is asked for
    questions: ClassVar = {
        "in": {
            "person": "who brought the {thing} to the {place} ?",
            "thing": "what did {person} bring to the {place} ?",
            "place": "where did {person} bring the {thing} ?",
        },
        "from": {
            "person": "who got the {thing} out of the {place} ?",
            "thing": "what did {person} get out of the {place} ?",
            "place": "where did {person} get the {thing} ?",
        },
    }

    def __init__(self) -> None:
        things = tuple(f"{a} {n}" for a in self.adjectives for n in self.nouns)
        self._values = {"person": self.people, "thing": things, "place": self.places}
        questions = " ".join(q for asked in self.questions.values() for q in asked.values())
        words = [word for word in questions.split() if "{" not in word]
        lists = (self.people, self.adjectives, self.nouns, self.places, *self.verbs.values())
        #: all words of sources and targets, behind ``<pad>``, ``<start>`` and ``<stop>``
        self.vocabulary = Vocabulary.of(
            [words, (".",), self.verbs, *lists], special=(PAD, START, STOP)
        )

    def draw(self, rng: random.Random) -> Example:
        """Draw a fact and what is asked of it, then other facts around it."""
        asked = self._draw_fact(rng)
        kind = rng.choice(tuple(self._values))
        question = self.questions[asked.direction][kind].format(**asked._asdict())
        facts = self._draw_story(rng, asked, kind)
        while not self._is_new(asked) and any(map(self._is_new, facts)):
            facts = self._draw_story(rng, asked, kind)
        story = " ".join(self._say(rng, fact) for fact in facts)
        answer = getattr(asked, kind)
        target = answer if kind == "person" else f"the {answer}"
        return Example(tuple(f"{story} {question}".split()), tuple(target.split()))

    def _draw_fact(self, rng: random.Random) -> _Fact:
        return _Fact(rng.choice(tuple(self.verbs)), *map(rng.choice, self._values.values()))

    def _draw_story(self, rng: random.Random, asked: _Fact, kind: str) -> list[_Fact]:
        """Draw facts beside the one that is asked for its person, thing or place."""
        count = rng.randint(3, 6)
        [opposite] = set(self.verbs) - {asked.direction}
        facts = [asked, self._change(rng, asked._replace(direction=opposite), kind)]
        given = [field for field in self._values if field != kind]
        for field in rng.sample(given, min(count - 2, 2)):
            facts.append(self._change(rng, asked, field, kind))
        while len(facts) < count:
            fact = self._draw_fact(rng)
            if fact._replace(**{kind: None}) != asked._replace(**{kind: None}):
                facts.append(fact)
        rng.shuffle(facts)
        return facts

    def _change(self, rng: random.Random, fact: _Fact, *fields: str) -> _Fact:
        """Put something else in some fields; another thing has the same adjective or noun."""
        for field in fields:
            old = getattr(fact, field)
            others = [value for value in self._values[field] if value != old]
            if field == "thing":
                others = [value for value in others if set(value.split()) & set(old.split())]
            fact = fact._replace(**{field: rng.choice(others)})
        return fact

    def _say(self, rng: random.Random, fact: _Fact) -> str:
        verb = rng.choice(self.verbs[fact.direction])
        return f"{fact.person} {verb} the {fact.thing} {fact.direction} the {fact.place} ."

    def _is_new(self, fact: _Fact) -> bool:
        return one_in_five((fact.person, *fact.thing.split()))

    def is_held_out(self, example: Example) -> bool:
        """Hold out the questions about one pair in five of a person and a thing."""
        words = (*self._read(example.source)[1], *example.target)
        lists = (self.people, self.adjectives, self.nouns)
        return one_in_five(word for known in lists for word in words if word in known)

    def baseline(self, source: Sequence[str]) -> tuple[str, ...]:
        """Answer from the fact that shares most words with the question, the last if several do.

        The question's first word tells whether to give its person, its thing or its place.

        Raises:
            ValueError: no story with a question.
        """
        facts, question = self._read(source)
        best = max(reversed(facts), key=lambda fact: len(set(fact) & set(question)))
        answers = {"who": best[:1], "what": best[2:5], "where": best[6:8]}
        return tuple(answers[question[0]])

    def _read(self, source: Sequence[str]) -> tuple[list[list[str]], list[str]]:
        """Cut a source into its facts, of eight words each, and its question."""
        *facts, question = (part.split() for part in " ".join(source).split(" . "))
        if not facts or any(len(fact) != 8 for fact in facts) or question[-1] != "?":
            raise ValueError(
                f"source={' '.join(source)!r}; expected facts and a question, such as 'anna put "
                "the red key in the hall . where did anna bring the red key ?'.split()"
            )
        return facts, question
