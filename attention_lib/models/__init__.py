"""The models: one file, one family."""

from attention_lib.models.bart import BART, BARTConfig
from attention_lib.models.bert import BERT, BERTConfig
from attention_lib.models.gpt import GPT, GPTConfig
from attention_lib.models.rnn import RNNConfig, RNNEncoderDecoder
from attention_lib.models.transformer import Transformer, TransformerConfig
from attention_lib.models.vit import ViT, ViTConfig

__all__ = [
    "BART",
    "BERT",
    "GPT",
    "BARTConfig",
    "BERTConfig",
    "GPTConfig",
    "RNNConfig",
    "RNNEncoderDecoder",
    "Transformer",
    "TransformerConfig",
    "ViT",
    "ViTConfig",
]
