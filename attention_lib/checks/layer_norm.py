"""Checker of chapter 8: layer norm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["check_layer_norm"]


def _numbers(rows: Sequence) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _probe(what: str, x: Tensor, eps: float) -> Probe:
    gain, bias = (
        torch.linspace(low, high, x.size(-1), dtype=torch.float64)
        for low, high in ((0.5, 2.0), (-1.0, 1.5))
    )
    return Probe(what, (x, gain, bias, eps))


_FAR = 2.0**27  # of the square of this + 1, float64 loses the 1
_PROBES = [
    # All sizes are alike, so that a mixed-up dimension computes something, and can be recognised.
    _probe(
        "two sentences of two words, all 2 wide",
        _numbers([[[1.0, 3.0], [2.0, -2.0]], [[0.0, 4.0], [5.0, 4.0]]]),
        0.5,
    ),
    _probe("two sentences of three words, 4 wide", drawn(2, 3, 4, seed=1), 0.1),
    _probe("three sentences of two words, 5 wide", drawn(3, 2, 5, seed=2), 1e-5),
    _probe("small numbers", 0.01 * drawn(2, 4, 3, seed=3), 1e-3),
    _probe(
        "a word whose numbers are all alike",
        _numbers([[[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]], [[0.0, 1.0, 0.5], [3.0, -1.0, 0.0]]]),
        1e-5,
    ),
    _probe(
        "large numbers that hardly differ",
        _FAR + _numbers([[[1.0, -1.0], [-1.0, 1.0]], [[-1.0, 1.0], [1.0, -1.0]]]),
        1e-5,
    ),
]


def _standard(answer: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Take off bias and gain."""
    return (answer - bias) / gain


_FACTS = [
    FINITE,
    Fact(
        "without bias and gain, the numbers of every word have mean 0",
        lambda answer, x, gain, bias, eps: bool(
            (_standard(answer, gain, bias).mean(-1).abs() < 1e-6).all()
        ),
    ),
    Fact(
        "without bias and gain, the numbers of every word have a variance of at most 1",
        lambda answer, x, gain, bias, eps: bool(
            (_standard(answer, gain, bias).var(-1, correction=0) < 1 + 1e-6).all()
        ),
    ),
]


def _mean(x: Tensor) -> Tensor:
    return x.mean(-1, keepdim=True)


def _variance(x: Tensor, correction: int = 0) -> Tensor:
    return x.var(-1, correction=correction, keepdim=True)


def _normed(x: Tensor, eps: float) -> Tensor:
    return (x - _mean(x)) / (_variance(x) + eps).sqrt()


def _scaled(normed: Callable[[Tensor, float], Tensor]) -> Callable:
    return lambda x, gain, bias, eps: normed(x, eps) * gain + bias


def _divided(root: Callable[[Tensor, float], Tensor]) -> Callable:
    return _scaled(lambda x, eps: (x - _mean(x)) / root(x, eps))


def _over(diagnosis: str, *dims: int) -> list[Alternative]:
    """Normalise over other dimensions; the variance may divide by one less there, too."""

    def normed(x: Tensor, eps: float, correction: int) -> Tensor:
        variance = x.var(dims, correction=correction, keepdim=True)
        return (x - x.mean(dims, keepdim=True)) / (variance + eps).sqrt()

    return [
        Alternative(_scaled(lambda x, eps, c=correction: normed(x, eps, c)), diagnosis)
        for correction in (0, 1)
    ]


def _lost_dimension(
    mean_keeps: bool, variance_keeps: bool, correction: int, in_root: bool
) -> Callable:
    def normed(x: Tensor, eps: float) -> Tensor:
        mean = x.mean(-1, keepdim=mean_keeps)
        variance = x.var(-1, correction=correction, keepdim=variance_keeps)
        return (x - mean) / ((variance + eps).sqrt() if in_root else variance.sqrt() + eps)

    return _scaled(normed)


