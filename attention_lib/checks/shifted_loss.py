"""Checker of chapter 8: the loss of a decoder, which learns to say the next token."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_shifted_loss"]


def _probe(what: str, ids: list[list[int]], pad_id: int, vocab: int) -> Probe:
    shape = (len(ids), len(ids[0]) - 1, vocab)
    generator = torch.Generator().manual_seed(100 * shape[0] + 10 * shape[1] + vocab)
    logits = 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)
    return Probe(what, (logits, torch.tensor(ids), pad_id))


def _large(what: str, logits: list[list[float]], ids: list[int]) -> Probe:
    return Probe(what, (torch.tensor([logits], dtype=torch.float64), torch.tensor([ids]), 0))


_PROBES = [
    # As many positions as tokens, so that a loss over the wrong dimension computes something.
    _probe("one sentence of three tokens, none of them padding", [[0, 1, 2, 1]], 3, 3),
    _probe("one sentence of two tokens and one of padding", [[1, 0, 3, 2]], 2, 4),
    _probe("two sentences, one of them padded", [[1, 5, 2, 4], [1, 3, 0, 0]], 0, 6),
    _probe(
        "three sentences of different lengths",
        [[1, 6, 2, 0, 5, 3], [1, 4, 3, 7, 7, 7], [1, 0, 7, 7, 7, 7]],
        7,
        8,
    ),
    _large("large logits", [[0.0, 1000.0, 1001.0], [3.0, 1.0, 2.0]], [0, 2, 1]),
    _large("a token held to be impossible", [[2000.0, 0.0, -1.0], [0.0, 1.0, 2.0]], [0, 1, 1]),
]


def _at(numbers: Tensor, target: Tensor) -> Tensor:
    """Pick the number of each target: ``(batch, length)``."""
    return numbers.gather(-1, target[..., None])[..., 0]


def _probability(logits: Tensor, target: Tensor) -> Tensor:
    return _at(torch.softmax(logits, dim=-1), target)


def _surprise(logits: Tensor, target: Tensor) -> Tensor:
    """Give the cross-entropy of each target, in nats: ``(batch, length)``."""
    return -_at(torch.log_softmax(logits, dim=-1), target)


def _mean(scores: Tensor, real: Tensor) -> Tensor:
    return scores[real].mean()


def _score(score: Callable[[Tensor, Tensor], Tensor], average: Callable = _mean) -> Callable:
    """Score the right pairs in another way, or average the scores in another way."""
    return lambda logits, ids, pad_id: average(score(logits, ids[:, 1:]), ids[:, 1:] != pad_id)


def _average(average: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    return _score(_surprise, average)


def _pairs(of_logits: slice, of_ids: slice) -> Callable:
    """Compare other positions with other tokens."""

    def loss(logits: Tensor, ids: Tensor, pad_id: int) -> Tensor:
        target = ids[:, of_ids]
        return _mean(_surprise(logits[:, of_logits], target), target != pad_id)

    return loss


def _floor(smallest: float, added: bool) -> Callable:
    def score(logits: Tensor, target: Tensor) -> Tensor:
        p = _probability(logits, target)
        return -torch.log(p + smallest if added else p.clamp(smallest))

    return _score(score)


def _other_order(logits: Tensor, target: Tensor) -> Tensor:
    return _surprise(logits.transpose(0, 1).reshape(logits.shape), target)


def _target_in_other_order(logits: Tensor, ids: Tensor, pad_id: int) -> Tensor:
    target = ids[:, 1:].T.reshape(len(ids), -1)
    return _mean(_surprise(logits, target), target != pad_id)


def _reshaped(logits: Tensor, target: Tensor) -> Tensor:
    batch, length, vocab = logits.shape
    return _surprise(logits.reshape(batch, vocab, length).transpose(1, 2), target)


_reference = _score(_surprise)
_FACTS = [
    Fact("the loss is finite", lambda answer, *_: bool(torch.isfinite(answer).all())),
    Fact("the loss is not negative", lambda answer, *_: bool((answer >= 0).all())),
    Fact(
        "the loss lies between those of the best and of the worst predicted token, as a mean must",
        lambda answer, *a: bool(
            (answer >= _average(lambda scores, real: scores[real].min())(*a) - 1e-6).all()
            and (answer <= _average(lambda scores, real: scores[real].max())(*a) + 1e-6).all()
        ),
    ),
]

_COPY = (
    "you compare each prediction with the token that was just given, not with the next one: a "
    "model that copies its input looks perfect, and has learnt nothing"
)
_ORDER = (
    "logits and ids are flattened in different orders: a prediction of one sentence meets a token "
    "of another"
)

_ALTERNATIVES = [
    Alternative(_pairs(slice(None), slice(None, -1)), _COPY),
    Alternative(
        lambda logits, ids, pad_id: _mean(_surprise(logits, ids[:, :-1]), ids[:, 1:] != pad_id),
        _COPY,
    ),
    Alternative(
        lambda logits, ids, pad_id: _surprise(logits, ids[:, :-1]).mean(),
        "two things: each prediction meets the token that was given already instead of the next "
        "one, and padding counts",
    ),
    Alternative(
        _pairs(slice(1, None), slice(1, -1)),
        "you drop the first token of the ids and the first prediction too: so each prediction "
        "meets the token that was just given, not the next one",
    ),
    Alternative(
        _pairs(slice(None, -1), slice(2, None)),
        "your ids are shifted by two: logits[:, t] speaks about the very next token",
    ),
    Alternative(
        _pairs(slice(1, None), slice(2, None)),
        "the first prediction is left out: the start token was given, so it predicts a token too",
    ),
    Alternative(
        _pairs(slice(None, -1), slice(1, -1)),
        "the last prediction is left out: the decoder was given ids without their last token, so "
        "the logits are cut already",
    ),
    Alternative(
        _average(lambda scores, real: scores.mean()),
        "padding counts in your loss: only real tokens are to be predicted",
    ),
    Alternative(
        _average(lambda scores, real: scores[real].sum() / scores.numel()),
        "padding adds nothing to your sum, but you divide by its tokens too: divide by the number "
        "of real tokens",
    ),
    Alternative(
        lambda logits, ids, pad_id: (
            _average(lambda s, real: s[real].sum())(logits, ids, pad_id) / (ids != pad_id).sum()
        ),
        "you divide by the number of all real ids, and the start token is one of them: nobody "
        "predicts it",
    ),
    Alternative(
        lambda logits, ids, pad_id: _mean(_surprise(logits, ids[:, 1:]), ids[:, :-1] != pad_id),
        "your mask belongs to the tokens that were given: whether the predicted one is padding "
        "decides",
    ),
    Alternative(
        lambda logits, ids, pad_id: _reference(logits, ids, 0),
        "you take 0 for padding: take pad_id",
    ),
    Alternative(
        _average(lambda scores, real: ((scores * real).sum(1) / real.sum(1)).mean()),
        "you average each sentence first, so a word of a short sentence counts more: average over "
        "all tokens of the batch at once",
    ),
    Alternative(
        _average(lambda scores, real: scores[real].sum()),
        "you add the losses up: divide by the number of real tokens, or long batches seem worse",
    ),
    Alternative(
        _average(lambda scores, real: scores[real].sum() / len(scores)),
        "you divide by the number of sentences: the number of real tokens belongs there",
    ),
    Alternative(
        lambda logits, ids, pad_id: _reference(logits, ids, pad_id) / logits.size(-1),
        "you divide by the size of the vocabulary too: each token has one loss, its target's",
    ),
    Alternative(
        _average(lambda scores, real: scores[real].mean() / math.log(2)),
        "your loss is in bits: a natural logarithm gives nats",
    ),
    Alternative(
        _score(lambda logits, target: _surprise(torch.softmax(logits, -1), target)),
        "softmax is taken twice: cross_entropy and log_softmax take logits, not probabilities",
    ),
    Alternative(
        _score(lambda logits, target: -_at(logits, target)),
        "you average the target's logit: without softmax the other tokens do not count",
    ),
    Alternative(
        _score(lambda logits, target: 1 - _probability(logits, target)),
        "you average 1 - p: the loss of a token is the negative logarithm of its probability",
    ),
    Alternative(_score(_probability), "you average probabilities: take the negative logarithm"),
    Alternative(
        _score(lambda logits, target: -_probability(logits, target)),
        "you average negative probabilities (nll_loss wants their logarithms): the log is missing",
    ),
    Alternative(
        _score(_probability, lambda p, real: -p[real].mean().log()),
        "you average first and take the logarithm of the mean: each token's logarithm comes first",
    ),
    Alternative(
        _average(lambda scores, real: -scores[real].mean()),
        "the sign is missing: the logarithm of a probability is negative, a loss is not",
    ),
    Alternative(
        _average(lambda scores, real: scores[real].mean().exp()),
        "you take exp of the mean: that is the perplexity, one step further",
    ),
    Alternative(
        _score(lambda logits, target: (logits.argmax(-1) == target).double()),
        "that is the accuracy, the share of right guesses: a loss asks how probable the target was",
    ),
    Alternative(
        _score(lambda logits, target: (logits.argmax(-1) != target).double()),
        "that is the share of wrong guesses: a loss asks how probable the target was",
    ),
    Alternative(
        _score(lambda logits, target: -torch.log_softmax(logits, -1).amax(-1)),
        "you take the loss of the likeliest token: the target's counts",
    ),
    Alternative(_score(_other_order), _ORDER),
    Alternative(_target_in_other_order, _ORDER),
    Alternative(
        _score(_reshaped),
        "you reshape the logits to (batch, vocab, length), which cuts them anew: the dimensions "
        "have to be swapped (a transpose), or batch and length flattened",
    ),
    Alternative(
        _score(lambda logits, target: -_at(torch.log_softmax(logits, 1), target)),
        "your softmax runs over the positions: it runs over the vocabulary, the last dimension",
    ),
    Alternative(
        lambda logits, ids, pad_id: F.cross_entropy(logits, ids[:, 1:], ignore_index=pad_id),
        "cross_entropy wants the vocabulary in dimension 1, and takes your positions for it: "
        "flatten batch and length first",
    ),
    Alternative(
        _score(
            lambda logits, target: -_at(logits.exp() / logits.exp().sum(-1, True), target).log()
        ),
        "right in exact arithmetic, but exp overflows: inf / inf = nan; use log_softmax",
    ),
    Alternative(
        _score(lambda logits, target: logits.exp().sum(-1).log() - _at(logits, target)),
        "right in exact arithmetic, but the sum of exponentials overflows: use logsumexp",
    ),
    Alternative(
        _score(lambda logits, target: -_probability(logits, target).log()),
        "right in exact arithmetic, but softmax of a very unlikely token is 0, and log 0 = -inf: "
        "use log_softmax",
    ),
    *[
        Alternative(
            _floor(10.0**-power, added),
            "the small number that keeps you from log 0 caps the loss, and its gradient dies "
            "there: use log_softmax, which needs none",
        )
        for power in (*range(3, 13), 15, 16, 20, 30)
        for added in (True, False)
    ],
]


def check_shifted_loss(function: Callable[[Tensor, Tensor, int], Tensor]) -> CheckResult:
    """Check ``function(logits, ids, pad_id) -> loss``: cross-entropy of the next tokens, in nats.

    Args:
        function: takes ``logits`` ``(batch, length - 1, vocab)`` in float64, which a decoder gave
            for ``ids[:, :-1]``; ``ids`` ``(batch, length)`` in int64, which begin with a start
            token and may end in padding; and ``pad_id``, an int. ``logits[:, t]`` speaks about
            ``ids[:, t + 1]``. Returns one number, the mean over all tokens that are not padding.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "shifted loss",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
