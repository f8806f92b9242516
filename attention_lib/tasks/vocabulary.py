"""Tokens to ids and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["PAD", "START", "STOP", "Vocabulary"]

#: Tokens that are no words, for filling up a batch, starting a target, ending one. They are the
#: first of a vocabulary that has them, so that padding has id 0.
PAD, START, STOP = "<pad>", "<start>", "<stop>"


class Vocabulary:
    """A fixed list of tokens; a token's id is its place in the list.

    Args:
        tokens: distinct strings, in the order of their ids.

    Raises:
        ValueError: no tokens, or the same token twice.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = tuple(tokens)
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        if not self.tokens or len(self._ids) != len(self.tokens):
            repeated = sorted({t for t in self.tokens if self.tokens.count(t) > 1})
            raise ValueError(f"{len(self.tokens)} tokens, repeated: {repeated}; expected distinct")

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], special: Sequence[str] = ()) -> Vocabulary:
        """Collect the distinct tokens of some sentences, in alphabetical order.

        Args:
            sentences: sequences of tokens.
            special: tokens to stand before all others in this order, such as ``(PAD, START,
                STOP)``, which get the ids 0, 1 and 2.

        Returns:
            The special tokens, then the others, as a vocabulary.

        Raises:
            TypeError: ``special`` is one string.
            ValueError: no tokens, or a special token twice.
        """
        if isinstance(special, str):
            raise TypeError(
                f"special is the string {special!r}; expected a list: try [{special!r}]"
            )
        tokens = {token for sentence in sentences for token in sentence}
        return cls([*special, *sorted(tokens - set(special))])

    def __len__(self) -> int:
        """Return the number of tokens (``vocab_size``)."""
        return len(self.tokens)

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """Look up the id of every token.

        Raises:
            TypeError: one string instead of a sequence of tokens.
            KeyError: a token that is not in the vocabulary.
        """
        if isinstance(tokens, str):
            raise TypeError(f"tokens is the string {tokens!r}; expected a list: try .split()")
        tokens = list(tokens)
        unknown = [token for token in tokens if token not in self._ids]
        if unknown:
            raise KeyError(f"not in this vocabulary of {len(self)} tokens: {unknown}")
        return [self._ids[token] for token in tokens]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Look up the token of every id (integers, or a tensor of them).

        Raises:
            IndexError: an id outside ``0 .. len(vocabulary) - 1``.
        """
        found = []
        for token_id in map(int, ids):
            if not 0 <= token_id < len(self):
                raise IndexError(f"id {token_id}; expected 0 to {len(self) - 1}")
            found.append(self.tokens[token_id])
        return found
