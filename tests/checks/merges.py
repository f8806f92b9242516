"""Byte-pair encoding: what people write instead of merging a pair."""

import itertools
import re
from collections import Counter
from functools import reduce


def _append(tokens, pair):
    """Look back at what was written last; a joined token cannot be half of a pair again."""
    done, fresh = [], False
    for token in tokens:
        if fresh and done[-1] == pair[0] and token == pair[1]:
            done[-1], fresh = done[-1] + token, False
        else:
            done.append(token)
            fresh = True
    return done


def _while(tokens, pair):
    result = []
    rest = list(tokens)
    while rest:
        if tuple(rest[:2]) == pair:
            result.append(rest[0] + rest[1])
            rest = rest[2:]
        else:
            result.append(rest.pop(0))
    return result


def _index(tokens, pair):
    """Jump from one first half to the next."""
    result, i = [], 0
    while True:
        try:
            j = tokens.index(pair[0], i)
        except ValueError:
            return result + tokens[i:]
        result += tokens[i:j]
        if tokens[j + 1 : j + 2] == [pair[1]]:
            result.append("".join(pair))
            i = j + 2
        else:
            result.append(tokens[j])
            i = j + 1


def _delete(tokens, pair):
    tokens = tokens[:]
    i = 0
    while i < len(tokens) - 1:
        if tokens[i] == pair[0] and tokens[i + 1] == pair[1]:
            tokens[i] += tokens.pop(i + 1)
        i += 1
    return tokens


def _regex(tokens, pair):
    pattern = rf"(?<!\S){re.escape(pair[0])} {re.escape(pair[1])}(?!\S)"
    return re.sub(pattern, "".join(pair), " ".join(tokens)).split()


MERGE_PAIR_RIGHT = {
    "look back": _append,
    "while there is a rest": _while,
    "index": _index,
    "delete in a copy": _delete,
    "text, with borders": _regex,
    "reduce": lambda tokens, pair: reduce(
        lambda done, t: (
            [*done[:-1], pair[0] + t]
            if t == pair[1] and len(done) and done[-1] == pair[0] and pair[0] + t not in pair
            else [*done, t]
        ),
        tokens,
        [],
    ),
    "tuple": lambda tokens, pair: tuple(_while(tokens, pair)),
}


def _walk(tokens, pair, is_it=None, join="".join, on=2):
    """The same walk with one thing changed."""
    is_it = is_it or (lambda a, b: a == pair[0] and b == pair[1])
    out, i, n = [], 0, len(tokens)
    while i < n:
        if i + 1 < n and is_it(tokens[i], tokens[i + 1]):
            made = join((tokens[i], tokens[i + 1]))
            out.extend(made if isinstance(made, list) else [made])
            i += on
        else:
            out.append(tokens[i])
            i += 1
    return out


def _walking(is_it=None, **change):
    return lambda tokens, pair: _walk(
        tokens, pair, is_it and (lambda a, b: is_it(a, b, pair)), **change
    )


def _enumerate(tokens, pair):
    return ["".join(pair) if tuple(tokens[i : i + 2]) == pair else t for i, t in enumerate(tokens)]


