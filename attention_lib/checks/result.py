"""What a checker answers."""

from __future__ import annotations

import html
from dataclasses import dataclass

__all__ = ["CheckResult"]


@dataclass(frozen=True)
class CheckResult:
    """The outcome of a check.

    Attributes:
        name: what was checked.
        passed: whether everything holds.
        holds: facts that were found to hold, in the reader's words.
        diagnosis: what is wrong, in the reader's words, and then the smallest example of it: the
            inputs, what came out and what was expected; empty when passed.

    Raises:
        ValueError: a diagnosis of a check that passed, or none of one that failed.
    """

    name: str
    passed: bool
    holds: tuple[str, ...] = ()
    diagnosis: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.passed, bool) or self.passed == bool(self.diagnosis):
            raise ValueError(
                f"passed={self.passed} with diagnosis={self.diagnosis!r}; expected a diagnosis "
                "exactly when the check failed"
            )

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        lines = [f"{self.name}: {'passed' if self.passed else 'not yet'}"]
        lines += [f"  + {fact}" for fact in self.holds]
        if not self.passed:
            lines += ["  - " + self.diagnosis.replace("\n", "\n    ")]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the same text, wrapped to the width of the page instead of scrolling."""
        text = html.escape(repr(self))
        return f'<pre class="check" style="white-space: pre-wrap">{text}</pre>'
