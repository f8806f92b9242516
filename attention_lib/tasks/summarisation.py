"""The report of a match, and what a newspaper would say of it in one sentence."""

from __future__ import annotations

import random
from collections.abc import Sequence

from attention_lib.tasks.task import Example, Task, one_in_five
from attention_lib.tasks.vocabulary import PAD, START, STOP, Vocabulary

__all__ = ["Summarisation"]


class Summarisation(Task):
    """Reports of football matches, each to be told in one sentence.

    ``source`` is four to seven sentences in any order. Four of them matter: who played and when,
    where, and how many goals either side scored. The others say nothing about the match, though
    some name another day or another town. ``target`` is the summary, "the wolves narrowly beat the
    tigers in dover on friday" or "the tigers and the wolves drew in dover on friday", 9 or 10
    words: who won, and by how much, stands nowhere in the report but follows from two of its
    sentences.

    One pair of teams in five is held out, whichever of them plays at home.
    """

    name = "summarisation"

    teams = (
        *("tigers", "wolves", "eagles", "bears", "sharks", "lions"),
        *("hawks", "bulls", "foxes", "ravens", "dragons", "pirates"),
    )
    towns = ("dover", "york", "leeds", "bath", "derby", "oxford", "ely", "wells")
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    goals = ("no goals", "one goal", "two goals", "three goals", "four goals")
    #: sentences that matter, each in two forms
    facts = (
        ("on {day} the {home} hosted the {guests}", "the {guests} visited the {home} on {day}"),
        ("the match was played in {town}", "{town} was the place of the match"),
        ("the {home} scored {home_goals}", "{home_goals} went to the {home}"),
        ("the {guests} scored {guest_goals}", "{guest_goals} went to the {guests}"),
    )
    #: sentences that do not
    fillers = (
        *("the sun was shining", "it rained a little", "many children waved flags"),
        *("a band played before the start", "the grass was wet", "the tickets were sold out"),
        *("the next match is on {other_day}", "the {home} train again on {other_day}"),
        *("the {guests} train on {other_day}", "some fans came from {other_town}"),
        *("the coach of the {guests} lives in {other_town}", "the referee is from {other_town}"),
    )
    #: what the winner did, by one goal, by two and so on
    margins = ("narrowly beat", "clearly beat", "easily beat", "crushed")

    def __init__(self) -> None:
        sentences = (*sum(self.facts, ()), *self.fillers, *self.goals, *self.margins)
        words = " ".join([*sentences, "and drew ."]).split()
        lists = (self.teams, self.towns, self.days)
        #: all words of sources and targets, behind ``<pad>``, ``<start>`` and ``<stop>``
        self.vocabulary = Vocabulary.of(
            [[word for word in words if "{" not in word], *lists], special=(PAD, START, STOP)
        )

    def draw(self, rng: random.Random) -> Example:
        """Draw a match, what to say beside it, and the order of the sentences."""
        home, guests = rng.sample(self.teams, 2)
        (town, other_town), (day, other_day) = rng.sample(self.towns, 2), rng.sample(self.days, 2)
        scored = [rng.randrange(len(self.goals)) for _ in range(2)]
        words = {
            "home": home,
            "guests": guests,
            "town": town,
            "other_town": other_town,
            "day": day,
            "other_day": other_day,
            "home_goals": self.goals[scored[0]],
            "guest_goals": self.goals[scored[1]],
        }
        said = [rng.choice(forms) for forms in self.facts]
        said += rng.sample(self.fillers, rng.randint(0, 3))
        rng.shuffle(said)
        source = " ".join(f"{sentence} ." for sentence in said).format(**words)

        margin = scored[0] - scored[1]
        if margin == 0:
            result = f"the {home} and the {guests} drew"
        else:
            winner, loser = (home, guests) if margin > 0 else (guests, home)
            result = f"the {winner} {self.margins[abs(margin) - 1]} the {loser}"
        return Example(tuple(source.split()), tuple(f"{result} in {town} on {day}".split()))

    def is_held_out(self, example: Example) -> bool:
        """Hold out one pair of teams in five."""
        return one_in_five(sorted(set(example.target) & set(self.teams)))

    def baseline(self, source: Sequence[str]) -> tuple[str, ...]:
        """Take the first sentence of the report, without its full stop: the lead."""
        return tuple(source[: source.index(".")])
