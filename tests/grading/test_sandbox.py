"""A sandbox sees nothing, reaches nothing, and ends when it uses more than it may."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from tools.grading import sandbox
from tools.grading.isolation import find_holes, refusal
from tools.grading.judge import Raised, Unanswered
from tools.grading.sandbox import Limits, Sandbox, Stopped
from tools.grading.session import Session

pytestmark = pytest.mark.usefixtures("bwrap")
LIMITS = Limits(cell=20, question=20, total=120, memory=2**30, processes=32)


def run(code, seconds=30):
    """Run one cell in a sandbox of its own; give the names it leaves."""
    with Sandbox(LIMITS) as sandbox:
        ran = sandbox.ask({"run": code}, seconds)
        assert "done" in ran, ran
        return sandbox.ask({"get": "found"}, seconds).get("value")


def test_nothing_is_seen_reached_or_written(assignment):
    assert find_holes([assignment.path]) == []
    assert refusal(assignment.path) == ""


def test_a_sandbox_with_holes_is_refused(assignment, monkeypatch, tmp_path):
    built = sandbox.command
    monkeypatch.chdir(tmp_path)

    def with_holes(*arguments):
        line = built(*arguments)
        place = line.index("--remount-ro")
        line[place:place] = ["--ro-bind", *[str(assignment.path)] * 2]
        line[place:place] = ["--bind", *[str(tmp_path)] * 2]
        return ["--share-net" if word == "--new-session" else word for word in line]

    monkeypatch.setattr(sandbox, "command", with_holes)
    holes = find_holes([assignment.path])
    assert f"read {assignment.path}" in holes
    assert "reached a port of this machine" in holes
    assert "sent a datagram to this machine" in holes
    assert f"wrote into {tmp_path}" in holes and not list(tmp_path.iterdir())
    assert "does not isolate" in refusal(assignment.path)


def test_nothing_is_graded_where_bubblewrap_is_missing_or_fails(assignment, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    assert "apt install bubblewrap" in refusal(assignment.path)
    monkeypatch.undo()
    monkeypatch.setattr(sandbox, "command", lambda *_: ["false"])
    assert "does not work here" in refusal(assignment.path)


def test_only_the_course_the_interpreter_and_libraries_are_there(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_GRADER", "a token")
    found = run(
        "import os\n"
        "found = {'/': os.listdir('/'), 'course': os.listdir('/course'), "
        "'tools': os.listdir('/course/tools/grading'), 'environment': dict(os.environ), "
        "'here': os.listdir('.')}"
    )
    assert set(found["course"]) == {"attention_lib", "tools"}
    assert set(found["tools"]) == {"exchange.py", "runner.py"}
    on_the_way = {part for path in (sys.prefix, sys.base_prefix) for part in path.split("/")}
    on_the_way |= set(str(Path(sys.prefix).resolve()).split("/"))
    assert set(found["here"]) <= {".ipython"} | on_the_way
    assert not {"home", "var", "sys", "run", "mnt", "opt", "boot"} & set(found["/"]) - on_the_way
    assert "SECRET_OF_THE_GRADER" not in found["environment"]
    assert len(found["environment"]) < 20


def test_the_libraries_and_magics_of_a_notebook_work():
    assert run(
        "%matplotlib inline\n"
        "import numpy, pandas, torch, attention_lib\n"
        "import matplotlib.pyplot as plt\n"
        "figure, axes = plt.subplots()\n"
        "axes.plot([1, 2]); plt.show()\n"
        "from torch.utils.data import DataLoader\n"
        "!echo hello > /tmp/said\n"
        "loader = DataLoader(range(4), num_workers=2)\n"
        "found = [open('/tmp/said').read(), int(sum(loader))]"
    ) == ["hello\n", 6]


def test_what_can_be_written_to_is_small():
    found = run(
        "found = []\n"
        "for path in ('/tmp/large', '/dev/shm/large'):\n"
        "    try:\n"
        "        for place in range(4):\n"
        "            with open(path + str(place), 'wb') as file:\n"
        "                for _ in range(50): file.write(bytes(2**20))\n"
        "    except OSError as error: found.append(error.errno)"
    )
    assert found == [28, 28], "no space left"


ENDINGS = {
    "import os; os._exit(0)": "ended",
    "while True:\n    try:\n        while True: pass\n    except: pass": "took longer",
    "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
    "time.sleep(99)": "took longer",
    "import os\nwhile True: os.fork()": "processes",
    "import os\nfor _ in range(40):\n    if os.fork() == 0:\n        os.setsid()\n"
    "        import time; time.sleep(99)\nwhile True: pass": "processes",
    "import threading, time\nthreading.stack_size(2**16)\n"
    "while True: threading.Thread(target=time.sleep, args=(9,)).start()": "processes",
    "import torch\nhog = []\nwhile True: hog.append(torch.ones(2**22))": "GiB of memory",
    "import mmap\nhog = []\n"
    "while True: hog.append(mmap.mmap(-1, 2**24)); hog[-1].write(bytes(2**24))": "GiB of memory",
    "while True: print('x' * 9999)": "printed more",
}


@pytest.mark.parametrize(("code", "reason"), ENDINGS.items(), ids=range(len(ENDINGS)))
def test_what_uses_more_than_it_may_is_ended_with_all_its_processes(code, reason):
    with Sandbox(LIMITS) as ended:
        with pytest.raises(Stopped, match=reason):
            # All but time is used up soon, and must be noticed before time is on a busy machine.
            ended.ask({"run": code}, 3.0 if reason == "took longer" else 60.0)
        time.sleep(0.2)
        assert not ended._processes()
    assert not [c for c in psutil.Process().children(recursive=True) if c.name() == "bwrap"]


def test_memory_that_no_process_is_seen_to_use_is_not_given():
    found = run(
        "import os, ctypes\n"
        "found = []\n"
        "try:\n    os.memfd_create('hidden')\nexcept OSError as error: found.append(error.errno)\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "found += [libc.shmget(0, 4096, 0o1600), ctypes.get_errno()]"
    )
    assert found == [1, -1, 1], "not permitted"


def test_a_sandbox_has_one_processor_and_keeps_to_it():
    last = max(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    assert run(
        "import os\nfound = [sorted(os.sched_getaffinity(0))]\n"
        "try:\n    os.sched_setaffinity(0, range(64))\n"
        "except OSError as error:\n    found.append(error.errno)"
    ) == [[last], 1]
    assert os.sched_getaffinity(0) == before


def test_a_sandbox_ends_with_whoever_started_it():
    code = (
        "import time\n"
        "from tools.grading.sandbox import Limits, Sandbox\n"
        "with Sandbox(Limits()) as sandbox:\n"
        "    print(sandbox._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as grader:
        within = psutil.Process(int(grader.stdout.readline())).children(recursive=True)
        assert len(within) >= 2
        os.kill(grader.pid, signal.SIGKILL)
    assert not psutil.wait_procs(within, timeout=30)[1]


def test_functions_take_and_give_values_and_raise_what_they_raise():
    cells = (
        "import torch, random\nhalf = 0.5\nclass Own(Exception): pass",
        "def scaled(x, *, by=1):\n    return {'x': x * by, 'half': half}",
        "def bad(x):\n    raise ValueError('no ' + str(x))",
        "def own():\n    raise Own('mine')",
        "def drawn():\n    return [random.random(), float(torch.rand(()))]",
        "handle = open('/dev/null')",
    )
    with Session(cells, LIMITS) as session:
        session.begin(1)
        assert session.answer("half") == 0.5
        result = session.answer("scaled")(torch.arange(3), by=2)
        assert torch.equal(result["x"], torch.tensor([0, 2, 4]))
        with pytest.raises(ValueError, match="no 3") as raised:
            session.answer("bad")(3)
        assert raised.value.line == "raise ValueError('no ' + str(x))"
        with pytest.raises(Raised, match="mine") as raised:
            session.answer("own")()
        assert raised.value.kind == "an error", "a name of the submission's own could tell inputs"
        draw = session.answer("drawn")
        first, second = draw(), draw()
        assert first != second
        assert session.answer("drawn")() == first, "seeds are those of the first time"
        with pytest.raises(Unanswered, match="TextIOWrapper is no plain value"):
            session.answer("handle")
        with pytest.raises(Unanswered, match="no cell defined it"):
            session.answer("absent")


def test_answers_too_large_or_too_deep_cost_only_themselves():
    cells = (
        "import torch\nlong = 'x' * 2**26\ndeep = []\nfor _ in range(9999): deep = [deep]",
        "wide = torch.zeros(2**26)\nparts = [None] * 2**21\nfair = 1",
        "def huge():\n    return 10 ** 9999",
    )
    with Session(cells, LIMITS) as session:
        session.begin(1)
        for name in ("long", "deep", "wide", "parts"):
            with pytest.raises(Unanswered, match="the answer cannot be read"):
                session.answer(name)
        with pytest.raises(Raised, match="cannot be read: an integer of"):
            session.answer("huge")()
        assert session.answer("fair") == 1 and not session.notes


def test_a_cell_that_ends_its_sandbox_is_left_out_and_a_question_costs_only_itself():
    cells = (
        "def fair():\n    return 1",
        "import os; os._exit(0)",
        "1 / 0",
        "def leaves():\n    os._exit(0)",
        "import os\nafter = 2",
    )
    with Session(cells, LIMITS) as session:
        session.begin(1)
        with pytest.raises(Unanswered, match="question 1 ended"):
            session.answer("leaves")()
        with pytest.raises(Unanswered, match="question 1 ended"):
            session.answer("fair")
        session.begin(2)
        assert session.answer("fair")() == 1 and session.answer("after") == 2
    assert session.notes == [
        *("code cell 2 ended its process, and was left out", "question 1 ended its process")
    ]
    assert session.errors == {3: "ZeroDivisionError: division by zero, in `1 / 0`"}


def test_a_notebook_that_always_stalls_ends_with_its_time():
    began = time.monotonic()
    limits = Limits(cell=0.5, question=1, total=6)
    with Session(("import time; time.sleep(9)",) * 40, limits) as session:
        session.begin(1)
        with pytest.raises(Unanswered, match="used up its time"):
            session.answer("anything")
    assert time.monotonic() - began < 60, "forty cells would take six minutes"
