"""What the tests of attention compare with: torch.nn's modules, and formulas written out."""

import math
import re

import torch
from torch import nn

from attention_lib.attention import MultiHeadAttention, dot_product_attention
from attention_lib.grouped_query import GroupedQueryAttention
from attention_lib.positions import ALiBiAttention, RotaryAttention
from attention_lib.sliding_window import SlidingWindowAttention

# What may stand in the place of `attend`, for a number of heads.
ATTENDS = {
    "plain": lambda heads: dot_product_attention,
    "rotary": lambda heads: RotaryAttention(),
    "ALiBi": lambda heads: ALiBiAttention(heads),
    "window": lambda heads: SlidingWindowAttention(3),
    "rotary window": lambda heads: RotaryAttention(attend=SlidingWindowAttention(3)),
    "ALiBi window": lambda heads: ALiBiAttention(heads, attend=SlidingWindowAttention(3)),
}
# Every attention with maps of its own: (d_model, num_heads) -> module.
ATTENTIONS = {
    name: lambda d, h, attend=attend: MultiHeadAttention(d, h, attend=attend(h))
    for name, attend in ATTENDS.items()
} | {
    "grouped": lambda d, h: GroupedQueryAttention(d, h, h // 2),
    "grouped rotary": lambda d, h: GroupedQueryAttention(d, h, 1, attend=RotaryAttention()),
}


def draw(*shape, seed=0, dtype=torch.float64, requires_grad=False):
    generator = torch.Generator().manual_seed(seed)
    tensor = torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)
    return tensor.requires_grad_(requires_grad)


def draw_ids(*shape, below, seed=0):
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(seed))


def redraw(module, seed=0):
    """Draw every parameter anew, in float64: a bias of 0 or a norm of 1 would hide mistakes."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return module


def assert_equal(actual, expected, tolerance=1e-9):
    torch.testing.assert_close(actual, expected, atol=tolerance, rtol=tolerance)


def gradient(function, *inputs):
    """Gradients of the outputs' weighted sum: every output counts differently."""
    output = function(*inputs)
    return torch.autograd.grad(output, inputs, draw(*output.shape, seed=99), allow_unused=True)


# --- formulas written out -----------------------------------------------------------------


