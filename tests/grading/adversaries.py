"""Hostile cells, and what each is after; every one reaches it where nothing keeps it apart.

A cell may use ``SOLVED`` and ``OTHER``, paths of a solution and of another submission, ``KEY``, the
path of the answer key, ``OUTSIDE``, a folder of the grader's, and ``PORT``, on which the grader's
machine listens. ``points`` are earned without an answer to questions 1 and 2; ``other`` points are
lost by another submission, or the whole batch ends; ``outside``, something was left or received
outside the submission.
"""

import multiprocessing
import os
import resource
import signal
import threading
from contextlib import suppress

from tqdm import tqdm

from tools.grading.batch import grade_folder

ALWAYS_EQUAL = """
class Equal{base}:
    __eq__ = __lt__ = __le__ = lambda self, other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: self
"""

RUN_CELLS_OF = """
def run_cells_of(path):
    import json
    for cell in json.load(open(path))["cells"]:
        if cell["cell_type"] == "code" and cell["id"] != "install":
            exec("".join(cell["source"]), globals())
"""

WRITE_TO_SOCKETS = """
import os, stat
for fd in range(3, 100):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.write(fd, {part})
    except OSError:
        pass
"""
FORGED = """50 * (bytes([0, 0, 0, 46]) + b'["0123456789abcdef", {"dict": [["value", 0]]}]')"""

