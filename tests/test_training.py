"""The training loop: it learns, says how it goes, stops, and goes on exactly."""

import math
import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from safetensors import safe_open
from torch import nn

from attention_lib.checkpoints import load_checkpoint, save_checkpoint
from attention_lib.training import cross_entropy, train


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
from attention_lib.training import cross_entropy, train
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


@pytest.mark.parametrize("name", ["steps", "every", "patience", "accumulate"])
def test_bad_numbers_are_errors(name):
    with pytest.raises(ValueError, match=f"{name}=0; expected at least 1"):
        train(model(), loss, batch, **({"steps": 5} | {name: 0}))


@pytest.mark.parametrize("accumulate", [2, 3, 16])
def test_a_batch_in_parts_gives_the_result_of_the_whole_batch(accumulate):
    torch.manual_seed(0)
    nets = [nn.Linear(3, 1) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    whole = train(nets[0], loss, batch, steps=20, every=5)
    parts = train(nets[1], loss, batch, steps=20, every=5, accumulate=accumulate)
    assert list(parts["loss"]) == pytest.approx(list(whole["loss"]), abs=1e-6)
    for ours, theirs in zip(nets[1].parameters(), nets[0].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_a_sum_and_its_count_weigh_parts_by_what_they_count():
    def ragged(step):
        x, y = batch(step)
        return x.sort(dim=0, descending=True).values, y

    def of_positive(net, data, *, counted):
        x, y = data
        real = x[:, 0] > 0.5  # few, and in the first parts alone
        squares = (net(x) - y).square().squeeze(1) * real
        return (squares.sum(), real.sum()) if counted else squares.sum() / real.sum()

    histories = []
    for counted, accumulate in ((False, 1), (True, 1), (True, 4)):
        torch.manual_seed(0)
        of = partial(of_positive, counted=counted)
        histories.append(
            train(nn.Linear(3, 1), of, ragged, steps=20, every=5, accumulate=accumulate)
        )
    for history in histories[1:]:
        assert list(history["loss"]) == pytest.approx(list(histories[0]["loss"]), abs=1e-6)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_half_precision_multiplies_in_half_and_keeps_its_parameters(precision):
    seen = []

    def watched(net, data):
        x, y = data
        out = net(x)
        seen.append(out.dtype)
        return nn.functional.mse_loss(out.float(), y)

    net = model()
    history = train(net, watched, batch, steps=200, learning_rate=0.02, precision=precision)
    assert set(seen) == {precision}
    assert all(p.dtype == torch.float32 for p in net.parameters())
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]


def test_float16_survives_an_overflow_by_leaving_out_the_step():
    net = model()
    before = [p.clone() for p in net.parameters()]
    history = train(net, lambda n, d: loss(n, d) * 1e6, batch, steps=1, precision=torch.float16)
    assert math.isfinite(history["loss"][0])
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_a_stopped_float16_run_goes_on_with_its_gradient_scale(tmp_path):
    options = {"every": 10, "precision": torch.float16}

    def steep(net, data):
        return loss(net, data) * 300  # the first steps find the scale by overflowing

    whole = train(model(), steep, batch, steps=60, **options)
    file = tmp_path / "run.safetensors"

    def failing(step):
        if step == 25:
            raise KeyboardInterrupt
        return batch(step)

    with pytest.raises(KeyboardInterrupt):
        train(model(), steep, failing, steps=60, checkpoint=file, **options)
    assert train(model(), steep, batch, steps=60, checkpoint=file, **options).equals(whole)


def test_another_optimizer_is_called_with_parameters_and_learning_rate(tmp_path):
    sgd = partial(torch.optim.SGD, momentum=0.9)
    net = model()
    history = train(net, loss, batch, steps=100, optimizer=sgd, learning_rate=0.05)
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]


def test_tied_weights_are_saved_and_stay_tied(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 3)
            self.second = self.first
            self.last = nn.Linear(3, 1)

        def forward(self, x):
            return self.last(self.second(self.first(x)))

    file = tmp_path / "run.safetensors"
    whole = train(Tied(), loss, batch, steps=4, every=2, checkpoint=file)
    again = Tied()
    assert train(again, loss, batch, steps=4, every=2, checkpoint=file).equals(whole)
    assert again.first.weight is again.second.weight


def test_cross_entropy_is_the_mean_surprise_at_the_tokens_that_count():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    target = torch.tensor([[0, 4, 2], [1, 1, 3]])
    real = torch.tensor([[True, True, False], [True, False, False]])
    surprise = [
        math.log(sum(math.exp(v) for v in logits[b, t].tolist()))
        - logits[b, t, target[b, t]].item()
        for b, t in ((0, 0), (0, 1), (1, 0))
    ]
    assert cross_entropy(logits, target, mask=real).item() == pytest.approx(sum(surprise) / 3)
    total = cross_entropy(logits, target, mask=real, reduction="sum")
    assert total.item() == pytest.approx(sum(surprise))
    assert cross_entropy(torch.zeros(2, 3, 5), target).item() == pytest.approx(math.log(5))


def test_label_smoothing_wants_a_little_of_every_token():
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    target = torch.tensor([[0, 4, 2], [1, 1, 3]])
    wanted = torch.full((2, 3, 5), 0.1 / 5, dtype=torch.float64)
    wanted.scatter_add_(2, target[..., None], torch.full((2, 3, 1), 0.9, dtype=torch.float64))
    expected = -(wanted * logits.log_softmax(-1)).sum(-1).mean()
    torch.testing.assert_close(cross_entropy(logits, target, label_smoothing=0.1), expected)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"logits": torch.zeros(3, 5)}, ValueError, r"logits has shape \(3, 5\)"),
        ({"mask": torch.ones(2, 3)}, TypeError, "mask has dtype torch.float32; masks are boolean"),
        ({"mask": torch.ones(3, dtype=torch.bool)}, ValueError, r"expected that of target, \(2, 3"),
        ({"reduction": "none"}, ValueError, "reduction='none'; expected 'mean' or 'sum'"),
        ({"label_smoothing": 2.0}, ValueError, "label_smoothing=2.0; expected 0 to 1"),
    ],
)
def test_bad_calls_of_cross_entropy_are_errors(changes, error, message):
    good = {"logits": torch.zeros(2, 3, 5), "target": torch.zeros(2, 3, dtype=torch.long)}
    with pytest.raises(error, match=message):
        cross_entropy(**good | changes)


def test_other_precisions_are_errors():
    with pytest.raises(ValueError, match=r"precision=torch.float64; expected float32, bfloat16"):
        train(model(), loss, batch, steps=1, precision=torch.float64)


def test_a_batch_in_which_nothing_counts_is_an_error():
    def nothing(net, data):
        return net(data[0]).sum() * 0, torch.tensor(0)

    with pytest.raises(ValueError, match="the loss counted nothing in this batch"):
        train(model(), nothing, batch, steps=1)
