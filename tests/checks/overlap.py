"""The F1 of words: what people write instead."""

import difflib
import math
import statistics
from collections import Counter

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer


def _cross_off(prediction, answer):
    if not prediction or not answer:
        return float(prediction == answer)
    left, same = list(answer), 0
    for word in prediction:
        if word in left:
            left.remove(word)
            same += 1
    if same == 0:
        return 0
    precision, recall = same / len(prediction), same / len(answer)
    return 2 * precision * recall / (precision + recall)


def _dice(prediction, answer):
    total = len(prediction) + len(answer)
    same = sum(min(prediction.count(w), answer.count(w)) for w in set(prediction))
    return 2 * same / total if total else 1.0


def _vectors(prediction, answer):
    if not prediction + answer:
        return np.float64(1)
    counts = CountVectorizer(analyzer=list).fit_transform([prediction, answer]).toarray()
    return 2 * counts.min(0).sum() / counts.sum()


def _merged(prediction, answer):
    """Walk through both lists, sorted."""
    if not prediction and not answer:
        return 1.0
    p, a, same = sorted(prediction), sorted(answer), 0
    while p and a:
        if p[-1] == a[-1]:
            same += 1
            p.pop()
            a.pop()
        else:
            (p if p[-1] > a[-1] else a).pop()
    return same / ((len(prediction) + len(answer)) / 2)


F1_RIGHT = {
    "cross off": _cross_off,
    "twice what is shared": _dice,
    "count vectors": _vectors,
    "sorted": _merged,
    "harmonic_mean": lambda p, a: (
        statistics.harmonic_mean([_same(p, a) / len(p), _same(p, a) / len(a)])
        if p and a
        else float(p == a)
    ),
    "a small number below": lambda p, a: (
        2 * (r := _parts(p, a))[0] * r[1] / (sum(r) + 1e-12) if p and a else 1.0 * (not p + a)
    ),
    "the other way round": lambda p, a: _cross_off(a, p),
}


def _same(prediction, answer):
    p, a = Counter(prediction), Counter(answer)
    return sum(min(p[word], a[word]) for word in p)


def _parts(prediction, answer):
    same = _same(prediction, answer)
    return same / len(prediction), same / len(answer)


def _guarded(score):
    """The cases of SQuAD's script, then something else."""

    def f1(prediction, answer):
        if len(prediction) == 0 or len(answer) == 0:
            return int(prediction == answer)
        return score(prediction, answer) if any(w in answer for w in prediction) else 0

    return f1


def _mean_of(mean):
    return _guarded(lambda p, a: mean(*_parts(p, a)))


def _with_shared(count):
    return _guarded(lambda p, a: 2 * count(p, a) / (len(p) + len(a)))


def _subsequence(p, a):
    if not p or not a:
        return 0
    if p[0] == a[0]:
        return 1 + _subsequence(p[1:], a[1:])
    return max(_subsequence(p[1:], a), _subsequence(p, a[1:]))


def _bigrams(words):
    return Counter(" ".join(words[i : i + 2]) for i in range(len(words) - 1))


def _no_cases(prediction, answer):
    precision, recall = _parts(prediction, answer)
    return 2 * precision * recall / (precision + recall)


def _no_empty_case(prediction, answer):
    same = _same(prediction, answer)
    precision, recall = same / len(prediction), same / len(answer)
    return 0 if same == 0 else 2 * precision * recall / (precision + recall)


def _changes(prediction, answer):
    total, same = len(prediction) + len(answer), 0
    for word in prediction:
        if word in answer:
            answer.remove(word)
            same += 1
    return 2 * same / total if total else 1


