"""The French sentence of a frame."""

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
    "and": "et",
    "because": "parce",  # parce que
    "near": "près",  # près de
    "behind": "derrière",
    "yesterday": "hier",
    "today": "aujourd'hui",
    "two": "deux",
    "often": "souvent",
    "not": "pas",  # ne ... pas
}
_THE = {("m", False): "le", ("f", False): "la", ("m", True): "les", ("f", True): "les"}
_ONE = {"m": "un", "f": "une"}
_PRONOUNS = {("m", False): "il", ("f", False): "elle", ("m", True): "ils", ("f", True): "elles"}
_IMPERFECT = ("était", "étaient")  # of être, the one verb of a state
_HAVE = ("a", "ont")
_BEFORE_VOWEL = {"le": "l'", "la": "l'", "de": "d'", "ne": "n'", "que": "qu'"}
_CONTRACTED = {("de", "le"): "du", ("de", "les"): "des"}


def say(sentence: Sentence) -> tuple[str, ...]:
    """Say a frame in French; elided words are tokens, such as "l'"."""
    words = _clause(sentence.first)
    if sentence.second is not None:
        words += [_FIXED[sentence.join]] + ["que"] * (sentence.join == "because")
        words += _clause(sentence.second)
    return tuple(_join(words))


def _clause(clause: Clause, head: NounPhrase | None = None) -> list[str]:
    """Say a main clause, or a relative one about ``head``."""
    subject = head if clause.gap == "subject" else clause.subject
    if clause.gap == "subject":
        who = ["qui"]
    elif isinstance(subject, Pronoun):
        who = [_PRONOUNS[_features(subject)]]
    else:
        who = ["que"] * (clause.gap == "object") + _phrase(subject)
    words = who + _verb(clause, subject, head)
    if isinstance(clause.object, NounPhrase):
        words += _phrase(clause.object, negated=clause.negated)
    if clause.place is not None:
        words += _place(clause.place)
    when = [_FIXED[clause.when]] if clause.when else []
    return when + words if clause.when_first else words + when


def _verb(clause: Clause, subject: NounPhrase | Pronoun, head: NounPhrase | None) -> list[str]:
    """Say the verb with its negation, its adverb and the pronoun of its object."""
    present, rest = clause.verb.french.split()[:2], []
    if clause.verb is BE:
        forms = _IMPERFECT if clause.past else present
        rest = [_adjective(clause.predicate, *_features(subject))]
    elif not clause.past:
        forms = present
    elif clause.verb.with_etre:
        forms = BE.french.split()
        rest = [_participle(clause.verb, *_features(subject))]
    else:
        # With avoir the participle agrees with an object that stands before the verb.
        is_pronoun = isinstance(clause.object, Pronoun)
        ahead = head if clause.gap == "object" else clause.object if is_pronoun else None
        forms = _HAVE
        rest = [_participle(clause.verb, *(_features(ahead) if ahead is not None else ()))]
    words = [forms[referent(subject).plural]]
    if isinstance(clause.object, Pronoun):
        words.insert(0, _THE[_features(clause.object)])
    if clause.negated:
        words = ["ne", *words, _FIXED["not"]]
    return [*words, *[_FIXED["often"]] * clause.often, *rest]


def _phrase(phrase: NounPhrase, negated: bool = False) -> list[str]:
    """Say a noun phrase; as the object of a negated verb "a" becomes "de"."""
    noun = [_noun(phrase.noun, phrase.plural)]
    if phrase.adjective is not None:
        adjective = [_adjective(phrase.adjective, *_features(phrase))]
        if phrase.adjective.before:
            if adjective == ["vieux"] and not phrase.plural and _starts_with_vowel(noun[0]):
                adjective = ["vieil"]
            noun = adjective + noun
        else:
            noun = noun + adjective
    if phrase.determiner == "a":
        words = ["de" if negated else _ONE[_features(phrase)[0]], *noun]
    elif phrase.determiner == "two":
        words = [_FIXED["two"], *noun]
    else:
        words = [_THE[_features(phrase)], *noun]
    if phrase.possessor is not None:
        words += ["de", *_phrase(phrase.possessor)]
    if phrase.place is not None:
        words += _place(phrase.place)
    if phrase.relative is not None:
        words += _clause(phrase.relative, head=phrase)
    return words


