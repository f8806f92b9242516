"""The data of the course: small worlds, generated from a seed.

Every task is a :class:`Task`: ``task.sample(1000, split="train", seed=0)`` gives examples, and a
sentence that training can show never appears in the test split.
"""

from attention_lib.tasks.bank import BankCorpus
from attention_lib.tasks.idiom import Idiom
from attention_lib.tasks.reversal import Reversal
from attention_lib.tasks.task import Example, Task
from attention_lib.tasks.vocabulary import Vocabulary

#: Every task by its name; the tests hold each of them to the interface.
TASKS = {task.name: task for task in (BankCorpus(), Idiom(), Reversal())}

__all__ = ["TASKS", "BankCorpus", "Example", "Idiom", "Reversal", "Task", "Vocabulary"]