F1_MISTAKES = {
    "sets": (lambda p, a: _dice(list(set(p)), list(set(a))), r"different words \(a set\)"),
    "sets, then lengths": (
        _with_shared(lambda p, a: sum(1 for w in set(a) if w in p)),
        "each shared word counts once",
    ),
    "words of the prediction": (
        _with_shared(lambda p, a: len([w for w in p if w in a])),
        "the prediction's words that stand anywhere",
    ),
    "words of the answer": (
        _with_shared(lambda p, a: len([w for w in a if w in p])),
        "the answer's words that stand anywhere",
    ),
    "in, both ways": (
        _guarded(
            lambda p, a: statistics.harmonic_mean(
                [np.isin(p, a).mean().item(), np.isin(a, p).mean().item()]
            )
        ),
        "each count words by `in`",
    ),
    "precision": (_mean_of(lambda p, r: p), "that is the precision alone"),
    "recall": (_mean_of(lambda p, r: r), "that is the recall alone"),
    "mean": (_mean_of(lambda p, r: (p + r) * 0.5), "the plain mean"),
    "geometric mean": (_mean_of(lambda p, r: math.sqrt(p * r)), "the geometric mean"),
    "no 2": (_mean_of(lambda p, r: 1 / (1 / p + 1 / r)), "half of F1"),
    "not divided": (_mean_of(lambda p, r: p * r + r * p), "divided by precision"),
    "the smaller": (_mean_of(min), "the smaller of"),
    "the larger": (_mean_of(max), "the larger of"),
    "divided by the longer": (
        lambda p, a: _same(p, a) / max(len(p), len(a)),
        "the smaller of",
    ),
    "Jaccard": (
        _guarded(lambda p, a: _same(p, a) / (Counter(p) | Counter(a)).total()),
        "what any of the two says",
    ),
    "both lengths": (
        lambda p, a: _dice(p, a) / 2,
        "half of F1",
    ),
    "exact match": (lambda p, a: 1 if " ".join(p) == " ".join(a) else 0, "that is exact match"),
    "place by place": (
        _with_shared(lambda p, a: sum(map(str.__eq__, p, a))),
        "you compare place by place",
    ),
    "in order": (_with_shared(_subsequence), "as ROUGE-L does"),
    "neighbours": (
        _with_shared(lambda p, a: (_bigrams(p) & _bigrams(a)).total()),
        "you count shared neighbours",
    ),
    "letters": (lambda p, a: _dice([*"".join(p)], [*"".join(a)]), "you compare letters"),
    "percent": (lambda p, a: 100 * _dice(p, a), "in percent"),
    "percent, apart from empty lists": (_guarded(lambda p, a: 100 * _dice(p, a)), "in percent"),
    "a number of words": (_same, "that is the number of shared words"),
    "articles left out": (
        lambda p, a: _dice(*([w for w in x if w not in ("a", "an", "the")] for x in (p, a))),
        "you leave out articles",
    ),
    "neither gives 0": (
        lambda p, a: _dice(p, a) if p or a else 0,
        "two empty lists agree: 1, not 0",
    ),
    "one empty gives 1": (
        lambda p, a: _dice(p, a) if p and a else 1.0,
        "only one of the two is empty the score is 0$",
    ),
    "nothing shared gives 1": (
        lambda p, a: _dice(p, a) or float(bool(p and a)),
        "nothing is shared, and you give 1",
    ),
    "no cases": (_no_cases, "that case needs a line of its own"),
    "nan where nothing is shared": (
        lambda p, a: _dice(p, a) or math.nan if p and a else float(p == a),
        "that case needs a line of its own",
    ),
    "no empty case": (_no_empty_case, "a list may be empty"),
    "nan where one is empty": (lambda p, a: _dice(p, a) if p and a else math.nan, "may be empty"),
    "neither divides by 0": (
        lambda p, a: 2 * _same(p, a) / (len(p) + len(a)),
        "you divide 0 by 0",
    ),
    "changes its input": (_changes, "changed its input.*work on a new list"),
    "three numbers": (lambda p, a: (*_parts(p or a, a or p), _dice(p, a)), "returned a tuple"),
    "not written": (lambda p, a: None, "returns nothing yet"),
    "nobody foresaw": (
        lambda p, a: difflib.SequenceMatcher(None, " ".join(p), " ".join(a)).ratio(),
        r"wrong on a word too many\nprediction: +\['the', 'red', 'key'\]\nanswer: +\['red', 'key'\]"
        r"\nyou gave: +0\.\d+\nexpected: +0\.8",
    ),
}
