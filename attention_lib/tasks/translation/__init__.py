"""English into French and into Hindi, from one grammar."""

from __future__ import annotations

import random
from collections.abc import Sequence

from attention_lib.tasks.task import Example, Task, one_in_five
from attention_lib.tasks.translation import english, french, hindi
from attention_lib.tasks.translation.drawing import draw_frame
from attention_lib.tasks.translation.english import Dependency
from attention_lib.tasks.translation.reading import check_words, read
from attention_lib.tasks.vocabulary import PAD, START, STOP, Vocabulary

__all__ = ["Dependency", "Translation"]

_LANGUAGES = {"french": french, "hindi": hindi}
_LONGEST = 25


class Translation(Task):
    """Sentences such as "the nurses who the fisherman saw near the bank sing", to be translated.

    A frame is drawn, of who does what to whom, and English, French and Hindi each say it by their
    own rules: nothing is translated word by word. ``source`` is the English sentence, 3 to 25
    words without a full stop; ``target`` the French or the Hindi one. A sentence of the source
    exists in both languages: :meth:`translate` gives either.

    Words that depend on words far away, see :meth:`dependencies`:

    - verbs (and French participles, Hindi adjectives) agree with their subject, or with an object,
      across a relative clause or a place;
    - "it", "they" and "them" stand for the object of the first clause, whose gender decides about
      the French pronoun and about all that agrees with it in both languages;
    - "bank", "spring", "plant" and "trunk" have two translations each. One other noun of the
      sentence decides, such as "fisherman" or "boat", "lender" or "wallet" for "bank"; each sense
      is as frequent as the other, and so are the places of the two words.

    A sentence has one translation. Where English would leave two readings open, the grammar has
    taken one: a place or a time belongs to the verb before it, or to the noun if there is no verb
    yet; "often" to the verb behind it; a pronoun stands for the object, never for the subject.

    A filling, which is the sequence of nouns, verbs and adjectives of a whole sentence, is held
    out with all its tenses, numbers, articles, negations and adverbs: one in five.

    Args:
        language: ``"french"`` or ``"hindi"``.

    Raises:
        ValueError: another language.
    """

    def __init__(self, language: str = "french") -> None:
        if language not in _LANGUAGES:
            raise ValueError(f"language={language!r}; expected one of {', '.join(_LANGUAGES)}")
        self.language = _LANGUAGES[language]
        self.name = f"english-{language}"
        #: all English words of the grammar, behind ``<pad>``
        self.source_vocabulary = Vocabulary.of([english.WORDS], special=(PAD,))
        #: all words of the other language, behind ``<pad>``, ``<start>`` and ``<stop>``
        self.target_vocabulary = Vocabulary.of([self.language.WORDS], special=(PAD, START, STOP))
        self._dictionary = self.language.dictionary()

    def draw(self, rng: random.Random) -> Example:
        """Draw a frame of at most 25 English words, and say it in both languages."""
        while True:
            frame = draw_frame(rng)
            source = english.say(frame)
            if len(source) <= _LONGEST:
                return Example(source, self.language.say(frame))

    def is_held_out(self, example: Example) -> bool:
        """Hold out one filling in five: the sequence of its nouns, verbs and adjectives."""
        lemmas = english.LEMMAS
        return one_in_five(lemmas[word] for word in example.source if word in lemmas)

    def translate(self, source: Sequence[str]) -> tuple[str, ...]:
        """Translate a sentence of the grammar; it is the target of every example with it.

        Args:
            source: English words.

        Returns:
            The French or the Hindi words.

        Raises:
            TypeError: one string instead of a sequence of words.
            ValueError: no sentence of the grammar.
        """
        return self.language.say(read(source))

    def word_by_word(self, source: Sequence[str]) -> tuple[str, ...]:
        """Replace each word by its most frequent single translation, and leave the order alone.

        The dictionary is made of the lexicon of the grammar. A word without a counterpart ("does",
        and "the" in Hindi) is left out.

        Args:
            source: English words of the grammar, in any order.

        Returns:
            The words found.

        Raises:
            TypeError: one string instead of a sequence of words.
            ValueError: a word that the grammar does not have.
        """
        check_words(source)
        return tuple(self._dictionary[word] for word in source if word in self._dictionary)

    def dependencies(self, source: Sequence[str]) -> tuple[Dependency, ...]:
        """Find the words about which another word of the sentence decides.

        Args:
            source: English words.

        Returns:
            For each of them its kind and both positions, as :class:`Dependency` says.

        Raises:
            TypeError: one string instead of a sequence of words.
            ValueError: no sentence of the grammar.
        """
        return english.dependencies(read(source))

    def dependency_distance(self, source: Sequence[str]) -> int:
        """Measure how far apart words stand that depend on each other: the farthest two.

        Args:
            source: English words.

        Returns:
            The largest difference of the two positions of a dependency; 1 for neighbours. A
            sentence has at least the dependency of its verb on its subject.

        Raises:
            TypeError: one string instead of a sequence of words.
            ValueError: no sentence of the grammar.
        """
        return max(dependency.distance for dependency in self.dependencies(source))
