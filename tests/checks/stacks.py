"""Chapter 8: what people write instead of a post-norm encoder layer."""

import torch
import torch.nn.functional as F
from torch import nn


def _two_lines(x, attention, feed_forward, norm_1, norm_2):
    x = norm_1(x + attention(x))
    return norm_2(x + feed_forward(x))


def _named(x, attention, feed_forward, norm_1, norm_2):
    mixed = attention(x)
    mixed += x
    middle = norm_1(mixed)
    return norm_2(torch.stack([middle, feed_forward(middle)]).sum(0))


def _one_sentence_at_a_time(x, *parts):
    return torch.cat([_two_lines(x[i : i + 1], *parts) for i in range(len(x))])


def _residual(sublayer, norm):
    return lambda x: norm(sublayer(x).add(x))


def _module(x, attention, feed_forward, norm_1, norm_2):
    return nn.Sequential(
        _Around(attention, norm_1),
        _Around(feed_forward, norm_2),
    )(x)


class _Around(nn.Module):
    def __init__(self, sublayer, norm):
        super().__init__()
        self.sublayer, self.norm = sublayer, norm

    def forward(self, x):
        return self.norm(self.sublayer(x) + x)


ENCODER_LAYER_RIGHT = {
    "two lines": _two_lines,
    "named steps": _named,
    "one sentence at a time": _one_sentence_at_a_time,
    "functions": lambda x, a, f, n, m: _residual(f, m)(_residual(a, n)(x)),
    "modules": _module,
    "NumPy at the end": lambda *parts: _two_lines(*parts).numpy(),
}


def _layer(first, second):
    """Each half is a function of (x, its input, sublayer, norm)."""
    return lambda x, a, f, n, m: second(x, first(x, x, a, n), f, m)


def _post(x, h, sublayer, norm):
    return norm(sublayer(h) + h)


def _pre(x, h, sublayer, norm):
    return sublayer(norm(h)) + h


def _none(x, h, sublayer, norm):
    return norm(sublayer(h))


def _plain(x, h, sublayer, norm):
    return sublayer(h) + h


def _inner(x, h, sublayer, norm):
    return norm(sublayer(h)) + h


def _ahead(x, h, sublayer, norm):
    h = norm(h)
    return sublayer(h) + h


def _twice(x, h, sublayer, norm):
    return norm(sublayer(norm(h)) + h)


def _own_way(x, h, sublayer, norm):
    return sublayer(h) + norm(h)


def _skip_from_the_sum(x, a, f, n, m):
    total = a(x).add(x)
    return m(f(n(total)) + total)


def _reads_the_sum(x, a, f, n, m):
    total = torch.add(x, a(x))
    thought = f(total)
    return m(thought + n(total))


def _in_place(x, a, f, n, m):
    x += a(x)
    x = n(x)
    return m(x + f(x))


def _own_norms(x, a, f, n, m):
    x = F.layer_norm(x + a(x), x.shape[-1:])
    return F.layer_norm(x + f(x), x.shape[-1:])


ENCODER_LAYER_MISTAKES = {
    "pre-norm": (_layer(_pre, _pre), "that is a pre-norm layer"),
    "first half pre-norm": (_layer(_pre, _post), "first half is pre-norm"),
    "second half pre-norm": (_layer(_post, _pre), "first half is post-norm"),
    "norm at the beginning": (_layer(_ahead, _ahead), "at the beginning of each half"),
    "no way around attention": (_layer(_none, _post), "way around attention is missing"),
    "no way around feed_forward": (_layer(_post, _none), "way around feed_forward is missing"),
    "no way around": (_layer(_none, _none), "nothing goes around"),
    "one way around both": (
        _layer(_none, lambda x, h, f, m: m(f(h) + x)),
        "around both sublayers together",
    ),
    "the layer's input added": (
        _layer(_post, lambda x, h, f, m: m(f(h) + x)),
        "you add the layer's input",
    ),
    "the sum before the norm added": (_skip_from_the_sum, "you add the sum before norm_1"),
    "the sum before the norm read": (_reads_the_sum, "feed_forward reads the sum before"),
    "norms swapped": (lambda x, a, f, n, m: _two_lines(x, a, f, m, n), "the norms are swapped"),
    "norm_1 twice": (lambda x, a, f, n, m: _two_lines(x, a, f, n, n), "you use norm_1 twice"),
    "norm_2 twice": (lambda x, a, f, n, m: _two_lines(x, a, f, m, m), "you use norm_2 twice"),
    "no last norm": (_layer(_post, _plain), "the norm at the end is missing"),
    "no first norm": (_layer(_plain, _post), "the norm between the halves is missing"),
    "no norms": (_layer(_plain, _plain), "nothing is normalised"),
    "the sublayer's output normalised": (_layer(_inner, _inner), "what a sublayer gives"),
    "x normalised in the first half": (_layer(_own_way, _post), "you normalise x alone"),
    "the way around normalised": (_layer(_own_way, _own_way), "what goes around a sublayer"),
    "twice in each half": (_layer(_twice, _twice), "you normalise twice in each half"),
    "attention reads normalised words": (_layer(_twice, _post), "attention reads normalised words"),
    "feed_forward first": (
        lambda x, a, f, n, m: _two_lines(x, f, a, n, m),
        "^feed_forward comes first",
    ),
    "halves swapped": (lambda x, a, f, n, m: _two_lines(x, f, a, m, n), "the halves are swapped"),
    "parallel": (lambda x, a, f, n, m: m(sum([x, a(x), f(x)])), "a parallel layer"),
    "feed_forward reads x": (
        _layer(_post, lambda x, h, f, m: m(h + f(x))),
        "^feed_forward reads the layer's input",
    ),
    "halves added": (
        lambda x, a, f, n, m: _residual(a, n)(x) + _residual(f, m)(x),
        "stand side by side",
    ),
    "half a layer": (lambda x, a, f, n, m: _residual(a, n)(x), "stop after the first half"),
    "the result thrown away": (
        lambda x, a, f, n, m: (_residual(a, n)(x), _residual(f, m)(x))[1],
        "the result of attention is lost",
    ),
    "own norms": (_own_norms, "norms of your own"),
    "changes its input": (_in_place, "changed its input"),
    "attention of three": (
        lambda x, a, f, n, m: n(x + a(x, x, x)),
        r"takes one tensor \(batch, n, d\) and nothing else.*x, x, x",
    ),
    "a mask": (
        lambda x, a, f, n, m: n(x + a(x, mask=None)),
        r"\(batch, n, d\) and nothing else.*mask=None",
    ),
    "norm not called": (lambda x, a, f, n, m: n, "returned a Part"),
    "not written": (lambda x, a, f, n, m: None, "returns nothing yet"),
    "nobody foresaw": (
        lambda x, a, f, n, m: m(n(x + 0.5 * a(x)) + f(n(x + 0.5 * a(x)))),
        r"two words, 3 wide\nx: .*\nattention: +each word becomes.*norm_2: +a layer norm",
    ),
    "nobody foresaw relu": (
        lambda *parts: torch.relu(_two_lines(*parts)),
        "should be true that norm_2 comes last",
    ),
}
