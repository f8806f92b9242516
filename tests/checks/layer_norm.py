"""Chapter 8: what people write instead of layer norm."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def _loops(x, gain, bias, eps):
    y = torch.zeros(x.shape)
    for b, sentence in enumerate(x.tolist()):
        for i, word in enumerate(sentence):
            mean = sum(word) / len(word)
            variance = sum((v - mean) ** 2 for v in word) / len(word)
            for j, v in enumerate(word):
                y[b, i, j] = (v - mean) / math.sqrt(variance + eps) * gain[j] + bias[j]
    return y


def _numpy(x, gain, bias, eps):
    x = x.numpy()
    centred = x - x.mean(-1)[..., None]
    spread = np.sqrt((centred**2).mean(-1) + eps)
    return np.asarray(gain) * centred / spread[..., None] + np.asarray(bias)


def _einsum(x, gain, bias, eps):
    d = x.shape[2]
    x = x - torch.einsum("bnd->bn", x)[:, :, None] / d
    spread = torch.einsum("bnd,bnd->bn", x, x) / d + eps
    return torch.einsum("bnd,bn,d->bnd", x, spread**-0.5, gain) + bias


def _module(x, gain, bias, eps):
    norm = torch.nn.LayerNorm(len(gain), eps=eps, dtype=x.dtype)
    with torch.no_grad():
        norm.weight.copy_(gain)
        norm.bias.copy_(bias)
    return norm(x)


LAYER_NORM_RIGHT = {
    "F.layer_norm": lambda x, g, b, eps: F.layer_norm(x, g.shape, g, b, eps),
    "nn.LayerNorm": _module,
    "loops into float32": _loops,
    "NumPy": _numpy,
    "einsum": _einsum,
    "correction": lambda x, g, b, eps: (
        (x - x.mean(2, True)) * torch.rsqrt(x.var(2, correction=0, keepdim=True) + eps) * g + b
    ),
    "d - 1 taken back": lambda x, g, b, eps: (
        (x - x.mean(-1, True)) / ((len(g) - 1) / len(g) * x.var(-1, keepdim=True) + eps) ** 0.5 * g
        + b
    ),
    "variance of rolled numbers": lambda x, g, b, eps: torch.addcmul(
        b, g, F.layer_norm(x.roll(1, -1), (len(b),), eps=eps).roll(-1, -1)
    ),
}


def _by_hand(x, gain, bias, eps, *, over=2, less=0, root=lambda v, eps: torch.sqrt(v + eps)):
    over = (over,) if isinstance(over, int) else over
    count = math.prod(x.shape[i] for i in over)
    centred = x - x.sum(over, keepdim=True) / count
    variance = centred.square().sum(over, keepdim=True) / (count - less)
    return centred / root(variance, eps) * gain + bias


def _with(**rules):
    return lambda *a: _by_hand(*a, **rules)


def _one(x, eps):
    return F.layer_norm(x, x.shape[-1:], eps=eps)


def _one_pass(x, gain, bias, eps):
    mean, square = x.mean(-1, True), (x * x).mean(-1, True)
    return gain * (x - mean) / torch.sqrt(square - mean * mean + eps) + bias


def _rms(x, eps):
    return F.rms_norm(x, x.shape[-1:], eps=eps)


def _batch_norm(x, gain, bias, eps):
    flat = x.flatten(0, 1)
    return F.batch_norm(flat, None, None, gain, bias, training=True, eps=eps).view(x.shape)


def _in_place(x, gain, bias, eps):
    x -= x.mean(-1, keepdim=True)
    return x / torch.sqrt((x**2).mean(-1, keepdim=True) + eps) * gain + bias


def _no_keepdim(x, gain, bias, eps):
    return (x - x.mean(-1)) / torch.sqrt(x.var(-1, unbiased=False) + eps) * gain + bias


def _mean_without_keepdim(x, gain, bias, eps):
    return (x - x.mean(-1)) / torch.sqrt(x.var(-1, keepdim=True) + eps) * gain + bias


def _sum_without_keepdim(x, gain, bias, eps):
    centred = x - x.mean(-1, True)
    return centred / torch.sqrt(centred.pow(2).mean(-1) + eps) * gain + bias


LAYER_NORM_MISTAKES = {
    "d - 1": (_with(less=1), "your variance divides by d - 1"),
    "eps outside": (_with(root=lambda v, eps: v.sqrt() + eps), "eps stands outside the root"),
    "torch.std + eps": (
        lambda x, g, b, eps: (
            (x - x.mean(-1, True)) / (torch.std(x, -1, keepdim=True) + eps) * g + b
        ),
        "two things: torch.std divides",
    ),
    "no eps": (_with(root=lambda v, eps: v.sqrt()), "^eps is missing"),
    "torch.std alone": (
        lambda x, g, b, eps: (x - x.mean(-1, True)) / torch.std(x, -1, keepdim=True) * g + b,
        "two things: eps is missing",
    ),
    "eps by default": (lambda x, g, b, eps: F.layer_norm(x, g.shape, g, b), "an eps of your own"),
    "another eps": (_with(root=lambda v, eps: (v + 1e-6) ** 0.5), "an eps of your own"),
    "eps as a limit": (
        _with(root=lambda v, eps: torch.maximum(v, torch.tensor(eps)).sqrt()),
        "the smallest variance you allow",
    ),
    "no root": (_with(root=lambda v, eps: v + eps), "the root is missing"),
    "mean of squares minus square of mean": (_one_pass, "right in exact arithmetic"),
    "float32": (
        lambda x, g, b, eps: F.layer_norm(x.float(), g.shape, g.float(), b.float(), eps),
        "you compute in float32",
    ),
    "squares of x": (
        lambda x, g, b, eps: (x - x.mean(-1, True)) / ((x**2).mean(-1, True) + eps).sqrt() * g + b,
        "the mean of the squares of x itself",
    ),
    "sum of squares": (
        lambda x, g, b, eps: _by_hand(
            x, g, b, eps, root=lambda v, eps: (x.shape[2] * v + eps).sqrt()
        ),
        "do not divide by d",
    ),
    "mean distance": (
        lambda x, g, b, eps: (
            g * (x - x.mean(-1, True)) / ((x - x.mean(-1, True)).abs().mean(-1, True) + eps) + b
        ),
        "mean distance from the mean",
    ),
    "nothing divided": (lambda x, g, b, eps: (x - x.mean(2, True)) * g + b, "divide by nothing"),
    "x divided": (
        lambda x, g, b, eps: g * x * (x.var(-1, correction=0, keepdim=True) + eps) ** -0.5 + b,
        "you divide x itself",
    ),
    "RMS norm": (lambda x, g, b, eps: _rms(x, eps) * g + b, r"RMS norm \(Llama's\)"),
    "RMS norm without bias": (
        lambda x, g, b, eps: F.rms_norm(x, g.shape, g, eps),
        "RMS norm as in Llama",
    ),
    "over the batch": (_with(over=0), "over the batch"),
    "over the batch, d - 1": (_with(over=0, less=1), "over the batch"),
    "over the words": (_with(over=1), "over the words of a sentence"),
    "over a sentence": (_with(over=(1, 2)), "each sentence as a whole"),
    "over a sentence, in PyTorch": (
        lambda x, g, b, eps: F.layer_norm(x, x.shape[1:], eps=eps) * g + b,
        "each sentence as a whole",
    ),
    "batch norm": (_batch_norm, "that is batch norm"),
    "over everything": (
        lambda x, g, b, eps: (x - x.mean()) / torch.sqrt(x.var() + eps) * g + b,
        "one mean and one variance for all",
    ),
    "no keepdim": (_no_keepdim, "has lost its last dimension"),
    "mean without keepdim": (_mean_without_keepdim, "has lost its last dimension"),
    "variance without keepdim": (_sum_without_keepdim, "has lost its last dimension"),
    "no gain": (lambda x, g, b, eps: _one(x, eps) + b, "the gain is missing"),
    "no bias": (lambda x, g, b, eps: F.layer_norm(x, g.shape, g, eps=eps), "the bias is missing"),
    "neither": (lambda x, g, b, eps: _one(x, eps), "gain and bias are missing"),
    "bias first": (lambda x, g, b, eps: (_one(x, eps) + b) * g, "the bias before the gain"),
    "swapped": (lambda x, g, b, eps: F.layer_norm(x, g.shape, b, g, eps), "are swapped"),
    "1 + gain": (lambda x, g, b, eps: F.layer_norm(x, g.shape, g + 1, b, eps), r"1 \+ gain"),
    "gain first": (lambda x, g, b, eps: _one(g * x, eps) + b, "the gain comes too early"),
    "norm last": (lambda x, g, b, eps: _one(g * x + b, eps), "you normalise last"),
    "gain along words": (
        lambda x, g, b, eps: _one(x, eps) * g.view(-1, 1) + b,
        "the gain runs along the words",
    ),
    "bias along words": (
        lambda x, g, b, eps: _one(x, eps) * g + b.unsqueeze(-1),
        "the bias runs along the words",
    ),
    "both along words": (
        lambda x, g, b, eps: (_one(x, eps).mT * g + b).mT,
        "gain and bias run along the words",
    ),
    "both along sentences": (
        lambda x, g, b, eps: torch.einsum("bnd,b->bnd", _one(x, eps), g) + b.reshape(-1, 1, 1),
        "run along the sentences",
    ),
    "changes its input": (_in_place, "changed its input"),
    "not written": (lambda x, g, b, eps: ..., "returns nothing yet"),
    "nobody foresaw": (
        lambda x, g, b, eps: _one(x, eps).clamp(-1, 1) * g + b,
        "wrong on two sentences of three words",
    ),
    "nobody foresaw, with an example": (
        lambda x, g, b, eps: 0.5 * F.layer_norm(x, g.shape, g, b, eps),
        r"wrong on two sentences of two words.*have mean 0, and it is not\nx: +.*1.0, 3.0",
    ),
}
