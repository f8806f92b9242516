"""BERT's masking: what people write instead."""

import numpy as np
import torch


def _write(ids, chosen, dice, words, mask_id):
    corrupted, labels = ids.clone(), ids.clone()
    labels[~chosen] = -100
    corrupted[chosen & (dice < 0.8)] = mask_id
    random = chosen & (dice >= 0.8) & (dice < 0.9)
    corrupted[random] = words[random]
    return corrupted, labels


def _one(token, is_chosen, number, word, mask_id):
    if not is_chosen:
        return token, -100
    if number < 0.8:
        return mask_id, token
    return (word if number < 0.9 else token), token


def _token_by_token(one=_one):
    """Loop over texts and places; ``one`` says what becomes of a token, and its label."""

    def masking(ids, chosen, dice, words, mask_id):
        corrupted, labels = torch.empty_like(ids), torch.empty_like(ids)
        for place in np.ndindex(*ids.shape):
            given = (part[place].item() for part in (ids, chosen, dice, words))
            corrupted[place], labels[place] = one(*given, mask_id)
        return corrupted, labels

    return masking


def _numpy(ids, chosen, dice, words, mask_id):
    ids, chosen, dice, words = (part.numpy() for part in (ids, chosen, dice, words))
    cases = [~chosen, dice < 0.8, dice < 0.9]
    return np.select(cases, [ids, mask_id, words], ids), np.where(chosen, ids, -100)


def _arithmetic(ids, chosen, dice, words, mask_id):
    mask = (chosen & (dice < 0.8)).long()
    word = (chosen & (dice < 0.9)).long() - mask
    corrupted = ids * (1 - mask - word) + mask_id * mask + words * word
    return corrupted, ids * chosen - 100 * (~chosen).long()


MASK_TOKENS_RIGHT = {
    "written into copies": _write,
    "token by token": _token_by_token(),
    "NumPy": _numpy,
    "arithmetic": _arithmetic,
    "nested where": lambda ids, chosen, dice, words, mask_id: (
        torch.where(
            chosen,
            torch.where(dice < 0.8, mask_id, torch.where(dice < 0.9, words, ids)),
            ids,
        ),
        ids.masked_fill(chosen.logical_not(), -100),
    ),
    "a list": lambda *given: list(_write(*given)),
}


def _then(change):
    """The right answers, and something done to them: ``change(corrupted, labels, *given)``."""
    return lambda *given: change(*_write(*given), *given)


def _by_dice(corrupt):
    """What becomes of a chosen token: ``corrupt(token, number, word, mask_id)``."""
    return _token_by_token(
        lambda token, is_chosen, number, word, mask_id: (
            (corrupt(token, number, word, mask_id), token) if is_chosen else (token, -100)
        )
    )


def _places(corrupted_at, labelled_at):
    """Other places; both functions get ``chosen`` and ``dice``."""

    def masking(ids, chosen, dice, words, mask_id):
        corrupted = _write(ids, corrupted_at(chosen, dice), dice, words, mask_id)[0]
        return corrupted, torch.where(labelled_at(chosen, dice), ids, -100)

    return masking


def _chosen(chosen, dice):
    return chosen


def _two_names(ids, chosen, dice, words, mask_id):
    corrupted = ids.clone()
    labels = corrupted
    corrupted[chosen & (dice < 0.8)] = mask_id
    random = chosen & (dice >= 0.8) & (dice < 0.9)
    corrupted[random] = words[random]
    labels[~chosen] = -100
    return corrupted, labels


def _overwritten(ids, chosen, dice, words, mask_id):
    corrupted = ids.clone()
    corrupted[chosen & (dice < 0.8)] = mask_id
    corrupted[chosen & (dice < 0.9)] = words[chosen & (dice < 0.9)]
    return corrupted, _write(ids, chosen, dice, words, mask_id)[1]


