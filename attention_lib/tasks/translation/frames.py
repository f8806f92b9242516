"""What a sentence says, before any language says it.

A frame is a tree of these classes. `english`, `french` and `hindi` each render the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attention_lib.tasks.translation.lexicon import Adjective, Noun, Verb

__all__ = ["Clause", "NounPhrase", "Place", "Pronoun", "Sentence", "referent"]


@dataclass
class NounPhrase:
    """A noun with all that belongs to it.

    Attributes:
        determiner: ``"the"``, ``"a"``, ``"two"``, or ``""`` behind a possessor.
        plural: its number.
        noun: the noun; None while a sentence is being drawn.
        adjective: one at most.
        possessor: "the doctor 's house".
        place: "the nurse near the house".
        relative: "the nurse who sings"; a clause with a gap.
    """

    determiner: str
    plural: bool
    noun: Noun | None = None
    adjective: Adjective | None = None
    possessor: NounPhrase | None = None
    place: Place | None = None
    relative: Clause | None = None


@dataclass
class Place:
    """Where: ``"near"`` or ``"behind"`` something."""

    preposition: str
    phrase: NounPhrase


@dataclass
class Pronoun:
    """ "It", "they" or "them", for the object of the first clause."""

    antecedent: NounPhrase


@dataclass
class Clause:
    """Who does what to whom, where and when.

    Attributes:
        verb: the verb; None while a sentence is being drawn. `BE` has a ``predicate``.
        subject: None is the gap of a relative clause.
        object: None is the gap of a relative clause, or the verb is intransitive.
        past: the tense; else present.
        negated: "does not sing".
        often: "often sings"; in the present alone.
        predicate: "is old".
        place: where it happens.
        when: ``"yesterday"``, ``"today"`` or ``""``.
        when_first: it stands before the subject, else at the end.
        gap: ``"subject"`` or ``"object"`` in a relative clause, else ``""``.
    """

    verb: Verb | None = None
    subject: NounPhrase | Pronoun | None = None
    object: NounPhrase | Pronoun | None = None
    past: bool = False
    negated: bool = False
    often: bool = False
    predicate: Adjective | None = None
    place: Place | None = None
    when: str = ""
    when_first: bool = False
    gap: str = ""


@dataclass
class Sentence:
    """One clause, or two joined by ``"and"`` or ``"because"``."""

    first: Clause
    join: str = ""
    second: Clause | None = None

    def clauses(self) -> Iterator[Clause]:
        """Give the main clauses, one or two."""
        yield self.first
        if self.second is not None:
            yield self.second


def referent(phrase: NounPhrase | Pronoun) -> NounPhrase:
    """Give the noun phrase itself, or the one that a pronoun stands for."""
    return phrase.antecedent if isinstance(phrase, Pronoun) else phrase
