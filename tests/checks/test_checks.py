"""Every checker tells its named mistakes apart and accepts every right variant."""

import re
import sys

import pytest
import torch

from attention_lib.checks import CHECKERS, CheckResult
from tests.checks._lists import MISTAKES, RIGHT, words


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_checker_has_at_least_eight_mistakes_and_several_right_variants(checker):
    assert len(MISTAKES.get(checker, ())) >= 8, f"{checker}: list its mistakes beside this test"
    assert len(RIGHT.get(checker, ())) >= 3, f"{checker}: list right variants beside this test"


def test_a_whole_attention_function_can_go_wrong_in_at_least_fifteen_ways():
    check = CHECKERS["attention"]
    given = {words(check(function)) for function, _ in MISTAKES["attention"].values()}
    assert len(given) >= 60  # diagnoses that differ in their words


def test_a_whole_attention_function_is_told_how_far_it_is_right():
    check, mistakes = CHECKERS["attention"], MISTAKES["attention"]
    assert check(mistakes["no scale"][0]).holds[0] == "every number is finite"
    without = "without a mask the answer is right on every input tried"
    assert check(mistakes["turned round"][0]).holds[0] == without
    beside = check(mistakes["weights without the mask"][0])
    assert beside.holds[0] == "the output is right on every input tried"
    assert "hidden keys get exactly 0" not in beside.holds
    assert "hidden keys get exactly 0" in check(RIGHT["attention"]["output and weights"]).holds


@pytest.mark.parametrize(
    ("checker", "mistake"), [(c, m) for c in CHECKERS for m in MISTAKES.get(c, ())]
)
def test_each_mistake_gets_its_own_diagnosis(checker, mistake):
    function, diagnosis = MISTAKES[checker][mistake]
    result = CHECKERS[checker](function)
    assert not result.passed
    assert re.search(diagnosis, words(result), re.DOTALL), result.diagnosis


@pytest.mark.parametrize("checker", CHECKERS)
def test_no_diagnosis_is_given_for_two_unlike_mistakes(checker):
    """A pattern that also fits another mistake's diagnosis would prove nothing."""
    given = {m: words(CHECKERS[checker](f)) for m, (f, _) in MISTAKES[checker].items()}
    for mistake, (_, pattern) in MISTAKES[checker].items():
        fits = {given[m] for m in given if re.search(pattern, given[m], re.DOTALL)}
        assert fits == {given[mistake]}, f"{mistake}: {pattern!r} fits {len(fits)} diagnoses"


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_diagnosis_shows_an_example(checker):
    """Inputs, what came out and what was expected; there is no answer where a function raises."""
    no_answer = re.compile("return(s|ed) (nothing|a|3)|are none here")
    for mistake, (function, _) in MISTAKES[checker].items():
        told = CHECKERS[checker](function).diagnosis
        assert re.search(r"\n[\w, ]+: {2}", told), mistake
        if not re.search("your function (raised|changed)|your answer has shape", told):
            assert "\nexpected: " in told, mistake
            assert "\nyou gave: " in told or no_answer.search(told), mistake


@pytest.mark.parametrize("checker", CHECKERS)
def test_an_example_is_short(checker):
    for mistake, (function, _) in MISTAKES[checker].items():
        told = CHECKERS[checker](function).diagnosis
        assert len(told) < 2500 and told.count("\n") < 20, mistake


@pytest.mark.parametrize(("checker", "variant"), [(c, v) for c in CHECKERS for v in RIGHT[c]])
def test_each_right_variant_is_accepted(checker, variant):
    result = CHECKERS[checker](RIGHT[checker][variant])
    assert result.passed, result.diagnosis
    assert result.diagnosis == ""


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_wants_the_function_itself(checker):
    with pytest.raises(TypeError, match="expected your function itself"):
        CHECKERS[checker](3.0)


def test_an_answer_is_judged_as_it_was_given():
    """A function may reuse its memory, or give a sparse tensor or an array with odd strides."""
    buffer = torch.zeros(9, dtype=torch.float64)

    def reuses_memory(scores):
        answer = buffer[: scores.numel()].view_as(scores)
        return answer.copy_(torch.softmax(scores, -1))

    check = CHECKERS["softmax"]
    assert check(reuses_memory)
    assert check(lambda s: torch.softmax(s, -1).to_sparse())
    assert check(lambda s: torch.softmax(s.flip(0), -1).numpy()[::-1])
    assert not check(lambda s: torch.softmax(s, -1) + 100j)
    assert "SystemExit" in check(lambda s: sys.exit()).diagnosis
    assert "returned a dict" in check(lambda s: {"weights": s}).diagnosis


def test_a_formula_that_raises_is_another_formula():
    """Some mistakes run only on some shapes; a reader's function that runs on all is not one."""

    def attends_transposed_if_it_can(x, memory, map_q, map_k, map_v):
        query, key = x @ map_q, memory @ map_k
        fits = query.shape == key.shape and len(key) == key.size(1)
        return torch.softmax(query @ (key if fits else 2 * key.T), -1) @ (memory @ map_v)

    assert "you gave" in CHECKERS["query_key_value"](attends_transposed_if_it_can).diagnosis


def _divide(positive):
    return positive / positive.sum(-1, keepdim=True)


