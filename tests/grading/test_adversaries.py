"""Hostile submissions gain nothing and harm nobody in sandboxes; without, each reaches its aim."""

import socket
from types import SimpleNamespace

import nbformat
import pytest

from tests.grading.adversaries import ADVERSARIES, grade_without_isolation, hostile_cell, passed
from tools.grading.batch import grade_folder
from tools.grading.sandbox import Limits

LIMITS = Limits(cell=15, question=15, total=240, memory=2**30, processes=32)
FAIR = {"test_even_weights", "test_against_the_derivative"}  # question 3, answered by everybody
each_adversary = pytest.mark.parametrize("name", ADVERSARIES)


class World:
    """A folder of submissions beside all that they must not touch."""

    def __init__(self, folder, assignment):
        self.assignment = assignment
        self.submissions, self.outside = folder / "submissions", folder / "outside"
        self.key, self.solved = folder / "04_scaling.json", folder / "04_scaling.ipynb"
        self.other = self.submissions / "honest.ipynb"
        self.submissions.mkdir()
        self.outside.mkdir()
        assignment.key.write(self.key)
        nbformat.write(assignment.solved, self.solved)
        nbformat.write(assignment.solved, self.other)
        self.before = self.key.read_bytes(), self.other.read_bytes()
        self._tcp, self._udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        self._tcp.bind(("127.0.0.1", 0))
        self._tcp.listen()
        self._udp.bind(self._tcp.getsockname())
        for end in (self._tcp, self._udp):
            end.setblocking(False)

    def close(self):
        self._tcp.close()
        self._udp.close()

    def _connected(self, _):
        self._tcp.accept()[0].close()

    def add(self, name):
        """Write a submission that answers question 3, then does harm; give its student."""
        paths = {"SOLVED": self.solved, "OTHER": self.other, "KEY": self.key}
        names = {k: str(v) for k, v in (paths | {"OUTSIDE": self.outside}).items()}
        names |= {"PORT": self._tcp.getsockname()[1]}
        notebook = self.assignment.answered(3)
        notebook.cells.append(nbformat.v4.new_code_cell(hostile_cell(name, names)))
        student = "adversary " + "".join(c for c in name if c.isalnum() or c == " ")
        nbformat.write(notebook, self.submissions / f"{student}.ipynb")
        return student

    def harmed(self):
        """What is not as it was, outside the submissions."""
        harm = [path.name for path in self.outside.iterdir()]
        if (self.key.read_bytes(), self.other.read_bytes()) != self.before:
            harm.append("the key or another submission")
        for arrived, what in ((self._connected, "TCP"), (self._udp.recv, "UDP")):
            try:
                arrived(9)
                harm.append(what)
            except BlockingIOError:
                pass
        return harm


@pytest.fixture
def world(tmp_path, assignment):
    world = World(tmp_path, assignment)
    yield world
    world.close()


@pytest.fixture(scope="module")
def graded(bwrap, tmp_path_factory, assignment):
    """All adversaries and an honest submission, graded as one batch."""
    folder = tmp_path_factory.mktemp("batch")
    world = World(folder, assignment)
    students = {name: world.add(name) for name in ADVERSARIES}
    rows = grade_folder(world.submissions, assignment.key, folder / "results", LIMITS)
    found = {row.found.student: row for row in rows}
    yield SimpleNamespace(
        rows={name: found[student] for name, student in students.items()},
        honest=found["honest"],
        harm=world.harmed(),
    )
    world.close()


@each_adversary
def test_in_a_sandbox_it_earns_what_its_fair_part_earns(graded, name):
    row = graded.rows[name]
    assert passed(row) == FAIR, row


def test_in_a_sandbox_nobody_harms_another_or_the_grader(graded, assignment):
    tests = [test.name for question in assignment.key.questions for test in question.tests]
    assert passed(graded.honest) == set(tests)
    assert not graded.honest.notes
    assert not graded.harm


@pytest.mark.parametrize(
    ("name", "note"),
    {
        "exits at once": "ended",
        "kills its process": "ended",
        "exits in a function": "question 2 ended",
        "stalls in a bare except": "took longer than it may",
        "stalls in a function": "question 2 took longer than it may",
        "prints without end": "printed more",
        "takes every processor": "took longer than it may",
        "exhausts memory": "GiB of memory",
        "exhausts processes": "processes",
        "sends bytes that are no message": "no message",
    }.items(),
)
def test_the_note_says_what_ended_the_sandbox(graded, name, note):
    assert note in "; ".join(graded.rows[name].notes), graded.rows[name].notes


@each_adversary
def test_without_a_sandbox_it_reaches_its_aim(world, assignment, tmp_path, name):
    aim = ADVERSARIES[name][0]
    student = world.add(name)
    found = grade_without_isolation(
        world.submissions, assignment.key, tmp_path / "results", 4 if aim == "other" else 120
    )
    all_tests = {test.name for question in assignment.key.questions for test in question.tests}
    if aim == "points":
        assert found and found[student] - FAIR
    elif aim == "other":
        assert found is None or found["honest"] != all_tests
    else:
        assert world.harmed()
