"""The attention contract: one function, two paths, every shape, every dtype."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_lib import dot_product_attention, parameter_free_attention
from attention_lib.masks import causal_mask, combine_masks

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
# Largest error of each dtype, relative to the largest number of the reference.
TOLERANCE = {
    torch.float64: 1e-12,
    torch.float32: 1e-6,
    torch.bfloat16: 2e-2,
    torch.float16: 2e-3,
}


def draw(*shape, dtype=torch.float64, seed=0, requires_grad=False):
    generator = torch.Generator().manual_seed(seed)
    tensor = torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
    return tensor.requires_grad_(requires_grad)


def relative_error(actual, expected):
    largest = expected.abs().max().clamp_min(1e-30)
    return ((actual - expected).abs().max() / largest).item()


def by_the_definition(query, key, value, mask, scale):
    """Scalar loops over one batch entry and head: slow, and plainly the formula."""
    rows = []
    for q, allowed in zip(query.tolist(), mask.tolist(), strict=True):
        scores = [
            scale * math.fsum(a * b for a, b in zip(q, k, strict=True)) if ok else None
            for k, ok in zip(key.tolist(), allowed, strict=True)
        ]
        if all(score is None for score in scores):
            rows.append([0.0] * value.size(-1))
            continue
        top = max(score for score in scores if score is not None)
        parts = [0.0 if score is None else math.exp(score - top) for score in scores]
        total = math.fsum(parts)
        rows.append(
            [
                math.fsum(p / total * v for p, v in zip(parts, column, strict=True))
                for column in zip(*value.tolist(), strict=True)
            ]
        )
    return torch.tensor(rows, dtype=torch.float64)


@st.composite
def problems(draw_):
    """Query, key, value shapes and a mask of any shape that broadcasts to the scores."""
    batch, heads, length_q, length_k = (draw_(st.integers(1, 4)) for _ in range(4))
    d_head, d_value = draw_(st.integers(1, 8)), draw_(st.integers(1, 8))
    seed = draw_(st.integers(0, 2**16))
    mask = None
    if draw_(st.booleans()):
        full = (batch, heads, length_q, length_k)
        shape = [size if draw_(st.booleans()) else 1 for size in full]
        shape = shape[draw_(st.integers(0, 3)) :]
        generator = torch.Generator().manual_seed(seed + 3)
        mask = torch.rand(shape, generator=generator) < draw_(st.sampled_from([0.1, 0.5, 0.9]))
    shapes = [
        (batch, heads, length_q, d_head),
        (batch, heads, length_k, d_head),
        (batch, heads, length_k, d_value),
    ]
    return shapes, mask, draw_(st.booleans()), draw_(st.sampled_from([None, 1.0, 0.3])), seed


@settings(deadline=None, max_examples=150)
@given(problems())
def test_both_paths_equal_the_definition(problem):
    shapes, mask, is_causal, scale, seed = problem
    query, key, value = (draw(*s, seed=seed + i) for i, s in enumerate(shapes))
    options = {"mask": mask, "is_causal": is_causal, "scale": scale}
    fused = dot_product_attention(query, key, value, **options)
    explicit, weights = dot_product_attention(query, key, value, **options, return_weights=True)

    length_q, length_k = query.size(-2), key.size(-2)
    allowed = torch.tensor(
        [[j <= i + length_k - length_q or not is_causal for j in range(length_k)]
         for i in range(length_q)]
    )  # fmt: skip
    allowed = allowed.expand(*query.shape[:2], length_q, length_k)
    if mask is not None:
        allowed = allowed & mask
    for b in range(query.size(0)):
        for h in range(query.size(1)):
            expected = by_the_definition(
                query[b, h], key[b, h], value[b, h], allowed[b, h],
                query.size(-1) ** -0.5 if scale is None else scale,
            )  # fmt: skip
            torch.testing.assert_close(fused[b, h], expected, atol=1e-12, rtol=0)
            torch.testing.assert_close(explicit[b, h], expected, atol=1e-12, rtol=0)
    assert (weights[~allowed] == 0).all()
    row_sums = weights.sum(-1)
    torch.testing.assert_close(row_sums, allowed.any(-1).double(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("length_q", "length_k"), [(6, 6), (4, 7), (7, 4), (1, 5)])
@pytest.mark.parametrize("d_value", [8, 5])
def test_naive_and_fused_agree_in_output_and_gradient(
    dtype, is_causal, masked, length_q, length_k, d_value
):
    inputs = [
        draw(2, 3, length_q, 8, dtype=dtype, seed=1, requires_grad=True),
        draw(2, 3, length_k, 8, dtype=dtype, seed=2, requires_grad=True),
        draw(2, 3, length_k, d_value, dtype=dtype, seed=3, requires_grad=True),
    ]
    mask = draw(2, 1, length_q, length_k, seed=4) > -0.5 if masked else None
    upstream = draw(2, 3, length_q, d_value, dtype=dtype, seed=5)

    fused = dot_product_attention(*inputs, mask=mask, is_causal=is_causal)
    naive, _ = dot_product_attention(*inputs, mask=mask, is_causal=is_causal, return_weights=True)
    assert fused.dtype == naive.dtype == dtype
    assert relative_error(fused, naive) <= TOLERANCE[dtype]
    for of_fused, of_naive in zip(
        torch.autograd.grad(fused, inputs, upstream),
        torch.autograd.grad(naive, inputs, upstream),
        strict=True,
    ):
        assert relative_error(of_fused, of_naive) <= 5 * TOLERANCE[dtype]


@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_those_of_finite_differences(return_weights, is_causal, masked):
    query, key, value = (
        draw(2, 3, 4, seed=1, requires_grad=True),
        draw(2, 5, 4, seed=2, requires_grad=True),
        draw(2, 5, 3, seed=3, requires_grad=True),
    )
    mask = None
    if masked:
        mask = draw(2, 3, 5, seed=4) > 0
        mask[0, 1] = False  # a query that may attend to nothing

    def attend(query, key, value):
        return dot_product_attention(
            query, key, value, mask=mask, is_causal=is_causal, return_weights=return_weights
        )

    assert torch.autograd.gradcheck(attend, (query, key, value))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("return_weights", [False, True])
@pytest.mark.parametrize("is_causal", [False, True])
def test_fully_masked_query_gives_zeros_and_zero_gradient(dtype, return_weights, is_causal):
    inputs = [draw(2, 2, 4, 8, dtype=dtype, seed=i, requires_grad=True) for i in range(3)]
    query, key, value = inputs
    mask = torch.ones(2, 1, 4, 4, dtype=torch.bool)
    mask[0, 0, 2] = False  # one query of the first sequence
    mask[1] = False  # the whole second sequence
    result = dot_product_attention(
        query, key, value, mask=mask, is_causal=is_causal, return_weights=return_weights
    )
    output = result[0] if return_weights else result
    if return_weights:
        assert (result[1][0, :, 2] == 0).all() and (result[1][1] == 0).all()
    assert (output[0, :, 2] == 0).all() and (output[1] == 0).all()
    assert (output[0, :, [0, 1, 3]] != 0).all()

    output.backward(torch.ones_like(output))
    assert (query.grad[0, :, 2] == 0).all()
    for tensor in inputs:
        assert torch.isfinite(tensor.grad).all()
        assert (tensor.grad[1] == 0).all()
    assert (value.grad[0] != 0).any()


def test_a_causal_query_before_every_key_gives_zeros():
    query, key = draw(5, 4, seed=1), draw(3, 4, seed=2)
    output, weights = dot_product_attention(query, key, key, is_causal=True, return_weights=True)
    assert (output[:2] == 0).all() and (weights[:2] == 0).all()
    assert (weights[2] == torch.tensor([1.0, 0.0, 0.0])).all()
    assert (dot_product_attention(query, key, key, is_causal=True)[:2] == 0).all()


def test_causal_is_aligned_at_the_end():
    query, key, value = (draw(1, 1, n, 4, seed=i) for i, n in enumerate((6, 6, 6)))
    whole = dot_product_attention(query, key, value, is_causal=True)
    last_two = dot_product_attention(query[:, :, -2:], key, value, is_causal=True)
    torch.testing.assert_close(last_two, whole[:, :, -2:], atol=1e-12, rtol=0)


@pytest.mark.parametrize("return_weights", [False, True])
def test_mask_and_causal_combine_by_and(return_weights):
    x, mask = draw(2, 2, 5, 4), draw(2, 1, 5, 5, seed=9) > 0
    both = dot_product_attention(x, x, x, mask=mask, is_causal=True, return_weights=return_weights)
    merged = combine_masks(mask, causal_mask(5))
    expected = dot_product_attention(x, x, x, mask=merged, return_weights=return_weights)
    torch.testing.assert_close(both, expected, atol=0, rtol=0)


@pytest.mark.parametrize("return_weights", [False, True])
def test_inputs_are_not_modified(return_weights):
    tensors = [draw(2, 2, 5, 4, seed=i) for i in range(3)] + [draw(2, 1, 5, 5, seed=9) > 1]
    before = [tensor.clone() for tensor in tensors]
    query, key, value, mask = tensors
    dot_product_attention(
        query, key, value, mask=mask, is_causal=True, return_weights=return_weights
    )
    for tensor, copy in zip(tensors, before, strict=True):
        assert torch.equal(tensor, copy)


@pytest.mark.parametrize("scale", [-1.0, 0.0])
def test_causal_attention_with_any_finite_scale_is_the_same_on_both_paths(scale):
    x = draw(2, 2, 4, 8)
    fused = dot_product_attention(x, x, x, is_causal=True, scale=scale)
    naive, _ = dot_product_attention(x, x, x, is_causal=True, scale=scale, return_weights=True)
    assert torch.isfinite(fused).all()
    torch.testing.assert_close(fused, naive, atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [False, True])
def test_scores_beyond_half_precision_do_not_overflow(dtype, autocast):
    x = torch.full((2, 64), 100.0, dtype=torch.float32 if autocast else dtype)
    x.requires_grad_()
    mask = torch.tensor([[True, True], [False, False]])
    with torch.autocast("cpu", dtype, enabled=autocast):
        fused = dot_product_attention(x, x, x, mask=mask)
        naive, _ = dot_product_attention(x, x, x, mask=mask, return_weights=True)
    for output in (fused, naive):
        assert output[0].isfinite().all() and (output[1] == 0).all()
        (gradient,) = torch.autograd.grad(output.sum(), x)
        assert gradient.isfinite().all()


def test_two_and_three_dimensions_and_broadcast_batches_work():
    x = draw(5, 4)
    alone = dot_product_attention(x, x, x)
    stacked = dot_product_attention(x[None, None], x[None], x.expand(2, 1, 5, 4))
    assert stacked.shape == (2, 1, 5, 4)
    torch.testing.assert_close(stacked, alone.expand(2, 1, 5, 4), atol=1e-12, rtol=0)


def test_returned_weights_are_those_before_dropout():
    torch.manual_seed(0)
    x = draw(6, 4)
    output, weights = dot_product_attention(x, x, x, dropout=0.5, return_weights=True)
    plain, expected = dot_product_attention(x, x, x, return_weights=True)
    assert torch.equal(weights, expected)
    assert not torch.allclose(output, plain)


@pytest.mark.parametrize("return_weights", [False, True])
def test_dropout_keeps_the_expected_output(return_weights):
    torch.manual_seed(0)
    x = draw(1, 1, 6, 4)
    many = x.expand(20_000, 1, 6, 4)
    result = dot_product_attention(many, many, many, dropout=0.3, return_weights=return_weights)
    output = result[0] if return_weights else result
    expected = dot_product_attention(x, x, x)
    torch.testing.assert_close(output.mean(0, keepdim=True), expected, atol=0.05, rtol=0)
    assert output.std(0).min() > 0.01


def test_parameter_free_attention_is_softmax_of_its_own_products():
    x = draw(2, 5, 3)
    expected = torch.softmax(x @ x.mT, dim=-1) @ x
    output, weights = parameter_free_attention(x, return_weights=True)
    torch.testing.assert_close(output, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(weights, torch.softmax(x @ x.mT, dim=-1), atol=1e-12, rtol=0)
    torch.testing.assert_close(parameter_free_attention(x), expected, atol=1e-12, rtol=0)


def ones(*shape, **options):
    return torch.ones(*shape, **options)


# name: (query, key, value, options, error, what was given, what was expected, the likely fix)
BAD_INPUT = {
    "float mask": (
        (ones(2, 3),) * 3, {"mask": ones(2, 2)},
        TypeError, "mask has dtype float32", "masks are boolean", "converters",
    ),
    "mask is a list": (
        (ones(2, 3),) * 3, {"mask": [[True, False]]},
        TypeError, "mask is a list", "boolean tensors", "converters",
    ),
    "mask does not broadcast": (
        (ones(4, 2, 5, 3),) * 3, {"mask": ones(4, 5).bool()},
        ValueError, r"mask has shape \(4, 5\)", r"\(4, 2, 5, 5\)", "padding_mask",
    ),
    "mask has more dimensions than the scores": (
        (ones(5, 3),) * 3, {"mask": ones(2, 5, 5).bool()},
        ValueError, r"mask has shape \(2, 5, 5\)", r"\(5, 5\)", r"mask\[:, None\]",
    ),
    "mask on another device": (
        (ones(2, 3),) * 3, {"mask": ones(2, 2, device="meta").bool()},
        ValueError, "mask is on meta", "expected one device", r"mask.to\('cpu'\)",
    ),
    "key and value differ in length": (
        (ones(2, 3), ones(4, 3), ones(5, 3)), {},
        ValueError, "key has length 4 and value has length 5", "one value for every key",
        "same sequence",
    ),
    "query and key differ in width": (
        (ones(2, 3), ones(2, 4), ones(2, 4)), {},
        ValueError, "query has width 3 and key has width 4", "equal widths", "project",
    ),
    "batch sizes differ": (
        (ones(2, 4, 3), ones(3, 4, 3), ones(3, 4, 3)), {},
        ValueError, r"query \(2, 4, 3\), key \(3, 4, 3\)", "same batch and heads",
        "check the order",
    ),
    "integer query": (
        (ones(2, 3).long(), ones(2, 3), ones(2, 3)), {},
        TypeError, "query has dtype int64", "floating-point", r"embed token ids first",
    ),
    "boolean value": (
        (ones(2, 3), ones(2, 3), ones(2, 3).bool()), {},
        TypeError, "value has dtype bool", "floating-point", r"value.float\(\)",
    ),
    "NumPy array": (
        (ones(2, 3).numpy(), ones(2, 3), ones(2, 3)), {},
        TypeError, "query is a ndarray", "expected a torch.Tensor", r"torch.as_tensor\(query\)",
    ),
    "one vector": (
        (ones(3), ones(2, 3), ones(2, 3)), {},
        ValueError, r"query has shape \(3,\)", "at least two dimensions", r"query\[None, :\]",
    ),
    "empty query": (
        (ones(0, 3), ones(2, 3), ones(2, 3)), {},
        ValueError, r"query has shape \(0, 3\)", "at least one position", "drop empty sequences",
    ),
    "empty keys": (
        (ones(2, 3), ones(0, 3), ones(0, 3)), {},
        ValueError, r"key has shape \(0, 3\)", "at least one position", "drop empty sequences",
    ),
    "no width": (
        (ones(2, 0), ones(2, 0), ones(2, 3)), {},
        ValueError, r"query has shape \(2, 0\)", "one feature", "drop empty sequences",
    ),
    "mixed dtypes": (
        (ones(2, 3), ones(2, 3), ones(2, 3).double()), {},
        TypeError, "value has dtype float64", "expected one dtype", r"\.to\(",
    ),
    "mixed devices": (
        (ones(2, 3), ones(2, 3, device="meta"), ones(2, 3)), {},
        ValueError, "key has device meta", "expected one device", r"\.to\(",
    ),
    "dropout of one": (
        (ones(2, 3),) * 3, {"dropout": 1.0},
        ValueError, "dropout=1.0", r"probability in \[0, 1\)", "0.1",
    ),
    "scale is not a number": (
        (ones(2, 3),) * 3, {"scale": float("nan")},
        ValueError, "scale=nan", "expected a finite number", "sqrt",
    ),
    "scale is infinite": (
        (ones(2, 3),) * 3, {"scale": 10**400},
        ValueError, "scale=1000", "expected a finite number", "sqrt",
    ),
    "dropout is a string": (
        (ones(2, 3),) * 3, {"dropout": "0.1"},
        TypeError, "dropout is a str", "expected a float", "0.1",
    ),
    "is_causal is a string": (
        (ones(2, 3),) * 3, {"is_causal": "False"},
        TypeError, "is_causal is 'False'", "expected True or False", "bool",
    ),
    "return_weights is a number": (
        (ones(2, 3),) * 3, {"return_weights": 1},
        TypeError, "return_weights is 1", "expected True or False", "bool",
    ),
    "scale is a tensor": (
        (ones(2, 3),) * 3, {"scale": torch.tensor(2.0)},
        TypeError, "scale is a Tensor", "expected a float", "multiply the query",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    tensors, options, error, given_, expected, fix = BAD_INPUT[case]
    with pytest.raises(error, match=given_) as raised:
        dot_product_attention(*tensors, **options)
    for part in (expected, fix):
        assert raised.match(part)
