"""Checker of chapter 8: the encoder layer, two sublayers with "add & norm" around each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import FINITE, Alternative, Fact, Probe, drawn
from attention_lib.checks.result import CheckResult

__all__ = ["check_encoder_layer"]

Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Part:
    """A part of the layer, which tells a reader what it does when an example is printed."""

    name: str
    what: str
    function: Map

    def __call__(self, *arguments: Tensor, **options: object) -> Tensor:
        if len(arguments) != 1 or options:
            raise TypeError(f"{self.name} takes one tensor (batch, n, d) and nothing else")
        return self.function(*arguments)

    def __repr__(self) -> str:
        return self.what


def _gains(x: Tensor) -> Tensor:
    return torch.arange(1, x.size(-1) + 1, dtype=torch.float64)


def _standard(x: Tensor) -> Tensor:
    variance = x.var(-1, correction=0, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) / (variance + 1e-5).sqrt()


# Any two of them in the other order give something else: attention alone mixes words,
# feed_forward alone is not linear in a number, and the norms' gains tell the features apart.
_PARTS = (
    Part(
        "attention",
        "each word becomes twice the word before it, the first twice the last",
        lambda x: 2 * x.roll(1, dims=-2),
    ),
    Part("feed_forward", "each number is squared", lambda x: x**2),
    Part("norm_1", "a layer norm with gains 1, 2, ..., d", lambda x: _standard(x) * _gains(x)),
    Part(
        "norm_2",
        "a layer norm with gains d, ..., 2, 1",
        lambda x: _standard(x) * _gains(x).flip(0),
    ),
)


_WORDS = torch.tensor([[[1.0, 0.0, 2.0], [-1.0, 3.0, 0.0]]], dtype=torch.float64)
_PROBES = [
    Probe("one sentence of two words, 3 wide", (_WORDS, *_PARTS)),
    Probe("two sentences of three words, 4 wide", (drawn(2, 3, 4, seed=1), *_PARTS)),
    Probe("three sentences of two words, 5 wide", (drawn(3, 2, 5, seed=2), *_PARTS)),
    Probe("two sentences of five words, 3 wide", (2 * drawn(2, 5, 3, seed=3), *_PARTS)),
]


def _ends_in_norm_2(answer: Tensor, x: Tensor, *_: Map) -> bool:
    standard = answer / _gains(x).flip(0)
    mean, variance = standard.mean(-1), standard.var(-1, correction=0)
    return bool((mean.abs() < 1e-6).all() and ((variance - 1).abs() < 1e-2).all())


_FACTS = [
    FINITE,
    Fact(
        "norm_2 comes last: without its gains, every word has mean 0 and variance 1",
        _ends_in_norm_2,
    ),
]


def _layer(x: Tensor, attention: Map, feed_forward: Map, norm_1: Map, norm_2: Map) -> Tensor:
    x = norm_1(x + attention(x))
    return norm_2(x + feed_forward(x))


# In the formulas, h is what the first half hands to the second.
_ALTERNATIVES = [
    Alternative(
        lambda x, a, f, n1, n2: (h := x + a(n1(x))) + f(n2(h)),
        "that is a pre-norm layer, as in GPT-2: it normalises what each sublayer reads. A layer "
        "too, but another one: here (post-norm) the sums are normalised",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := x + a(n1(x))) + f(h)),
        "your first half is pre-norm, your second post-norm: in both, the sum is normalised",
    ),
    Alternative(
        lambda x, a, f, n1, n2: (h := n1(x + a(x))) + f(n2(h)),
        "your first half is post-norm, your second pre-norm: in both, the sum is normalised",
    ),
    Alternative(
        lambda x, a, f, n1, n2: (h := n2((g := n1(x)) + a(g))) + f(h),
        "you normalise at the beginning of each half, so that the way around the sublayer starts "
        "from normalised words too: first add, then normalise the sum",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := n1(a(x))) + f(h)),
        "the way around attention is missing: its input is added to its output",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(f(n1(x + a(x)))),
        "the way around feed_forward is missing: its input is added to its output",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(f(n1(a(x)))),
        "nothing goes around the sublayers: each one's input is added to its output",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(x + f(n1(a(x)))),
        "one way leads around both sublayers together: each has one of its own",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(x + f(n1(x + a(x)))),
        "you add the layer's input to feed_forward's output: what feed_forward read is added, the "
        "result of the first half",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := x + a(x)) + f(n1(h))),
        "you add the sum before norm_1 to feed_forward's output: what feed_forward read is added",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(n1(h := x + a(x)) + f(h)),
        "feed_forward reads the sum before norm_1: it reads the result of the first half",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n1((h := n2(x + a(x))) + f(h)),
        "the norms are swapped: norm_1 ends the first half, norm_2 the second",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n1((h := n1(x + a(x))) + f(h)),
        "you use norm_1 twice: each norm has gains of its own, and norm_2 ends the second half",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := n2(x + a(x))) + f(h)),
        "you use norm_2 twice: each norm has gains of its own, and norm_1 ends the first half",
    ),
    Alternative(
        lambda x, a, f, n1, n2: (h := n1(x + a(x))) + f(h),
        "the norm at the end is missing: the second sum is normalised too, by norm_2",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := x + a(x)) + f(h)),
        "the norm between the halves is missing: the first sum is normalised too, by norm_1",
    ),
    Alternative(
        lambda x, a, f, n1, n2: (h := x + a(x)) + f(h),
        "nothing is normalised: each of the two sums is",
    ),
    Alternative(
        lambda x, a, f, n1, n2: (h := x + n1(a(x))) + n2(f(h)),
        "you normalise what a sublayer gives, before it is added: the sum is normalised",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := n1(x) + a(x)) + f(h)),
        "in the first half you normalise x alone, before the sum",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(h := n1(x) + a(x)) + f(h),
        "you normalise what goes around a sublayer, before the sum: the sum is normalised",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := n1(x + a(n1(x)))) + f(n2(h))),
        "you normalise twice in each half, before the sublayer and after the sum: once, after",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := n1(x + a(n1(x)))) + f(h)),
        "your attention reads normalised words: it reads x as it came, and the sum is normalised",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2((h := n1(x + f(x))) + a(h)),
        "feed_forward comes first: attention is the first half, feed_forward the second",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n1((h := n2(x + f(x))) + a(h)),
        "the halves are swapped, each with its norm: attention and norm_1 come first",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(x + a(x) + f(x)),
        "both sublayers read x, and one norm ends it all (a parallel layer): feed_forward reads "
        "what the first half gives",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(n1(x + a(x)) + f(x)),
        "feed_forward reads the layer's input: it reads the result of the first half",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n1(x + a(x)) + n2(x + f(x)),
        "the two halves stand side by side and are added: the second reads what the first gives",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n1(x + a(x)),
        "you stop after the first half: feed_forward and norm_2 are missing",
    ),
    Alternative(
        lambda x, a, f, n1, n2: n2(x + f(x)),
        "you return the second half of x itself: the result of attention is lost on the way",
    ),
    Alternative(
        lambda x, a, f, n1, n2: _standard((h := _standard(x + a(x))) + f(h)),
        "you use norms of your own, without gains: take the two that are given",
    ),
]


def check_encoder_layer(function: Callable[[Tensor, Map, Map, Map, Map], Tensor]) -> CheckResult:
    """Check ``function(x, attention, feed_forward, norm_1, norm_2) -> y``: a post-norm layer.

    Vaswani et al. (2017), sections 3.1 and 5.4: each sublayer's input is added to its output, and
    the sum is normalised.

    Args:
        function: takes ``x`` ``(batch, n, d)`` in float64 and four functions from ``(batch, n, d)``
            to the same shape; returns ``(batch, n, d)``.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "encoder layer",
        function,
        reference=_layer,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
