"""Find out what a function computes instead of what it should."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Sequence
from itertools import compress
from pathlib import Path

import torch
from torch import Tensor

from attention_lib.checks.answers import (
    TOLERANCE,
    Answer,
    copied,
    described,
    is_changed,
    read,
    same,
    shown,
)
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["diagnose"]

# What PyTorch and NumPy say, and what it usually means.
_LINE_UP = (
    "two shapes do not line up: write both down. If one of them comes from a sum or a maximum "
    "over a dimension, does each row still meet its own number? If one should be a column, has "
    "it a dimension of 1?\n"
)
_FIT = "two matrices do not fit: write the shape of each beside it\n"
_HINTS = {
    "must match the size": _LINE_UP,
    "could not be broadcast": _LINE_UP,
    "cannot be multiplied": _FIT,
    "of batch2 tensor": _FIT,
    "mismatch in its core dimension": _FIT,
    "match target batch_size": "every target needs one prediction: write down both shapes\n",
    "return_types": "max over a dimension returns the values and where they are: take .values\n",
}


_OWN = {
    Tensor: "work on a new tensor; operations that end in an underscore, -=, /= and x[...] = "
    "overwrite the caller's numbers",
    list: "work on a new list; append, insert, pop, del and x[...] = change the caller's",
}


def diagnose(
    name: str,
    function: Callable,
    *,
    reference: Callable,
    probes: Sequence[Probe],
    alternatives: Sequence[Alternative] = (),
    facts: Sequence[Fact] = (),
) -> CheckResult:
    """Compare a reader's function with a reference, and name the mistake where they differ.

    The answers are judged whole: an alternative is named only if it gives the reader's answer on
    every probe, or up to the one on which both break (shapes that no longer fit), or wherever the
    reader's answer is finite. A mistake that nobody foresaw still gets the facts that hold, the
    first fact that does not, and the smallest input on which the answer is wrong.

    Args:
        name: what is checked.
        function: the reader's function. It may return a tensor, an array or nested lists.
        reference: the right function, which returns a tensor; or a list of strings, and then the
            reader's function must, too. Its parameters are called as the reader knows them: under
            these names the inputs are shown.
        probes: inputs, smallest first.
        alternatives: formulas to recognise, likeliest first.
        facts: properties of a right answer, in the order in which to report them.

    Returns:
        A :class:`CheckResult`.

    Raises:
        TypeError: ``function`` cannot be called (a result was passed, say).
    """
    if not callable(function):
        raise TypeError(
            f"{name}: got a {type(function).__name__}; expected your function itself: write "
            "check(my_function), without calling it"
        )
    names = _names(reference)
    expected = [reference(*copied(probe.arguments)) for probe in probes]
    answers: list[Answer] = []
    for probe, right in zip(probes, expected, strict=True):
        answer, complaint = _call(function, probe, names, right)
        if complaint:
            known = (a for a in alternatives if _breaks_there_too(a.formula, answers, probes))
            return CheckResult(name, False, (), next((a.diagnosis for a in known), complaint))
        answers.append(answer)

    holds = _holding(facts, answers, expected, probes)
    if all(map(same, answers, expected)):
        return CheckResult(name, True, (*holds, "the answer is right on every input tried"))
    for alternative in alternatives:
        if _gives(alternative.formula, answers, probes):
            return CheckResult(name, False, holds, alternative.diagnosis)
    diagnosis = _where_finite(alternatives, answers, expected, probes)
    diagnosis = diagnosis or _example(facts, answers, expected, probes, names)
    return CheckResult(name, False, holds, diagnosis)


def _names(reference: Callable) -> list[str]:
    parameters = inspect.signature(reference).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def _call(
    function: Callable, probe: Probe, names: Sequence[str], expected: Answer
) -> tuple[Answer | None, str]:
    """The function's answer to one probe, or what stands in the way of one."""
    arguments = copied(probe.arguments)
    try:
        answer = function(*arguments)
    except (Exception, SystemExit) as error:
        return None, (
            f"your function raised {type(error).__name__} on {probe.what}: {error}\n"
            f"{_hint(error)}{_table(_inputs(names, probe))}"
        )
    changed = [*map(is_changed, arguments, probe.arguments)]
    if True in changed:
        return None, (
            f"your function changed its input, on {probe.what}: "
            f"{_OWN[type(arguments[changed.index(True)])]}"
        )
    if answer is None or answer is Ellipsis:
        return None, "your function returns nothing yet: end it with `return ...` and your result"
    try:
        return read(answer, expected), ""
    except Exception:
        what, wanted = described(answer, expected)
        return None, f"your function returned {what} on {probe.what}; expected {wanted}"


