"""The table of the checkers counts what the tests reported."""

from types import SimpleNamespace

from tests.checks._table import pytest_terminal_summary, rows

FILE = "tests/checks/test_checks.py::"
LISTED = f"{FILE}test_every_checker_has_at_least_eight_mistakes_and_several_right_variants"
NAMED = f"{FILE}test_each_mistake_gets_its_own_diagnosis"
ACCEPTED = f"{FILE}test_each_right_variant_is_accepted"


def test_a_row_counts_mistakes_and_right_variants_of_a_checker():
    reports = [
        (f"{LISTED}[top_p]", True),
        (f"{NAMED}[top_p-shape[1]]", True),
        (f"{NAMED}[top_p-no scale]", False),
        (f"{ACCEPTED}[top_p-loops]", True),
        (f"{NAMED}[f1-split-of-words]", True),
        (f"{ACCEPTED}[f1-loops]", True),
        (f"{ACCEPTED}[f1-numpy]", True),
        ("tests/test_masks.py::test_each_right_variant_is_accepted[f1-loops]", True),
    ]
    assert list(rows(reports)) == [
        ("top_p", "1 of 2", "1 of 1", False),
        ("f1", "1 of 1", "2 of 2", True),
    ]


def test_a_checker_without_a_list_has_a_row_that_is_not_well():
    assert list(rows([(f"{LISTED}[top_p]", False)])) == [("top_p", "0 of 0", "0 of 0", False)]


class _Terminal:
    def __init__(self, **stats):
        self.lines, self.red = [], []
        self.stats = {
            outcome: [SimpleNamespace(nodeid=node, when=when) for node, when in reports]
            for outcome, reports in stats.items()
        }

    def section(self, title):
        self.lines.append(title)

    def line(self, text, red=False):
        (self.red if red else self.lines).append(text)


def test_the_table_is_made_of_the_reports_of_calls():
    terminal = _Terminal(
        passed=[
            (f"{NAMED}[f1-a]", "setup"),
            (f"{NAMED}[f1-a]", "call"),
            (f"{ACCEPTED}[f1]", "call"),
        ],
        failed=[(f"{NAMED}[top_p-a]", "call")],
    )
    pytest_terminal_summary(terminal)
    assert terminal.lines[0] == "checkers"
    table = [" ".join(line.split()) for line in terminal.lines[2:]]
    assert table == ["f1 1 of 1 1 of 1", "2 checkers 1 1"]
    assert [" ".join(line.split()) for line in terminal.red] == ["top_p 0 of 1 0 of 0"]


def test_a_run_without_these_tests_prints_no_table():
    terminal = _Terminal(passed=[("tests/test_masks.py::test_masks", "call")])
    pytest_terminal_summary(terminal)
    assert terminal.lines == []
