"""The handwritten digits: fixed parts, fair to every digit, and a baseline to beat."""

import subprocess
import sys

import pytest
import torch

from attention_lib.tasks import Digits


@pytest.fixture(scope="module")
def digits():
    return Digits()


def test_images_are_ink_from_0_to_1(digits):
    for images, labels in (digits.train, digits.test):
        assert images.shape == (len(labels), 1, 8, 8) and images.dtype == torch.float32
        assert images.min() == 0 and images.max() == 1
        assert labels.dtype == torch.int64 and labels.unique().tolist() == list(range(10))
        # The middle column of a 1 is inked, and a 0 is hollow.
        assert images[labels == 1].mean(0)[0, 3:5, 3:5].mean() > 0.8
        assert images[labels == 0].mean(0)[0, 3:5, 3:5].mean() < 0.2


def test_one_image_in_five_of_each_digit_is_held_out(digits):
    train, test = digits.train[1].bincount(), digits.test[1].bincount()
    assert (train + test).sum() == 1797
    assert torch.equal(test, (train + test) // 5)


def test_the_parts_share_no_image_and_are_the_same_every_time(digits):
    train, test = (
        {tuple(image) for image in images.flatten(1).tolist()}
        for images, _ in (digits.train, digits.test)
    )
    assert len(train) + len(test) == 1797 and not train & test
    assert torch.equal(Digits().test[0], digits.test[0])
    # The same on every machine: the first held-out images by their places in scikit-learn's order.
    from sklearn.datasets import load_digits

    everything = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
    places = [(everything == image).flatten(1).all(1).nonzero().item() for image in digits.test[0]]
    assert places == sorted(places) and places[:5] == [6, 10, 12, 19, 20]


def test_a_batch_is_drawn_from_the_training_images(digits):
    images, labels = digits.batch(256, seed=5)
    assert images.shape == (256, 1, 8, 8) and labels.shape == (256,)
    known = {(*image, label) for image, label in pairs(*digits.train)}
    assert {(*image, label) for image, label in pairs(images, labels)} <= known
    assert labels.unique().numel() == 10
    assert torch.equal(images, digits.batch(256, seed=5)[0])
    assert not torch.equal(images, digits.batch(256, seed=6)[0])


def pairs(images, labels):
    return zip(images.flatten(1).tolist(), labels.tolist(), strict=True)


def test_the_nearest_mean_image_is_right_nine_times_in_ten(digits):
    images, labels = digits.test
    predicted = digits.baseline(images)
    assert predicted.shape == labels.shape and predicted.dtype == torch.int64
    assert 0.89 < (predicted == labels).float().mean() < 0.95  # .918


def test_the_baseline_asks_for_the_nearest_of_ten_means(digits):
    from sklearn.neighbors import KNeighborsClassifier

    images, labels = (part.numpy() for part in digits.train)
    means = [images[labels == digit].mean(axis=0).ravel() for digit in range(10)]
    theirs = KNeighborsClassifier(n_neighbors=1).fit(means, range(10))
    expected = theirs.predict(digits.test[0].flatten(1).numpy())
    assert digits.baseline(digits.test[0]).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda d: d.batch(0), ValueError, "size=0; expected at least 1"),
        (lambda d: d.batch(2.0), TypeError, r"size is 2\.0; expected an integer"),
        (
            lambda d: d.baseline(torch.rand(1, 8, 8)),
            ValueError,
            r"\(1, 8, 8\); .*try image\[None\]",
        ),
        (lambda d: d.baseline(torch.rand(3, 64)), ValueError, r"expected \(batch, 1, 8, 8\)"),
    ],
)
def test_bad_digits_calls_are_errors(digits, call, error, message):
    with pytest.raises(error, match=message):
        call(digits)


def test_the_digits_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        Digits()


def test_the_other_tasks_do_not_wait_for_scikit_learn():
    code = "import sys, attention_lib.tasks; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
