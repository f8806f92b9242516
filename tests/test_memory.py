"""How much memory attention takes at a length at which its weights alone would take much."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("resource")

LENGTH, HEADS = 4096, 8
WEIGHTS = HEADS * LENGTH**2 / 2**20  # MiB at one byte a weight; 4 times as much in float32

# Each case runs in a process of its own, forked before torch has started threads: the largest
# size that a process has had is never forgotten, and a forked one begins with its parent's
# present size. It warms up at a small length, so that what a first call loads is not counted.
SCRIPT = """
import json, os, resource, sys
import torch
from attention_lib.attention import MultiHeadAttention, dot_product_attention
from attention_lib.grouped_query import GroupedQueryAttention
from attention_lib.masks import padding_mask
from attention_lib.positions import ALiBiAttention, RotaryAttention
from attention_lib.sliding_window import SlidingWindowAttention

length, heads = int(sys.argv[1]), int(sys.argv[2])

def layer(name):
    if name == "grouped":
        return GroupedQueryAttention(128, heads, 2)
    attend = {
        "plain": lambda: dot_product_attention,
        "rotary": RotaryAttention,
        "ALiBi": lambda: ALiBiAttention(heads),
        "window": lambda: SlidingWindowAttention(256),
    }[name]()
    return MultiHeadAttention(128, heads, attend=attend)

def run(net, n, hidden, training, **options):
    x = torch.randn(1, n, 128, requires_grad=training)
    mask = padding_mask(torch.arange(n)[None] < n - n // 8) if "padding" in hidden else None
    with torch.set_grad_enabled(training):
        found = net(x, mask=mask, is_causal="causal" in hidden, **options)
        if training:
            (found[0] if isinstance(found, tuple) else found).sum().backward()

def peak():
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)

for case in json.loads(sys.argv[3]):
    sys.stdout.flush()
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.exit(f"failed: {case}")
        continue
    torch.set_num_threads(1)
    name, hidden, training, options = case
    net = layer(name)
    run(net, 256, hidden, training, **options)
    before = peak()
    run(net, length, hidden, training, **options)
    print(json.dumps([case, peak() - before]), flush=True)
    os._exit(0)
"""

MASKS = {
    "plain": ("causal", "padding", "causal padding"),
    "grouped": ("causal",),
    "rotary": ("causal", "padding"),
    "ALiBi": ("causal", "causal padding"),
    "window": ("causal", "causal padding"),
}
LEAN = [
    (name, hidden, training, {})
    for name, masks in MASKS.items()
    for hidden in masks
    for training in (False, True)
]
CONTROL = ("plain", "causal", False, {"return_weights": True})


def called(case):
    name, hidden, training, options = case
    return "-".join([name, hidden, "training" if training else "inference", *options])


@pytest.fixture(scope="module")
def peaks():
    cases = json.dumps([*LEAN, CONTROL])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(LENGTH), str(HEADS), cases],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return {called(case): size for case, size in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("case", LEAN, ids=called)
def test_the_weights_of_all_pairs_are_never_stored(peaks, case):
    assert peaks[called(case)] < WEIGHTS, "not even one byte a weight"


@pytest.mark.parametrize("name", ["plain", "grouped", "rotary", "ALiBi"])
def test_is_causal_alone_makes_no_mask(peaks, name):
    for training in (False, True):
        size = peaks[called((name, "causal", training, {}))]
        assert size < LENGTH**2 * 4 / 2**20, "that of a mask for one head, added to the scores"


def test_asking_for_weights_stores_them(peaks):
    assert peaks[called(CONTROL)] > 4 * WEIGHTS, "or the test above could not fail"
