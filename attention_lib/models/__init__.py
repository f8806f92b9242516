"""The models: one file, one family."""

from attention_lib.models.rnn import RNNConfig, RNNEncoderDecoder

__all__ = ["RNNConfig", "RNNEncoderDecoder"]
