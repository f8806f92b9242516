"""No function fools a checker, breaks it, or finds the caller's state changed by it."""

import functools
import random

import numpy as np
import pytest
import torch

from attention_lib.checks import CHECKERS, check_attention, check_softmax
from attention_lib.checks.answers import read
from tests.checks._lists import MISTAKES, RIGHT


def _states():
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()


def _raises(*given, **options):
    raise RuntimeError("no " * 10_000)


def _endless(*given, **options):
    return _endless(*given, **options)


def _generator(*given, **options):
    yield given[0]


class _Unprintable:
    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __repr__

    def __array__(self, *given, **options):
        raise RuntimeError("no numbers")


class _EqualToAll(torch.Tensor):
    """Wherever it is asked, it says yes."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function in (torch.allclose, torch.equal):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})


class _Word(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


NO_ANSWERS = {
    "raises": _raises,
    "calls itself": _endless,
    "a generator": _generator,
    "nothing": lambda *given, **options: None,
    "a word": lambda *given, **options: "right",
    "numbers of its own": lambda *given, **options: 0.125,
    "a list of lists": lambda *given, **options: [[1.0, 2.0], [3.0]],
    "an empty list": lambda *given, **options: [],
    "an empty tuple": lambda *given, **options: (),
    "a dictionary": lambda *given, **options: {"output": given[0]},
    "an object": lambda *given, **options: object(),
    "an object without text": lambda *given, **options: _Unprintable(),
    "a type": lambda *given, **options: torch.Tensor,
    "itself": lambda *given, **options: check_softmax,
    "complex numbers": lambda *given, **options: torch.zeros(2, 2, dtype=torch.complex64),
    "a tensor without numbers": lambda *given, **options: torch.empty(2, 2, device="meta"),
    "NumPy objects": lambda *given, **options: np.array([object()] * 4),
    "what it is given": lambda *given, **options: given,
    "too few arguments": lambda: torch.zeros(2),
    "equal to all": lambda *given, **options: torch.zeros(2, 2).as_subclass(_EqualToAll),
    "a word equal to all": lambda *given, **options: [_Word("odd")] * 3,
}


@pytest.mark.parametrize("attack", NO_ANSWERS)
@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_no_answer_gets_a_short_diagnosis(checker, attack):
    result = CHECKERS[checker](NO_ANSWERS[attack])
    assert not result.passed
    assert 20 < len(result.diagnosis) < 3000
    assert " at 0x" not in result.diagnosis  # the same text in every run


@pytest.mark.parametrize("given", [None, 3.0, "softmax", [1.0], torch.zeros(2, 2), {}])
@pytest.mark.parametrize("checker", CHECKERS)
def test_what_cannot_be_called_is_a_type_error_that_names_the_fix(checker, given):
    with pytest.raises(TypeError, match=r"write check\(my_function\), without calling it"):
        CHECKERS[checker](given)


def test_a_huge_answer_is_told_by_its_shape_and_never_copied():
    told = check_softmax(lambda scores: torch.zeros(1).expand(10**7, 10**6)).diagnosis
    assert told.startswith("your answer has shape (10000000, 1000000) on one row of two scores")
    array = np.broadcast_to(np.zeros(1), (10**7, 10**6))
    assert check_softmax(lambda scores: array).diagnosis == told


def test_whatever_can_be_called_is_called():
    class Attention(torch.nn.Module):
        def forward(self, query, key, value, mask=None):
            return RIGHT["attention"]["output"](query, key, value, mask)

    assert check_attention(Attention())
    assert check_attention(Attention().forward)
    assert check_attention(functools.partial(Attention()))


def test_equality_is_not_left_to_the_answer():
    copy = read(torch.zeros(2).as_subclass(_EqualToAll), torch.zeros(2))
    assert type(copy) is torch.Tensor
    assert [type(word) for word in read([_Word("a")], ["a"])] == [str]


def _after(change):
    """The right function, after which something else is no more as it was."""
    return lambda scores: (torch.softmax(scores, -1), change())[0]


SETTINGS = {
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype, torch.float16),
    "records gradients": (torch.is_grad_enabled, torch.set_grad_enabled, False),
    "deterministic algorithms": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
        True,
    ),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_function_that_changes_a_setting_of_torch_is_told_so_and_the_setting_left(setting):
    look, change, other = SETTINGS[setting]
    before = look()
    try:
        told = check_softmax(_after(lambda: change(other))).diagnosis
        assert look() == other  # it is the function's doing, and not the checker's to undo
    finally:
        change(before)
    assert told.startswith("your function changed ") and setting in told


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_works_under_other_settings_and_leaves_them(checker, setting):
    look, change, other = SETTINGS[setting]
    other = torch.float64 if other is torch.float16 else other
    before = look()
    wrong = next(iter(MISTAKES[checker].values()))[0]
    usual = CHECKERS[checker](wrong)
    change(other)
    try:
        accepted = CHECKERS[checker](next(iter(RIGHT[checker].values())))
        rejected = CHECKERS[checker](wrong)
        assert look() == other
    finally:
        change(before)
    assert accepted.passed, accepted.diagnosis
    assert rejected == usual


def test_a_step_can_be_checked_where_nothing_records_gradients():
    with torch.inference_mode():
        assert CHECKERS["training_step"](RIGHT["training_step"]["plain"])


def _draws(function):
    def draws(*given, **options):
        torch.rand(1), random.random(), np.random.rand()
        return function(*given, **options)

    return draws


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_leaves_the_random_states_alone(checker):
    _draws(_states)()  # or they might be those that a check begins with
    before = _states()
    assert CHECKERS[checker](_draws(next(iter(RIGHT[checker].values())))).passed
    assert not CHECKERS[checker](_raises).passed
    assert _states() == before


def test_a_seed_set_by_a_function_is_not_seen_outside():
    before = _states()
    assert check_softmax(_after(lambda: torch.manual_seed(7)))
    assert _states() == before


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_same_function_gets_the_same_result_again(checker):
    tried = [*[f for f, _ in MISTAKES[checker].values()][::5], *RIGHT[checker].values()]
    for function in [*tried, _draws(tried[0])]:
        first, torch_has_drawn = CHECKERS[checker](function), torch.rand(3)
        assert len(torch_has_drawn) == 3
        assert CHECKERS[checker](function) == first


def test_chance_is_the_same_in_every_check():
    def dropped(query, key, value, mask=None):
        output = RIGHT["attention"]["output"](query, key, value, mask)
        return torch.nn.functional.dropout(output, 0.2)

    results = {repr(check_attention(dropped)) for _ in range(3)}
    assert len(results) == 1 and "gives two answers" in results.pop()


def test_a_function_that_remembers_is_told_so():
    calls = []

    def remembers(scores):
        calls.append(1)
        return torch.softmax(scores, -1) + 0.001 * len(calls)

    assert "remember the last call" in check_softmax(remembers).diagnosis
