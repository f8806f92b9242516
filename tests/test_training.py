"""The training loop: it learns, says how it goes, stops, and goes on exactly."""

import itertools
import math
import os
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from torch import nn

from attention_lib.training import load_checkpoint, one_cycle, save_checkpoint, train


def model(width=4):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Dropout(0.2), nn.Linear(width, 1))


def batch(step):
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
    return x, x.sum(1, keepdim=True)


def loss(net, data):
    x, y = data
    return nn.functional.mse_loss(net(x), y)


def test_the_loss_falls_and_the_history_is_a_table():
    net = model()
    history = train(net, loss, batch, steps=200, learning_rate=0.02, every=50)
    assert list(history.columns) == ["step", "loss", "learning_rate"]
    assert list(history["step"]) == [50, 100, 150, 200]
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    assert not net.training


def test_the_first_row_is_the_mean_of_the_losses_before_it():
    seen = []

    def noted(net, data):
        seen.append(loss(net, data))
        return seen[-1]

    history = train(model(), noted, batch, steps=10, every=5)
    means = [sum(v.item() for v in seen[i : i + 5]) / 5 for i in (0, 5)]
    assert list(history["loss"]) == pytest.approx(means)


SCRIPT = """
import torch
from attention_lib.training import train
net = torch.nn.Linear(1, 1)
train(net, lambda n, x: n(x).square().mean(), lambda i: torch.ones(1, 1), steps=3, label="small")
"""


@pytest.mark.parametrize("disabled", [{}, {"TQDM_DISABLE": "1"}])
def test_progress_is_shown_on_stdout_and_one_clean_line_stays(disabled):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"} | disabled,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    shown = done.stdout.replace("\r", "\n").splitlines()
    assert shown[-1].startswith("small: 3 steps, loss ")
    assert len(shown) == 1 if disabled else "0%" in done.stdout


def test_evaluation_sees_no_dropout_and_no_gradient():
    modes = []

    def evaluate(net):
        modes.append((net.training, torch.is_grad_enabled()))
        return {"accuracy": 0.5}

    history = train(model(), loss, batch, steps=4, every=2, evaluate=evaluate)
    assert modes == [(False, False)] * 2
    assert list(history["accuracy"]) == [0.5, 0.5]


def test_it_stops_when_nothing_gets_better():
    history = train(
        model(), loss, batch, steps=100, every=5, patience=3, evaluate=lambda net: {"loss": 1.0}
    )
    assert list(history["step"]) == [5, 10, 15, 20]


@pytest.mark.parametrize("stopped_at", [20, 40])
def test_a_stopped_run_goes_on_exactly(tmp_path, stopped_at):
    whole_net = model()
    whole = train(whole_net, loss, batch, steps=60, every=10)

    class Killed(Exception):
        pass

    def failing(step):
        if step == stopped_at + 5:
            raise Killed
        return batch(step)

    file = tmp_path / "run.safetensors"
    with pytest.raises(Killed):
        train(model(), loss, failing, steps=60, every=10, checkpoint=file)
    torch.manual_seed(99)  # another process has another state
    resumed_net = model(4)
    resumed = train(resumed_net, loss, batch, steps=60, every=10, checkpoint=file)
    assert resumed.equals(whole)
    for ours, theirs in zip(resumed_net.parameters(), whole_net.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    again = train(model(), loss, batch, steps=60, every=10, checkpoint=file)
    assert again.equals(whole), "a finished run is read, not run again"


def test_a_checkpoint_holds_tensors_and_json_alone(tmp_path):
    file = tmp_path / "run.safetensors"
    train(model(), loss, batch, steps=2, every=1, checkpoint=file)
    with safe_open(file, framework="pt") as opened:
        assert "model.0.weight" in opened.keys()  # noqa: SIM118
        assert opened.metadata()["history"].startswith("[{")
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]


def optimizer_of(net):
    return torch.optim.Adam(net.parameters())


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-9], lambda b: b"x" * 100])
def test_a_damaged_checkpoint_is_an_error_and_changes_nothing(tmp_path, damage):
    net, file = model(), tmp_path / "run.safetensors"
    save_checkpoint(file, net, optimizer_of(net), [{"step": 1, "loss": 1.0}])
    file.write_bytes(damage(file.read_bytes()))
    before = [p.clone() for p in net.parameters()]
    with pytest.raises(ValueError, match=r"is not a readable checkpoint.*delete it"):
        load_checkpoint(file, net, optimizer_of(net))
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_a_checkpoint_of_another_model_is_an_error_that_names_the_tensors(tmp_path):
    net, file = model(), tmp_path / "run.safetensors"
    save_checkpoint(file, net, optimizer_of(net), [])
    with pytest.raises(ValueError, match=r"belongs to another model: 0.bias, 0.weight"):
        load_checkpoint(file, model(width=5), optimizer_of(model(width=5)))
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "absent", net, optimizer_of(net))


def test_a_loss_that_is_not_finite_is_an_error():
    with pytest.raises(FloatingPointError, match=r"nan at step 1; .*learning rate below 0.01"):
        train(model(), lambda net, d: loss(net, d) * math.nan, batch, steps=2, learning_rate=0.01)


@pytest.mark.parametrize("name", ["steps", "every", "patience"])
def test_bad_numbers_are_errors(name):
    with pytest.raises(ValueError, match=f"{name}=0; expected at least 1"):
        train(model(), loss, batch, **({"steps": 5} | {name: 0}))


def test_one_cycle_rises_in_a_line_and_falls_in_a_cosine():
    factors = [one_cycle(step, 100) for step in range(100)]
    assert factors[:10] == pytest.approx([i / 10 for i in range(1, 11)])
    assert max(factors) == 1.0 and factors[-1] < 0.01 and min(factors) > 0
    assert all(b <= a for a, b in itertools.pairwise(factors[10:]))
    assert one_cycle(55, 100) == pytest.approx(0.5, abs=0.01)
