"""Checker of chapter 8: beam search over a tiny language model."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_beam_search"]

Beam = tuple[float, list[int]]  # a score, and the ids so far


def _log(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64).log()


def _probe(what: str, vocab: int, steps: int, num_beams: int, seed: int) -> Probe:
    generator = torch.Generator().manual_seed(seed)
    scores = 1.5 * torch.randn(vocab + 1, vocab, generator=generator, dtype=torch.float64)
    first, *table = torch.log_softmax(scores, dim=-1)
    return Probe(what, (first, torch.stack(table), steps, num_beams))


# Chosen so that no ties decide, neither in the right search nor in the wrong ones below, and that
# each of these goes wrong in a way of its own; tests see to both.
_PROBES = [
    Probe(
        "three tokens, two steps, two beams",
        (
            _log([0.5, 0.4, 0.1])[0],
            _log([0.4, 0.35, 0.25], [0.06, 0.04, 0.9], [0.2, 0.7, 0.1]),
            2,
            2,
        ),
    ),
    _probe("one step", vocab=4, steps=1, num_beams=2, seed=0),
    _probe("one beam", vocab=3, steps=4, num_beams=1, seed=178),
    _probe("five tokens, three steps, three beams", vocab=5, steps=3, num_beams=3, seed=912),
    _probe("another three steps and three beams", vocab=5, steps=3, num_beams=3, seed=1088),
    _probe("four tokens, four steps, two beams", vocab=4, steps=4, num_beams=2, seed=39),
    _probe("five tokens, four steps, two beams", vocab=5, steps=4, num_beams=2, seed=1007),
    _probe("another four steps and two beams", vocab=5, steps=4, num_beams=2, seed=829),
    _probe("four tokens, five steps, two beams", vocab=4, steps=5, num_beams=2, seed=1399),
    _probe("five tokens, four steps, three beams", vocab=5, steps=4, num_beams=3, seed=184),
    _probe("another four steps and three beams", vocab=5, steps=4, num_beams=3, seed=471),
]

_FACTS = [
    Fact(
        "every number is the id of a token",
        lambda answer, first, *_: all(i in range(len(first)) for i in answer.tolist()),
    ),
    Fact(
        "the first token is one of the num_beams likeliest",
        lambda answer, first, table, steps, num_beams: (
            answer[0].item() in first.topk(num_beams).indices.tolist()
        ),
    ),
]


def _reference(first: Tensor, table: Tensor, steps: int, num_beams: int) -> Tensor:
    beams = sorted(((float(p), [token]) for token, p in enumerate(first)), reverse=True)[:num_beams]
    for _ in range(steps - 1):
        longer = [
            (total + float(p), [*ids, token])
            for total, ids in beams
            for token, p in enumerate(table[ids[-1]])
        ]
        beams = sorted(longer, reverse=True)[:num_beams]
    return torch.tensor(beams[0][1])


def _together(groups: list[list[Beam]], num_beams: int) -> list[Beam]:
    """Keep the best extensions of all beams, best first; there is one group for each beam."""
    return sorted(chain(*groups), reverse=True)[:num_beams]


def _search(
    first: Tensor,
    table: Tensor,
    steps: int,
    num_beams: int,
    *,
    start: Callable = _together,
    keep: Callable = _together,
    add: Callable[[float, float], float] = lambda score, step: score + step,
) -> list[Beam]:
    """Search by other rules; by those given here, it gives what the reference gives."""
    beams = start([[(score, [token]) for token, score in enumerate(first.tolist())]], num_beams)
    for _ in range(steps - 1):
        groups = [
            [
                (add(score, step), [*ids, token])
                for token, step in enumerate(table[ids[-1]].tolist())
            ]
            for score, ids in beams
        ]
        beams = keep(groups, num_beams)
    return beams


def _best(beams: list[Beam]) -> Tensor:
    return torch.tensor(max(beams)[1])


def _found(**rules: Callable) -> Callable:
    return lambda *arguments: _best(_search(*arguments, **rules))


def _everything(groups: list[list[Beam]], num_beams: int) -> list[Beam]:
    return list(chain(*groups))


def _each_its_best(groups: list[list[Beam]], num_beams: int) -> list[Beam]:
    return [max(group) for group in groups]


def _each_its_own(groups: list[list[Beam]], num_beams: int) -> list[Beam]:
    return [beam for group in groups for beam in sorted(group, reverse=True)[:num_beams]]


def _one_for_each_last(groups: list[list[Beam]], num_beams: int) -> list[Beam]:
    best: dict[int, Beam] = {}
    for score, ids in sorted(chain(*groups)):
        best[ids[-1]] = (score, ids)
    return sorted(best.values(), reverse=True)[:num_beams]


def _worst(groups: list[list[Beam]], num_beams: int) -> list[Beam]:
    return sorted(chain(*groups))[:num_beams]


def _stitched(first: Tensor, table: Tensor, steps: int, num_beams: int) -> Tensor:
    """The best beam's last token of each step, whichever sequence it belongs to."""
    beams = [_search(first, table, t, num_beams)[0] for t in range(1, steps + 1)]
    return torch.tensor([ids[-1] for _, ids in beams])


def _worst_kept(first: Tensor, table: Tensor, steps: int, num_beams: int) -> list[Beam]:
    return _search(first, table, steps, num_beams, start=_worst, keep=_worst)


