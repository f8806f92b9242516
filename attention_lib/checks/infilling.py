"""Checker of BART's text infilling: a span of tokens becomes one mask."""

from __future__ import annotations

from collections.abc import Callable

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_infill"]

Spans = list[tuple[int, int]]
Formula = Callable[[list[str], Spans, str], list[str]]

_EIGHT = "the old man and the sea at night"
_SIX = "the cat and the dog sleep"


def _probe(what: str, text: str, *spans: tuple[int, int], mask: str = "<mask>") -> Probe:
    return Probe(what, (text.split(), list(spans), mask))


_PROBES = [
    _probe("one token hidden", "the cat sat down", (1, 1)),
    _probe("two tokens hidden", "the cat sat down", (1, 2)),
    _probe("nothing hidden", "the cat sat down"),
    _probe("a span of length 0", "the cat sat down", (1, 0)),
    _probe("a span up to the end", "the cat sat down", (1, 3)),
    _probe("a span of length 0 behind the last token", "the cat sat down", (4, 0)),
    _probe("two spans, another mask", _SIX, (0, 2), (4, 1), mask="_"),
    _probe("two spans of several tokens", _SIX, (1, 2), (4, 2)),
    _probe("two spans that touch", _SIX, (1, 2), (3, 1)),
    _probe("a span of length 0 in front, and another one", _SIX, (0, 0), (2, 3)),
    _probe("four spans", _EIGHT, (0, 0), (1, 3), (4, 0), (5, 2), mask="[MASK]"),
    _probe("everything hidden", "the cat sat", (0, 3)),
]


def _reference(tokens: list[str], spans: Spans, mask: str) -> list[str]:
    return _filled(tokens, spans, mask)


def _filled(
    tokens: list[str],
    spans: Spans,
    mask: str,
    *,
    put: Callable[[list[str], str], list[str]] = lambda hidden, mask: [mask],
) -> list[str]:
    """Copy what stands between the spans; ``put`` says what takes the place of a hidden one."""
    noised, end = [], 0
    for start, length in spans:
        noised += tokens[end:start] + put(tokens[start : start + length], mask)
        end = start + length
    return noised + tokens[end:]


def _put(put: Callable[[list[str], str], list[str]]) -> Formula:
    return lambda tokens, spans, mask: _filled(tokens, spans, mask, put=put)


def _spans(change: Callable[[int, int, int], tuple[int, int] | None]) -> list[Formula]:
    """Read the spans in another way: ``change(start, length, n)`` gives start and end, or None.

    Two formulas: one copies from left to right, one writes into a copy from the right. They differ
    where the ends do not come behind the starts.
    """

    def read(tokens: list[str], spans: Spans) -> list[tuple[int, int]]:
        changed = (change(start, length, len(tokens)) for start, length in spans)
        return [span for span in changed if span is not None]

    def copied(tokens: list[str], spans: Spans, mask: str) -> list[str]:
        noised, done = [], 0
        for start, end in read(tokens, spans):
            noised += [*tokens[done:start], mask]
            done = end
        return noised + tokens[done:]

    def written(tokens: list[str], spans: Spans, mask: str) -> list[str]:
        for start, end in reversed(read(tokens, spans)):
            tokens[start:end] = [mask]
        return tokens

    return [copied, written]


def _moving(shift: Callable[[int], int]) -> Formula:
    """Write into a copy from the left; ``shift(length)`` says how far what follows has moved."""

    def formula(tokens: list[str], spans: Spans, mask: str) -> list[str]:
        moved = 0
        for start, length in spans:
            tokens[start - moved : start - moved + length] = [mask]
            moved += shift(length)
        return tokens

    return formula


def _one_for_neighbours(tokens: list[str], spans: Spans, mask: str) -> list[str]:
    noised: list[str] = []
    for token in _filled(tokens, spans, mask):
        if token != mask or noised[-1:] != [mask]:
            noised.append(token)
    return noised


def _rest_lost(tokens: list[str], spans: Spans, mask: str) -> list[str]:
    end = sum(spans[-1]) if spans else 0
    return _filled(tokens[:end], spans, mask)


def _known_words(tokens: list[str], spans: Spans, mask: str) -> list[str]:
    """One mask for each run of hidden words, wherever they stand."""
    hidden = {token for start, length in spans for token in tokens[start : start + length]}
    return _one_for_neighbours([mask if t in hidden else t for t in tokens], [], mask)


def _numbered(name: str) -> Formula:
    def formula(tokens: list[str], spans: Spans, mask: str) -> list[str]:
        names = iter([name.format(mask=mask, i=i, one_more=i + 1) for i in range(len(spans))])
        return _filled(tokens, spans, mask, put=lambda hidden, mask: [next(names)])

    return formula


