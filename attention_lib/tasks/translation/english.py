"""The English sentence of a frame."""

from __future__ import annotations

from typing import NamedTuple

from attention_lib.tasks.translation.frames import (
    Clause,
    NounPhrase,
    Place,
    Pronoun,
    Sentence,
    referent,
)
from attention_lib.tasks.translation.lexicon import ADJECTIVES, BE, NOUNS, VERBS

__all__ = [
    "ADJECTIVE_FORMS",
    "COPULAS",
    "JOINTS",
    "LEMMAS",
    "NOUN_FORMS",
    "PREPOSITIONS",
    "TIMES",
    "VERB_FORMS",
    "WORDS",
    "Dependency",
    "dependencies",
    "say",
]

JOINTS = ("and", "because")
TIMES = ("yesterday", "today")
PREPOSITIONS = ("near", "behind")
#: the forms of "be" by tense (past?) and number (plural?)
COPULAS = {(False, False): "is", (False, True): "are", (True, False): "was", (True, True): "were"}

#: every form of a noun: the noun, and whether the form is plural; places have no plural here
NOUN_FORMS = {noun.english: (noun, False) for noun in NOUNS} | {
    noun.irregular or noun.english + "s": (noun, True) for noun in NOUNS if noun.kind != "place"
}
_PLURALS = {noun.english: form for form, (noun, is_plural) in NOUN_FORMS.items() if is_plural}
_SINGULARS = {
    verb.english: verb.english + ("es" if verb.english.endswith("sh") else "s") for verb in VERBS
}
#: every form of a verb: the verb, and whether the form is past
VERB_FORMS = (
    {verb.english: (verb, False) for verb in VERBS}
    | {_SINGULARS[verb.english]: (verb, False) for verb in VERBS}
    | {verb.past: (verb, True) for verb in VERBS}
)
ADJECTIVE_FORMS = {adjective.english: adjective for adjective in ADJECTIVES}

#: content words, each form with its lemma
LEMMAS = {
    form: entry.english for forms in (NOUN_FORMS, VERB_FORMS) for form, (entry, _) in forms.items()
} | {form: form for form in ADJECTIVE_FORMS}
#: every word of the English sentences
WORDS = (
    *LEMMAS,
    *(*JOINTS, *TIMES, *PREPOSITIONS, *COPULAS.values()),
    *("the", "a", "an", "two", "'s", "who", "that"),
    *("it", "they", "them", "does", "do", "did", "not", "often"),
)


class Dependency(NamedTuple):
    """One word of a sentence decides about another one. Both are positions in the source.

    ``kind`` is one of

    - ``"agreement"``: the noun of a subject, or the one before a relative clause, decides about
      the verb, of which the first word counts: "does" in "does not sing";
    - ``"pronoun"``: the noun that "it", "they" or "them" stands for decides about the pronoun;
    - ``"sense"``: a word decides what an ambiguous noun means.
    """

    kind: str
    deciding: int
    dependent: int

    @property
    def distance(self) -> int:
        """How many words apart they stand; 1 for neighbours."""
        return abs(self.dependent - self.deciding)


def say(sentence: Sentence) -> tuple[str, ...]:
    """Say a frame in English."""
    return tuple(_Speaker(sentence).words)


def dependencies(sentence: Sentence) -> tuple[Dependency, ...]:
    """Find every word about which another one decides, and where both stand."""
    return tuple(_Speaker(sentence).found)


class _Speaker:
    """Says a frame word by word, and notes where the words stand that decide about others."""

    def __init__(self, sentence: Sentence) -> None:
        self.words: list[str] = []
        self.heads: list[tuple[NounPhrase, int]] = []
        self.found: list[Dependency] = []
        self.clause(sentence.first)
        if sentence.second is not None:
            self.words.append(sentence.join)
            self.clause(sentence.second)
        self.found += [
            Dependency("sense", deciding, dependent)
            for phrase, dependent in self.heads
            for cue, deciding in self.heads
            if cue.noun.english in phrase.noun.cues
        ]

    def clause(self, clause: Clause, head: NounPhrase | None = None) -> None:
        if clause.when_first:
            self.words.append(clause.when)
        if isinstance(clause.subject, Pronoun):
            self.pronoun(clause.subject, "it", "they")
        elif clause.subject is not None:
            self.phrase(clause.subject)
        subject = head if clause.gap == "subject" else referent(clause.subject)
        for deciding in (subject, head) if clause.gap == "object" else (subject,):
            self.depend("agreement", deciding)
        self.verb(clause, subject.plural)
        if isinstance(clause.object, Pronoun):
            self.pronoun(clause.object, "it", "them")
        elif clause.object is not None:
            self.phrase(clause.object)
        if clause.place is not None:
            self.place(clause.place)
        if clause.when and not clause.when_first:
            self.words.append(clause.when)

    def phrase(self, phrase: NounPhrase) -> None:
        if phrase.possessor is not None:
            self.phrase(phrase.possessor)
            self.words.append("'s")
        words = [phrase.adjective.english] if phrase.adjective is not None else []
        noun = phrase.noun.english
        words.append(_PLURALS[noun] if phrase.plural else noun)
        if phrase.determiner:
            is_an = phrase.determiner == "a" and words[0][0] in "aeiou"
            words.insert(0, "an" if is_an else phrase.determiner)
        self.words += words
        self.heads.append((phrase, len(self.words) - 1))
        if phrase.place is not None:
            self.place(phrase.place)
        if phrase.relative is not None:
            self.words.append("who" if phrase.noun.kind == "person" else "that")
            self.clause(phrase.relative, head=phrase)

    def place(self, place: Place) -> None:
        self.words.append(place.preposition)
        self.phrase(place.phrase)

    def pronoun(self, pronoun: Pronoun, singular: str, plural: str) -> None:
        self.depend("pronoun", pronoun.antecedent)
        self.words.append(plural if pronoun.antecedent.plural else singular)

    def verb(self, clause: Clause, is_plural: bool) -> None:
        if clause.verb is BE:
            negation = ["not"] if clause.negated else []
            copula = COPULAS[clause.past, is_plural]
            self.words += [copula, *negation, clause.predicate.english]
            return
        if clause.negated:
            auxiliary = "did" if clause.past else "do" if is_plural else "does"
            self.words += [auxiliary, "not"]
        if clause.often:
            self.words.append("often")
        if clause.negated or (is_plural and not clause.past):
            self.words.append(clause.verb.english)
        else:
            past = clause.verb.past
            self.words.append(past if clause.past else _SINGULARS[clause.verb.english])

    def depend(self, kind: str, deciding: NounPhrase) -> None:
        """Note that the next word depends on a noun said before."""
        # By identity: two phrases with the same words are still two.
        position = next(place for phrase, place in self.heads if phrase is deciding)
        self.found.append(Dependency(kind, position, len(self.words)))
