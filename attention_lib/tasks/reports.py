"""Reports of games, and four uses of such texts: all from one small world."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from attention_lib.tasks.task import Example, Task, one_in_five
from attention_lib.tasks.vocabulary import PAD, START, STOP, Vocabulary

__all__ = ["Reports"]


class Reports(Task):
    """Reports such as "ben visited anna on friday . they played in dover . it ended 2-1 .".

    A report says who was whose guest, when and where they played, and how it ended, the goals of
    the host first. It says so in this order, and not everything: the score, what the host did
    ("anna narrowly beat ben"), or both. Other sentences repeat something, or say something of no
    interest, which may name another day or town or the score of last time. All four uses and the
    unlabelled texts have these sentences and one vocabulary in common:

    ============= =========================================== ==================================
    ``use``       ``source``                                  ``target``
    ============= =========================================== ==================================
    ``"text"``    a report                                    the same: texts have no labels
    ``"outcome"`` a report that breaks off behind the host    what the host did, one of ``results``
    ``"story"``   host, guest, day, town and score: 5 words   a report that tells them
    ``"summary"`` a report with the score                     one sentence: who did what, where
                                                              and when
    ``"answer"``  a report and a question                     the answer, 1 or 2 words
    ============= =========================================== ==================================

    No bag of words tells an outcome: each of these reports also has the score of last time, with
    another outcome. Beside a question about day or town another day or town stands in the report.
    An outcome is one of five, which come equally often; nobody asks who won a draw.

    One pair of people in five is held out, whoever of them is the host: every word is known from
    training, these pairs are not.

    Args:
        use: one of ``Reports.uses``.

    Raises:
        ValueError: another use.
    """

    uses = ("text", "outcome", "story", "summary", "answer")
    #: what stands in a report in the place of something that shall be guessed
    mask = "<mask>"
    values: ClassVar = {
        "people": (
            *("anna", "ben", "clara", "david", "emma", "felix"),
            *("grace", "hugo", "ida", "jonas", "kate", "leo"),
        ),
        "days": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        "towns": ("dover", "york", "leeds", "bath", "derby", "oxford", "ely", "wells"),
        "scores": ("0-0", "0-1", "0-2", "1-0", "1-1", "1-2", "2-0", "2-1", "2-2"),
    }
    #: what the host did, from two goals fewer than the guest to two goals more
    results = ("clearly lost to", "narrowly lost to", "drew with", "narrowly beat", "clearly beat")
    sentences: ClassVar = {
        "opening": ("on {day} {host} invited {guest}", "{guest} visited {host} on {day}"),
        "place": ("they played in {town}", "the game was in {town}"),
        "score": ("it ended {score}",),
        "result": ("{host} {did} {guest}",),
        "closing": (
            *("{town} was lovely that {day}", "on that {day} {town} was lovely"),
            *("{host} was a good host", "{guest} was a good guest", "{guest} thanked {host}"),
        ),
    }
    #: of no interest, by what they could be mistaken for
    fillers: ClassVar = {
        "score": "last time it ended {other_score}",
        "day": "they meet again on {other_day}",
        "town": "{guest} lives in {other_town}",
        "nothing": "it rained a little",
        "nothing at all": "the tea was cold",
    }
    #: The question and its answer, for each thing that is asked for.
    questions: ClassVar = {
        "winner": ("who won ?", "{winner}"),
        "guest": ("who was the guest ?", "{guest}"),
        "day": ("when was it ?", "on {day}"),
        "town": ("where was it ?", "in {town}"),
    }
    summary = "{host} {did} {guest} in {town} on {day}"

    def __init__(self, use: str = "text") -> None:
        if use not in self.uses:
            raise ValueError(f"use={use!r}; expected one of {', '.join(self.uses)}")
        self.use, self.name = use, f"reports-{use}"
        forms = (*sum(self.sentences.values(), ()), *sum(self.questions.values(), ()))
        words = " ".join([*forms, *self.fillers.values(), *self.results, "."]).split()
        words = {word for word in words if "{" not in word}
        #: all words of all uses, behind ``<pad>``, ``<start>``, ``<stop>`` and ``<mask>``
        self.vocabulary = Vocabulary.of(
            [words, *self.values.values()], special=(PAD, START, STOP, self.mask)
        )
        slots = {key: rf"(?P<{key}>\S+)" for key in ("host", "guest", "day", "town", "score")}
        slots["did"] = f"(?P<did>{'|'.join(self.results)})"
        forms = sum((v for k, v in self.sentences.items() if k != "closing"), ())
        self._patterns = [re.compile(form.format_map(slots)) for form in forms]

    def draw(self, rng: random.Random) -> Example:
        """Draw a game, what is said of it, and what is to be done with the report."""
        words = self._draw_words(rng)
        asked = rng.choice(tuple(self.questions))
        said = [rng.choice(self.sentences[key]) for key in ("opening", "place")]
        said += [rng.choice(self.sentences[key]) for key in self._draw_end(rng)]
        if self.use != "story":
            for filler in self._draw_fillers(rng, asked):
                said.insert(rng.choice((0, rng.randint(1, len(said)))), filler)
        report = " ".join(f"{sentence} ." for sentence in said)
        question, answer = self.questions[asked]
        source, target = {
            "text": (report, report),
            "outcome": (f"{report} {{host}}", "{did}"),
            "story": ("{host} {guest} {day} {town} {score}", report),
            "summary": (report, self.summary),
            "answer": (f"{report} {question}", answer),
        }[self.use]
        return Example(
            tuple(source.format_map(words).split()), tuple(target.format_map(words).split())
        )

    def _draw_words(self, rng: random.Random) -> dict[str, str]:
        drawn = {key: rng.sample(values, 2) for key, values in self.values.items()}
        host, guest = drawn["people"]
        # An answer needs somebody who won.
        margins = rng.sample((-2, -1, 1, 2) if self.use == "answer" else range(-2, 3), 2)
        score, other_score = (
            rng.choice([s for s in self.values["scores"] if _margin(s) == m]) for m in margins
        )
        return {
            "host": host,
            "guest": guest,
            "day": drawn["days"][0],
            "town": drawn["towns"][0],
            "score": score,
            "did": self.results[2 + margins[0]],
            "winner": host if margins[0] > 0 else guest,
            "other_day": drawn["days"][1],
            "other_town": drawn["towns"][1],
            "other_score": other_score,
        }

    def _draw_end(self, rng: random.Random) -> tuple[str, ...]:
        """Draw how the end is told: by the score, by what the host did, or by both."""
        return {
            "text": ("score", "result", "closing"),
            "outcome": ("score",),
            "story": ("score", "result"),
            "summary": ("score",),
            "answer": (rng.choice(("score", "result")),),
        }[self.use]

    def _draw_fillers(self, rng: random.Random, asked: str) -> list[str]:
        """Draw at most one sentence of no interest, and the one that could mislead."""
        misleading = {"outcome": ["score"], "answer": [asked]}.get(self.use, [])
        misleading = [key for key in misleading if key in self.fillers]
        others = [key for key in self.fillers if key not in misleading]
        return [self.fillers[key] for key in rng.sample(others, rng.randint(0, 1)) + misleading]

    def is_held_out(self, example: Example) -> bool:
        """Hold out one pair of people in five."""
        words = {*example.source, *example.target}
        return one_in_five(sorted(words & {*self.values["people"]}))

    def told(self, report: Iterable[str]) -> dict[str, str]:
        """Read what a report says, whatever wrote it.

        Args:
            report: its words.

        Returns:
            What it says of host, guest, day, town, score and did; what it does not say is absent,
            and of two claims the last one counts.
        """
        found: dict[str, str] = {}
        for sentence in " ".join(report).split(" ."):
            for pattern in self._patterns:
                read = pattern.fullmatch(sentence.strip())
                found |= read.groupdict() if read else {}
        return found

    def baseline(self, source: Sequence[str]) -> tuple[str, ...]:
        """Do what takes no reading.

        A report is copied, and so are the five words of a story; the host is said to win; a
        summary is the lead, the first sentence; an answer is the first word of its kind.

        Raises:
            ValueError: a report without a question, where one is needed.
        """
        if self.use == "outcome":
            return ("drew", "with")
        if self.use == "summary":
            return tuple(source[: source.index(".")])
        if self.use != "answer":
            return tuple(source)
        text = " ".join(source)
        asked = [key for key, (form, _) in self.questions.items() if text.endswith(form)]
        if not asked:
            raise ValueError(
                f"source={text!r}; expected a report and a question, such as 'anna invited ben on "
                "friday . who was the host ?'.split()"
            )
        first = {
            key: next((word for word in source if word in values), "")
            for key, values in self.values.items()
        }
        answer = {"day": f"on {first['days']}", "town": f"in {first['towns']}"}
        return tuple(answer.get(asked[0], first["people"]).split())


def _margin(score: str) -> int:
    """Count the goals of the host less those of the guest."""
    ours, theirs = map(int, score.split("-"))
    return ours - theirs