_ONE_TOO_FEW = "you hide one token too few: a span hides length tokens"
_READINGS = [
    (
        lambda start, length, n: (start, start + length + 1),
        "you hide one token too many: a span ends before start + length",
    ),
    (lambda start, length, n: (start, start + length - 1), _ONE_TOO_FEW),
    (lambda start, length, n: (start, start + max(length - 1, 0)), _ONE_TOO_FEW),
    (
        lambda start, length, n: (start, length),
        "you read a span as (start, end): its second number is its length",
    ),
    (
        lambda start, length, n: (length, length + start),
        "you read a span as (length, start): the start comes first",
    ),
    (
        lambda start, length, n: (max(start - 1, 0), max(start - 1, 0) + length),
        "your spans lie one place too far left: places count from 0",
    ),
    (
        lambda start, length, n: (start + 1, start + 1 + length),
        "your spans lie one place too far right: places count from 0",
    ),
    (
        lambda start, length, n: (start, start + max(length, 1)),
        "a span of length 0 takes the token at its place away: it hides nothing, and its mask "
        "comes before that token",
    ),
    (
        lambda start, length, n: (start + (length == 0), start + (length or 1)),
        "a span of length 0 puts its mask behind the token at its place: before it",
    ),
    (
        lambda start, length, n: (start, start + length) if length else None,
        "you pass over spans of length 0: they insert a mask, so that a model cannot trust that "
        "something is missing",
    ),
    (
        lambda start, length, n: (start, start + length) if start < n else None,
        "the span behind the last token is lost: a loop over the tokens never gets there",
    ),
]

_ALTERNATIVES = [
    Alternative(
        _put(lambda hidden, mask: [mask] * len(hidden)),
        "you put one mask for each hidden token, as BERT does: a span becomes one mask, whatever "
        "its length; how much is missing is for the model to find out",
    ),
    Alternative(
        _put(lambda hidden, mask: [mask] * max(len(hidden), 1)),
        "a span of several tokens gets several masks: it becomes one, whatever its length",
    ),
    *[
        Alternative(formula, diagnosis)
        for change, diagnosis in _READINGS
        for formula in _spans(change)
    ],
    Alternative(
        _moving(lambda length: 0),
        "your starts are counted in the list that has changed already: after the first span, what "
        "follows has moved",
    ),
    Alternative(
        _moving(lambda length: length),
        "you correct the starts by a span's length: its tokens are gone, but a mask has come",
    ),
    Alternative(
        _moving(lambda length: 1 - length),
        "you correct the starts in the wrong direction: what follows has moved to the left",
    ),
    Alternative(_put(lambda hidden, mask: []), "that is token deletion: no mask stands there"),
    Alternative(
        _put(lambda hidden, mask: [mask, *hidden]),
        "the hidden tokens still stand there, behind the mask",
    ),
    Alternative(
        _put(lambda hidden, mask: [*hidden, mask]),
        "the hidden tokens still stand there, before the mask",
    ),
    Alternative(
        _put(lambda hidden, mask: [mask, *hidden[1:]]),
        "of each span only the first token is hidden: length tokens are",
    ),
    Alternative(
        lambda tokens, spans, mask: (
            _filled(tokens, spans, mask, put=lambda *_: []) + [mask] * len(spans)
        ),
        "your masks stand at the end: each stands where its span was",
    ),
    Alternative(
        lambda tokens, spans, mask: (
            [mask] * len(spans) + _filled(tokens, spans, mask, put=lambda *_: [])
        ),
        "your masks stand in front: each stands where its span was",
    ),
    Alternative(
        _one_for_neighbours,
        "spans that touch share a mask in your answer: each gets its own",
    ),
    Alternative(
        lambda tokens, spans, mask: _filled(tokens, spans[:1], mask),
        "you treat the first span alone: does `return` stand inside the loop?",
    ),
    Alternative(
        lambda tokens, spans, mask: _filled(tokens, spans[-1:], mask),
        "the last span alone is treated: do you begin anew from tokens for each?",
    ),
    Alternative(_rest_lost, "what stands behind the last span is lost"),
    Alternative(
        _known_words,
        "you hide every token that reads like a hidden one: places say what is hidden, not words",
    ),
    *[
        Alternative(
            lambda tokens, spans, mask, own=own: _filled(tokens, spans, own),
            "your mask is a word of your own: use the mask that is given",
        )
        for own in ("<mask>", "[MASK]", "<MASK>", "mask", "_", "___")
    ],
    *[
        Alternative(
            _numbered(name), "your masks are numbered, as T5's are: BART's are all the same"
        )
        for name in ("<extra_id_{i}>", "{mask}{i}", "{mask}{one_more}")
    ],
    Alternative(
        lambda tokens, spans, mask: [t for s, n in spans for t in tokens[s : s + n]],
        "you return what was hidden: return what is left, with the masks",
    ),
    Alternative(
        lambda tokens, spans, mask: tokens,
        "you give the tokens back as they were",
    ),
]

_FACTS = [
    Fact(
        "there are as many masks as spans",
        lambda answer, tokens, spans, mask: answer.count(mask) == len(spans),
    ),
    Fact(
        "what is not hidden stands there in the same order",
        lambda answer, tokens, spans, mask: (
            [token for token in answer if token != mask]
            == _filled(tokens, spans, mask, put=lambda *_: [])
        ),
    ),
]


def check_infill(function: Formula) -> CheckResult:
    """Check ``function(tokens, spans, mask) -> tokens``: each span becomes one mask.

    BART's text infilling (Lewis et al., 2020, section 2.2) with the spans given instead of drawn.

    Args:
        function: takes ``tokens``, a list of strings; ``spans``, a list of ``(start, length)``,
            sorted and without overlap, in which ``start`` is a place of ``tokens`` as given; and
            ``mask``, a string. A span of length 0 inserts a mask before place ``start``, which may
            be ``len(tokens)``. Returns a new list of strings.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "text infilling",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
