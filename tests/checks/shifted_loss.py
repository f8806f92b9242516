"""Chapter 8: what people write instead of the loss of the next tokens."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def _flat(logits, ids, pad_id):
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=pad_id)


def _loops(logits, ids, pad_id):
    total, count = 0.0, 0
    for sentence, tokens in zip(logits.tolist(), ids.tolist(), strict=True):
        for scores, token in zip(sentence, tokens[1:], strict=True):
            if token != pad_id:
                top = max(scores)
                total += top + math.log(sum(math.exp(s - top) for s in scores)) - scores[token]
                count += 1
    return total / count


def _numpy(logits, ids, pad_id):
    logits, target = logits.numpy(), ids.numpy()[:, 1:]
    loss = np.logaddexp.reduce(logits, axis=-1)
    loss = loss - np.take_along_axis(logits, target[..., None], axis=-1)[..., 0]
    return np.average(loss, weights=target != pad_id)


def _one_hot(logits, ids, pad_id):
    hot = F.one_hot(ids[:, 1:], logits.shape[-1]) * (ids[:, 1:, None] != pad_id)
    return -torch.einsum("btv,btv->", logits.log_softmax(-1), hot.double()) / hot.sum()


def _rolled(logits, ids, pad_id):
    target = ids.roll(-1, dims=1)[:, :-1]
    target = torch.where(target == pad_id, -100, target)
    return F.nll_loss(F.log_softmax(logits, -1).mT, target)


SHIFTED_LOSS_RIGHT = {
    "flattened": _flat,
    "transposed": lambda x, ids, pad: F.cross_entropy(x.mT, ids[:, 1:], ignore_index=pad),
    "loops": _loops,
    "NumPy": _numpy,
    "one-hot": _one_hot,
    "rolled": _rolled,
    "module": lambda x, ids, pad: torch.nn.CrossEntropyLoss(ignore_index=pad)(
        x.permute(1, 2, 0), ids[:, 1:].T
    ),
    "log_softmax twice changes nothing": lambda x, ids, pad: _flat(x.log_softmax(-1), ids, pad),
    "a distribution": lambda x, ids, pad: (
        -torch.distributions.Categorical(logits=x).log_prob(ids[:, 1:])[ids[:, 1:] != pad].mean()
    ),
}


def _losses(logits, ids):
    return F.cross_entropy(logits.mT, ids[:, 1:], reduction="none")


def _kept(numbers, ids, pad_id):
    return numbers.masked_select(ids[:, 1:] != pad_id)


def _cut(of_logits, of_ids):
    def loss(logits, ids, pad_id):
        logits, target = logits[:, of_logits], ids[:, of_ids]
        return F.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=pad_id
        )

    return loss


def _padding_counted(logits, ids, pad_id):
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def _padding_divided(logits, ids, pad_id):
    return (_losses(logits, ids) * (ids[:, 1:] != pad_id)).mean()


def _start_counted(logits, ids, pad_id):
    mask = ids.ne(pad_id)
    return (_losses(logits, ids) * mask[:, 1:]).sum() / mask.sum()


def _given_mask(logits, ids, pad_id):
    mask = ids.ne(pad_id)[:, :-1].double()
    return (_losses(logits, ids) * mask).sum() / mask.sum()


def _mean_of_means(logits, ids, pad_id):
    return torch.stack(
        [_flat(logits[i : i + 1], ids[i : i + 1], pad_id) for i in range(len(ids))]
    ).mean()


def _chances(logits, ids, pad_id):
    return _kept(F.softmax(logits, -1).gather(2, ids[:, 1:, None]).squeeze(2), ids, pad_id)


def _reordered(logits, ids, pad_id):
    vocab = logits.shape[-1]
    return F.cross_entropy(
        logits.transpose(0, 1).reshape(-1, vocab), ids[:, 1:].reshape(-1), ignore_index=pad_id
    )


def _target_reordered(logits, ids, pad_id):
    return F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), ids[:, 1:].T.reshape(-1), ignore_index=pad_id
    )


def _reshaped(logits, ids, pad_id):
    batch, length, vocab = logits.shape
    return F.cross_entropy(logits.view(batch, vocab, length), ids[:, 1:], ignore_index=pad_id)


def _over_positions(logits, ids, pad_id):
    picked = F.softmax(logits, dim=1).log().gather(2, ids[:, 1:, None])[..., 0]
    picked = logits.gather(2, ids[:, 1:, None])[..., 0] - torch.stack(
        [logits.logsumexp(1)[b, ids[b, 1:]] for b in range(len(ids))]
    )
    return -_kept(picked, ids, pad_id).mean()


def _overwrites_ids(logits, ids, pad_id):
    target = ids[:, 1:]
    target[target == pad_id] = -100
    return F.cross_entropy(logits.mT, target)


def _exp_over_sum(logits, ids, pad_id):
    e = torch.exp(logits)
    p = e / e.sum(-1, keepdim=True)
    return _kept(-torch.log(p.gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)), ids, pad_id).mean()


def _log_of_sum(logits, ids, pad_id):
    target = logits.gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
    return _kept(torch.log(torch.exp(logits).sum(-1)) - target, ids, pad_id).mean()


def _guess(logits, ids, pad_id):
    return _kept(logits.max(-1).indices == ids[:, 1:], ids, pad_id).double()


SHIFTED_LOSS_MISTAKES = {
    "no shift": (_cut(slice(None), slice(0, -1)), "the token that was just given, not with"),
    "no shift, mask of the target": (
        lambda x, ids, pad: _kept(
            F.cross_entropy(x.mT, ids[:, :-1], reduction="none"), ids, pad
        ).mean(),
        "the token that was just given, not with",
    ),
    "no shift, no padding": (
        lambda x, ids, pad: F.cross_entropy(x.mT, ids[:, :-1]),
        "two things: each prediction meets",
    ),
    "no shift without the start": (_cut(slice(1, None), slice(1, -1)), "you drop the first token"),
    "shifted by two": (_cut(slice(0, -1), slice(2, None)), "shifted by two"),
    "without the first prediction": (
        _cut(slice(1, None), slice(2, None)),
        "the first prediction is left out",
    ),
    "without the last prediction": (
        _cut(slice(0, -1), slice(1, -1)),
        "the last prediction is left out",
    ),
    "padding counted": (_padding_counted, "padding counts in your loss"),
    "padding divided by": (_padding_divided, "padding adds nothing to your sum"),
    "start token counted": (_start_counted, "the start token is one of them"),
    "mask of what was given": (_given_mask, "your mask belongs to the tokens that were given"),
    "padding is 0": (lambda x, ids, pad: _flat(x, ids, 0), "you take 0 for padding"),
    "mean of means": (_mean_of_means, "you average each sentence first"),
    "sum": (
        lambda x, ids, pad: F.cross_entropy(
            x.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=pad, reduction="sum"
        ),
        "you add the losses up",
    ),
    "sum for each sentence": (
        lambda x, ids, pad: (_losses(x, ids) * (ids[:, 1:] != pad)).sum(1).mean(),
        "divide by the number of sentences",
    ),
    "mean over the vocabulary": (
        lambda x, ids, pad: (
            -(F.one_hot(ids[:, 1:], x.shape[2]) * x.log_softmax(2))[ids[:, 1:] != pad].mean()
        ),
        "the size of the vocabulary",
    ),
    "bits": (
        lambda x, ids, pad: (
            -torch.log2(torch.exp(-_kept(_losses(x, ids), ids, pad).float())).mean()
            if x.abs().max() < 100
            else _flat(x, ids, pad) * math.log2(math.e)
        ),
        "in bits",
    ),
    "softmax twice": (lambda x, ids, pad: _flat(x.softmax(-1), ids, pad), "softmax is taken twice"),
    "logits": (
        lambda x, ids, pad: F.nll_loss(x.mT, ids[:, 1:], ignore_index=pad),
        "you average the target's logit",
    ),
    "1 - p": (lambda *a: 1 - _chances(*a).mean(), "you average 1 - p"),
    "p": (lambda *a: _chances(*a).mean(), "you average probabilities"),
    "nll_loss of probabilities": (
        lambda x, ids, pad: F.nll_loss(x.softmax(-1).mT, ids[:, 1:], ignore_index=pad),
        "you average negative probabilities",
    ),
    "logarithm of the mean": (lambda *a: -torch.log(_chances(*a).mean()), "logarithm of the mean"),
    "sign": (lambda *a: -_flat(*a), "the sign is missing"),
    "perplexity": (lambda *a: 2 ** (_flat(*a) / math.log(2)), "the perplexity"),
    "accuracy": (lambda *a: _guess(*a).mean(), "that is the accuracy"),
    "error rate": (lambda *a: 1 - _guess(*a).mean(), "share of wrong guesses"),
    "likeliest token": (
        lambda x, ids, pad: _kept(x.logsumexp(-1) - x.amax(-1), ids, pad).mean(),
        "the loss of the likeliest token",
    ),
    "logits in another order": (_reordered, "flattened in different orders"),
    "target in another order": (_target_reordered, "flattened in different orders"),
    "reshaped": (_reshaped, r"you reshape the logits to \(batch, vocab, length\)"),
    "over the positions": (_over_positions, "your softmax runs over the positions"),
    "not flattened": (
        lambda x, ids, pad: torch.nn.CrossEntropyLoss(ignore_index=pad)(x, ids[:, 1:]),
        "takes your positions for it",
    ),
    "exp over sum": (_exp_over_sum, "exp overflows"),
    "log of a sum of exp": (_log_of_sum, "the sum of exponentials overflows"),
    "log of softmax": (lambda *a: -_chances(*a).log().mean(), "log 0 = -inf"),
    "a small number added": (lambda *a: -(_chances(*a) + 1e-9).log().mean(), "caps the loss"),
    "clamped": (lambda *a: -_chances(*a).clamp_min(1e-7).log().mean(), "caps the loss"),
    "one loss for each token": (
        lambda x, ids, pad: _losses(x, ids),
        r"has shape \(1, 3\).*expected \(\)",
    ),
    "logits cut as well": (
        _cut(slice(0, -1), slice(1, None)),
        "raised ValueError on one sentence of three tokens.*every target needs one prediction",
    ),
    "overwrites the ids": (_overwrites_ids, "changed its input"),
    "not written": (lambda x, ids, pad: ..., "returns nothing yet"),
    "nobody foresaw": (
        lambda *a: 2 * _flat(*a) + 10,
        "wrong on one sentence of three tokens.*best and of the worst",
    ),
    "nobody foresaw smoothing": (
        lambda x, ids, pad: F.cross_entropy(
            x.mT, ids[:, 1:], ignore_index=pad, label_smoothing=0.1
        ),
        r"three tokens, none of them padding\nlogits: .*\nids: +\[\[0, 1, 2, 1\]\]",
    ),
}
