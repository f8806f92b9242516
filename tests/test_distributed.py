"""Several processes: the same script, the same losses, and no run lost when one is killed."""

import json
import os
import subprocess
import sys

import pytest
import torch

from attention_lib.distributed import Processes, rows, share, start_processes

SCRIPT = """
import json, os, signal, sys
import torch
from attention_lib import seed_everything
from attention_lib.models.transformer import Transformer, TransformerConfig
from attention_lib.training import cross_entropy, train

seed_everything(0)
shape = dict(d_model=16, num_heads=2, d_ff=32, num_layers=1, dropout=0.0)
model = Transformer(TransformerConfig(12, **shape))
killed_at = int(os.environ.get("KILLED_AT", "-1"))


def batch(step):
    first_try = os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0"
    if step == killed_at and first_try and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    generator = torch.Generator().manual_seed(step)
    source = torch.randint(2, 12, (10, 7), generator=generator)
    lengths = torch.randint(1, 8, (10,), generator=generator)  # parts differ in real tokens
    return source, torch.arange(7) < lengths[:, None]


def loss(model, data):
    source, real = data
    target = torch.cat([torch.ones_like(source[:, :1]), source[:, :-1]], dim=1)
    logits = model(source, target, mask=real).logits
    return cross_entropy(logits, source, mask=real, reduction="sum"), real.sum()


out, accumulate, checkpoint = sys.argv[1], int(sys.argv[2]), sys.argv[3]
history = train(
    model, loss, batch, steps=30, every=5, learning_rate=3e-3, accumulate=accumulate,
    checkpoint=checkpoint or None,
    evaluate=lambda m: {"norm": m.target_embedding.weight.norm().item()},
)
with open(f"{out}.{os.environ.get('RANK', '0')}", "w") as file:
    json.dump(history.to_dict("list"), file)
"""


def run(folder, *, processes=1, accumulate=1, checkpoint="", killed_at=None):
    """Run the script, and read the history that each process saw."""
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", "--max-restarts=1"]
        command += [f"--nproc_per_node={processes}"]
    environment = os.environ | {
        "TQDM_DISABLE": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.getcwd(),
    }
    if killed_at is not None:
        environment["KILLED_AT"] = str(killed_at)
    command += [str(folder / "script.py"), str(folder / "history"), str(accumulate), checkpoint]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    seen = [json.loads((folder / f"history.{rank}").read_text()) for rank in range(processes)]
    return seen, done.stdout


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    [history], _ = run(tmp_path_factory.mktemp("single"))
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    return history


def test_two_processes_give_the_losses_of_one(tmp_path, single):
    seen, printed = run(tmp_path, processes=2)
    assert seen[0] == seen[1], "every process knows the whole history"
    assert seen[0]["loss"] == pytest.approx(single["loss"], abs=1e-5)
    assert seen[0]["norm"] == pytest.approx(single["norm"], abs=1e-4)
    assert printed.count("30 steps") == 1, "one process reports"


def test_parts_and_processes_together_give_the_same_losses(tmp_path, single):
    seen, _ = run(tmp_path, processes=2, accumulate=2)
    assert seen[0]["loss"] == pytest.approx(single["loss"], abs=1e-5)


def test_a_killed_process_costs_no_more_than_the_steps_since_the_checkpoint(tmp_path, single):
    checkpoint = str(tmp_path / "run.safetensors")
    seen, _ = run(tmp_path, processes=2, checkpoint=checkpoint, killed_at=17)
    assert seen[0]["step"] == single["step"]
    assert seen[0]["loss"] == pytest.approx(single["loss"], abs=1e-5)


def test_without_torchrun_there_is_one_process():
    processes = start_processes()
    assert processes == Processes(rank=0, count=1) and processes.is_first
    assert processes.sum(1.5, 2) == [1.5, 2]
    assert processes.from_first({"a": 1}) == {"a": 1}


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_shares_of_a_batch_are_the_batch(parts):
    batch = {"ids": (torch.arange(7), None), "mask": [torch.arange(14).view(7, 2)]}
    shares = [share(batch, parts, index) for index in range(parts)]
    assert torch.equal(torch.cat([s["ids"][0] for s in shares]), batch["ids"][0])
    assert torch.equal(torch.cat([s["mask"][0] for s in shares]), batch["mask"][0])
    assert all(s["ids"][1] is None for s in shares)
    sizes = [rows(s) for s in shares]
    assert sum(sizes) == 7 and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (torch.ones(3, 2), ValueError, "batch of 3 rows cannot be divided into 4 parts"),
        ((torch.ones(8), torch.ones(9)), ValueError, r"\[8, 9\] rows; expected one number of rows"),
        ([], ValueError, r"\[\] rows"),
        (["a", "b"], TypeError, "the batch holds a str; expected tensors"),
    ],
)
def test_a_batch_that_cannot_be_divided_is_an_error(batch, error, message):
    with pytest.raises(error, match=message):
        share(batch, 4, 0)