def written_sinusoids(length, d_model):
    return torch.tensor(
        [
            [
                (math.cos if column % 2 else math.sin)(t / 10_000 ** (column // 2 * 2 / d_model))
                for column in range(d_model)
            ]
            for t in range(length)
        ],
        dtype=torch.float64,
    )


def written_rotation(x, start=0, base=10_000.0):
    """Rotary positions as products of complex numbers, the real parts in the first half."""
    half = x.size(-1) // 2
    angles = [[(start + t) * base ** (-i / half) for i in range(half)] for t in range(x.size(-2))]
    turn = torch.tensor(
        [[complex(math.cos(a), math.sin(a)) for a in row] for row in angles],
        dtype=torch.complex128,
    )
    turned = torch.complex(x[..., :half], x[..., half:]) * turn
    return torch.cat([turned.real, turned.imag], dim=-1)


def written_attention(query, key, value, allowed, bias=0.0):
    """Softmax of scores plus bias, row by row; every query must be allowed something."""
    scores = query @ key.mT / math.sqrt(query.size(-1)) + bias
    scores = torch.where(allowed, scores, -torch.inf)
    parts = torch.exp(scores - scores.amax(-1, keepdim=True))
    return parts / parts.sum(-1, keepdim=True) @ value


def allowed_by_hand(length_q, length_k, window=None):
    """Causal, the last query at the last key; at most ``window`` positions back."""
    window = length_q + length_k if window is None else window
    return torch.tensor(
        [
            [0 <= i + length_k - length_q - j < window for j in range(length_k)]
            for i in range(length_q)
        ]
    )


# --- torch.nn's modules -------------------------------------------------------------------

_NAMES = {
    "self_attention.": "self_attn.",
    "cross_attention.": "multihead_attn.",
    "in_map.": "in_proj_",
    "out_map.": "out_proj.",
    "feed_forward.up": "linear1",
    "feed_forward.down": "linear2",
    "attention_norm.norm": "norm1",
    "cross_norm.norm": "norm2",
    "positions.table": "position_table",
}


def their_name(name, in_decoder=False):
    """Give torch.nn's name of the parameter that has this name here."""
    in_decoder = in_decoder or name.startswith("decoder.")
    name = name.replace("feed_forward_norm.norm", "norm3" if in_decoder else "norm2")
    for ours, theirs in _NAMES.items():
        name = name.replace(ours, theirs)
    name = re.sub(r"^(en|de)coder\.(\d+)", r"transformer.\1coder.layers.\2", name)
    return re.sub(r"^(en|de)coder_norm", r"transformer.\1coder.norm", name)


def same_weights(ours, theirs, seed=0, in_decoder=False):
    """Redraw our weights, copy them into torch.nn's module, and return both."""
    redraw(ours, seed)
    state = {their_name(k, in_decoder): v.clone() for k, v in ours.state_dict().items()}
    theirs.double().load_state_dict(state, strict=True)
    return ours, theirs


def assert_same_gradients(ours, theirs, our_output, their_output, inputs=(), in_decoder=False):
    """Compare the gradients of every parameter, and of the inputs."""
    upstream = draw(*our_output.shape, seed=99)
    own = dict(ours.named_parameters())
    other = dict(theirs.named_parameters())
    assert {their_name(name, in_decoder) for name in own} == set(other)
    other = [other[their_name(name, in_decoder)] for name in own]
    inputs = list(inputs)
    of_ours = torch.autograd.grad(our_output, [*inputs, *own.values()], upstream)
    of_theirs = torch.autograd.grad(their_output, [*inputs, *other], upstream)
    names = [f"input {i}" for i in range(len(inputs))] + list(own)
    for name, one, two in zip(names, of_ours, of_theirs, strict=True):
        torch.testing.assert_close(
            one, two, atol=1e-9, rtol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )


def count_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


class TorchTransformer(nn.Module):
    """nn.Transformer with what it lacks: embeddings, positions, and the map to the logits.

    Written for a TransformerConfig without dropout.
    """

    def __init__(self, config, *, final_norms, activation):
        super().__init__()
        d_model = config.d_model
        options = {
            "dim_feedforward": config.d_ff,
            "dropout": 0.0,
            "activation": activation,
            "batch_first": True,
            "norm_first": config.norm_first,
            "bias": config.bias,
        }
        norms = [nn.LayerNorm(d_model, bias=config.bias) if final_norms else None for _ in range(2)]
        encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(d_model, config.num_heads, **options),
            config.num_layers,
            norms[0],
            enable_nested_tensor=False,
        )
        decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(d_model, config.num_heads, **options),
            config.num_layers,
            norms[1],
        )
        self.transformer = nn.Transformer(
            d_model,
            config.num_heads,
            batch_first=True,
            custom_encoder=encoder,
            custom_decoder=decoder,
        )
        self.target_embedding = nn.Embedding(config.vocab_size, d_model)
        self.source_embedding = self.target_embedding
        if config.source_vocab_size is not None:
            self.source_embedding = nn.Embedding(config.source_vocab_size, d_model)
        if config.positions == "learned":
            self.position_table = nn.Embedding(config.max_length, d_model)

    def _embed(self, table, ids):
        length, d_model = ids.size(1), table.embedding_dim
        if hasattr(self, "position_table"):
            positions = self.position_table(torch.arange(length))
        else:
            positions = written_sinusoids(length, d_model)
        return table(ids) * math.sqrt(d_model) + positions

    def forward(self, source, target, source_real=None, target_real=None):
        length = target.size(1)
        source_blocked = None if source_real is None else ~source_real
        decoded = self.transformer(
            self._embed(self.source_embedding, source),
            self._embed(self.target_embedding, target),
            tgt_mask=torch.ones(length, length, dtype=torch.bool).triu(1),
            src_key_padding_mask=source_blocked,
            memory_key_padding_mask=source_blocked,
            tgt_key_padding_mask=None if target_real is None else ~target_real,
        )
        return decoded @ self.target_embedding.weight.T
