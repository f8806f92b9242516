"""Find out what a function computes instead of what it should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress

import torch

from attention_lib.checks.answers import Answer, copied, same
from attention_lib.checks.calls import Answered, ask, own_randomness
from attention_lib.checks.examples import compared, on, other_shape, parameter_names, shape_of
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["diagnose"]


def diagnose(
    name: str,
    function: Callable,
    *,
    reference: Callable,
    probes: Sequence[Probe],
    alternatives: Sequence[Alternative] = (),
    facts: Sequence[Fact] = (),
    form: Callable[[object], str] = lambda answer: "",
) -> CheckResult:
    """Compare a reader's function with a reference, and name the mistake where they differ.

    The answers are judged whole: an alternative is named only if it gives the reader's answer on
    every probe, or up to the one on which both break (shapes that no longer fit), or wherever the
    reader's answer is finite. A mistake that nobody foresaw still gets the facts that hold and the
    first fact that does not. Every diagnosis ends with the smallest input on which the answer is
    wrong. What the function draws at random is the same in every check, and the caller's random
    states are left as they were.

    Args:
        name: what is checked.
        function: the reader's function. It may return a tensor, an array or nested lists, and
            raise a :class:`attention_lib.checks.calls.Refusal`.
        reference: the right function, which returns a tensor; or a list of strings, and then the
            reader's function must, too. Its parameters are called as the reader knows them: under
            these names the inputs are shown.
        probes: inputs, smallest first.
        alternatives: formulas to recognise, likeliest first.
        facts: properties of a right answer, in the order in which to report them.
        form: what is wrong with an answer whose numbers are right (its dtype, say); empty if
            nothing is.

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
    with own_randomness():
        asked = _Asked(function, reference, probes, form)
        if asked.complaint:
            known = (a.diagnosis for a in alternatives if asked.breaks_as(a.formula))
            return CheckResult(name, False, (), asked.where_there_is_none(next(known, "")))
        holds = asked.holding(facts)
        if all(map(same, asked.answers, asked.expected)):
            if any(answered.wrong_form for answered in asked.answered):
                return CheckResult(name, False, holds, asked.in_wrong_form())
            return CheckResult(name, True, (*holds, "the answer is right on every input tried"))
        named = next((a.diagnosis for a in alternatives if asked.gives(a.formula)), "")
        named = named or asked.where_finite(alternatives) or asked.if_fickle() or asked.if_coarse()
        example = asked.example() if named else asked.unexplained(facts)
        return CheckResult(name, False, holds, "\n".join(filter(None, (named, example))))


