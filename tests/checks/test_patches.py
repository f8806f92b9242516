"""Patches as the checker wants them are those that a Vision Transformer maps."""

import pytest
import torch

from attention_lib.checks.patches import _PROBES, _reference
from attention_lib.models.vit import ViT, ViTConfig


@pytest.mark.parametrize("probe", _PROBES, ids=lambda probe: probe.what)
def test_a_matrix_times_each_patch_is_the_convolution_of_the_model(probe):
    images, p = probe.arguments
    size = ViTConfig.tiny(
        image_size=2 * p, patch_size=p, num_channels=images.size(1), num_layers=1, num_heads=1
    )
    torch.manual_seed(0)
    patch_map = ViT(size).patch_map.double()
    images = images / images.numel()
    patches = _reference(images, p)
    expected = patch_map(images).flatten(2).mT
    matrix = patch_map.weight.flatten(1)  # (d_model, channels * p * p)
    assert torch.allclose(patches @ matrix.T + patch_map.bias, expected)
    assert expected.std() > 1e-3
