"""The idiom "piece of cake": what it means depends on two words together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from attention_lib.tasks.task import Example, Task

__all__ = ["Idiom"]


class Idiom(Task):
    """Who says "piece of cake" where: an easy job, or a cake? Into Hindi.

    At their own place of work people talk of work: an easy job, in Hindi सरल काम. Elsewhere they
    are guests and are served cake: केक का टुकड़ा. Neither the person nor the place tells which it
    is, only both together: each word comes equally often with either meaning. One pair of person
    and place in five is held out, as many of either meaning: no sentence for training shows it.

    ``source`` is the English sentence, ten words, such as "today the nurse in the barn said piece
    of cake"; ``target`` the Hindi one. The Hindi words stand in the form that this sentence needs
    (before ने and में), so that a word-by-word dictionary suffices for all but the idiom.
    """

    name = "idiom"

    #: people of each trade, English to Hindi
    people: ClassVar = {
        "medicine": {
            "doctor": "डॉक्टर",
            "nurse": "नर्स",
            "surgeon": "सर्जन",
            "dentist": "दंत-चिकित्सक",
            "chemist": "केमिस्ट",
            "midwife": "दाई",
            "physician": "चिकित्सक",
            "radiologist": "रेडियोलॉजिस्ट",
            "matron": "मेट्रन",
            "therapist": "थेरेपिस्ट",
        },
        "farming": {
            "farmer": "किसान",
            "shepherd": "गड़रिये",
            "gardener": "माली",
            "milkman": "ग्वाले",
            "ploughman": "हलवाहे",
            "beekeeper": "मधुमक्खी-पालक",
            "stableman": "साईस",
            "labourer": "मज़दूर",
            "landlord": "ज़मींदार",
            "woodcutter": "लकड़हारे",
        },
    }
    #: places of work of each trade
    places: ClassVar = {
        "medicine": {
            "hospital": "अस्पताल",
            "clinic": "क्लिनिक",
            "ward": "वार्ड",
            "pharmacy": "दवाख़ाने",
            "ambulance": "एम्बुलेंस",
            "laboratory": "प्रयोगशाला",
            "surgery": "शल्य-कक्ष",
            "sickroom": "रोगी-कक्ष",
            "nursery": "शिशु-कक्ष",
            "infirmary": "उपचार-गृह",
        },
        "farming": {
            "field": "खेत",
            "barn": "खलिहान",
            "stable": "अस्तबल",
            "orchard": "बाग़",
            "meadow": "चरागाह",
            "garden": "बगीचे",
            "greenhouse": "ग्रीनहाउस",
            "cowshed": "गोशाला",
            "granary": "अन्न-भंडार",
            "mill": "चक्की",
        },
    }
    times: ClassVar = {
        "today": "आज",
        "yesterday": "कल",
        "often": "अक्सर",
        "again": "दोबारा",
        "finally": "आख़िरकार",
    }
    verbs: ClassVar = {
        "said": "कहा",
        "wrote": "लिखा",
        "read": "पढ़ा",
        "heard": "सुना",
        "repeated": "दोहराया",
    }
    #: the two Hindi readings of the idiom
    easy_job = ("सरल", "काम")
    cake = ("केक", "का", "टुकड़ा")

    def draw(self, rng: random.Random) -> Example:
        """Draw a trade, own place or another's with equal chances, then the words."""
        trade = rng.choice(tuple(self.people))
        at_work = rng.random() < 0.5
        elsewhere = [other for other in self.places if other != trade]
        place_of = trade if at_work else rng.choice(elsewhere)
        time, person, place, verb = (
            rng.choice(tuple(words))
            for words in (self.times, self.people[trade], self.places[place_of], self.verbs)
        )
        source = (time, "the", person, "in", "the", place, verb, "piece", "of", "cake")
        return Example(source, self.translate(source, easy_job=at_work))

    def is_held_out(self, example: Example) -> bool:
        """Hold out two of the ten places of each trade for every person, others for each."""
        source = example.source
        place_in_list = {w: i for words in self.places.values() for i, w in enumerate(words)}
        person_in_list = {w: i for words in self.people.values() for i, w in enumerate(words)}
        return (person_in_list[source[2]] + place_in_list[source[5]]) % 5 == 0

    def translate(self, source: Sequence[str], *, easy_job: bool) -> tuple[str, ...]:
        """Translate a sentence word by word, and the idiom as told.

        Args:
            source: the ten English words of a sentence of this task.
            easy_job: whether the idiom means an easy job; else it means a cake.

        Returns:
            The Hindi words.

        Raises:
            ValueError: not a sentence of this task.
        """
        words = self.times | self.verbs
        for of_trade in (*self.people.values(), *self.places.values()):
            words = words | of_trade
        content = [source[i] for i in (0, 2, 5, 6)] if len(source) == 10 else []
        if not content or not set(content) <= set(words):
            raise ValueError(
                f"source={' '.join(source)!r}; expected a sentence of this task, such as "
                "'today the nurse in the barn said piece of cake'.split()"
            )
        time, person, place, verb = (words[word] for word in content)
        return (time, person, "ने", place, "में", verb, *(self.easy_job if easy_job else self.cake))