def _hint(error: BaseException) -> str:
    """The reader's line that raised, and what such an error usually means."""
    here = str(Path(__file__).parent)  # a checker's own frames say nothing about the reader's
    frames = [f for f in traceback.extract_tb(error.__traceback__) if here not in f.filename]
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    line = own[-1].line if own else ""
    hint = next((hint for sign, hint in _HINTS.items() if sign in str(error)), "")
    if hint == _LINE_UP and re.search(r"[a-zA-Z_)\]]\s*\*\s*[a-zA-Z_(\[]", line):
        hint += "or does `*` stand where `@` belongs?\n"
    return (f"in the line: {line}\n" if line else "") + hint


def _gives(formula: Callable, answers: Sequence[Answer], probes: Sequence[Probe]) -> bool:
    try:
        return all(
            same(answer, formula(*copied(probe.arguments)))
            for answer, probe in zip(answers, probes, strict=True)
        )
    except Exception:  # a formula whose shapes fit some inputs only: there it gives no answer
        return False


def _breaks_there_too(
    formula: Callable, answers: Sequence[Answer], probes: Sequence[Probe]
) -> bool:
    """Whether a formula gives the reader's answers so far and raises where the reader's does."""
    if not answers or not _gives(formula, answers, probes[: len(answers)]):
        return False
    try:
        formula(*copied(probes[len(answers)].arguments))
    except Exception:
        return True
    return False


def _where_finite(
    alternatives: Sequence[Alternative],
    answers: Sequence[Answer],
    expected: Sequence[Answer],
    probes: Sequence[Probe],
) -> str:
    """Judge by the finite answers alone: an overflow must not hide a second mistake."""
    finite = [isinstance(answer, list) or bool(answer.isfinite().all()) for answer in answers]
    if all(finite):
        return ""
    overflow = (
        f"on {probes[finite.index(False)].what} some of your numbers are inf or nan: does exp "
        "overflow, or is 0 divided by 0?"
    )
    answers, expected, probes = (
        list(compress(items, finite)) for items in (answers, expected, probes)
    )
    if len(answers) < 2:
        return ""  # too little to judge by
    if all(map(same, answers, expected)):
        return f"right wherever your numbers are finite, but {overflow}"
    for alternative in alternatives:
        if _gives(alternative.formula, answers, probes):
            return f"{alternative.diagnosis}\nand a second thing: {overflow}"
    return ""


def _holding(
    facts: Sequence[Fact],
    answers: Sequence[Answer],
    expected: Sequence[Answer],
    probes: Sequence[Probe],
) -> tuple[str, ...]:
    """The facts that hold on every answer; none unless all shapes are right."""
    tried = list(zip(answers, expected, probes, strict=True))
    if any(_shape(answer) != _shape(right) for answer, right, _ in tried):
        return ()
    return tuple(
        fact.what
        for fact in facts
        if all(fact.holds(answer, *probe.arguments) for answer, _, probe in tried)
    )


def _shape(answer: Answer) -> tuple[int, ...]:
    return () if isinstance(answer, list) else tuple(answer.shape)


def _example(
    facts: Sequence[Fact],
    answers: Sequence[Answer],
    expected: Sequence[Answer],
    probes: Sequence[Probe],
    names: Sequence[str],
) -> str:
    """The smallest failure, for a mistake that no alternative explains."""
    tried = zip(answers, expected, probes, strict=True)
    answer, right, probe = next(t for t in tried if not same(t[0], t[1]))
    inputs = _inputs(names, probe)
    if _shape(answer) != _shape(right):
        return (
            f"your answer has shape {_shape(answer)} on {probe.what}; expected "
            f"{_shape(right)}\n{_table(inputs)}"
        )
    lines = [f"your answer is wrong on {probe.what}"]
    broken = [fact.what for fact in facts if not fact.holds(answer, *probe.arguments)]
    if broken:
        lines[0] += f"; it should be true that {broken[0]}, and it is not"
    digits = 4
    right = right if isinstance(right, list) else right.to(answer)
    if shown(answer, digits) == shown(right, digits):  # all alike, or too many to show
        digits = 8
        difference = (answer - right).abs().nan_to_num(torch.inf)
        place = torch.unravel_index(difference.argmax(), difference.shape)
        lines.append(
            f"the largest difference is {difference.max():.1g}, in place "
            f"{[int(i) for i in place]}; up to {TOLERANCE} counts as equal"
        )
    results = [("you gave", shown(answer, digits)), ("expected", shown(right, digits))]
    return "\n".join([*lines, _table([*inputs, *results])])


def _inputs(names: Sequence[str], probe: Probe) -> list[tuple[str, str]]:
    """Each argument of a probe beside its name."""
    if len(names) < len(probe.arguments):
        names = ["input"] * len(probe.arguments)
    return list(zip(names, map(shown, probe.arguments), strict=False))


def _table(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(label) for label, _ in rows) + 3
    return "\n".join(f"{label + ':':{width}}{text}" for label, text in rows)
