"""Checker of one step of byte-pair encoding: a pair of tokens becomes one token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Fact, Probe
from attention_lib.checks.result import CheckResult

__all__ = ["check_merge_pair"]

Pair = tuple[str, str]
Fits = Callable[[str, str, Pair], bool]


def _probe(what: str, tokens: str, pair: str) -> Probe:
    first, second = pair.split()
    return Probe(what, (tokens.split(), (first, second)))


_PROBES = [
    _probe("a pair in front", "l o w", "l o"),
    _probe("a pair at the end", "n e w", "e w"),
    _probe("a pair that does not stand there", "o l d", "l o"),
    _probe("three of a kind", "a a a", "a a"),
    _probe("five of a kind, then two", "a a a a a b a a", "a a"),
    _probe("a pair twice, side by side", "l o l o", "l o"),
    _probe("a pair twice, and its halves alone", "o b a n a n d n a n", "a n"),
    _probe("tokens of several letters", "n ew er new er er st", "new er"),
    _probe("the same text, cut elsewhere", "l ow lo w low", "lo w"),
    _probe("tokens that end and begin like the pair", "xa b a by a b", "a b"),
    _probe("a second half that repeats", "t o o l o o", "o o"),
    _probe("neighbours that are alike beside the pair", "b o o k k e e p e r", "k e"),
    Probe("one token", (["a"], ("a", "a"))),
    Probe("no token", ([], ("a", "b"))),
]


def _is_pair(token: str, following: str, pair: Pair) -> bool:
    return (token, following) == pair


def _read(
    tokens: list[str],
    pair: Pair,
    *,
    fits: Fits = _is_pair,
    joined: Callable[[str, str], list[str]] = lambda a, b: [a + b],
    step: int = 2,
    most: float = float("inf"),
    last: int = 0,
) -> list[str]:
    """Read from left to right; as it stands, this is the right way, with a change a wrong one.

    Args:
        fits: whether two neighbours are merged.
        joined: what takes their place.
        step: how far to go on behind a pair.
        most: how many pairs to merge.
        last: how many tokens at the end are never looked at.
    """
    found, place = [], 0
    while place < len(tokens) - last:
        neighbours = tokens[place : place + 2]
        if len(neighbours) == 2 and fits(*neighbours, pair) and most > 0:
            found += joined(*neighbours)
            place, most = place + step, most - 1
        else:
            found.append(tokens[place])
            place += 1
    return found


def _reference(tokens: list[str], pair: Pair) -> list[str]:
    return _read(tokens, pair)


def _with(**change: object) -> Callable[[list[str], Pair], list[str]]:
    return lambda tokens, pair: _read(tokens, pair, **change)


def _from_the_right(tokens: list[str], pair: Pair) -> list[str]:
    backwards = _read(tokens[::-1], pair[::-1], joined=lambda b, a: [a + b])
    return backwards[::-1]


def _overlapping(tokens: list[str], pair: Pair) -> list[str]:
    """A token may be the second of one pair and the first of the next."""
    starts = [_is_pair(*two, pair) for two in pairwise(tokens)] + [False]
    return [
        token + (pair[1] if starts[i] else "")
        for i, token in enumerate(tokens)
        if starts[i] or i == 0 or not starts[i - 1]
    ]


def _grown(tokens: list[str], pair: Pair) -> list[str]:
    """Whatever ends in the first half takes in the second."""
    found: list[str] = []
    for token in tokens:
        if found and found[-1].endswith(pair[0]) and token == pair[1]:
            found[-1] += token
        else:
            found.append(token)
    return found


def _last_pair_missed(tokens: list[str], pair: Pair) -> list[str]:
    """The loop ends one pair too early, and the rest is copied."""
    return _read(tokens[:-1], pair) + tokens[-1:]


def _own_pair(tokens: list[str], pair: Pair) -> list[str]:
    counts = Counter(pairwise(tokens))
    return _read(tokens, max(counts, key=counts.__getitem__)) if counts else tokens


def _replaced(spaced: str, tokens: list[str], pair: Pair) -> list[str]:
    return spaced.join(tokens).replace(spaced.join(pair), "".join(pair)).split(spaced)


_ALTERNATIVES = [
    Alternative(
        lambda tokens, pair: tokens,
        "you give the tokens back as they were: is the pair ever found? (a list is never equal to "
        "a tuple, and two tokens in a row are tokens[i] and tokens[i + 1])",
    ),
    Alternative(
        _overlapping,
        "your pairs overlap: a token that was merged is used up and cannot begin the next pair",
    ),
    Alternative(
        _with(step=1),
        "the pair's second half still stands behind the joined token: go on behind the pair",
    ),
    Alternative(
        _with(step=1, last=1),
        "the pair's second half still stands behind the joined token, and the last token is lost: "
        "a loop over pairs ends one token early",
    ),
    Alternative(
        _with(step=3),
        "the token behind each merged pair is lost: you go on one place too far",
    ),
    Alternative(_with(most=1), "you merge the first occurrence alone: every one is to be merged"),
    Alternative(
        _from_the_right,
        "you merge from the right: of three in a row the first two are joined, not the last two",
    ),
    Alternative(
        _grown,
        "you look at how the token before ends: it must be the pair's first half as a whole, and "
        "one that was merged just now is none",
    ),
    Alternative(
        _with(fits=lambda a, b, pair: (a, b) in (pair, pair[::-1])),
        "you merge the pair in both orders: b a is another pair than a b",
    ),
    Alternative(
        _with(fits=lambda a, b, pair: (b, a) == pair),
        "you look for the pair the wrong way round: pair[0] stands first",
    ),
    Alternative(
        _with(joined=lambda a, b: [b + a]),
        "the joined token is spelled the wrong way round: the text must stay what it was",
    ),
    *[
        Alternative(
            lambda tokens, pair, none=none: none if not tokens else _replaced(" ", tokens, pair),
            "you replace in the text: 'xa b' holds 'a b', but 'xa' and 'b' are not the pair: "
            "compare whole tokens",
        )
        for none in ([], [""])  # what an empty text is split into depends on how it is split
    ],
    Alternative(
        _with(fits=lambda a, b, pair: a + b == "".join(pair)),
        "you compare joined texts: 'l ow' and 'lo w' read alike, but are different pairs",
    ),
    Alternative(
        _with(fits=lambda a, b, pair: a == pair[0]),
        "the second token is never looked at: both halves must stand there",
    ),
    Alternative(
        _with(fits=lambda a, b, pair: b == pair[1]),
        "the first token is never looked at: both halves must stand there",
    ),
    Alternative(
        _with(fits=lambda a, b, pair: a in pair and b in pair),
        "you merge any two tokens that are in the pair: the one must be its first half, the other "
        "its second",
    ),
    Alternative(
        _with(fits=lambda a, b, pair: a == b),
        "you merge neighbours that are alike: the pair says what is merged",
    ),
    Alternative(
        _with(fits=lambda a, b, pair: True),
        "you merge all tokens two by two: only where the pair stands",
    ),
    Alternative(
        _own_pair,
        "you choose a pair of your own, the most frequent one: here the pair is given",
    ),
    Alternative(
        _with(last=1),
        "the last token is lost when no pair ends there: a loop over pairs ends one token early",
    ),
    Alternative(
        _last_pair_missed,
        "a pair at the very end is missed: your loop ends too early",
    ),
    *[
        Alternative(
            _with(joined=lambda a, b, sign=sign: [a + sign + b]),
            "something stands between the halves of your joined token: nothing belongs there",
        )
        for sign in (" ", "_", "-", "+", "##", "@@", "@@ ", ",", ", ")
    ],
    Alternative(_with(joined=lambda a, b: []), "the pair is gone, and no joined token came for it"),
    Alternative(
        _with(joined=lambda a, b: [a, b, a + b]),
        "the joined token stands beside its halves: it takes their place",
    ),
    *[
        Alternative(
            _with(joined=lambda a, b, place=place: [(a, b)[place]]),
            f"of each pair you keep the {which} half alone: the text must stay what it was",
        )
        for place, which in enumerate(("first", "second"))
    ],
    Alternative(
        lambda tokens, pair: [
            "".join(pair) for token in _read(tokens, pair, joined=lambda a, b: [""]) if not token
        ],
        "you return the joined tokens alone: the others stay where they are",
    ),
    Alternative(
        lambda tokens, pair: ["".join(tokens)],
        "you return one token, the whole text",
    ),
]

_FACTS = [
    Fact(
        "put together, your tokens are the same text as before",
        lambda answer, tokens, pair: "".join(answer) == "".join(tokens),
    ),
    Fact(
        "each of your tokens stood there before, or is the joined pair",
        lambda answer, tokens, pair: set(answer) <= {*tokens, "".join(pair)},
    ),
    Fact(
        "the pair stands nowhere in your answer",
        lambda answer, tokens, pair: pair not in pairwise(answer),
    ),
]


def check_merge_pair(function: Callable[[list[str], Pair], list[str]]) -> CheckResult:
    """Check ``function(tokens, pair) -> tokens``: one merge of byte-pair encoding.

    From left to right, every two neighbours that are the pair become one joined token; a token
    belongs to one pair at most (Sennrich et al., 2016, section 3.2).

    Args:
        function: takes ``tokens``, a list of strings, and ``pair``, a tuple of two strings;
            returns a new list of strings.

    Returns:
        A :class:`CheckResult` that names the mistake, if there is one.

    Raises:
        TypeError: ``function`` cannot be called.
    """
    return diagnose(
        "merging a pair",
        function,
        reference=_reference,
        probes=_PROBES,
        alternatives=_ALTERNATIVES,
        facts=_FACTS,
    )