_ALTERNATIVES = [
    Alternative(
        _divided(lambda x, eps: (_variance(x, 1) + eps).sqrt()),
        "your variance divides by d - 1, as torch.var does unless it is told otherwise: layer norm "
        "takes the mean of the squares, and divides by d",
    ),
    Alternative(
        _divided(lambda x, eps: _variance(x).sqrt() + eps),
        "eps stands outside the root: it is added to the variance, not to the standard deviation",
    ),
    Alternative(
        _divided(lambda x, eps: _variance(x, 1).sqrt() + eps),
        "two things: torch.std divides by d - 1 unless it is told otherwise (layer norm by d), and "
        "eps belongs under the root",
    ),
    Alternative(
        _divided(lambda x, eps: _variance(x).sqrt()),
        "eps is missing: a word whose numbers are all alike becomes 0 / 0 = nan",
    ),
    Alternative(
        _divided(lambda x, eps: _variance(x, 1).sqrt()),
        "two things: eps is missing, so that a word whose numbers are all alike becomes 0 / 0 = "
        "nan; and torch.std divides by d - 1 where layer norm divides by d",
    ),
    *[
        Alternative(
            _scaled(lambda x, _, own=own: _normed(x, own)),
            "you use an eps of your own, or a default: take the one that is given",
        )
        for own in (1e-5, 1e-6, 1e-8, 1e-12)
    ],
    Alternative(
        _divided(lambda x, eps: _variance(x).clamp(eps).sqrt()),
        "eps is only the smallest variance you allow: it is added to every variance",
    ),
    Alternative(
        _divided(lambda x, eps: _variance(x) + eps),
        "you divide by the variance: the root is missing",
    ),
    Alternative(
        _divided(lambda x, eps: (x.pow(2).mean(-1, keepdim=True) - _mean(x).pow(2) + eps).sqrt()),
        "right in exact arithmetic, but far from 0 the mean of the squares and the square of the "
        "mean are huge and almost alike, and their difference has lost its digits: take the mean "
        "off before you square",
    ),
    Alternative(
        lambda x, gain, bias, eps: _scaled(_normed)(x.float(), gain, bias, eps),
        "you compute in float32, in which large numbers that hardly differ are equal: keep the "
        "dtype of x",
    ),
    Alternative(
        _divided(lambda x, eps: (x.pow(2).mean(-1, keepdim=True) + eps).sqrt()),
        "your variance is the mean of the squares of x itself: take the mean off before you square",
    ),
    Alternative(
        _divided(lambda x, eps: ((x - _mean(x)).pow(2).sum(-1, keepdim=True) + eps).sqrt()),
        "you add up the squares and do not divide by d: the variance is their mean",
    ),
    Alternative(
        _divided(lambda x, eps: (x - _mean(x)).abs().mean(-1, keepdim=True) + eps),
        "you divide by the mean distance from the mean: the standard deviation is the root of the "
        "mean square",
    ),
    Alternative(
        _divided(lambda x, eps: 1.0),
        "you take the mean off and divide by nothing: the words keep their own variance",
    ),
    Alternative(
        _scaled(lambda x, eps: x / (_variance(x) + eps).sqrt()),
        "you divide x itself by the root: the mean has to be taken off there too",
    ),
    Alternative(
        _scaled(lambda x, eps: x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt()),
        "that is RMS norm (Llama's): layer norm takes the mean off first",
    ),
    Alternative(
        lambda x, gain, bias, eps: gain * x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt(),
        "that is RMS norm as in Llama, without a bias: layer norm takes the mean off and adds one",
    ),
    *_over("you normalise over the batch: each word has its own mean and variance, over d", 0),
    *_over("you normalise over the words of a sentence: each has its own mean and variance", 1),
    *_over(
        "you normalise each sentence as a whole: every word has its own mean and variance", 1, 2
    ),
    *_over("that is batch norm, one mean for each feature: here each word has its own", 0, 1),
    *_over("you use one mean and one variance for all numbers: each word has its own", 0, 1, 2),
    *[
        Alternative(
            _lost_dimension(mean_keeps, variance_keeps, correction, in_root),
            "the mean or the variance has lost its last dimension, so a word meets the numbers of "
            "other words: keep the dimension",
        )
        for mean_keeps, variance_keeps in ((False, False), (False, True), (True, False))
        for correction, in_root in ((0, True), (1, True), (1, False))
    ],
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) + bias,
        "the gain is missing: every feature is multiplied by a number of its own",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) * gain,
        "the bias is missing: every feature has a number of its own added at the end",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps),
        "gain and bias are missing: you stop at mean 0 and variance 1",
    ),
    Alternative(
        lambda x, gain, bias, eps: (_normed(x, eps) + bias) * gain,
        "you add the bias before the gain, which then multiplies it too",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) * bias + gain,
        "gain and bias are swapped: the gain multiplies, the bias is added",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) * (1 + gain) + bias,
        "you multiply by 1 + gain: some models store it so; here the gain is the whole factor",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x * gain, eps) + bias,
        "the gain comes too early: it multiplies what has been normalised",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x * gain + bias, eps),
        "you normalise last: mean 0 and variance 1 come first, gain and bias after them",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) * gain[:, None] + bias,
        "the gain runs along the words: its d numbers belong to the d features of every word",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) * gain + bias[:, None],
        "the bias runs along the words: its d numbers belong to the d features of every word",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) * gain[:, None] + bias[:, None],
        "gain and bias run along the words: their d numbers belong to the features of every word",
    ),
    Alternative(
        lambda x, gain, bias, eps: _normed(x, eps) * gain[:, None, None] + bias[:, None, None],
        "gain and bias run along the sentences: their d numbers belong to the features of a word",
    ),
]


def check_layer_norm(function: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> CheckResult:
    """Check ``function(x, gain, bias, eps) -> y``: layer norm over the last dimension.

    Ba, Kiros and Hinton (2016). The variance divides by ``d``, and ``eps`` is added to it, as in
    :class:`torch.nn.LayerNorm`.

    Args:
        function: takes ``x`` ``(batch, n, d)``, ``gain`` ``(d,)`` and ``bias`` ``(d,)``, all
            float64, and ``eps``, a float above 0; returns ``(batch, n, d)``.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "layer norm",
        function,
        reference=_scaled(_normed),
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
