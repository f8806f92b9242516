"""Exercise checkers: each takes a reader's function and names the mistake in it.

A checker judges behaviour, not text: it calls the function on small inputs, compares the answers
with a reference, and asks which other formula would have given them. A mistake that stands in no
list is told by the first fact that fails, and every mistake by the smallest example of it.
"""

from attention_lib.checks.attention import check_attention
from attention_lib.checks.causal import check_causal_mask
from attention_lib.checks.contextual import check_contextualise, check_softmax
from attention_lib.checks.decoder_mask import check_decoder_mask
from attention_lib.checks.decoding import check_beam_search
from attention_lib.checks.heads import check_multi_head
from attention_lib.checks.infilling import check_infill
from attention_lib.checks.jacobian import check_softmax_jacobian
from attention_lib.checks.layer_norm import check_layer_norm
from attention_lib.checks.masked_tokens import check_mask_tokens
from attention_lib.checks.masking import check_masked_softmax
from attention_lib.checks.merges import check_merge_pair
from attention_lib.checks.next_probabilities import check_next_probabilities
from attention_lib.checks.nucleus import check_top_p
from attention_lib.checks.overlap import check_f1
from attention_lib.checks.patches import check_patches
from attention_lib.checks.pooling import check_mean_pool
from attention_lib.checks.positions import check_sinusoids
from attention_lib.checks.query_key_value import check_query_key_value
from attention_lib.checks.recurrent import check_additive_weights
from attention_lib.checks.result import CheckResult
from attention_lib.checks.rotary import check_rotate
from attention_lib.checks.scaling import check_scaled_attention
from attention_lib.checks.shifted_loss import check_shifted_loss
from attention_lib.checks.stacks import check_encoder_layer
from attention_lib.checks.training_step import check_training_step

#: Every checker by the name of what it checks. The tests demand for each of them a list of named
#: mistakes, which it must tell apart, and of right variants, which it must accept.
CHECKERS = {
    "additive_weights": check_additive_weights,
    "softmax": check_softmax,
    "contextualise": check_contextualise,
    "query_key_value": check_query_key_value,
    "softmax_jacobian": check_softmax_jacobian,
    "scaled_attention": check_scaled_attention,
    "attention": check_attention,
    "multi_head": check_multi_head,
    "sinusoids": check_sinusoids,
    "rotate": check_rotate,
    "masked_softmax": check_masked_softmax,
    "causal_mask": check_causal_mask,
    "decoder_mask": check_decoder_mask,
    "layer_norm": check_layer_norm,
    "encoder_layer": check_encoder_layer,
    "shifted_loss": check_shifted_loss,
    "training_step": check_training_step,
    "beam_search": check_beam_search,
    "merge_pair": check_merge_pair,
    "infill": check_infill,
    "f1": check_f1,
    "mean_pool": check_mean_pool,
    "mask_tokens": check_mask_tokens,
    "next_probabilities": check_next_probabilities,
    "top_p": check_top_p,
    "patches": check_patches,
}

__all__ = [
    "CHECKERS",
    "CheckResult",
    "check_additive_weights",
    "check_attention",
    "check_beam_search",
    "check_causal_mask",
    "check_contextualise",
    "check_decoder_mask",
    "check_encoder_layer",
    "check_f1",
    "check_infill",
    "check_layer_norm",
    "check_mask_tokens",
    "check_masked_softmax",
    "check_mean_pool",
    "check_merge_pair",
    "check_multi_head",
    "check_next_probabilities",
    "check_patches",
    "check_query_key_value",
    "check_rotate",
    "check_scaled_attention",
    "check_shifted_loss",
    "check_sinusoids",
    "check_softmax",
    "check_softmax_jacobian",
    "check_top_p",
    "check_training_step",
]
