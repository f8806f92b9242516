"""What people write instead of a training step."""

import copy

import torch
from torch import nn


def _plain(model, optimizer, loss_function, inputs, targets):
    optimizer.zero_grad()
    loss = loss_function(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def _zeroed_at_the_end(model, optimizer, loss_function, inputs, targets):
    model.train()
    loss = loss_function(model(inputs), targets)
    loss.backward()
    optimizer.step()
    model.zero_grad(set_to_none=False)
    return loss.detach()


def _closure(model, optimizer, loss_function, inputs, targets):
    def again():
        optimizer.zero_grad()
        loss = loss_function(model(inputs), targets)
        loss.backward()
        return loss

    return optimizer.step(again).item()


def _micro_batches(model, optimizer, loss_function, inputs, targets):
    optimizer.zero_grad()
    total = 0.0
    for x, y in zip(inputs, targets, strict=True):
        loss = loss_function(model(x[None]), y[None]) / len(inputs)
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total


def _by_hand_before(model, optimizer, loss_function, inputs, targets):
    loss = loss_function(model(inputs), targets)
    parameters = list(model.parameters())
    for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        p.grad = g
    optimizer.step()
    return loss.detach().numpy()


TRAINING_STEP_RIGHT = {
    "plain": _plain,
    "zeroed at the end": _zeroed_at_the_end,
    "closure": _closure,
    "micro-batches": _micro_batches,
    "autograd.grad": _by_hand_before,
    "evaluated afterwards": lambda *given: _evaluated(*given),
}


def _evaluated(model, optimizer, loss_function, inputs, targets):
    loss = _plain(model, optimizer, loss_function, inputs, targets)
    model.eval()
    with torch.no_grad():
        model(inputs)
    model.train()
    return loss


def _in_order(*words):
    """A step made of the named parts in this order."""

    def step(model, optimizer, loss_function, inputs, targets):
        loss = None
        for word in words:
            if word == "zero":
                optimizer.zero_grad()
            elif word == "zeros":
                optimizer.zero_grad(set_to_none=False)
            elif word == "loss":
                loss = loss_function(model(inputs), targets)
            elif word == "backward":
                loss.backward(retain_graph=True)
            elif word == "step":
                optimizer.step()
            elif word in ("eval", "train"):
                getattr(model, word)()
            elif word == "clip":
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            elif word == "freeze":
                torch.set_grad_enabled(False)
        return loss.item()

    return step


def _no_grad(model, optimizer, loss_function, inputs, targets):
    optimizer.zero_grad()
    with torch.no_grad():
        loss = loss_function(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def _detached(model, optimizer, loss_function, inputs, targets):
    optimizer.zero_grad()
    loss = loss_function(model(inputs).detach(), targets)
    loss.backward()
    optimizer.step()
    return loss.item()


def _item_too_early(model, optimizer, loss_function, inputs, targets):
    optimizer.zero_grad()
    loss = loss_function(model(inputs), targets).item()
    loss.backward()
    optimizer.step()
    return loss


def _keeps_the_graph(model, optimizer, loss_function, inputs, targets):
    optimizer.zero_grad()
    loss = loss_function(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss


def _of_loss(change):
    def step(model, optimizer, loss_function, inputs, targets):
        optimizer.zero_grad()
        loss = change(loss_function(model(inputs), targets), inputs)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _by_hand(model, optimizer, loss_function, inputs, targets):
    model.zero_grad()
    loss = loss_function(model(inputs), targets)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= optimizer.param_groups[0]["lr"] * p.grad
    return loss.item()


def _new_optimizer(model, optimizer, loss_function, inputs, targets):
    fresh = type(optimizer)(model.parameters(), **optimizer.defaults)
    return _plain(model, fresh, loss_function, inputs, targets)


def _forgetful(model, optimizer, loss_function, inputs, targets):
    """The given optimizer makes the step, and has lost its momentum."""
    optimizer.state.clear()
    return _plain(model, optimizer, loss_function, inputs, targets)


def _on_a_copy(model, optimizer, loss_function, inputs, targets):
    return _keeps_the_graph(copy.deepcopy(model), optimizer, loss_function, inputs, targets).item()


def _returning(other):
    def step(model, optimizer, loss_function, inputs, targets):
        loss = _plain(model, optimizer, loss_function, inputs, targets)
        with torch.no_grad():
            return other(loss, model, loss_function, inputs, targets)

    return step


def _batch_part(part):
    return lambda m, o, f, x, y: _plain(m, o, f, x[part], y[part])


def _one_by_one(model, optimizer, loss_function, inputs, targets):
    losses = [
        _plain(model, optimizer, loss_function, inputs[i : i + 1], targets[i : i + 1])
        for i in range(len(inputs))
    ]
    return sum(losses) / len(losses)


def _in_place(model, optimizer, loss_function, inputs, targets):
    inputs -= inputs.mean()
    return _plain(model, optimizer, loss_function, inputs, targets)


def _decayed(model, optimizer, loss_function, inputs, targets):
    loss = _plain(model, optimizer, loss_function, inputs, targets)
    with torch.no_grad():
        for p in model.parameters():
            p *= 0.99
    return loss


TRAINING_STEP_MISTAKES = {
    "no zero_grad": (_in_order("loss", "backward", "step"), "the gradients add up"),
    "zero_grad in between": (
        _in_order("loss", "backward", "zero", "step"),
        "in between the gradients are set to zero",
    ),
    "zeros in between": (
        _in_order("loss", "backward", "zeros", "step"),
        "in between the gradients are set to zero",
    ),
    "step before backward": (
        _in_order("zero", "loss", "step", "backward"),
        "makes its step before the gradients are computed",
    ),
    "step with the last gradients": (
        _in_order("loss", "step", "zero", "backward"),
        "makes its step before the gradients are computed",
    ),
    "no step": (_in_order("zero", "loss", "backward"), "but the optimizer makes no step"),
    "no backward": (_in_order("zero", "loss", "step"), "but no gradients are computed"),
    "neither": (_in_order("loss"), "no gradients are computed, and"),
    "on a copy": (_on_a_copy, "the optimizer makes a step, but no gradients are computed"),
    "keeps the graph": (_keeps_the_graph, "keeps the graph of the forward pass"),
    "loss afterwards": (
        _returning(lambda loss, m, f, x, y: f(m(x), y)),
        "that of the updated weights",
    ),
    "two updates": (
        _in_order("zero", "loss", "backward", "step", "zero", "loss", "backward", "step"),
        "two updates are made of one batch",
    ),
    "two updates, first loss": (
        lambda *given: [_plain(*given), _plain(*given)][0],
        "two updates are made of one batch",
    ),
    "swapped": (
        lambda m, o, f, x, y: _plain(m, o, lambda a, b: f(b, a), x, y),
        "predictions and targets are swapped",
    ),
    "left in evaluation": (
        _in_order("zero", "loss", "backward", "step", "eval"),
        "leaves the model in evaluation",
    ),
    "evaluation all the time": (
        _in_order("eval", "zero", "loss", "backward", "step"),
        "leaves the model in evaluation",
    ),
    "forward in evaluation": (
        _in_order("eval", "zero", "loss", "train", "backward", "step"),
        "the forward pass runs in evaluation",
    ),
    "sum": (_of_loss(lambda loss, x: loss * len(x)), "a step must not grow with the batch"),
    "returns the sum": (
        _returning(lambda loss, m, f, x, y: loss * len(x)),
        "you return the loss times the size",
    ),
    "returns a share": (
        _returning(lambda loss, m, f, x, y: loss / len(x)),
        "you divide the loss by the size",
    ),
    "returns 0": (_returning(lambda *_: 0), "you return 0"),
    "ascent": (
        lambda m, o, f, x, y: -_of_loss(lambda loss, x: -loss)(m, o, f, x, y),
        "the weights climb",
    ),
    "backward twice": (
        _in_order("zero", "loss", "backward", "backward", "step"),
        "they are computed twice",
    ),
    "clipped": (_in_order("zero", "loss", "backward", "clip", "step"), "you clip the norm"),
    "no_grad": (_no_grad, "does the forward pass stand inside no_grad"),
    "detached": (_detached, "does the forward pass stand inside no_grad"),
    "item too early": (_item_too_early, "call backward on the loss itself"),
    "by hand": (_by_hand, "not by a step of the optimizer that you are given"),
    "new optimizer": (_new_optimizer, "not by a step of the optimizer that you are given"),
    "first example": (_batch_part(slice(1)), "only the first example"),
    "last example": (_batch_part(slice(-1, None)), "only the last example"),
    "one by one": (_one_by_one, "an update for each example"),
    "in place": (_in_place, "changed its input"),
    "switches gradients off": (
        _in_order("zero", "loss", "backward", "step", "freeze"),
        "changed whether torch records gradients",
    ),
    "nothing": (_returning(lambda *_: None), "your step returns nothing"),
    "predictions": (
        _returning(lambda loss, m, f, x, y: m(x)),
        r"returned a tensor of shape \(2, 1\)",
    ),
    "loss and model": (_returning(lambda loss, m, *_: (loss, m)), "returned a tuple"),
    "unforeseen": (_decayed, "wrong on one update of one weight.*the weights after the first"),
    "unforeseen loss": (
        _returning(lambda loss, *_: loss + 1),
        "wrong on one update of one weight.*the loss that is returned first",
    ),
    "momentum forgotten": (_forgetful, "wrong on three updates of two weights, with momentum"),
}