def _place(place: Place) -> list[str]:
    of = ["de"] * (place.preposition == "near")
    return [_FIXED[place.preposition], *of, *_phrase(place.phrase)]


def _features(phrase: NounPhrase | Pronoun) -> tuple[str, bool]:
    """Give what other words agree with: gender, and whether it is plural."""
    phrase = referent(phrase)
    return phrase.noun.french.split()[1], phrase.plural


def _noun(noun: Noun, is_plural: bool) -> str:
    singular = noun.french.split()[0]
    return singular + ("x" if singular.endswith("eau") else "s") * is_plural


def _adjective(adjective: Adjective, gender: str, is_plural: bool) -> str:
    form = adjective.french.split()[gender == "f"]
    return form + "s" * (is_plural and not form.endswith("x"))


def _participle(verb: Verb, gender: str = "m", is_plural: bool = False) -> str:
    return verb.french.split()[2] + "e" * (gender == "f") + "s" * is_plural


def _starts_with_vowel(word: str) -> bool:
    """Tell whether words are elided before it: the h of `horloge` is mute, that of `hache` not."""
    return word[0] in "aeiouéèê" or word.startswith("horloge")


def _join(words: list[str]) -> list[str]:
    """Elide and contract: "de le ingénieur" is "de l' ingénieur", "de le mur" is "du mur"."""
    elided = [
        _BEFORE_VOWEL[word] if word in _BEFORE_VOWEL and _starts_with_vowel(after) else word
        for word, after in zip(words, [*words[1:], "."], strict=True)
    ]
    joined: list[str] = []
    for word in elided:
        if joined and (joined[-1], word) in _CONTRACTED:
            word = _CONTRACTED[joined.pop(), word]
        joined.append(word)
    return joined


def dictionary() -> dict[str, str]:
    """Give each English word its most frequent single translation, if it has one.

    Nouns, verbs and adjectives are those of the lexicon, in the form nearest to the English one;
    an ambiguous noun has the first of its senses.
    """
    words = dict(_FIXED)
    for form, (noun, is_plural) in english.NOUN_FORMS.items():
        first = next(sense for sense in NOUNS if sense.english == noun.english)
        words[form] = _noun(first, is_plural)
    for form, (verb, is_past) in english.VERB_FORMS.items():
        is_plural = form == verb.english
        words[form] = _participle(verb) if is_past else verb.french.split()[is_plural]
    for form, adjective in english.ADJECTIVE_FORMS.items():
        words[form] = _adjective(adjective, "m", False)
    for (is_past, is_plural), form in english.COPULAS.items():
        words[form] = (_IMPERFECT if is_past else BE.french.split())[is_plural]
    words |= {"the": "le", "a": "un", "an": "un", "'s": "de", "who": "qui", "that": "que"}
    return words | {"it": "le", "they": "ils", "them": "les"}


def _words() -> set[str]:
    both = (False, True)
    words = {*_FIXED.values(), *_THE.values(), *_ONE.values(), *_PRONOUNS.values(), *_IMPERFECT}
    words |= {*_HAVE, *_BEFORE_VOWEL, *_BEFORE_VOWEL.values(), *_CONTRACTED.values(), "qui"}
    words |= {_noun(n, p) for n in NOUNS for p in both if not p or n.kind != "place"}
    words |= {"vieil"} | {_adjective(a, g, n) for a in ADJECTIVES for g in "mf" for n in both}
    words |= {form for verb in (*VERBS, BE) for form in verb.french.split()[:2]}
    for verb in VERBS:
        # The participle of an intransitive verb with avoir agrees with nothing.
        agrees = verb.objects or verb.with_etre
        forms = [(g, n) for g in "mf" for n in both] if agrees else [()]
        words |= {_participle(verb, *form) for form in forms}
    return words


#: every word of the French sentences
WORDS = tuple(sorted(_words()))
