"""The models: one file, one family."""

from attention_lib.models.rnn import RNNConfig, RNNEncoderDecoder
from attention_lib.models.transformer import Transformer, TransformerConfig

__all__ = ["RNNConfig", "RNNEncoderDecoder", "Transformer", "TransformerConfig"]
