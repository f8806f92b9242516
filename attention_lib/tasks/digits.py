"""Handwritten digits: 1,797 images of 8 by 8 pixels, which come with scikit-learn."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from attention_lib.settings import check_sizes

__all__ = ["Digits"]

_CLASSES = 10
_HELD_OUT_ONE_IN = 5


class Digits:
    """Handwritten digits, one in five of each held out.

    ``train`` and ``test`` are pairs: images, ``(n, 1, 8, 8)`` float32 from 0 (paper) to 1 (ink),
    and labels, ``(n,)`` int64 from 0 to 9. Which images are held out was drawn once; it never
    changes. The same 13 people wrote both parts (which of them wrote which image is not recorded),
    so the accuracy on ``test`` is that for their hands, and too good for another one.

    Source: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository; scikit-learn holds its 1,797 test images.

    Raises:
        ImportError: scikit-learn is not installed.
    """

    def __init__(self) -> None:
        try:  # here, not above: it takes a second
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise ImportError(
                "the digits come with scikit-learn, which is not installed: try "
                "pip install scikit-learn"
            ) from error
        data = load_digits()
        images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
        labels = torch.tensor(data.target, dtype=torch.int64)
        rng = random.Random("digits")
        is_test = torch.zeros(len(labels), dtype=torch.bool)
        for digit in range(_CLASSES):
            places = (labels == digit).nonzero()[:, 0].tolist()
            is_test[rng.sample(places, len(places) // _HELD_OUT_ONE_IN)] = True
        self.train = images[~is_test], labels[~is_test]
        self.test = images[is_test], labels[is_test]

    def batch(self, size: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Draw training images with replacement.

        Args:
            size: number of images.
            seed: the same seed draws the same batch.

        Returns:
            Images, ``(size, 1, 8, 8)`` float32, and labels, ``(size,)`` int64.

        Raises:
            TypeError, ValueError: a size that is no integer of at least 1.
        """
        check_sizes(size=size)
        images, labels = self.train
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randint(len(labels), (size,), generator=generator)
        return images[chosen], labels[chosen]

    def baseline(self, images: Tensor) -> Tensor:
        """Give every image the label of the nearest mean image of the training digits.

        Args:
            images: ``(batch, 1, 8, 8)``.

        Returns:
            Labels, ``(batch,)`` int64.

        Raises:
            ValueError: another shape.
        """
        if images.shape[1:] != (1, 8, 8):
            raise ValueError(
                f"images has shape {tuple(images.shape)}; expected (batch, 1, 8, 8): for a single "
                "image try image[None]"
            )
        known, labels = self.train
        means = torch.stack([known[labels == digit].mean(dim=0) for digit in range(_CLASSES)])
        distances = torch.cdist(images.flatten(1), means.flatten(1).to(images))  # (batch, 10)
        return distances.argmin(dim=-1)