def _overlap(tokens, pair):
    out, used = [], False
    for i, token in enumerate(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            out.append("".join(pair))
            used = True
        elif used:
            used = False
        else:
            out.append(token)
    return out


def _first_only(tokens, pair):
    for i in range(len(tokens) - 1):
        if (tokens[i], tokens[i + 1]) == pair:
            return [*tokens[:i], "".join(pair), *tokens[i + 2 :]]
    return tokens


def _right_to_left(tokens, pair):
    out, i = [], len(tokens) - 1
    while i >= 0:
        if i and tokens[i] == pair[1] and tokens[i - 1] == pair[0]:
            out.insert(0, tokens[i - 1] + tokens[i])
            i -= 2
        else:
            out.insert(0, tokens[i])
            i -= 1
    return out


def _snowball(tokens, pair):
    out = []
    for token in tokens:
        if out and token == pair[1] and out[-1][-len(pair[0]) :] == pair[0]:
            out[-1] = out[-1] + token
        else:
            out += [token]
    return out


def _for_pairs(tokens, pair):
    out, skip = [], False
    for a, b in itertools.pairwise(tokens):
        if skip:
            skip = False
        elif (a, b) == pair:
            out.append(a + b)
            skip = True
        else:
            out.append(a)
    return out


def _stops_early(tokens, pair):
    out, i = [], 0
    while i < len(tokens) - 2:
        if (tokens[i], tokens[i + 1]) == pair:
            out.append(tokens[i] + tokens[i + 1])
            i += 2
        else:
            out.append(tokens[i])
            i += 1
    return out + tokens[i:]


def _commonest(tokens, pair):
    found = Counter(itertools.pairwise(tokens)).most_common(1)
    return _while(tokens, found[0][0]) if found else tokens


def _in_place(tokens, pair):
    i = 0
    while i < len(tokens) - 1:
        if (tokens[i], tokens[i + 1]) == pair:
            tokens[i : i + 2] = ["".join(pair)]
        i += 1
    return tokens


MERGE_PAIR_MISTAKES = {
    "a list is never a tuple": (
        lambda tokens, pair: _walk(tokens, pair, lambda a, b: [a, b] == pair),
        "you give the tokens back as they were",
    ),
    "overlapping": (_overlap, "your pairs overlap"),
    "the second half stays": (_enumerate, "second half still stands behind the joined token:"),
    "the second half stays, the last token does not": (
        lambda tokens, pair: [
            "".join(pair) if two == pair else two[0] for two in itertools.pairwise(tokens)
        ],
        "behind the joined token, and",
    ),
    "one too far": (_walking(on=3), "you go on one place too far"),
    "the first only": (_first_only, "the first occurrence alone"),
    "from the right": (_right_to_left, "you merge from the right"),
    "merged tokens merge again": (_snowball, "how the token before ends"),
    "both orders": (_walking(lambda a, b, p: {a, b} == set(p)), "the pair in both orders"),
    "the other order": (_walking(lambda a, b, p: (b, a) == p), "look for the pair the wrong way"),
    "spelled backwards": (
        _walking(join=lambda two: two[1] + two[0]),
        "spelled the wrong way round",
    ),
    "replace in the text": (
        lambda tokens, pair: " ".join(tokens).replace(" ".join(pair), "".join(pair)).split(),
        "you replace in the text",
    ),
    "replace in the text, split at spaces": (
        lambda tokens, pair: " ".join(tokens).replace(" ".join(pair), pair[0] + pair[1]).split(" "),
        "you replace in the text",
    ),
    "joined texts": (_walking(lambda a, b, p: f"{a}{b}" == f"{p[0]}{p[1]}"), "you compare joined"),
    "first half only": (_walking(lambda a, b, p: a == p[0]), "the second token is never looked"),
    "second half only": (_walking(lambda a, b, p: b == p[1]), "the first token is never looked"),
    "any two of the pair": (_walking(lambda a, b, p: a in p and b in p), "any two tokens that"),
    "alike": (_walking(lambda a, b, p: a == b), "neighbours that are alike"),
    "two by two": (
        lambda tokens, pair: (
            ["".join(two) for two in itertools.batched(tokens, 2)]
            if hasattr(itertools, "batched")
            else ["".join(tokens[i : i + 2]) for i in range(0, len(tokens), 2)]
        ),
        "all tokens two by two",
    ),
    "the commonest pair": (_commonest, "a pair of your own"),
    "the last token lost": (_for_pairs, "^the last token is lost"),
    "a loop that ends too early": (_stops_early, "at the very end is missed"),
    "with a space": (_walking(join=" ".join), "stands between the halves"),
    "WordPiece's sign": (_walking(join="##".join), "stands between the halves"),
    "the pair deleted": (_walking(join=lambda two: []), "no joined token came for it"),
    "the joined token added": (
        _walking(join=lambda two: [*two, "".join(two)]),
        "stands beside its halves",
    ),
    "the first half kept": (_walking(join=lambda two: two[0]), "keep the first half alone"),
    "the second half kept": (_walking(join=lambda two: two[1]), "keep the second half alone"),
    "the joined ones alone": (
        lambda tokens, pair: (
            [t for t in _while(tokens, pair) if t == "".join(pair)]
            if "".join(pair) not in tokens
            else ["".join(pair)] * (len(tokens) - len(_while(tokens, pair)))
        ),
        "you return the joined tokens alone",
    ),
    "one text in a list": (lambda tokens, pair: [str.join("", tokens)], "return one token"),
    "a text": (lambda tokens, pair: "".join(tokens), "returned a str on.*one list of strings"),
    "a pair in the list": (
        lambda tokens, pair: _walk(tokens, pair, join=lambda two: [two]),
        "returned a list that holds a tuple",
    ),
    "changes its input": (_in_place, "changed its input.*work on a new list"),
    "past the end": (
        lambda tokens, pair: [
            "".join(pair) if (t, tokens[i + 1]) == pair else t for i, t in enumerate(tokens)
        ],
        "raised IndexError on a pair in front.*\ntokens:  .*\npair:    ",
    ),
    "not written": (lambda tokens, pair: None, "returns nothing yet"),
    "nobody foresaw": (
        lambda tokens, pair: _while(tokens, pair)[::-1],
        r"wrong on a pair in front; it should be true that put together.*\n"
        r"tokens: +\['l', 'o', 'w'\]\npair: +\('l', 'o'\)\nyou gave: +\['w', 'lo'\]\n"
        r"expected: +\['lo', 'w'\]",
    ),
    "nobody foresaw a capital": (
        lambda tokens, pair: _walk(tokens, pair, join=lambda two: "".join(two).upper()),
        "'LO', 'w'",
    ),
}
