"""Additive attention and the recurrent encoder-decoders."""

import pytest
import torch

from attention_lib.attention import AdditiveAttention
from attention_lib.masks import length_mask
from attention_lib.models import RNNConfig, RNNEncoderDecoder

CELLS = ("rnn", "gru", "lstm")
each_cell = pytest.mark.parametrize("cell", CELLS)
both = pytest.mark.parametrize("attention", [False, True])


def model(**options):
    torch.manual_seed(0)
    return RNNEncoderDecoder(RNNConfig(vocab_size=9, d_model=8, d_embedding=5, **options)).double()


def ids(*shape, seed=0):
    return torch.randint(8, shape, generator=torch.Generator().manual_seed(seed))


def test_additive_scores_are_those_of_the_formula():
    torch.manual_seed(0)
    layer = AdditiveAttention(3, 4, 5).double()
    query, key, value = (torch.randn(2, n, d).double() for n, d in ((2, 3), (6, 4), (6, 7)))
    output, weights = layer(query, key, value)
    for b in range(2):
        for i in range(2):
            scores = torch.stack(
                [
                    layer.score.weight[0]
                    @ torch.tanh(layer.query_map.weight @ query[b, i] + layer.key_map.weight @ k)
                    for k in key[b]
                ]
            )
            expected = torch.softmax(scores, dim=0)
            torch.testing.assert_close(weights[b, i], expected, atol=1e-12, rtol=0)
            torch.testing.assert_close(output[b, i], expected @ value[b], atol=1e-12, rtol=0)


def test_additive_attention_masks_and_gives_zeros_to_a_query_that_may_see_nothing():
    torch.manual_seed(0)
    layer = AdditiveAttention(3, 3, 4).double()
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(2, 4, 4, dtype=torch.bool)
    mask[0, 1] = False
    mask[:, :, 3] = False
    output, weights = layer(x, x, x, mask=mask)
    assert (weights[..., 3] == 0).all() and (output[0, 1] == 0).all()
    assert torch.autograd.gradcheck(lambda x: layer(x, x, x, mask=mask), x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda layer, x: layer(x, x, x[:, :2]), "key has length 4 and value has length 2"),
        (lambda layer, x: layer(x, x, x, mask=torch.ones(5, 5).bool()), r"shape \(5, 5\)"),
        (lambda layer, x: layer(x[..., :2], x, x), "query has width 2 .*expected width 3"),
        (lambda layer, x: layer(*(3 * [x.double()])), "query has width 3 and dtype float64"),
        (lambda layer, x: AdditiveAttention(0, 1, 1), "d_query=0.*at least 1 each"),
    ],
)
def test_bad_input_of_additive_attention_is_an_error(call, message):
    with pytest.raises(ValueError, match=message):
        call(AdditiveAttention(3, 3, 4), torch.ones(2, 4, 3))


@each_cell
@both
def test_logits_have_one_row_for_every_target_token(cell, attention):
    output = model(cell=cell, attention=attention)(ids(3, 6), ids(3, 4))
    assert output.logits.shape == (3, 4, 9) and output.weights is None


@each_cell
def test_weights_of_every_output_step_sum_to_1(cell):
    output = model(cell=cell, attention=True)(ids(3, 6), ids(3, 4), return_weights=True)
    assert output.weights.shape == (3, 4, 6)
    ones = torch.ones(3, 4, dtype=torch.float64)
    torch.testing.assert_close(output.weights.sum(-1), ones, atol=1e-12, rtol=0)


@each_cell
@both
def test_writing_step_by_step_equals_predicting_all_at_once(cell, attention):
    net = model(cell=cell, attention=attention)
    source = ids(4, 6)
    written = net.greedy(source, 7, start_id=8)
    target = torch.cat([torch.full((4, 1), 8), written[:, :-1]], dim=1)
    assert torch.equal(net(source, target).logits.argmax(-1), written)


@each_cell
@both
def test_padding_changes_nothing(cell, attention):
    net = model(cell=cell, attention=attention)
    source, target = ids(2, 6), ids(2, 3, seed=1)
    mask = length_mask(torch.tensor([4, 6]))
    other = source.clone()
    other[0, 4:] = 7 - other[0, 4:]
    padded = net(source, target, mask=mask).logits
    torch.testing.assert_close(net(other, target, mask=mask).logits, padded, atol=0, rtol=0)
    alone = net(source[:1, :4], target[:1]).logits
    torch.testing.assert_close(padded[:1], alone, atol=1e-12, rtol=0)
    torch.testing.assert_close(padded[1:], net(source[1:], target[1:]).logits, atol=1e-12, rtol=0)


@each_cell
def test_without_attention_the_source_reaches_the_decoder_through_one_vector(cell):
    net = model(cell=cell)
    source, target = ids(2, 6), ids(2, 3)
    _, context = net.encode(source)
    assert context.shape == (2, 8)
    net.encode = lambda *_: (torch.full((2, 6, 8), torch.nan).double(), context)
    assert torch.isfinite(net(source, target).logits).all(), "nothing else is read"


@each_cell
@both
def test_future_targets_do_not_change_the_past(cell, attention):
    net = model(cell=cell, attention=attention)
    source, target = ids(2, 5), ids(2, 6)
    changed = target.clone()
    changed[:, 4:] = 7 - changed[:, 4:]
    logits = net(source, target).logits, net(source, changed).logits
    assert torch.equal(logits[0][:, :4], logits[1][:, :4])
    assert not torch.equal(logits[0][:, 4:], logits[1][:, 4:])


BAD = {
    "cell": (lambda: RNNConfig(9, cell="gpu"), "cell='gpu'; expected one of rnn, gru, lstm"),
    "odd width": (lambda: RNNConfig(9, d_model=7), "d_model=7; expected an even number"),
    "no tokens": (lambda: RNNConfig(0), "vocab_size=0.*at least 1"),
    "weights of none": (
        lambda: model()(ids(1, 2), ids(1, 2), return_weights=True), "attention=True",
    ),
    "one sequence": (lambda: model()(ids(4), ids(1, 2)), r"shape \(4,\).*source\[None\]"),
    "empty": (lambda: model()(ids(1, 2)[:, :0], ids(1, 2)), r"shape \(1, 0\)"),
    "mask as ones": (
        lambda: model()(ids(1, 2), ids(1, 2), mask=torch.ones(1, 2)), "masks are boolean",
    ),
    "left padding": (
        lambda: model()(ids(1, 2), ids(1, 2), mask=torch.tensor([[False, True]])), "pad at the end",
    ),
    "no length": (lambda: model().greedy(ids(1, 2), 0, 8), "length=0; expected at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, message = BAD[case]
    with pytest.raises((TypeError, ValueError), match=message):
        call()
