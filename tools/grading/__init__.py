"""Assignments and their grading: what an instructor runs, and nobody installs on Colab.

`master.py` reads a master notebook, `copies.py` writes the student's and the solution notebook,
`key.py` is what the grader needs to know, `judge.py` runs an instructor's tests.

Of a folder, `submissions.py` finds and reads the notebooks, `batch.py` grades each in a `worker.py`
of its own and `points.py` and `reports.py` write what was found. The code of a submission runs in
`sandbox.py`, where `runner.py` answers what `session.py` asks, in values that `exchange.py` sends;
`syscalls.py` is what it may ask of the kernel, `isolation.py` finds out whether it can get out.
`in_process.py` does without all this, for masters and for who trusts everybody.
"""
