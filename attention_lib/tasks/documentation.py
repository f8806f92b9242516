"""Prose for a language model: the documentation that every Python carries with it."""

from __future__ import annotations

import hashlib
import platform

import torch
from torch import Tensor

from attention_lib.inputs import check_ids
from attention_lib.settings import check_sizes
from attention_lib.tasks.task import one_in_five

__all__ = ["Documentation", "unigram_loss", "windows"]

_LONG_LINE = 60


class Documentation:
    """The texts of Python's ``help("topics")``: some 80 topics, nearly half a million characters.

    They change with Python, so ``python`` (its version) and ``sha256`` (of ``text``) say which
    text this is. ``text`` is all of it in alphabetical order, ``train`` and ``test`` are two
    parts of it that share no topic, and ``held_out`` names the topics of ``test``.

    Topics repeat each other: "for" is a section of "compound" too. Topics that share a line of 60
    or more characters stay together, and one such group in five is held out, chosen by the
    checksum of its first name: in Python 3.11 to 3.13 the same 14 topics, a sixth to a fifth of
    the text. What still stands in both, of passages of 60 characters, is 1 % of ``test``, and that
    is rules of tables.

    Some characters may occur in ``test`` alone: make a vocabulary of characters from ``text``.

    Raises:
        ImportError: this Python came without its documentation.
    """

    def __init__(self) -> None:
        topics = _topics()
        group = _groups(topics)
        self.python = platform.python_version()
        self.held_out = tuple(name for name in topics if one_in_five([group[name]]))
        self.text = "\n".join(topics.values())
        self.sha256 = hashlib.sha256(self.text.encode()).hexdigest()
        self.train = "\n".join(text for name, text in topics.items() if name not in self.held_out)
        self.test = "\n".join(topics[name] for name in self.held_out)


def windows(ids: Tensor, batch: int, length: int, *, seed: int = 0) -> Tensor:
    """Cut windows out of a long text at random places.

    The first ``length`` ids of a window are a model's input, its last ``length`` the next tokens
    that it should predict: ``window[:, :-1]`` and ``window[:, 1:]``.

    Args:
        ids: the text, ``(n,)`` integers.
        batch: number of windows.
        length: tokens that a model is given.
        seed: the same seed draws the same windows; a step's number, say.

    Returns:
        ``(batch, length + 1)``, dtype and device of ``ids``.

    Raises:
        TypeError: ids that are no tensor of integers, or a size that is no integer.
        ValueError: another shape, a size below 1, or a text that is too short for a window.
    """
    _check_text("ids", ids)
    check_sizes(batch=batch, length=length)
    if len(ids) <= length:
        raise ValueError(
            f"length={length}, and ids holds {len(ids)} tokens; expected at least length + 1: "
            "choose shorter windows"
        )
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(ids) - length, (batch,), generator=generator)
    return ids[(starts[:, None] + torch.arange(length + 1)).to(ids.device)]


def unigram_loss(train: Tensor, test: Tensor, vocab_size: int) -> float:
    """Cross-entropy of a text under the mere frequencies of another text's tokens.

    What a model reaches that looks at no context. Every token counts once more than it occurs in
    ``train`` (add-one smoothing), so that one which never occurs there costs a finite amount.

    Args:
        train: ids of the text whose tokens are counted, ``(n,)``.
        test: ids of the text to predict, ``(m,)``; ``train`` again gives, nearly, its entropy.
        vocab_size: number of different tokens.

    Returns:
        Nats a token; to be read beside ln ``vocab_size``, which guessing evenly costs.

    Raises:
        TypeError: ids that are no tensors of integers.
        ValueError: other shapes, an empty text, or ids outside ``0 .. vocab_size - 1``.
    """
    for name, ids in (("train", train), ("test", test)):
        _check_text(name, ids)
        check_ids(name, ids[None], vocab_size)
    counts = torch.bincount(train, minlength=vocab_size).double() + 1
    return -(counts / counts.sum()).log()[test].mean().item()


def _topics() -> dict[str, str]:
    """Give every topic's text by its name, in alphabetical order."""
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise ImportError(
            f"this Python ({platform.python_version()}) came without pydoc_data, its "
            "documentation; expected a full installation: on Debian and Ubuntu try "
            "apt install python3 (python3-minimal leaves it out), elsewhere Python from python.org"
        ) from error
    return dict(sorted(topics.items()))


def _groups(topics: dict[str, str]) -> dict[str, str]:
    """Name, for every topic, the first of those that hang together with it by long lines."""
    group = {name: name for name in topics}
    seen: dict[str, str] = {}  # a long line: the first topic that has it
    for name, text in topics.items():
        for line in map(str.strip, text.splitlines()):
            if len(line) < _LONG_LINE:
                continue
            pair = group[name], group[seen.setdefault(line, name)]
            if pair[0] != pair[1]:
                group = {t: min(pair) if first in pair else first for t, first in group.items()}
    return group


def _check_text(name: str, ids: Tensor) -> None:
    """Check the ids of one text, ``(n,)``."""
    if not isinstance(ids, Tensor) or ids.is_floating_point():
        given = ids.dtype if isinstance(ids, Tensor) else type(ids).__name__
        raise TypeError(f"{name} is {given}; expected a tensor of token ids: try torch.tensor(...)")
    if ids.dim() != 1:
        raise ValueError(
            f"{name} has shape {tuple(ids.shape)}; expected one text, (n,): try {name}.flatten()"
        )
