"""Masks: one convention, and converters to the others."""

import pytest
import torch
from torch import nn

from attention_lib import dot_product_attention, masks


def test_causal_mask_is_the_lower_triangle_aligned_at_the_end():
    assert torch.equal(masks.causal_mask(4), torch.ones(4, 4).tril().bool())
    assert torch.equal(masks.causal_mask(2, 5), torch.ones(5, 5).tril().bool()[-2:])
    assert masks.causal_mask(3, 2).tolist() == [[False, False], [True, False], [True, True]]


def test_window_mask_sees_fewer_than_window_positions_to_each_side():
    at = torch.arange(6)
    for window in (1, 2, 5, 9):
        expected = (at[:, None] - at[None, :]).abs() < window
        assert torch.equal(masks.window_mask(6, window=window), expected)
    assert torch.equal(masks.window_mask(6, window=1), torch.eye(6).bool())
    assert torch.equal(masks.window_mask(2, 6, window=3), masks.window_mask(6, window=3)[-2:])


def test_length_mask_marks_the_first_tokens_of_each_sequence():
    real = masks.length_mask(torch.tensor([2, 0, 3]), max_length=4)
    assert real.sum(1).tolist() == [2, 0, 3]
    assert real.tolist()[0] == [True, True, False, False]
    assert masks.length_mask(torch.tensor([1, 3])).shape == (2, 3)


def test_padding_mask_hides_padding_from_every_query_and_head():
    torch.manual_seed(0)
    x, real = torch.randn(2, 3, 4, 5), masks.length_mask(torch.tensor([2, 4]))
    mask = masks.padding_mask(real)
    assert mask.shape == (2, 1, 1, 4)
    output = dot_product_attention(x, x, x, mask=mask)
    changed = x.clone()
    changed[0, :, 2:] += 100.0  # padding
    again = dot_product_attention(x, changed, changed, mask=mask)
    torch.testing.assert_close(again, output)


def test_combine_masks_is_and_with_none_as_no_restriction():
    causal, real = masks.causal_mask(3), torch.tensor([[True, False, True]])
    assert masks.combine_masks() is None and masks.combine_masks(None, None) is None
    assert torch.equal(masks.combine_masks(None, causal), causal)
    both = masks.combine_masks(causal, masks.padding_mask(real))
    assert both.shape == (1, 1, 3, 3)
    assert torch.equal(both[0, 0], causal & real)


def test_blocked_masks_are_those_of_torch_multihead_attention():
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(8, 1, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.eye(8, dtype=torch.float64).repeat(3, 1))
        layer.out_proj.weight.copy_(torch.eye(8))
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    causal, real = masks.causal_mask(5), masks.length_mask(torch.tensor([5, 3]))
    theirs, _ = layer(
        x, x, x, attn_mask=masks.to_blocked(causal), key_padding_mask=masks.to_blocked(real)
    )
    mask = masks.combine_masks(causal, real[:, None, :])
    torch.testing.assert_close(dot_product_attention(x, x, x, mask=mask), theirs)
    assert torch.equal(masks.from_blocked(masks.to_blocked(causal)), causal)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.bool])
def test_hugging_face_masks_are_one_for_a_real_token(dtype):
    given = torch.tensor([[1, 1, 0], [1, 0, 0]], dtype=dtype)
    real = masks.from_hugging_face(given)
    assert real.tolist() == [[True, True, False], [True, False, False]]
    assert torch.equal(masks.to_hugging_face(real), given.long())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_additive_masks_go_there_and_back(dtype):
    causal = masks.causal_mask(4)
    additive = masks.to_additive(causal, dtype)
    assert additive.dtype == dtype
    assert (additive[causal] == 0).all() and (additive[~causal] == float("-inf")).all()
    assert torch.equal(masks.from_additive(additive), causal)
    lowest = torch.zeros(4, 4, dtype=dtype).masked_fill(~causal, torch.finfo(dtype).min)
    assert torch.equal(masks.from_additive(lowest), causal)


BAD_INPUT = {
    "no queries": (lambda: masks.causal_mask(0), ValueError, "query_length=0.*at least 1"),
    "no keys": (lambda: masks.causal_mask(1, 0), ValueError, "key_length=0.*at least 1"),
    "window of nothing": (
        lambda: masks.window_mask(3, window=0), ValueError, "window=0; expected at least 1",
    ),
    "lengths as floats": (
        lambda: masks.length_mask(torch.tensor([1.0])), TypeError, "float32; expected integers",
    ),
    "lengths in two dimensions": (
        lambda: masks.length_mask(torch.tensor([[1]])), ValueError,
        r"\(1, 1\); expected \(batch,\)",
    ),
    "length past the end": (
        lambda: masks.length_mask(torch.tensor([5]), max_length=3), ValueError,
        "to 5; expected 0 to max_length=3: truncate",
    ),
    "padding as ones and zeros": (
        lambda: masks.padding_mask(torch.ones(2, 3).long()), TypeError,
        "real is torch.int64; masks are boolean.*from_hugging_face",
    ),
    "padding in three dimensions": (
        lambda: masks.padding_mask(torch.ones(2, 3, 1).bool()), ValueError,
        r"\(2, 3, 1\); expected \(batch, length\)",
    ),
    "combining a float mask": (
        lambda: masks.combine_masks(torch.ones(2, 2)), TypeError, "mask is torch.float32",
    ),
    "combining shapes that do not fit": (
        lambda: masks.combine_masks(torch.ones(2, 2).bool(), torch.ones(3, 3).bool()), ValueError,
        r"\(2, 2\) and \(3, 3\) do not broadcast.*padding_mask",
    ),
    "combining masks of two devices": (
        lambda: masks.combine_masks(masks.causal_mask(2), torch.ones(2, 2, device="meta").bool()),
        ValueError, "masks are on cpu and meta; expected one device",
    ),
    "additive in integers": (
        lambda: masks.to_additive(masks.causal_mask(2), torch.int64), TypeError,
        "dtype is torch.int64; expected a floating-point",
    ),
    "lists where tensors belong": (
        lambda: masks.from_hugging_face([[1, 0]]), TypeError,
        r"attention_mask is a list; .*torch.tensor\(attention_mask\)",
    ),
    "lengths as a list": (lambda: masks.length_mask([1, 2]), TypeError, "lengths is a list"),
    "blocked as floats": (
        lambda: masks.from_blocked(torch.zeros(2, 2)), TypeError, "mask is torch.float32",
    ),
    "additive given to from_hugging_face": (
        lambda: masks.from_hugging_face(torch.tensor([[0.0, float("-inf")]])), ValueError,
        "other than 0 and 1.*from_additive",
    ),
    "Hugging Face mask already expanded": (
        lambda: masks.from_hugging_face(torch.ones(2, 1, 1, 3)), ValueError, "expected \\(batch",
    ),
    "boolean given to from_additive": (
        lambda: masks.from_additive(torch.ones(2).bool()), TypeError, "torch.bool; expected 0 and",
    ),
    "a bias given to from_additive": (
        lambda: masks.from_additive(torch.tensor([0.0, -1.5])), ValueError, "it is a bias",
    ),
    "a list given to to_additive": (
        lambda: masks.to_additive([True]), TypeError, "mask is list; masks are boolean",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, error, message = BAD_INPUT[case]
    with pytest.raises(error, match=message):
        call()
