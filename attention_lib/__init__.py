"""attention_lib: attention and Transformers, written to be read.

Each module is part of the book's text. Start with :mod:`attention_lib.attention`.
"""

from attention_lib.attention import (
    MultiHeadAttention,
    dot_product_attention,
    parameter_free_attention,
)
from attention_lib.runtime import default_device, seed_everything

__version__ = "0.1.0"

__all__ = [
    "MultiHeadAttention",
    "default_device",
    "dot_product_attention",
    "parameter_free_attention",
    "seed_everything",
]
