"""Checker of a whole attention function: with and without a mask, a batch, heads, weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from attention_lib.checks import masking, scaling
from attention_lib.checks.attention_mistakes import (
    MISTAKES_IN_WEIGHTS,
    MISTAKES_WITH_MASK,
    MISTAKES_WITHOUT_MASK,
    WEIGHTS_FIRST,
    output_of,
    weights_of,
)
from attention_lib.checks.calls import Refusal
from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["check_attention"]

_NAME = "attention"


def _stacked(what: str, length_q: int, length_k: int, d_k: int, d_value: int, *leading: int):
    shapes = [(length_q, d_k), (length_k, d_k), (length_k, d_value)]
    return Probe(what, tuple(drawn(*leading, *s, seed=70 + i) for i, s in enumerate(shapes)))


# All sizes alike come before sizes that tell dimensions apart: a mistake that fits the first alone
# can be recognised there.
_WITHOUT_MASK = [
    *scaling.PROBES,
    _stacked("two sequences, two heads, two queries and keys, 2 wide", 2, 2, 2, 2, 2, 2),
    _stacked("two sequences, three heads, four queries and five keys", 4, 5, 6, 7, 2, 3),
    _stacked("one sequence, one head, one query", 1, 3, 2, 2, 1, 1),
]


def _with_these_scores(probe: Probe) -> Probe:
    """Queries and keys that have the scores of a probe of the masked softmax."""
    scores, mask = probe.arguments
    leading, length_k = scores.shape[:-2], scores.size(-1)
    key = torch.eye(length_k, dtype=scores.dtype).expand(*leading, -1, -1)
    value = drawn(*leading, length_k, 2, seed=80)
    return Probe(f"{probe.what} (mask)", (length_k**0.5 * scores, key, value, mask))


_WITH_MASK = [
    *map(_with_these_scores, masking.PROBES),
    Probe(
        "two sequences, three heads, a mask for each sequence",
        (*_WITHOUT_MASK[-2].arguments, drawn(2, 1, 4, 5, seed=81) > -0.2),
    ),
]


def _allowed(weights: Tensor, mask: Tensor | None) -> Tensor:
    return weights.new_ones(weights.shape, dtype=torch.bool) & (True if mask is None else mask)


def _mixes_visible_values(answer: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> bool:
    allowed = _allowed(weights_of(q, k, v), mask)[..., None]  # (..., T_q, T_k, 1)
    value = v[..., None, :, :]
    low = value.masked_fill(~allowed, torch.inf).amin(-2)
    high = value.masked_fill(~allowed, -torch.inf).amax(-2)
    inside = (answer >= low - 1e-6) & (answer <= high + 1e-6)
    return bool((inside | ~allowed.any(-2)).all())


def _is_zero_where_nothing_is_seen(
    answer: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor
) -> bool:
    seen = _allowed(weights_of(q, k, v), mask).any(-1)
    return bool((answer[~seen] == 0).all())


_FACTS_WITH_MASK = [
    FINITE,
    Fact(
        "every output lies between the smallest and the largest of the values that its query may "
        "attend to, as a mixture of them must",
        _mixes_visible_values,
    ),
    Fact("a query that may attend to nothing gets zeros", _is_zero_where_nothing_is_seen),
]

_FACTS_OF_WEIGHTS = [
    Fact(
        fact.what,
        lambda answer, q, k, v, mask=None, holds=fact.holds: holds(
            answer, answer, _allowed(answer, mask)
        ),
    )
    for fact in masking.FACTS
    if fact is not FINITE
]


def _called(function: Callable, arguments: tuple[Tensor, ...]) -> object:
    """Call a function as its readers do; of several things it returns there are two."""
    answer = function(*arguments[:3], **dict(zip(["mask"], arguments[3:], strict=False)))
    if isinstance(answer, tuple) and len(answer) != 2:
        raise Refusal(
            f"your function returned {len(answer)} things; expected the output alone, or the two "
            "of `return output, weights`"
        )
    if isinstance(answer, list) and len(answer) == 2:
        dims = [x.dim() for x in answer if isinstance(x, Tensor)]
        if dims == 2 * [arguments[0].dim()]:  # two rows would have a dimension less
            raise Refusal(
                "your function returned a list of two tensors; expected the output alone, or the "
                "two of `return output, weights`"
            )
    return answer


def check_attention(
    function: Callable[..., Tensor | tuple[Tensor, Tensor]],
) -> CheckResult:
    """Check ``function(query, key, value, mask=None)``: scaled dot-product attention.

    Vaswani et al. (2017), "Attention Is All You Need", equation 1, and masks as in
    :func:`~attention_lib.attention.dot_product_attention`. First without a mask, then with one,
    then the weights if they are returned: the first of these that is wrong is diagnosed.

    Args:
        function: takes ``query`` ``(..., T_q, d_k)``, ``key`` ``(..., T_k, d_k)`` and ``value``
            ``(..., T_k, d_v)``, all float64, where nothing or ``(batch, heads)`` stands in front;
            and perhaps ``mask``, boolean, which broadcasts to ``(..., T_q, T_k)``, True = may
            attend. Returns the output ``(..., T_q, d_v)``, or ``(output, weights)`` with weights
            ``(..., T_q, T_k)``. A query that may attend to nothing gets zeros in both.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    pairs: list[bool] = []  # of every call, whether two things were returned

    def output(*arguments: Tensor) -> object:
        answer = _called(function, arguments)
        pairs.append(isinstance(answer, tuple))
        return answer[0] if pairs[-1] else answer

    def weights(*arguments: Tensor) -> object:
        answer = _called(function, arguments)
        if not isinstance(answer, tuple) or answer[1] is None:
            raise Refusal(
                "there are none here, and on other inputs there are: return the output alone "
                "everywhere, or (output, weights) everywhere"
            )
        return answer[1]

    judged = output if callable(function) else function
    parts = {"reference": output_of, "probes": _WITHOUT_MASK, "facts": scaling.FACTS}
    plain = diagnose(_NAME, judged, alternatives=MISTAKES_WITHOUT_MASK, **parts)
    if not plain.passed:
        if any(pairs):
            known = [WEIGHTS_FIRST, *MISTAKES_WITHOUT_MASK]
            return diagnose(_NAME, judged, alternatives=known, **parts)
        return plain
    masked = diagnose(
        _NAME,
        judged,
        reference=output_of,
        probes=_WITH_MASK,
        alternatives=MISTAKES_WITH_MASK,
        facts=_FACTS_WITH_MASK,
    )
    if not masked.passed:
        so_far = "without a mask the answer is right on every input tried"
        return replace(masked, holds=(so_far, *masked.holds))
    if not any(pairs):
        return masked
    beside = diagnose(
        _NAME,
        weights,
        reference=weights_of,
        probes=[*_WITHOUT_MASK, *_WITH_MASK],
        alternatives=MISTAKES_IN_WEIGHTS,
        facts=_FACTS_OF_WEIGHTS,
    )
    if beside.passed:
        return replace(beside, holds=(*masked.holds[:-1], *beside.holds))
    return replace(
        beside,
        holds=("the output is right on every input tried", *beside.holds),
        diagnosis=f"your output is right, but not the weights beside it: {beside.diagnosis}",
    )
