"""Checker of the F1 of two answers: how many words they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_f1"]

Words = list[str]
Score = Callable[[Words, Words], float]


def _probe(what: str, prediction: str, answer: str) -> Probe:
    return Probe(what, (prediction.split(), answer.split()))


# Prediction and answer differ in length: precision and recall must not be the same number.
_PROBES = [
    _probe("a word too many", "the red key", "red key"),
    _probe("words that are missing", "key", "old red key"),
    _probe("one shared word of three and of four", "blue key here", "anna has one key"),
    _probe("the same words", "red key", "red key"),
    _probe("the same words in another order", "key red old", "old red key"),
    _probe("a word that one says twice", "key key red", "red key"),
    _probe("a word that the other says three times", "red key", "key key key old red"),
    _probe("words that both say several times", "key key red red red", "key key key red old old"),
    _probe("shared words in other places", "in the old hall of anna", "anna in the hall"),
    _probe("words that share letters only", "key", "yeak"),
    _probe("no shared word", "old box", "red key here"),
    _probe("no prediction", "", "red key"),
    _probe("no answer", "red key", ""),
    _probe("neither", "", ""),
]


def _shared(prediction: Words, answer: Words) -> int:
    return (Counter(prediction) & Counter(answer)).total()


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall)


def _cases(score: Score, neither: float | None, one: float | None, nothing: float | None) -> Score:
    """Score apart where both are empty, one is, or nothing is shared; None: a division by 0."""

    def whole(prediction: Words, answer: Words) -> float:
        if not prediction and not answer:
            found = neither
        elif not prediction or not answer:
            found = one
        else:
            found = score(prediction, answer) if _shared(prediction, answer) else nothing
        if found is None:
            raise ZeroDivisionError
        return found

    return whole


def _f1(prediction: Words, answer: Words) -> float:
    shared = _shared(prediction, answer)
    return _harmonic(shared / len(prediction), shared / len(answer))


def _reference(prediction: Words, answer: Words) -> Tensor:
    return torch.tensor(_cases(_f1, 1.0, 0.0, 0.0)(prediction, answer), dtype=torch.float64)


def _counted(count: Callable[[Words, Words], float]) -> Score:
    """Count the shared words in another way."""

    def score(prediction: Words, answer: Words) -> float:
        shared = count(prediction, answer)
        return _harmonic(shared / len(prediction), shared / len(answer)) if shared else 0.0

    return score


def _averaged(average: Callable[[float, float], float]) -> Score:
    """Put precision and recall together in another way."""

    def score(prediction: Words, answer: Words) -> float:
        shared = _shared(prediction, answer)
        return average(shared / len(prediction), shared / len(answer))

    return score


def _of_sets(prediction: Words, answer: Words) -> float:
    return _f1(list(set(prediction)), list(set(answer)))


def _in_order(prediction: Words, answer: Words) -> int:
    """Length of the longest common subsequence."""
    best = [0] * (len(answer) + 1)
    for word in prediction:
        row = [0]
        for i, other in enumerate(answer):
            row.append(best[i] + 1 if word == other else max(row[i], best[i + 1]))
        best = row
    return best[-1]


def _in_place(prediction: Words, answer: Words) -> int:
    return sum(a == b for a, b in zip(prediction, answer, strict=False))


_MULTISET = "as often as the one that says it less often"
_KNOWN: list[tuple[Score, str]] = [
    (
        _of_sets,
        "you count different words (a set): a word said twice counts twice, if both say it twice",
    ),
    (
        _counted(lambda p, a: len(set(p) & set(a))),
        f"each shared word counts once in your number: it counts {_MULTISET}",
    ),
    (
        _counted(lambda p, a: sum(word in a for word in p)),
        "you count the prediction's words that stand anywhere in the answer: a word repeated often "
        f"enough wins; it counts {_MULTISET}",
    ),
    (
        _counted(lambda p, a: sum(word in p for word in a)),
        "you count the answer's words that stand anywhere in the prediction, however often: a word "
        f"counts {_MULTISET}",
    ),
    (
        lambda p, a: _harmonic(sum(w in a for w in p) / len(p), sum(w in p for w in a) / len(a)),
        "precision and recall each count words by `in`, so how often the other says them does not "
        f"matter: a word counts {_MULTISET}",
    ),
    (
        _averaged(lambda precision, recall: precision),
        "that is the precision alone: the share of the prediction that is right; who says little "
        "misses little",
    ),
    (
        _averaged(lambda precision, recall: recall),
        "that is the recall alone: the share of the answer that was found; who says everything "
        "finds it",
    ),
    (
        _averaged(lambda precision, recall: (precision + recall) / 2),
        "you take the plain mean of precision and recall: F1 is their harmonic mean, which stays "
        "near the smaller one",
    ),
    (
        _averaged(lambda precision, recall: (precision * recall) ** 0.5),
        "you take the geometric mean of precision and recall: F1 is the harmonic one",
    ),
    (
        _averaged(lambda precision, recall: precision * recall / (precision + recall)),
        "that is half of F1: what is shared stands in both lists, so that there is a 2 in front",
    ),
    (
        _averaged(lambda precision, recall: 2 * precision * recall),
        "the harmonic mean is divided by precision + recall, too",
    ),
    (
        _averaged(min),
        "you take the smaller of precision and recall: the larger one counts, too",
    ),
    (
        _averaged(max),
        "you take the larger of precision and recall: one word of a long answer would do",
    ),
    (
        lambda p, a: _shared(p, a) / (len(p) + len(a) - _shared(p, a)),
        "you divide what is shared by what any of the two says (Jaccard): a relative of F1, and "
        "never larger",
    ),
    (lambda p, a: float(p == a), "that is exact match: an answer almost right gets nothing"),
    (
        _counted(_in_place),
        "you compare place by place: one word more in front, and nothing fits; places do not count",
    ),
    (
        _counted(_in_order),
        "you count words that both say in the same order, as ROUGE-L does: here order is free",
    ),
    (
        _counted(lambda p, a: (Counter(pairwise(p)) & Counter(pairwise(a))).total()),
        "you count shared neighbours: here single words count",
    ),
    (
        lambda p, a: _cases(_f1, 1.0, 0.0, 0.0)(list("".join(p)), list("".join(a))),
        "you compare letters: words count, and two that only look alike are different",
    ),
    (
        lambda p, a: 100 * _f1(p, a),
        "your number is in percent: expected from 0 to 1",
    ),
    (lambda p, a: _shared(p, a), "that is the number of shared words: F1 is a share"),
    (
        lambda p, a: _f1([w for w in p if w != "the"], [w for w in a if w != "the"]),
        "you leave out articles, as SQuAD does before it compares: here words come as they are to "
        "be compared",
    ),
]


_NAN = float("nan")
_CASES: list[tuple[Score, str]] = [
    (_cases(_f1, 0.0, 0.0, 0.0), "two empty lists agree: 1, not 0 (the question has no answer)"),
    (_cases(_f1, 1.0, 1.0, 0.0), "where only one of the two is empty the score is 0"),
    (
        _cases(_f1, 0.0, 1.0, 0.0),
        "where only one of the two is empty the score is 0, and 1 where both are",
    ),
    (_cases(_f1, 1.0, 0.0, 1.0), "nothing is shared, and you give 1: the score is 0 there"),
    *[
        (
            _cases(_f1, neither, one, undefined),
            "where nothing is shared precision and recall are 0, and the harmonic mean is 0 / 0: "
            "that case needs a line of its own",
        )
        for undefined in (None, _NAN)
        for neither in (1.0, 0.0, None, _NAN)
        for one in (0.0, 1.0, None, _NAN)
    ],
    *[
        (
            _cases(_f1, neither, undefined, 0.0),
            "you divide by the number of words, and a list may be empty: that case comes first",
        )
        for undefined in (None, _NAN)
        for neither in (1.0, 0.0, None, _NAN)
    ],
    *[
        (
            _cases(_f1, undefined, 0.0, 0.0),
            "where both are empty you divide 0 by 0: two empty lists agree, which is 1",
        )
        for undefined in (None, _NAN)
    ],
]

_ALTERNATIVES = [
    *[
        Alternative(
            lambda p, a, score=score: torch.tensor(score(p, a), dtype=torch.float64),
            diagnosis,
        )
        for score, diagnosis in _CASES
    ],
    *[
        Alternative(
            lambda p, a, whole=whole: torch.tensor(whole(p, a), dtype=torch.float64),
            diagnosis,
        )
        for score, diagnosis in _KNOWN
        # Empty lists as they come, or treated apart; two of them then give any of these numbers.
        for whole in (
            score,
            *(_cases(score, neither, 0.0, 0.0) for neither in (1.0, 0.0, 0.5, 100.0, None)),
        )
    ],
]

_FACTS = [
    FINITE,
    Fact(
        "the score lies between 0 and 1",
        lambda answer, *_: bool(((answer >= 0) & (answer <= 1)).all()),
    ),
    Fact(
        "the same words give 1, in whatever order",
        lambda answer, prediction, right: (
            sorted(prediction) != sorted(right) or bool((answer == 1).all())
        ),
    ),
    Fact(
        "no shared word gives 0",
        lambda answer, prediction, right: (
            prediction == right or bool(set(prediction) & set(right)) or bool((answer == 0).all())
        ),
    ),
]


def check_f1(function: Score) -> CheckResult:
    """Check ``function(prediction, answer) -> score``: the F1 of the words they share.

    SQuAD's measure (Rajpurkar et al., 2016, section 6.1), without changing the words first: the
    harmonic mean of precision and recall, where a word counts as often as both have it.

    Args:
        function: takes two lists of strings, ``prediction`` and ``answer``; returns a number from 0
            to 1. It is 1 where both are empty, 0 where one is or where no word is shared.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "F1 of words",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
