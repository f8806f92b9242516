"""Dates as people write them, into the one form that machines agree on."""

from __future__ import annotations

import datetime
import random
from typing import ClassVar

from attention_lib.tasks.task import Example, Task, one_in_five
from attention_lib.tasks.vocabulary import PAD, START, STOP, Vocabulary

__all__ = ["Dates"]

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _ordinal(day: int) -> str:
    """Write 1st, 2nd, 3rd, 4th; and 11th, 12th, 13th."""
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


class Dates(Task):
    """A date in English, such as "3rd of May 2021", to be written "2021-05-03" (ISO 8601).

    Tokens are characters, of the source and of the target. The days run from 1 January 1900 to
    31 December 2099. What the written form leaves open, this task decides:

    - "03/05/21", "3/5/2021" and "03.05.2021" give the day first, as in Europe. In the United
      States the first two would be 5 March.
    - A year of two digits is the one from 1969 to 2068, as POSIX reads it. Dates outside of these
      hundred years are never written so.

    A held-out date is held out in all its forms, so no test target appears in training.
    """

    name = "dates"

    #: the forms, filled in by :meth:`write`
    forms: ClassVar = (
        "{d} {month} {y}",  # 3 May 2021
        "{month} {d}, {y}",  # May 3, 2021
        "{nth} of {month} {y}",  # 3rd of May 2021
        "{weekday}, {d} {month} {y}",  # Monday, 3 May 2021
        "{day} {d} {mon} {y}",  # Mon 3 May 2021
        "{mon} {nth}, {y}",  # May 3rd, 2021
        "the {nth} day of {month} in {y}",  # the 3rd day of May in 2021
        "{y} {month} {d}",  # 2021 May 3
        "{d}/{m}/{y}",  # 3/5/2021
        "{dd}.{mm}.{y}",  # 03.05.2021
        "{dd}/{mm}/{yy}",  # 03/05/21
    )

    def __init__(self) -> None:
        written = ["0123456789 ,./", "the day of in", "st nd rd th", *_MONTHS, *_WEEKDAYS]
        #: characters of the sources, behind ``<pad>``
        self.source_vocabulary = Vocabulary.of(written, special=(PAD,))
        #: characters of the targets, behind ``<pad>``, ``<start>`` and ``<stop>``
        self.target_vocabulary = Vocabulary.of(["0123456789-"], special=(PAD, START, STOP))
        #: both together, for a model with one table
        self.vocabulary = Vocabulary.of([*written, "-"], special=(PAD, START, STOP))

    def draw(self, rng: random.Random) -> Example:
        """Draw a day, then a form that can tell its year."""
        first, last = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)
        date = datetime.date.fromordinal(rng.randint(first.toordinal(), last.toordinal()))
        forms = self.forms if 1969 <= date.year <= 2068 else self.forms[:-1]
        return Example(tuple(self.write(date, rng.choice(forms))), tuple(date.isoformat()))

    def is_held_out(self, example: Example) -> bool:
        """Hold out one day in five, in all its forms."""
        return one_in_five(example.target)

    def write(self, date: datetime.date, form: str) -> str:
        """Write a date in one of the :attr:`forms`.

        Args:
            date: the day.
            form: one of the forms.

        Returns:
            The date as people write it.

        Raises:
            ValueError: another form.
        """
        if form not in self.forms:
            raise ValueError(f"form={form!r}; expected one of Dates.forms: {self.forms}")
        month, weekday = _MONTHS[date.month - 1], _WEEKDAYS[date.weekday()]
        return form.format(
            d=date.day,
            dd=f"{date.day:02}",
            nth=_ordinal(date.day),
            m=date.month,
            mm=f"{date.month:02}",
            mon=month[:3],
            month=month,
            y=date.year,
            yy=f"{date.year % 100:02}",
            day=weekday[:3],
            weekday=weekday,
        )
