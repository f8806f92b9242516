"""One line for each checker: how many of its mistakes and right variants the tests told apart."""

from collections import defaultdict

HEADINGS = ("checker", "mistakes named", "right variants accepted")
_LISTED = "test_every_checker_has_at_least_eight_mistakes_and_several_right_variants"
_COLUMNS = {
    "test_each_mistake_gets_its_own_diagnosis": 0,
    "test_each_right_variant_is_accepted": 1,
}


def rows(reports):
    """The rows of the table, from the reports of tests: name, two columns, whether all is well.

    A report is a pair of a node's id, ``file::test[checker-case]``, and whether it passed.
    """
    passed, tried = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0])
    for node, is_passed in reports:
        test, _, case = node.rpartition("::")[2].partition("[")
        checker = case.removesuffix("]").partition("-")[0]
        if test == _LISTED:
            tried[checker]  # has a row, though nothing be listed
        elif test in _COLUMNS and "test_checks.py::" in node:
            passed[checker][_COLUMNS[test]] += is_passed
            tried[checker][_COLUMNS[test]] += 1
    for checker, counts in tried.items():
        cells = [f"{good} of {all_}" for good, all_ in zip(passed[checker], counts, strict=True)]
        yield checker, *cells, 0 not in counts and passed[checker] == counts


def pytest_terminal_summary(terminalreporter):
    """Print the table below the results, from the reports that made them."""
    stats = terminalreporter.stats
    reports = [
        (report.nodeid, outcome == "passed")
        for outcome in ("passed", "failed", "error")
        for report in stats.get(outcome, [])
        if report.when == "call" or outcome != "passed"
    ]
    table = sorted(rows(reports))
    if not any(of_mistakes != "0 of 0" for _, of_mistakes, *_ in table):
        return
    total = [sum(int(row[i].split()[0]) for row in table) for i in (1, 2)]
    terminalreporter.section("checkers")
    for name, *cells, is_well in [(*HEADINGS, True), *table]:
        line = f"{name:<20} {cells[0]:>16} {cells[1]:>24}"
        terminalreporter.line(line, **({} if is_well else {"red": True}))
    terminalreporter.line(f"{len(table)} checkers {total[0]:>25} {total[1]:>24}")