def _in_turn(ids, chosen, dice, words, mask_id):
    corrupted, labels = _write(ids, chosen, dice, words, mask_id)
    pool = iter(words.flatten().tolist())
    for place in (chosen & (dice >= 0.8) & (dice < 0.9)).nonzero():
        corrupted[tuple(place)] = next(pool)
    return corrupted, labels


def _in_place(ids, chosen, dice, words, mask_id):
    labels = torch.where(chosen, ids, -100)
    ids[chosen & (dice < 0.8)] = mask_id
    random = chosen & (dice >= 0.8) & (dice < 0.9)
    ids[random] = words[random]
    return ids, labels


MASK_TOKENS_MISTAKES = {
    "all masked": (_by_dice(lambda t, d, w, m: m), "every chosen token is masked"),
    "none random": (_by_dice(lambda t, d, w, m: m if d < 0.8 else t), "no token is replaced"),
    "none kept": (_by_dice(lambda t, d, w, m: m if d < 0.8 else w), "no chosen token stays"),
    "masks overwritten": (_overwritten, "below 0.9 becomes a random one"),
    "none masked": (
        _by_dice(lambda t, d, w, m: w if 0.8 <= d < 0.9 else t),
        "no token is masked: below 0.8 it",
    ),
    "shares of mask and word": (
        _by_dice(lambda t, d, w, m: w if d < 0.8 else m if d < 0.9 else t),
        "mask and random word have each",
    ),
    "shares of mask and kept": (
        _by_dice(lambda t, d, w, m: t if d < 0.8 else w if d < 0.9 else m),
        "masked and kept tokens have each",
    ),
    "shares of word and kept": (
        _by_dice(lambda t, d, w, m: m if d < 0.8 else t if d < 0.9 else w),
        "with you it is the other way round",
    ),
    "from the other end": (
        _by_dice(lambda t, d, w, m: m if d > 0.2 else w if d > 0.1 else t),
        "you read the dice from the other end",
    ),
    "from the other end, with equality": (
        _by_dice(lambda t, d, w, m: t if d < 0.1 else w if d < 0.2 else m),
        "you read the dice from the other end",
    ),
    "0.8 too": (
        _by_dice(lambda t, d, w, m: m if d <= 0.8 else w if d < 0.9 else t),
        "dice of exactly 0.8 mean a random word: below",
    ),
    "0.9 too": (
        _by_dice(lambda t, d, w, m: m if d < 0.8 else w if d <= 0.9 else t),
        "dice of exactly 0.9",
    ),
    "0.8 and 0.9 too": (
        _by_dice(lambda t, d, w, m: m if d <= 0.8 else w if d <= 0.9 else t),
        "dice of exactly 0.8 or 0.9",
    ),
    "0.8 nowhere": (
        _by_dice(lambda t, d, w, m: m if d < 0.8 else w if d > 0.8 and d < 0.9 else t),
        "fall between your cases",
    ),
    "dice everywhere": (
        _places(lambda c, d: torch.ones_like(c), _chosen),
        "tokens are corrupted that were not chosen",
    ),
    "chosen not used": (
        _places(lambda c, d: d >= 0, lambda c, d: d >= 0),
        "chosen is never used",
    ),
    "chosen not used, changed ones labelled": (
        _places(lambda c, d: d >= 0, lambda c, d: d < 0.9),
        "chosen is never used",
    ),
    "random ones of all": (
        _token_by_token(
            lambda t, c, d, w, m: (
                w if 0.8 <= d < 0.9 else m if c and d < 0.8 else t,
                t if c else -100,
            )
        ),
        "random words stand at places",
    ),
    "the others corrupted": (
        _places(lambda c, d: ~c, _chosen),
        "you corrupt the places that were not chosen",
    ),
    "turned round": (
        lambda ids, chosen, *rest: _write(ids, chosen.logical_not(), *rest),
        "chosen is turned round",
    ),
    "labels at the others": (
        _places(_chosen, lambda c, d: ~c),
        "your labels stand at the places that were not chosen",
    ),
    "labels everywhere": (
        _places(_chosen, lambda c, d: d < 1),
        "your labels stand everywhere",
    ),
    "labels read from the corrupted": (
        _then(
            lambda corrupted, labels, ids, chosen, *_: (
                corrupted,
                torch.where(chosen, corrupted, -100),
            )
        ),
        "your labels are what the model reads",
    ),
    "the corrupted twice": (
        _then(lambda corrupted, labels, *_: (corrupted, corrupted.clone())),
        "your labels are the corrupted tokens, all",
    ),
    "words as labels": (
        _then(
            lambda corrupted, labels, ids, chosen, dice, words, m: (
                corrupted,
                words.masked_fill(~chosen, -100),
            )
        ),
        "your labels are the random words",
    ),
    "masked ones labelled": (
        _places(_chosen, lambda c, d: c & (d < 0.8)),
        "you label masked places alone",
    ),
    "masks labelled": (
        _then(
            lambda corrupted, labels, ids, chosen, dice, words, mask_id: (
                corrupted,
                torch.where(corrupted == mask_id, ids, -100),
            )
        ),
        "you label masked places alone",
    ),
    "changed ones labelled": (
        _places(_chosen, lambda c, d: c & (d < 0.9)),
        "you label the places that changed",
    ),
    "labels of 0": (
        _then(lambda corrupted, labels, *_: (corrupted, labels.clamp(min=0))),
        "your labels are 0: cross",
    ),
    "labels of -1": (
        _then(lambda corrupted, labels, *_: (corrupted, labels.clamp(min=-1))),
        "your labels are -1: cross",
    ),
    "labels of mask_id": (
        _then(
            lambda corrupted, labels, *given: (
                corrupted,
                torch.where(labels < 0, given[-1], labels),
            )
        ),
        "your labels are mask_id",
    ),
    "reads -100": (
        _then(
            lambda corrupted, labels, ids, chosen, *_: (
                ids.masked_fill(chosen, -100),
                labels,
            )
        ),
        "-100 is for labels alone",
    ),
    "two names": (_two_names, "your two answers are the same tensor"),
    "words in turn": (_in_turn, "come from the front of words"),
    "BERT's own mask": (
        lambda *given: _write(*given[:-1], 103),
        "your mask is a number of your own",
    ),
    "nothing corrupted": (
        _then(lambda corrupted, labels, ids, *_: (ids, labels)),
        "nothing is corrupted",
    ),
    "wrong order": (lambda *given: _write(*given)[::-1], "stand in the wrong order"),
    "changes its input": (_in_place, "changed its input.*work on a new tensor"),
    "one answer": (lambda *given: _write(*given)[0], "returned a Tensor; expected two tensors"),
    "three answers": (
        lambda *given: (*_write(*given), given[1]),
        "returned a tuple; expected two tensors",
    ),
    "floats": (
        _then(lambda corrupted, labels, *_: (corrupted.float(), labels)),
        "right, but their dtype is torch.float32",
    ),
    "not written": (lambda *given: None, "returns nothing yet"),
    "nobody foresaw": (
        _by_dice(lambda t, d, w, m: m + 1 if d < 0.8 else w if d < 0.9 else t),
        r"wrong on a token to be masked\nids: +\[\[7, 8, 9\]\]\nchosen: .*\nmask_id: +4\n"
        r"you gave: +\[\[\[7.0, 5.0, 9.0\]\], \[\[-100.0, 8.0, -100.0\]\]\]",
    ),
    "nobody foresaw the next label": (
        _then(lambda corrupted, labels, *_: (corrupted, labels.roll(1, 1))),
        "should be true that the labels are the tokens as they were",
    ),
    "a typing error": (lambda *given: given[0].clne(), "raised AttributeError"),
}
