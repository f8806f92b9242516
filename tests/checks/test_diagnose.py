"""What a checker does with its alternatives."""

import torch

from attention_lib.checks.diagnosis import diagnose
from attention_lib.checks.parts import Alternative, Probe


def test_an_alternative_may_break_where_the_readers_function_does_not():
    """Its answers agree on the first probe alone, so it is passed over, and nothing is raised."""

    def breaks_later(x):
        if len(x) > 2:
            raise RuntimeError("shapes")
        return x + 1

    result = diagnose(
        "double",
        lambda x: x + 1,
        reference=lambda x: 2 * x,
        probes=[Probe("two numbers", (torch.zeros(2),)), Probe("three", (torch.zeros(3),))],
        alternatives=[
            Alternative(breaks_later, "the first"),
            Alternative(lambda x: x + 1, "you add 1"),
        ],
    )
    assert result.diagnosis.splitlines() == [
        "you add 1",
        "for example, on two numbers:",
        "x:         [0.0, 0.0]",
        "you gave:  [1.0, 1.0]",
        "expected:  [0.0, 0.0]",
    ]


def test_an_input_without_a_name_is_watched_and_shown_too():
    def doubles_in_place(x):
        return x.mul_(2)

    told = diagnose(
        "double",
        doubles_in_place,
        reference=lambda *given: 2 * given[0],
        probes=[Probe("two numbers", (torch.ones(2),))],
    ).diagnosis
    assert told.startswith("your function changed its input, on two numbers")
    assert told.endswith("\ninput:         [1.0, 1.0]\ninput, after:  [2.0, 2.0]")
