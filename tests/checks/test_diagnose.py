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
    assert result.diagnosis == "you add 1"
