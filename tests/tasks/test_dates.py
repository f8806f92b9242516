"""Dates: many forms, one meaning."""

import datetime

import pytest

from attention_lib.tasks import PAD, START, STOP, Dates

TASK = Dates()
DAY = datetime.date(2021, 5, 3)


def test_a_day_is_written_in_every_form():
    assert [TASK.write(DAY, form) for form in TASK.forms] == [
        "3 May 2021",
        "May 3, 2021",
        "3rd of May 2021",
        "Monday, 3 May 2021",
        "Mon 3 May 2021",
        "May 3rd, 2021",
        "the 3rd day of May in 2021",
        "2021 May 3",
        "3/5/2021",
        "03.05.2021",
        "03/05/21",
    ]
    assert TASK.write(datetime.date(1999, 9, 30), TASK.forms[5]) == "Sep 30th, 1999"


def test_ordinals_end_as_english_has_them():
    form = "{nth} of {month} {y}"
    endings = {d: TASK.write(DAY.replace(day=d), form).split()[0] for d in range(1, 32)}
    assert {d: word for d, word in endings.items() if not word.endswith("th")} == {
        **{1: "1st", 2: "2nd", 3: "3rd"},
        **{21: "21st", 22: "22nd", 23: "23rd", 31: "31st"},
    }


def test_every_example_can_be_read_as_its_target():
    formats = {
        "{d} {month} {y}": "%d %B %Y",
        "{month} {d}, {y}": "%B %d, %Y",
        "{weekday}, {d} {month} {y}": "%A, %d %B %Y",
        "{day} {d} {mon} {y}": "%a %d %b %Y",
        "{y} {month} {d}": "%Y %B %d",
        "{d}/{m}/{y}": "%d/%m/%Y",
        "{dd}.{mm}.{y}": "%d.%m.%Y",
        "{dd}/{mm}/{yy}": "%d/%m/%y",
    }
    assert set(formats) < set(TASK.forms)
    read = 0
    for source, target in TASK.sample(2000):
        date = datetime.date.fromisoformat("".join(target))
        [form] = [form for form in TASK.forms if TASK.write(date, form) == "".join(source)]
        if form in formats:
            read += 1
            found = datetime.datetime.strptime("".join(source), formats[form])
            assert found.date() == date and found.strftime("%A") == date.strftime("%A")
    assert read > 1000


def test_a_written_date_has_one_target():
    targets = {}
    for split in ("train", "test"):
        for source, target in TASK.sample(10_000, split=split):
            assert targets.setdefault(source, target) == target
    assert len(targets) > 15_000


def test_a_held_out_day_is_held_out_in_all_its_forms():
    train = {example.target for example in TASK.sample(20_000)}
    test = {example.target for example in TASK.sample(5000, split="test")}
    assert not train & test
    assert len(train) > 10_000 and len(test) > 3000


def test_the_days_run_over_two_centuries_and_two_digits_over_one():
    years = {True: set(), False: set()}
    for source, target in TASK.sample(30_000):
        has_two_digits = len(source) == 8 and source[2] == source[5] == "/"
        years[has_two_digits].add(int("".join(target[:4])))
    assert years[False] == set(range(1900, 2100))
    assert years[True] == set(range(1969, 2069))


def test_the_vocabularies_hold_the_characters_that_are_used():
    drawn = TASK.sample(20_000)
    sources, targets = ({c for e in drawn for c in e[side]} for side in (0, 1))
    assert set(TASK.source_vocabulary.tokens) == sources | {PAD}
    assert set(TASK.target_vocabulary.tokens) == targets | {PAD, START, STOP}
    assert set(TASK.vocabulary.tokens) == sources | targets | {PAD, START, STOP}
    assert TASK.vocabulary.tokens[:3] == TASK.target_vocabulary.tokens[:3] == (PAD, START, STOP)


def test_another_form_is_an_error():
    with pytest.raises(ValueError, match=r"form=.%d %B %Y.; expected one of Dates\.forms"):
        TASK.write(DAY, "%d %B %Y")