_ALTERNATIVES = [
    Alternative(
        lambda first, table, steps, num_beams: _best(_search(first, table, steps, 1)),
        "that is greedy search: one sequence survives each step, whatever num_beams is (or all "
        "your beams are copies of one): keep num_beams different ones",
    ),
    Alternative(
        _found(start=_everything, keep=_everything),
        "you find the best sequence of all. Beam search forgets all but num_beams at each step and "
        "may miss it: trying everything costs vocab ** steps",
    ),
    Alternative(
        _found(start=_everything),
        "you keep every first token: after the first step, too, num_beams survive",
    ),
    Alternative(
        _found(start=lambda groups, num_beams: _together(groups, 1)),
        "you begin with the likeliest first token alone: the best num_beams first tokens begin",
    ),
    Alternative(
        _found(add=lambda score, step: score * step),
        "you multiply log-probabilities: probabilities are multiplied, their logarithms added",
    ),
    Alternative(
        lambda first, table, *sizes: _best(_search(first.exp(), table.exp(), *sizes)),
        "you add probabilities: add their logarithms, which multiplies the probabilities",
    ),
    Alternative(
        _found(add=lambda score, step: step),
        "a sequence is judged by its last step alone: add the log-probabilities of all its steps",
    ),
    Alternative(
        _found(keep=_each_its_best),
        "your beams do not compete: each keeps its own best successor; all extensions of all beams "
        "stand in one list, and the best num_beams of it survive, two of one beam perhaps",
    ),
    Alternative(
        _found(keep=_each_its_own),
        "your beams do not compete: each keeps num_beams extensions of its own, so that they "
        "multiply at each step; num_beams survive of all together",
    ),
    Alternative(
        _found(keep=_one_for_each_last),
        "of sequences that end in the same token you keep one: here each has a place of its own",
    ),
    Alternative(
        lambda *a: torch.tensor(_worst_kept(*a)[0][1]),
        "you look for the worst: a larger log-probability is better, so the sort must descend",
    ),
    Alternative(
        lambda *a: _best(_worst_kept(*a)),
        "you keep the worst at each step: a larger log-probability is better",
    ),
    Alternative(
        lambda *a: torch.tensor(_search(*a)[-1][1]),
        "you return the last beam: the one with the largest sum is asked for",
    ),
    Alternative(
        lambda first, table, *sizes: _best(_search(first, table.T, *sizes)),
        "row and column are swapped: table[a, b] speaks of b after a",
    ),
    Alternative(
        _found(start=lambda *a: [(0.0, ids) for _, ids in _together(*a)]),
        "the first token's log-probability is lost: the sum begins with it",
    ),
    *[
        Alternative(
            _found(start=lambda *a, tilt=tilt: [(tilt * i[0], i) for _, i in _everything(*a)]),
            "first is never used: it says how likely each first token is",
        )
        for tilt in (-1e-9, 1e-9)  # where there is one step alone, all tokens tie
    ],
    Alternative(
        _stitched,
        "your tokens come from different sequences: when beams change places, all their tokens "
        "move with them",
    ),
    Alternative(
        lambda *a: torch.tensor([ids for _, ids in _search(*a)]),
        "you return all beams: the best one alone is asked for",
    ),
    Alternative(
        lambda *a: torch.tensor(_search(*a)[0][0]),
        "you return the sum: the tokens are asked for",
    ),
    Alternative(
        lambda *a: _best(_search(*a)).flip(0),
        "your tokens stand in reverse: who goes back from the last token finds it first",
    ),
    Alternative(
        lambda first, table, steps, num_beams: _best(_search(first, table, steps + 1, num_beams)),
        "there is a token too many: the first token is one of the steps",
    ),
    *[
        Alternative(
            lambda first, table, steps, num_beams, least=least: torch.tensor(
                _search(first, table, max(steps - 1, 1), num_beams)[0][1] if steps > least else []
            ),
            "there is a token too few: steps counts tokens, the first one included",
        )
        for least in (0, 1)
    ],
    *[
        Alternative(
            lambda first, table, steps, num_beams, own=own: _best(
                _search(first, table, steps, own)
            ),
            "your number of beams is fixed: take num_beams",
        )
        for own in (2, 3, 4, 5)
    ],
    Alternative(
        lambda first, table, steps, num_beams: _best(_search(first, table, steps, num_beams + 1)),
        "you keep one sequence more than num_beams",
    ),
    Alternative(
        lambda first, table, steps, num_beams: _best(
            _search(first, table, steps, max(num_beams - 1, 1))
        ),
        "you keep one sequence less than num_beams",
    ),
]


def check_beam_search(function: Callable[[Tensor, Tensor, int, int], Tensor]) -> CheckResult:
    """Check ``function(first, table, steps, num_beams) -> ids``: the best sequence of the beams.

    Every step extends every kept sequence by every token, and keeps the ``num_beams`` sequences
    with the largest sums of log-probabilities.

    Args:
        function: takes ``first`` ``(vocab,)``, the log-probabilities of the first token; ``table``
            ``(vocab, vocab)``, where ``table[a, b]`` is the log-probability of ``b`` after ``a``,
            both float64; ``steps``, how many tokens to find, at least 1; and ``num_beams``, from 1
            to ``vocab``. Returns the ids of the best sequence kept at the end, ``(steps,)``.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "beam search",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
