"""The Hindi sentence of a frame."""

from __future__ import annotations

from attention_lib.tasks.translation import english
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

__all__ = ["WORDS", "dictionary", "say"]

#: words that take no form of the words around them, by their English counterparts
_FIXED = {
    "and": "और",
    "because": "क्योंकि",
    "near": "पास",  # के पास
    "behind": "पीछे",  # के पीछे
    "yesterday": "कल",
    "today": "आज",
    "two": "दो",
    "often": "अक्सर",
    "not": "नहीं",
}
_NE, _KO = "ने", "को"
#: "'s" and "who is", which agree as adjectives do
_OF, _WHO_IS = "का", "वाला"
_ONE, _NOT_ANY = ("एक", "एक"), ("कोई", "किसी")  # direct, oblique
#: by number (plural?): before a noun in the direct and in the oblique case; alone, also with ने
#: and को
_WHICH = {False: ("जो", "जिस"), True: ("जो", "जिन")}
_WHO = {False: ("जो", "जिसने", "जिसे"), True: ("जो", "जिन्होंने", "जिन्हें")}
_THAT = {False: ("वह", "उस"), True: ("वे", "उन")}
_HE = {False: ("वह", "उसने", "उसे"), True: ("वे", "उन्होंने", "उन्हें")}
_IS = {False: "है", True: "हैं"}
_WAS = {("m", False): "था", ("f", False): "थी", ("m", True): "थे", ("f", True): "थीं"}
_DIRECT, _WITH_NE, _WITH_KO = 0, 1, 2


def say(sentence: Sentence) -> tuple[str, ...]:
    """Say a frame in Hindi, without "।"."""
    words = _clause(sentence.first)
    if sentence.second is not None:
        words += [_FIXED[sentence.join], *_clause(sentence.second)]
    return tuple(words)


def _clause(
    clause: Clause, head: NounPhrase | None = None, front: list[str] | None = None
) -> list[str]:
    """Say a clause: subject, time, object pronoun, adverb, place, object, predicate, verb.

    A relative clause is about ``head``, which is not said again: it starts with ``front``.
    """
    subject = head if clause.gap == "subject" else clause.subject
    obj = head if clause.gap == "object" else clause.object
    words = list(front or [])
    time = [_FIXED[clause.when]] if clause.when else []
    has_relative = isinstance(subject, NounPhrase) and subject is not head and subject.relative
    if clause.when_first and not has_relative:
        # Before a relative clause, the word for a time would be taken as part of it.
        words, time = time + words, []
    if clause.gap != "subject":
        words += _subject(subject, _subject_case(clause))
    words += time
    if isinstance(obj, Pronoun):
        words.append(_HE[obj.antecedent.plural][_WITH_KO])
    words += [_FIXED["often"]] * clause.often
    if clause.place is not None:
        words += _place(clause.place)
    if isinstance(clause.object, NounPhrase):
        said = _object(clause.object, clause.negated)
        if words[-1:] == said[:1]:  # no वह वह: "she" and "that" are one word
            said = said[1:]
        words += said
    if clause.predicate is not None:
        words.append(_agree(_adjective(clause.predicate, subject), *_features(subject)))
    words += [_FIXED["not"]] * clause.negated + _verb(clause, subject, obj)
    if isinstance(clause.object, NounPhrase) and clause.object.relative is not None:
        relative = clause.object.relative
        pronoun = _WHO[clause.object.plural][_case_of_gap(relative, clause.object)]
        words += _clause(relative, head=clause.object, front=[pronoun])
    return words


def _subject(subject: NounPhrase | Pronoun, case: int) -> list[str]:
    """Say a subject; one with a relative clause as "which nurse sings, she"."""
    pronoun = _HE[referent(subject).plural][case]
    if isinstance(subject, Pronoun):
        return [pronoun]
    if subject.relative is None:
        return _phrase(subject, oblique=case != _DIRECT) + [_NE] * (case == _WITH_NE)
    case_there = _case_of_gap(subject.relative, subject)
    which = _WHICH[subject.plural][case_there != _DIRECT]
    front = [which, *_phrase(subject, oblique=case_there != _DIRECT)]
    front += [_NE] * (case_there == _WITH_NE) + [_KO] * (case_there == _WITH_KO)
    return [*_clause(subject.relative, head=subject, front=front), pronoun]


def _object(phrase: NounPhrase, negated: bool) -> list[str]:
    """Say an object: people with को, things without; "that nurse" before a relative clause."""
    marked = phrase.noun.kind == "person"
    words = _phrase(phrase, oblique=marked, negated=negated) + [_KO] * marked
    return [_THAT[phrase.plural][marked], *words] if phrase.relative is not None else words


def _subject_case(clause: Clause) -> int:
    """Give the case of the subject: with ने in the past of most verbs."""
    return _WITH_NE if clause.past and clause.verb.with_ne else _DIRECT


def _case_of_gap(relative: Clause, head: NounPhrase) -> int:
    """Give the case that the noun of a relative clause has in this clause."""
    if relative.gap == "subject":
        return _subject_case(relative)
    return _WITH_KO if head.noun.kind == "person" else _DIRECT


def _verb(
    clause: Clause, subject: NounPhrase | Pronoun, obj: NounPhrase | Pronoun | None
) -> list[str]:
    """Say the verb, which agrees with the first noun without a postposition."""
    gender, is_plural = _features(subject)
    if clause.verb is BE:
        return [_WAS[gender, is_plural] if clause.past else _IS[is_plural]]
    if not clause.past:
        return [_agree(clause.verb.hindi + "ता", gender, is_plural), _IS[is_plural]]
    if _subject_case(clause) == _WITH_NE:
        has_plain_object = isinstance(obj, NounPhrase) and obj.noun.kind != "person"
        gender, is_plural = _features(obj) if has_plain_object else ("m", False)
    return [_past(clause.verb, gender, is_plural)]