class _Asked:
    """A function, the inputs that it was given, and its answers up to the first that is none.

    Attributes:
        answered: what came back from each probe.
        answers: the answers themselves.
        expected: the right ones.
        complaint: why there is no answer to the next probe; empty if there are all.
    """

    def __init__(
        self, function: Callable, reference: Callable, probes: Sequence[Probe], form: Callable
    ) -> None:
        self.function, self.probes, self.form = function, probes, form
        self.names = parameter_names(reference, probes)
        self.expected = [reference(*copied(probe.arguments)) for probe in probes]
        self.answered: list[Answered] = []
        self.complaint = ""
        for probe, right in zip(probes, self.expected, strict=True):
            answered = self.ask(probe, right)
            if answered.answer is None:
                self.complaint = answered.complaint
                return
            self.answered.append(answered)

    @property
    def answers(self) -> list[Answer]:
        return [answered.answer for answered in self.answered]

    def ask(self, probe: Probe, right: Answer) -> Answered:
        return ask(self.function, probe, right, self.names, self.form)

    def gives(self, formula: Callable, only: Sequence[bool] | None = None) -> bool:
        """Whether a formula gives the answers, or some of them."""
        tried = zip(self.answers, self.probes, strict=False)
        try:
            return all(
                same(answer, formula(*copied(probe.arguments)))
                for answer, probe in (tried if only is None else compress(tried, only))
            )
        except Exception:  # a formula whose shapes fit some inputs only: there it gives no answer
            return False

    def breaks_as(self, formula: Callable) -> bool:
        """Whether a formula gives the answers so far and raises where there is none."""
        if not self.answers or not self.gives(formula):
            return False
        try:
            formula(*copied(self.probes[len(self.answers)].arguments))
        except Exception:
            return True
        return False

    def where_there_is_none(self, named: str) -> str:
        """Why there is no answer to a probe, below the words that explain it."""
        if not named:
            return self.complaint
        probe = self.probes[len(self.answers)]
        where = f" on {probe.what}"
        return f"{named}\n{on(probe)}{self.complaint.replace(where, '', 1)}"

    def where_finite(self, alternatives: Sequence[Alternative]) -> str:
        """Judge by the finite answers alone: an overflow must not hide a second mistake."""
        finite = [isinstance(a, list) or bool(a.isfinite().all()) for a in self.answers]
        if all(finite) or sum(finite) < 2:  # too little to judge by
            return ""
        overflow = (
            f"on {self.probes[finite.index(False)].what} some of your numbers are inf or nan: does "
            "exp overflow, or is 0 divided by 0?"
        )
        if all(compress(map(same, self.answers, self.expected), finite)):
            return f"right wherever your numbers are finite, but {overflow}"
        for alternative in alternatives:
            if self.gives(alternative.formula, finite):
                return f"{alternative.diagnosis}\nand a second thing: {overflow}"
        return ""

    def if_fickle(self) -> str:
        """Say so if the function answers the same question in two ways."""
        at = self.failure()
        for _ in range(8):  # what is drawn can be the same a few times
            again = self.ask(self.probes[at], self.expected[at]).answer
            if again is None or not same(again, self.answers[at]):
                break
        else:
            return ""
        return (
            "your function gives two answers to the same input: is something random in it, such "
            "as dropout that is still on, or does it remember the last call?"
        )

    def if_coarse(self) -> str:
        """Say so if the answer is right up to the digits that its dtype keeps."""
        dtype = self.answered[self.failure()].dtype
        is_coarse = str(dtype).rpartition(".")[2] in ("float16", "bfloat16", "float32")
        if not is_coarse or not all(map(_alike, self.answers, self.expected)):
            return ""
        return (
            f"right to a few digits: your answer has dtype {dtype}, which keeps no more; compute "
            "in the dtype of what you are given"
        )

    def holding(self, facts: Sequence[Fact]) -> tuple[str, ...]:
        """The facts that hold on every answer; none unless all shapes are right."""
        tried = list(zip(self.answers, self.expected, self.probes, strict=True))
        if any(shape_of(answer) != shape_of(right) for answer, right, _ in tried):
            return ()
        return tuple(
            fact.what
            for fact in facts
            if all(fact.holds(answer, *probe.arguments) for answer, _, probe in tried)
        )

    def failure(self) -> int:
        """Which is the smallest input on which the answer is wrong."""
        return next(i for i, a in enumerate(self.answers) if not same(a, self.expected[i]))

    def example(self) -> str:
        """The smallest failure, below the words that explain it."""
        at = self.failure()
        return on(self.probes[at]) + self.compared(at)

    def in_wrong_form(self) -> str:
        """The first answer whose numbers are right, and what is wrong with it."""
        wrong = [answered.wrong_form for answered in self.answered]
        at = wrong.index(next(filter(None, wrong)))
        return f"{wrong[at]}\n{on(self.probes[at])}{self.compared(at)}"

    def unexplained(self, facts: Sequence[Fact]) -> str:
        """The smallest failure, for a mistake that no alternative explains."""
        at = self.failure()
        answer, right, probe = self.answers[at], self.expected[at], self.probes[at]
        if shape_of(answer) != shape_of(right):
            return other_shape(shape_of(answer), right, probe, self.names)
        words = f"your answer is wrong on {probe.what}"
        broken = [fact.what for fact in facts if not fact.holds(answer, *probe.arguments)]
        if broken:
            words += f"; it should be true that {broken[0]}, and it is not"
        return f"{words}\n{self.compared(at)}"

    def compared(self, at: int) -> str:
        return compared(self.names, self.probes[at], self.answers[at], self.expected[at])


def _alike(answer: Answer, right: Answer) -> bool:
    return shape_of(answer) == shape_of(right) and torch.allclose(
        answer, right.to(answer), rtol=0.05, atol=0.05
    )
