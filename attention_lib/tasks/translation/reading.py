"""The frame of an English sentence: the way back from `english`."""

from __future__ import annotations

from collections.abc import Sequence

from attention_lib.tasks.translation.english import (
    ADJECTIVE_FORMS,
    COPULAS,
    JOINTS,
    NOUN_FORMS,
    PREPOSITIONS,
    TIMES,
    VERB_FORMS,
    WORDS,
    say,
)
from attention_lib.tasks.translation.frames import Clause, NounPhrase, Place, Pronoun, Sentence
from attention_lib.tasks.translation.lexicon import BE, NOUNS, Adjective, Noun

__all__ = ["check_words", "read"]

_DETERMINERS = {"the": "the", "a": "a", "an": "a", "two": "two"}


def check_words(words: Sequence[str]) -> None:
    """Check that the grammar has all words.

    Raises:
        TypeError: one string instead of a sequence of words.
        ValueError: a word that the grammar does not have.
    """
    if isinstance(words, str):
        raise TypeError(f"the sentence is the string {words!r}; expected a list: try .split()")
    unknown = sorted(set(words) - set(WORDS))
    if unknown:
        raise ValueError(
            f"not among the {len(WORDS)} words of the grammar: {', '.join(unknown)}; expected "
            "words of Translation.source_vocabulary, such as 'the nurse sings'.split()"
        )


def read(words: Sequence[str]) -> Sentence:
    """Read an English sentence of the grammar.

    Args:
        words: the words, without a full stop.

    Returns:
        The frame, of which :func:`english.say` makes the same words.

    Raises:
        TypeError: one string instead of a sequence of words.
        ValueError: no sentence of the grammar.
    """
    check_words(words)
    reader = _Reader(words)
    sentence = reader.sentence()
    for i, (said, given) in enumerate(zip(say(sentence), words, strict=True)):
        if said != given:
            raise reader.error(f"{said!r}", at=i)
    return sentence


class _Reader:
    """Reads from left to right; the next word always tells how to go on."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        self.at = 0
        self.nouns = {NOUN_FORMS[word][0].english for word in words if word in NOUN_FORMS}

    def error(self, expected: str, at: int | None = None) -> ValueError:
        at = self.at if at is None else at
        given = f"word {at + 1} is {self.words[at]!r}" if at < len(self.words) else "it ends"
        return ValueError(f"{' '.join(self.words)!r}: {given}; expected {expected}")

    def take(self, *expected: str) -> str:
        """Take the next word if it is one of the expected; else take none and give ""."""
        word = self.words[self.at] if self.at < len(self.words) else ""
        if word not in expected:
            return ""
        self.at += 1
        return word

    def sentence(self) -> Sentence:
        sentence = Sentence(self.clause(when=self.take(*TIMES)))
        sentence.join = self.take(*JOINTS)
        if sentence.join:
            sentence.second = self.clause(antecedent=sentence.first.object)
        if self.at < len(self.words):
            raise self.error("the end")
        return sentence

    def clause(
        self, *, gap: str = "", when: str = "", antecedent: NounPhrase | Pronoun | None = None
    ) -> Clause:
        clause = Clause(gap=gap, when=when, when_first=bool(when))
        if gap != "subject":
            pronoun = self.pronoun(antecedent, "it", "they")
            clause.subject = pronoun or self.phrase(place=True, relative=not gap)
        self.verb(clause)
        if clause.verb.objects and gap != "object":
            pronoun = self.pronoun(antecedent, "it", "them")
            clause.object = pronoun or self.phrase(relative=not gap)
        clause.place = self.place()
        clause.when = clause.when or self.take(*TIMES)
        if clause.when and not clause.past:
            raise self.error(f"the past in a clause with {clause.when!r}")
        return clause

    def verb(self, clause: Clause) -> None:
        copula = self.take(*COPULAS.values())
        if copula:
            clause.verb, clause.past = BE, copula in ("was", "were")
            clause.negated = bool(self.take("not"))
            clause.predicate = self.adjective()
            if clause.predicate is None:
                raise self.error("an adjective")
            return
        auxiliary = self.take("does", "do", "did")
        clause.negated = bool(self.take("not"))
        clause.often = bool(self.take("often"))
        word = self.take(*VERB_FORMS)
        if not word:
            raise self.error("a verb")
        clause.verb, is_past = VERB_FORMS[word]
        clause.past = is_past or auxiliary == "did"

    def pronoun(
        self, antecedent: NounPhrase | Pronoun | None, singular: str, plural: str
    ) -> Pronoun | None:
        if not self.take(singular, plural):
            return None
        if not isinstance(antecedent, NounPhrase) or antecedent.noun.kind == "person":
            self.at -= 1
            raise self.error("a noun: a pronoun stands for a thing, the first clause's object")
        return Pronoun(antecedent)

    def phrase(self, *, place: bool = False, relative: bool = False) -> NounPhrase:
        determiner = self.take(*_DETERMINERS)
        if not determiner:
            raise self.error("the, a or two")
        phrase = self.noun(_DETERMINERS[determiner])
        if self.take("'s"):
            if phrase.plural:
                self.at -= 2
                raise self.error("a singular: there is no plural possessor")
            possessor, phrase = phrase, self.noun("")
            phrase.possessor = possessor
        elif place:
            phrase.place = self.place()
        if relative and phrase.determiner == "the" and self.take("who", "that"):
            has_subject = self.words[self.at : self.at + 1] in [[word] for word in _DETERMINERS]
            phrase.relative = self.clause(gap="object" if has_subject else "subject")
        return phrase

    def noun(self, determiner: str) -> NounPhrase:
        adjective = self.adjective()
        word = self.take(*NOUN_FORMS)
        if not word:
            raise self.error("a noun")
        noun, is_plural = NOUN_FORMS[word]
        if is_plural != {"a": False, "two": True}.get(determiner, is_plural):
            self.at -= 1
            raise self.error("a plural" if determiner == "two" else "a singular")
        if noun.kind == "ambiguous":
            noun = self.sense(noun)
        return NounPhrase(determiner, is_plural, noun, adjective)

    def sense(self, noun: Noun) -> Noun:
        senses = [sense for sense in NOUNS if sense.english == noun.english]
        meant = [sense for sense in senses if self.nouns & set(sense.cues)]
        if len(meant) != 1:
            cues = " or ".join(" / ".join(sense.cues) for sense in senses)
            self.at -= 1
            raise self.error(f"words of one sense of {noun.english!r} in the sentence: {cues}")
        return meant[0]

    def adjective(self) -> Adjective | None:
        return ADJECTIVE_FORMS.get(self.take(*ADJECTIVE_FORMS))

    def place(self) -> Place | None:
        preposition = self.take(*PREPOSITIONS)
        return Place(preposition, self.phrase()) if preposition else None
