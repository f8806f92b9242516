"""BART's text infilling: what people write instead."""

from itertools import groupby


def _ahead(tokens, spans, mask):
    noised, here = [], 0
    for start, length in spans:
        noised.extend(tokens[here:start])
        noised.append(mask)
        here = start + length
    noised.extend(tokens[here:])
    return noised


def _backwards(tokens, spans, mask):
    noised = tokens.copy()
    for start, length in spans[::-1]:
        noised[start : start + length] = [mask]
    return noised


def _by_place(tokens, spans, mask):
    """At each place: a mask if a span starts there, the token if no span covers it."""
    starts = {start for start, _ in spans}
    covered = {i for start, length in spans for i in range(start, start + length)}
    noised = []
    for i in range(len(tokens) + 1):
        if i in starts:
            noised.append(mask)
        if i < len(tokens) and i not in covered:
            noised.append(tokens[i])
    return noised


def _shift(tokens, spans, mask):
    noised, shift = list(tokens), 0
    for start, length in spans:
        del noised[start + shift : start + shift + length]
        noised.insert(start + shift, mask)
        shift += 1 - length
    return noised


def _recursive(tokens, spans, mask):
    if not spans:
        return tokens
    *before, (start, length) = spans
    return [*_recursive(tokens[:start], before, mask), mask, *tokens[start + length :]]


INFILL_RIGHT = {
    "ahead": _ahead,
    "from the right": _backwards,
    "place by place": _by_place,
    "shifted": _shift,
    "recursive": _recursive,
    "tuple": lambda *a: tuple(_ahead(*a)),
}


def _around(tokens, spans, mask, fill):
    """Cut the tokens at the spans, and fill in something for each."""
    out, here = [], 0
    for i, (start, length) in enumerate(spans):
        out += tokens[here:start]
        out += fill(i, tokens[start : start + length], mask)
        here = start + length
    out += tokens[here:]
    return out


def _fill(fill):
    return lambda tokens, spans, mask: _around(tokens, spans, mask, fill)


def _changed(change):
    """Spans misread, then treated rightly."""
    return lambda tokens, spans, mask: _ahead(tokens, [change(*s) for s in spans], mask)


def _assigned(stop):
    """Slices written from the right, with another end."""

    def formula(tokens, spans, mask):
        noised = tokens[:]
        for start, length in reversed(spans):
            noised[start : stop(start, length)] = [mask]
        return noised

    return formula


def _from_the_left(tokens, spans, mask):
    noised = list(tokens)
    for start, length in spans:
        noised[start : start + length] = [mask]
    return noised


def _shifted(by):
    def formula(tokens, spans, mask):
        noised, shift = list(tokens), 0
        for start, length in spans:
            begin = start + shift
            noised = [*noised[:begin], mask, *noised[begin + length :]]
            shift += by(length)
        return noised

    return formula


def _never_the_end(tokens, spans, mask):
    lengths = dict(spans)
    out, hidden = [], 0
    for i, token in enumerate(tokens):
        if i in lengths:
            out.append(mask)
            hidden = lengths[i]
        if hidden:
            hidden -= 1
        else:
            out.append(token)
    return out


def _at_end(tokens, spans, mask):
    kept = tokens[:]
    for start, length in reversed(spans):
        del kept[start : start + length]
    return kept + len(spans) * [mask]


def _returns_early(tokens, spans, mask):
    for start, length in spans:
        return [*tokens[:start], mask, *tokens[start + length :]]
    return tokens


def _anew(tokens, spans, mask):
    noised = tokens
    for start, length in spans:
        noised = [*tokens[:start], mask, *tokens[start + length :]]
    return noised


def _no_tail(tokens, spans, mask):
    out, here = [], 0
    for start, length in spans:
        out += [*tokens[here:start], mask]
        here = start + length
    return out


def _words(tokens, spans, mask):
    hidden = [w for start, length in spans for w in tokens[start : start + length]]
    marked = [mask if w in hidden else w for w in tokens]
    return [w for key, run in groupby(marked) for w in ([key] if key == mask else run)]


def _merged(tokens, spans, mask):
    found = _ahead(tokens, spans, mask)
    return [w for i, w in enumerate(found) if i == 0 or w != mask or found[i - 1] != mask]


def _writes(tokens, spans, mask):
    for start, length in reversed(spans):
        tokens[start : start + length] = [mask]
    return tokens


