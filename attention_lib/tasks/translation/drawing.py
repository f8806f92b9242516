"""Drawing frames: first what a sentence is built like, then the words that it is built of."""

from __future__ import annotations

import random

from attention_lib.tasks.translation.frames import (
    Clause,
    NounPhrase,
    Place,
    Pronoun,
    Sentence,
    referent,
)
from attention_lib.tasks.translation.lexicon import (
    ADJECTIVES,
    BE,
    NOUNS,
    VERBS,
    Adjective,
    Noun,
    Verb,
)

__all__ = ["draw_frame"]

_KINDS = ("person", "thing", "place")
_AMBIGUOUS = tuple(noun for noun in NOUNS if noun.kind == "ambiguous")
_CUES = {cue for noun in _AMBIGUOUS for cue in noun.cues}
#: nouns that decide about no other one, and those that do, by kind
_NEUTRAL = {k: [n for n in NOUNS if n.kind == k and n.english not in _CUES] for k in _KINDS}
_DECIDING = {k: [n for n in NOUNS if n.kind == k and n.english in _CUES] for k in _KINDS}
_ANY = {k: _NEUTRAL[k] + _DECIDING[k] for k in _KINDS}


def draw_frame(rng: random.Random) -> Sentence:
    """Draw a frame, using no other randomness than ``rng``."""
    drawing = _Drawing(rng)
    sentence = drawing.sentence()
    drawing.cast()
    return sentence