def _past(verb: Verb, gender: str, is_plural: bool) -> str:
    """Give the perfective: देखा देखी देखे देखीं; behind a vowel धोया धोई धोए धोईं."""
    ending = 2 * is_plural + (gender == "f")
    vowel_ends = verb.hindi[-1] in "ाो"
    return verb.hindi + (("या", "ई", "ए", "ईं") if vowel_ends else ("ा", "ी", "े", "ीं"))[ending]


def _phrase(phrase: NounPhrase, *, oblique: bool, negated: bool = False) -> list[str]:
    """Say a noun phrase without its relative clause; "not a" is "not any"."""
    features = (*_features(phrase), oblique)
    words = []
    if phrase.place is not None:
        words += [*_place(phrase.place), _agree(_WHO_IS, *features)]
    if phrase.determiner == "a":
        words.append((_NOT_ANY if negated else _ONE)[oblique])
    elif phrase.determiner == "two":
        words.append(_FIXED["two"])
    if phrase.possessor is not None:
        words += [*_phrase(phrase.possessor, oblique=True), _agree(_OF, *features)]
    if phrase.adjective is not None:
        words.append(_agree(_adjective(phrase.adjective, phrase), *features))
    return [*words, _noun(phrase.noun, phrase.plural, oblique)]


def _place(place: Place) -> list[str]:
    of = _agree(_OF, "m", False, oblique=True)
    return [*_phrase(place.phrase, oblique=True), of, _FIXED[place.preposition]]


def _features(phrase: NounPhrase | Pronoun) -> tuple[str, bool]:
    """Give what other words agree with: gender, and whether it is plural."""
    phrase = referent(phrase)
    return phrase.noun.hindi.split()[1], phrase.plural


def _adjective(adjective: Adjective, phrase: NounPhrase | Pronoun) -> str:
    is_person = referent(phrase).noun.kind == "person"
    return (is_person and adjective.hindi_person) or adjective.hindi


def _agree(masculine: str, gender: str, is_plural: bool, oblique: bool = False) -> str:
    """Inflect a word in -ा: का की के. Other adjectives have one form."""
    if not masculine.endswith("ा"):
        return masculine
    return masculine[:-1] + ("ी" if gender == "f" else "े" if is_plural or oblique else "ा")


def _noun(noun: Noun, is_plural: bool, oblique: bool) -> str:
    """Decline a noun: लड़का लड़के लड़के लड़कों, किसान किसान किसान किसानों, and so on."""
    word, gender = noun.hindi.split()
    stem, last = word[:-1], word[-1]
    if gender == "m" and last in "ाआ":
        plain, many = ("े", "ों") if last == "ा" else ("ए", "ओं")
        if is_plural and oblique:
            return stem + many
        return stem + plain if is_plural or oblique else word
    if not is_plural or (gender == "m" and not oblique):
        return word
    if last == "ी":
        return stem + ("ियों" if oblique else "ियाँ")
    return word + ("ों" if oblique else "ें")


def dictionary() -> dict[str, str]:
    """Give each English word its most frequent single translation, if it has one.

    Nouns, verbs and adjectives are those of the lexicon, in the form nearest to the English one;
    an ambiguous noun has the first of its senses.
    """
    words = dict(_FIXED)
    for form, (noun, is_plural) in english.NOUN_FORMS.items():
        first = next(sense for sense in NOUNS if sense.english == noun.english)
        words[form] = _noun(first, is_plural, False)
    for form, (verb, is_past) in english.VERB_FORMS.items():
        present = _agree(verb.hindi + "ता", "m", form == verb.english)
        words[form] = _past(verb, "m", False) if is_past else present
    for form, adjective in english.ADJECTIVE_FORMS.items():
        words[form] = adjective.hindi
    for (is_past, is_plural), form in english.COPULAS.items():
        words[form] = _WAS["m", is_plural] if is_past else _IS[is_plural]
    words |= {"a": _ONE[0], "an": _ONE[0], "'s": _OF, "who": "जो", "that": "जो"}
    return words | {"it": "उसे", "they": "वे", "them": "उन्हें"}


def _words() -> set[str]:
    both = (False, True)
    forms = [(gender, is_plural) for gender in "mf" for is_plural in both]
    words = {*_FIXED.values(), _NE, _KO, *_ONE, *_NOT_ANY, *_IS.values(), *_WAS.values()}
    for table in (_WHICH, _WHO, _THAT, _HE):
        words |= {word for row in table.values() for word in row}
    adjectives = {a.hindi for a in ADJECTIVES} | {a.hindi_person for a in ADJECTIVES} - {""}
    words |= {_agree(word, *form) for word in (*adjectives, _OF, _WHO_IS) for form in forms}
    for noun in NOUNS:
        words |= {_noun(noun, n, o) for n in both for o in both if not n or noun.kind != "place"}
    for verb in VERBS:
        words |= {_agree(verb.hindi + "ता", *form) for form in forms}
        # Intransitive verbs with ने agree with nothing.
        agrees = verb.objects or not verb.with_ne
        words |= {_past(verb, *form) for form in forms if agrees or form == ("m", False)}
    return words


WORDS = tuple(sorted(_words()))