INFILL_MISTAKES = {
    "one mask each": (_fill(lambda i, hidden, m: [m for _ in hidden]), "as BERT does"),
    "one mask each, at least one": (
        _fill(lambda i, hidden, m: [m] * (len(hidden) or 1)),
        "several tokens gets several masks",
    ),
    "one too many": (_assigned(lambda s, n: s + n + 1), "you hide one token too many"),
    "one too many, ahead": (_changed(lambda s, n: (s, n + 1)), "you hide one token too many"),
    "one too few": (_changed(lambda s, n: (s, n - 1)), "hide one token too few"),
    "one too few, slices": (_assigned(lambda s, n: s + n - 1), "hide one token too few"),
    "start and end": (_assigned(lambda s, n: n), r"a span as \(start, end\)"),
    "start and end, ahead": (_changed(lambda s, n: (s, n - s)), r"a span as \(start, end\)"),
    "length and start": (_changed(lambda s, n: (n, s)), r"a span as \(length, start\)"),
    "one to the left": (_changed(lambda s, n: (max(s - 1, 0), n)), "one place too far left"),
    "one to the right": (_changed(lambda s, n: (1 + s, n)), "one place too far right"),
    "length 0 replaces": (_changed(lambda s, n: (s, n or 1)), "takes the token at its place away"),
    "length 0 behind": (
        _changed(lambda s, n: (s, n) if n else (s + 1, 0)),
        "puts its mask behind",
    ),
    "length 0 ignored": (
        lambda t, spans, m: _ahead(t, [s for s in spans if s[1] > 0], m),
        "you pass over spans of length 0",
    ),
    "never gets to the end": (_never_the_end, "a loop over the tokens never gets there"),
    "in the changed list": (_from_the_left, "counted in the list that has changed"),
    "shifted by length": (_shifted(lambda n: -n), "correct the starts by a span's length"),
    "shifted to the right": (_shifted(lambda n: n - 1), "what follows has moved to the left"),
    "deletion": (_fill(lambda i, hidden, m: []), "that is token deletion"),
    "mask and tokens": (_fill(lambda i, hidden, m: [m, *hidden]), "still stand there, behind"),
    "tokens and mask": (_fill(lambda i, hidden, m: [*hidden, m]), "still stand there, before"),
    "one token of each": (
        lambda t, spans, m: _ahead(t, [(s, min(n, 1)) for s, n in spans], m),
        "only the first token is hidden",
    ),
    "masks at the end": (_at_end, "your masks stand at the end"),
    "masks in front": (
        lambda t, s, m: _at_end(t, s, m)[-len(s) :] + _at_end(t, s, m)[: -len(s)] if s else t,
        "your masks stand in front",
    ),
    "neighbours share": (_merged, "spans that touch share a mask"),
    "returns too early": (_returns_early, "you treat the first span alone"),
    "begins anew": (_anew, "the last span alone"),
    "the rest lost": (_no_tail, "what stands behind the last span is lost"),
    "words, not places": (_words, "reads like a hidden one"),
    "its own mask": (lambda t, s, m: _ahead(t, s, "[MASK]"), "a word of your own"),
    "numbered": (
        lambda t, s, m: _around(t, s, m, lambda i, hidden, m: [f"<extra_id_{i}>"]),
        "your masks are numbered",
    ),
    "what was hidden": (
        lambda t, spans, m: [w for s, n in spans for w in t[s:][:n]],
        "you return what was hidden",
    ),
    "nothing done": (lambda t, s, m: list(t), "back as they were"),
    "changes its input": (_writes, "changed its input.*work on a new list"),
    "a text": (lambda *a: " ".join(_ahead(*a)), "returned a str on one token hidden"),
    "a list in the list": (
        lambda t, s, m: _around(t, s, m, lambda i, hidden, m: [[m]]),
        "returned a list that holds a list",
    ),
    "not written": (lambda *a: ..., "returns nothing yet"),
    "nobody foresaw": (
        lambda *a: _ahead(*a)[::-1],
        r"wrong on one token hidden; it should be true that what is not hidden.*\n"
        r"tokens: +\['the', 'cat', 'sat', 'down'\]\nspans: +\[\(1, 1\)\]\nmask: +'<mask>'\n",
    ),
    "nobody foresaw two masks": (
        _fill(lambda i, hidden, m: [m, m]),
        r"as many masks as spans, and it is not.*you gave: +\['the', '<mask>', '<mask>', 'sat'",
    ),
}