class _Drawing:
    """Builds a frame without words, and then chooses the words."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        #: every noun phrase, with the kind of its noun
        self.phrases: list[tuple[NounPhrase, str]] = []
        #: every clause, with its object or, if it has a gap there, with the noun before it
        self.clauses: list[tuple[Clause, NounPhrase | Pronoun | None]] = []

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def sentence(self) -> Sentence:
        past = self.chance(0.6)
        sentence = Sentence(self.main_clause(past))
        thing = sentence.first.object
        if thing is not None and thing.relative is not None:
            return sentence
        # By identity: phrases without words may be equal.
        is_thing = any(phrase is thing and kind == "thing" for phrase, kind in self.phrases)
        # "A thing that someone did not buy" is nothing to speak of as "it".
        is_there = is_thing and not (sentence.first.negated and thing.determiner == "a")
        if is_there and self.chance(0.3):
            sentence.join = "because"
            sentence.second = self.clause(past, subject=Pronoun(thing), verb=BE)
        elif is_there and self.chance(0.45):
            sentence.join = "and"
            subject = self.phrase("person", place=0.3)
            sentence.second = self.clause(past, subject=subject, object=Pronoun(thing))
        elif self.chance(0.15):
            sentence.join = "and"
            thing = self.object() if self.chance(0.5) else None
            sentence.second = self.clause(past, subject=self.phrase("person"), object=thing)
        return sentence

    def main_clause(self, past: bool) -> Clause:
        """Draw "X is old", "X sings" or "X sees Y", and what may belong to it."""
        sort = self.rng.choices(("state", "alone", "transitive"), (2, 2, 6))[0]
        kind = "thing" if sort == "state" and self.chance(0.7) else "person"
        subject = self.phrase(kind, place=0.3, relative=0.4)
        if sort == "state":
            return self.clause(past, subject=subject, verb=BE)
        thing = self.object(relative=0.15) if sort == "transitive" else None
        clause = self.clause(past, subject=subject, object=thing)
        if thing is not None and thing.relative is not None:
            return clause  # a place or a time behind it would belong to the relative clause
        if self.chance(0.3):
            clause.place = self.place()
        if past and self.chance(0.3):
            clause.when = self.rng.choice(("yesterday", "today"))
            clause.when_first = self.chance(0.5)
        return clause

    def relative(self, head: NounPhrase, kind: str) -> Clause:
        """Draw "who sings", "who sees Y" or "that Y sees"."""
        past = self.chance(0.6)
        if kind == "thing" or self.chance(0.5):
            subject = self.phrase("person", place=0.2)
            clause = self.clause(past, subject=subject, gap="object", head=head)
        else:
            thing = self.object() if self.chance(0.7) else None
            clause = self.clause(past, object=thing, gap="subject")
        if self.chance(0.25):
            clause.place = self.place()
        if past and self.chance(0.15):
            clause.when = "yesterday"
        return clause

    def clause(self, past: bool, *, head: NounPhrase | None = None, **parts: object) -> Clause:
        clause = Clause(past=past, negated=self.chance(0.15), **parts)
        # "Does not often" would be "often does not" in Hindi.
        can_be_often = not past and not clause.negated and clause.verb is not BE
        clause.often = can_be_often and self.chance(0.15)
        self.clauses.append((clause, head or clause.object))
        return clause

    def object(self, relative: float = 0.0) -> NounPhrase:
        return self.phrase(self.rng.choice(("person", "thing", "thing")), relative=relative)

    def place(self) -> Place:
        if self.chance(0.3):
            return Place("behind", self.phrase("place"))
        return Place("near", self.phrase(self.rng.choice(("place", "thing"))))

    def phrase(self, kind: str, *, place: float = 0.0, relative: float = 0.0) -> NounPhrase:
        """Draw a noun phrase that has, by chance, a place or a relative clause."""
        determiner = self.rng.choices(("the", "a", "two"), (6, 2, 2 * (kind != "place")))[0]
        is_plural = determiner == "two" or (determiner == "the" and self.chance(0.4))
        phrase = NounPhrase(determiner, is_plural and kind != "place")
        self.phrases.append((phrase, kind))
        if self.chance(relative):
            phrase.determiner = "the"
            phrase.relative = self.relative(phrase, kind)
            return phrase
        if kind != "person" and self.chance(0.15):  # and no place: it would be the possessor's
            phrase.determiner = ""
            phrase.possessor = NounPhrase("the", plural=False)
            self.phrases.append((phrase.possessor, "person"))
        elif self.chance(place):
            phrase.place = self.place()
        return phrase

    def cast(self) -> None:
        """Choose nouns, then the adjectives and verbs that fit them."""
        choose = self.rng.choice
        pools = _NEUTRAL
        if not self.cast_ambiguous() and self.chance(0.5):
            pools = _ANY
        for phrase, kind in self.phrases:
            if phrase.noun is None:
                used = [other.noun for other, _ in self.phrases]
                phrase.noun = choose([n for n in pools[kind] if n not in used] or pools[kind])
            if self.chance(0.3):
                phrase.adjective = choose(_fitting(phrase.noun))
        for clause, thing in self.clauses:
            if clause.verb is BE:
                subject = referent(clause.subject)
                fitting = _fitting(subject.noun)
                clause.predicate = choose([a for a in fitting if a is not subject.adjective])
            else:
                kind = None if thing is None else referent(thing).noun.kind
                fitting = [verb for verb in VERBS if _takes(verb, kind)]
                used = [other.verb for other, _ in self.clauses]
                clause.verb = choose([v for v in fitting if v not in used] or fitting)

    def cast_ambiguous(self) -> bool:
        """Give one thing an ambiguous name, and the name of a cue to another noun, if there is one.

        All is drawn evenly: the noun, its sense, which place in the sentence each of the two
        takes. So nothing but the cue tells the sense.
        """
        things = [p for p, kind in self.phrases if kind == "thing" and p.possessor is None]
        if not things or not self.chance(0.6):
            return False
        ambiguous = self.rng.choice(things)
        cues = [c for c in self.phrases if c[1] != "place" and c[0] is not ambiguous]
        if not cues:
            return False
        ambiguous.noun = self.rng.choice(_AMBIGUOUS)
        cue, kind = self.rng.choice(cues)
        cue.noun = next(n for n in _DECIDING[kind] if n.english in ambiguous.noun.cues)
        return True


def _takes(verb: Verb, kind: str | None) -> bool:
    """Tell whether a verb takes an object of this kind; of no kind, whether it takes none."""
    return not verb.objects if kind is None else kind in verb.objects


def _fitting(noun: Noun) -> list[Adjective]:
    fitting = [adjective for adjective in ADJECTIVES if noun.kind in adjective.kinds]
    return [a for a in fitting if not (noun.young and a.english == "old")]
