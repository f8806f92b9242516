"""The data of the course: small worlds, generated from a seed.

Every task of sentences is a :class:`Task`: ``task.sample(1000, split="train", seed=0)`` gives
examples, and a sentence that training can show never appears in the test split. :class:`Vocabulary`
turns tokens into ids, and :func:`pad` makes one tensor of sequences of several lengths.
"""

from attention_lib.tasks.bank import BankCorpus
from attention_lib.tasks.batches import pad
from attention_lib.tasks.coloured_digits import ColouredDigits, PictureBatch
from attention_lib.tasks.dates import Dates
from attention_lib.tasks.digits import Digits
from attention_lib.tasks.documentation import Documentation, unigram_loss, windows
from attention_lib.tasks.idiom import Idiom
from attention_lib.tasks.order import Order
from attention_lib.tasks.reports import Reports
from attention_lib.tasks.reversal import Copy, Reversal
from attention_lib.tasks.reviews import MIRRORED_REVIEWS
from attention_lib.tasks.sentiment import Notes, Sentiment
from attention_lib.tasks.subtraction import Subtraction
from attention_lib.tasks.task import Example, Task
from attention_lib.tasks.translation import Dependency, Translation
from attention_lib.tasks.vocabulary import PAD, START, STOP, Vocabulary

#: Every task of sentences by its name; the tests hold each of them to the interface.
TASKS = {
    task.name: task
    for task in (
        BankCorpus(),
        Copy(),
        Dates(),
        Idiom(),
        Notes(),
        Order(),
        *(Reports(use) for use in Reports.uses),
        Reversal(),
        Sentiment(),
        Translation("french"),
        Translation("hindi"),
    )
}

__all__ = [
    "MIRRORED_REVIEWS",
    "PAD",
    "START",
    "STOP",
    "TASKS",
    "BankCorpus",
    "ColouredDigits",
    "Copy",
    "Dates",
    "Dependency",
    "Digits",
    "Documentation",
    "Example",
    "Idiom",
    "Notes",
    "Order",
    "PictureBatch",
    "Reports",
    "Reversal",
    "Sentiment",
    "Subtraction",
    "Task",
    "Translation",
    "Vocabulary",
    "pad",
    "unigram_loss",
    "windows",
]