@pytest.mark.parametrize(
    ("checker", "function", "first"),
    [
        ("scaled_attention", lambda q, k, v: _divide((q @ k.T).exp()) @ v, "the scale is missing"),
        (
            "scaled_attention",
            lambda q, k, v: _divide((q @ k.T / k.shape[1]).exp()) @ v,
            "you divide by d_k",
        ),
        (
            "scaled_attention",
            lambda q, k, v: (lambda e: e / e.sum() @ v)((q @ k.T / k.shape[1] ** 0.5).exp()),
            "all your weights together",
        ),
        (
            "softmax_jacobian",
            lambda s: (lambda w: torch.diag(w) - w * w)(_divide(s.exp())),
            "beside the diagonal you have w_j squared",
        ),
        (
            "additive_weights",
            lambda q, k, m, n, v: _divide((((q @ m.T)[:, None] + k @ n.T).relu() @ v).exp()),
            "you squash with relu",
        ),
    ],
)
def test_an_overflow_does_not_hide_a_second_mistake(checker, function, first):
    """Where exp overflows every number is nan, and no other formula gives the same."""
    diagnosis = CHECKERS[checker](function).diagnosis
    assert diagnosis.startswith(first)
    assert re.search("and a second thing: on .* some of your numbers are inf or nan", diagnosis)


def test_an_answer_that_is_right_wherever_it_is_finite_is_told_so():
    def gives_up(scores):
        return torch.softmax(scores, -1) if scores.abs().max() < 100 else scores / 0

    diagnosis = CHECKERS["softmax"](gives_up).diagnosis
    assert diagnosis.startswith("right wherever your numbers are finite, but on scores in the th")
    nowhere = CHECKERS["softmax"](lambda scores: scores / 0).diagnosis
    assert "should be true that every number is finite" in nowhere


def test_inputs_are_shown_under_the_names_that_the_exercise_gives_them():
    shown = CHECKERS["scaled_attention"](lambda q, k, v: 0.5 * q @ k.T @ v).diagnosis
    for label in ("query:     ", "key:       ", "value:     ", "you gave:  ", "expected:  "):
        assert f"\n{label}[[" in shown
    raised = CHECKERS["multi_head"](torch.stack).diagnosis
    assert "\nx:          [[[1.0, 0.0], [0.5, 2.0]]]\nW_q:        [[" in raised
    assert raised.endswith("\nnum_heads:  2")
    unnamed = [name for name, check in CHECKERS.items() if "input:" in check(sys.exit).diagnosis]
    assert not unnamed


def test_a_star_between_shapes_that_do_not_line_up_is_asked_about():
    def star(query, key, value):
        weights = torch.softmax(0.3 * query @ key.T, dim=-1)
        return weights * value

    def no_star(query, key, value):
        return torch.softmax(0.3 * query @ key.T, dim=-1) - value

    check = CHECKERS["scaled_attention"]
    told = check(star).diagnosis
    assert "\nin the line: return weights * value\n" in told
    assert "\nor does `*` stand where `@` belongs?\n" in told
    assert "two shapes do not line up" in check(no_star).diagnosis
    assert "`@`" not in check(no_star).diagnosis
    assert "in the line" not in check(torch.stack).diagnosis  # there is no line of the reader's


def test_a_near_miss_says_by_how_much_it_misses():
    """Rounded for showing, the two would be the same numbers."""

    def difference_quotient(scores):
        steps = 1e-4 * torch.eye(len(scores), dtype=scores.dtype)
        w = torch.softmax(scores, 0)
        return torch.stack([(torch.softmax(scores + e, 0) - w) / 1e-4 for e in steps], 1)

    told = CHECKERS["softmax_jacobian"](difference_quotient).diagnosis
    assert "the largest difference is 5e-06, in place [1, 1]; up to 1e-06 counts as equal" in told
    assert "you gave:  [[0.19661648, -0.19660739], [-0.19661648, 0.19660739]]" in told
    assert "expected:  [[0.19661193, -0.19661193], [-0.19661193, 0.19661193]]" in told


def test_one_wrong_number_in_a_large_answer_is_found():
    right = RIGHT["multi_head"]["reshape"]

    def wrong_in_one_place(*given):
        answer = right(*given)
        if answer.size(2) == 8:
            answer[1, 1, 3] += 0.5
        return answer

    told = CHECKERS["multi_head"](wrong_in_one_place).diagnosis
    assert "the largest difference is 0.5, in place [1, 1, 3]" in told


def test_a_result_reads_as_a_report():
    failed = CheckResult("softmax", False, ("every row sums to 1",), "exp <overflows>\nsecond line")
    assert repr(failed).splitlines() == [
        "softmax: not yet",
        "  + every row sums to 1",
        "  - exp <overflows>",
        "    second line",
    ]
    assert "exp &lt;overflows&gt;" in failed._repr_html_()
    assert repr(CheckResult("softmax", True)) == "softmax: passed"


@pytest.mark.parametrize(("passed", "diagnosis"), [(True, "wrong"), (False, ""), (None, "")])
def test_a_diagnosis_is_given_exactly_when_a_check_fails(passed, diagnosis):
    with pytest.raises(ValueError, match="expected a diagnosis exactly when"):
        CheckResult("softmax", passed, (), diagnosis)


def test_the_line_that_is_shown_is_the_readers():
    """Some checkers wrap the function; their own lines would say nothing."""
    diagnosis = CHECKERS["decoder_mask"](lambda real: real @ real.nothing).diagnosis
    assert "real.nothing" in diagnosis
    assert "answer = function" not in diagnosis