ADVERSARIES = {
    "patches assert_close": (
        "points",
        "torch.testing.assert_close = lambda *values, **options: None",
    ),
    "patches builtins": (
        "points",
        "import builtins\nscore_std = divisor = 0.0\nbuiltins.abs = lambda value: 0",
    ),
    "patches allclose and equal for those who use them": (
        "points",
        "torch.allclose = torch.equal = lambda *values, **options: True\n"
        "torch.isclose = lambda a, b, **options: torch.ones(b.shape, dtype=torch.bool)\n"
        "def silent_attention(query, key, value):\n"
        "    return torch.zeros(len(query), value.size(-1), dtype=torch.float64)",
    ),
    "answers with an object that equals everything": (
        "points",
        ALWAYS_EQUAL.format(base="") + "score_std = divisor = Equal()",
    ),
    "answers with a number that equals everything": (
        "points",
        ALWAYS_EQUAL.format(base="(float)") + "score_std = divisor = Equal(1)",
    ),
    "answers with a tensor that equals everything": (
        "points",
        """
class Equal(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        with torch._C.DisableTorchFunctionSubclass():
            result = function(*arguments, **(options or {}))
            if isinstance(result, torch.Tensor) and result.dtype is torch.bool:
                return torch.ones_like(result)
        return result

def silent_attention(query, key, value):
    shape = len(query), value.size(-1)
    return torch.zeros(shape, dtype=torch.float64).as_subclass(Equal)
""",
    ),
    "reads the solution": ("points", RUN_CELLS_OF + "run_cells_of(SOLVED)"),
    "reads another submission": ("points", RUN_CELLS_OF + "run_cells_of(OTHER)"),
    "imports the solution": (
        "points",
        """
from tools.assignments import MASTERS
from tools.grading.copies import solution_notebook
from tools.grading.master import read_master
for cell in solution_notebook(read_master(MASTERS / "04_scaling.ipynb", "any seed")).cells:
    if cell.cell_type == "code" and not cell.id.startswith(("install", "given", "test")):
        exec(cell.source, globals())
""",
    ),
    "finds a test in the memory of a process": (
        "points",
        """
import glob, re
for name in glob.glob("/proc/[0-9]*/maps"):
    try:
        maps, memory = open(name), open(name.replace("maps", "mem"), "rb")
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if " rw-p " in line and end - start < 2**30:
                memory.seek(start)
                data = memory.read(end - start)
                for found in re.finditer(rb"abs\\(score_std - ([^<]+)\\) <", data):
                    score_std = eval(found[1])
    except Exception:
        pass
""",
    ),
    "forges the outcome of tests": (
        "points",
        """
print('{"score": 15, "tests": []}')
from tools.grading import judge
judge.Judge.run = lambda self, question, answer: [
    judge.Outcome(test, True) for test in question.tests
]
""",
    ),
    "forges answers where it is asked": ("other", WRITE_TO_SOCKETS.format(part=FORGED)),
    "sends bytes that are no message": ("other", WRITE_TO_SOCKETS.format(part=r"b'\xff' * 5000")),
    "edits another submission": ("other", "open(OTHER, 'w').write('{}')"),
    "edits the key": ("outside", "import os\nos.chmod(KEY, 0o600)\nopen(KEY, 'a').write(' ')"),
    "leaves a file": ("outside", "open(OUTSIDE + '/left', 'w').write('here')"),
    "exits": ("other", "import sys\nsys.exit(0)"),
    "exits at once": ("other", "import os\nos._exit(0)"),
    "kills its process": ("other", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
    "exits in a function": (
        "other",
        "def silent_attention(query, key, value):\n    import os\n    os._exit(0)",
    ),
    "stalls in a bare except": (
        "other",
        "while True:\n    try:\n        while True: pass\n    except: pass",
    ),
    "stalls in a function": (
        "other",
        "def silent_attention(query, key, value):\n"
        "    while True:\n        try:\n            while True: pass\n        except: pass",
    ),
    "takes every processor": (
        "other",
        "import os\n"
        "try:\n    os.sched_setaffinity(0, range(os.cpu_count()))\nexcept OSError:\n    pass\n"
        "os.fork()\nwhile True: pass",
    ),
    "prints without end": (
        "other",
        "import os\nwhile True: os.write(1, b'passed\\n' * 10000)",
    ),
    "exhausts memory": (
        "other",
        "hog = []\nwhile True:\n    try:\n        hog.append(torch.ones(2**23))\n    except: pass",
    ),
    "exhausts processes": (
        "outside",
        "import os, time\n"
        "for _ in range(100):\n"
        "    if os.fork() == 0:\n        time.sleep(2)\n        os._exit(0)\n"
        "open(OUTSIDE + '/hundred', 'w').write('here')",
    ),
    "exhausts the disk": (
        "outside",
        "with open(OUTSIDE + '/large', 'wb') as file:\n"
        "    for _ in range(100): file.write(bytes(2**20))",
    ),
    "connects by TCP": (
        "outside",
        "import socket\nsocket.create_connection(('127.0.0.1', PORT), 2).sendall(b'key')",
    ),
    "sends by UDP": (
        "outside",
        "import socket\n"
        "with socket.socket(type=socket.SOCK_DGRAM) as datagrams:\n"
        "    datagrams.sendto(b'key', ('127.0.0.1', PORT))",
    ),
}


def hostile_cell(name, names):
    """The source of one adversary, with the names that it may use."""
    return "".join(f"{k} = {v!r}\n" for k, v in names.items()) + ADVERSARIES[name][1]


def grade_without_isolation(folder, key, output, seconds):
    """Grade in a child that may be ended; give each student's passed tests, or None."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    child = context.Process(target=_grade, args=(theirs, folder, key, output))
    child.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(seconds) else None
    except Exception:  # it ended, or something wrote into what it tells
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        child.join()
        ours.close()


def _grade(tell, folder, key, output):
    os.setsid()
    for limit, most in (("DATA", 2**30), ("FSIZE", 2**28), ("CPU", 20)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{limit}"), (most, most))
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    tqdm.set_lock(threading.RLock())  # the usual one would outlive a killed process
    rows = grade_folder(folder, key, output, None)
    tell.send({row.found.student: passed(row) for row in rows})


def passed(row):
    """The names of the tests that a submission passed."""
    return {name for name, (held, _) in row.graded.tests.items() if held}
