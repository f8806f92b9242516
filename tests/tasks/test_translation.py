"""English into French and Hindi: one grammar, words that depend on words far away."""

import random
import re
from collections import Counter, defaultdict

import pytest
import sacrebleu

from attention_lib.tasks import PAD, START, STOP, Dependency, Example, Translation
from attention_lib.tasks.translation import english
from attention_lib.tasks.translation.drawing import draw_frame
from attention_lib.tasks.translation.lexicon import NOUNS
from attention_lib.tasks.translation.reading import read

FRENCH, HINDI = Translation("french"), Translation("hindi")
both = pytest.mark.parametrize("task", [FRENCH, HINDI], ids=["french", "hindi"])
AMBIGUOUS = [noun for noun in NOUNS if noun.kind == "ambiguous"]


@pytest.fixture(scope="module")
def examples():
    return FRENCH.sample(20_000)


def french(text):
    return " ".join(FRENCH.translate(text.split()))


def hindi(text):
    return " ".join(HINDI.translate(text.split()))


def bleu(hypotheses, references):
    joined = [[" ".join(words) for words in sentences] for sentences in (hypotheses, references)]
    # The words are tokens already, and Devanagari has no tokeniser in sacrebleu.
    return sacrebleu.corpus_bleu(joined[0], [joined[1]], tokenize="none", force=True).score


def test_a_frame_is_read_back_from_its_english_sentence():
    rng = random.Random(0)
    for _ in range(3000):
        frame = draw_frame(rng)
        assert read(english.say(frame)) == frame


@both
def test_a_sentence_has_one_translation(task):
    targets = defaultdict(set)
    for source, target in task.sample(10_000) + task.sample(2000, split="test"):
        targets[source].add(target)
    assert all(found == {task.translate(source)} for source, found in targets.items())
    assert len(targets) > 10_000


def test_there_are_more_than_ten_thousand_sources_of_many_lengths(examples):
    assert len({source for source, _ in examples}) > 15_000
    lengths = Counter(len(source) for source, _ in examples)
    assert set(lengths) == set(range(3, 26))
    assert sum(share for length, share in lengths.items() if length > 15) > 2000
    assert sum(share for length, share in lengths.items() if length < 8) > 2000


@both
def test_the_vocabularies_are_small_and_every_word_of_them_is_used(task):
    source, target = task.source_vocabulary, task.target_vocabulary
    assert source.tokens[:1] == (PAD,) and target.tokens[:3] == (PAD, START, STOP)
    assert len(source) <= 131 and len(target) <= 250
    drawn = task.sample(20_000, seed=2)
    assert {word for example in drawn for word in example.source} == set(source.tokens[1:])
    assert {word for example in drawn for word in example.target} == set(target.tokens[3:])


@both
def test_the_splits_share_no_filling(task):
    def fillings(split, count):
        return {
            tuple(english.LEMMAS[word] for word in source if word in english.LEMMAS)
            for source, _ in task.sample(count, split=split, seed=3)
        }

    train, test = fillings("train", 20_000), fillings("test", 5000)
    assert not train & test
    # Of a noun and a verb alone there are so few that every one of them is drawn.
    assert len({filling for filling in train | test if len(filling) == 2}) > 100


def test_one_filling_in_five_is_held_out():
    rng = random.Random(0)
    drawn = [FRENCH.draw(rng) for _ in range(5000)]
    assert sum(map(FRENCH.is_held_out, drawn)) / 5000 == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    "variant",
    [
        "the nurses who see the boy laugh",
        "the nurse who saw two boys did not laugh",
        "yesterday the nurse who did not see a boy laughed",
        "the nurses who often see the boy laughed today",
    ],
)
def test_variants_of_a_filling_are_held_out_together(variant):
    source = tuple(variant.split())
    assert FRENCH.is_held_out(Example(source, FRENCH.translate(source)))
    other = tuple("sing" if word.startswith("laugh") else word for word in source)
    assert not FRENCH.is_held_out(Example(other, ())), "another filling, with another checksum"


def test_the_verb_agrees_with_a_subject_far_away():
    # The past has one form in English: nothing but the subject tells the number.
    there = "who the old farmers near the small house saw yesterday arrived"
    assert french(f"the girl {there}").endswith("hier est arrivée")
    assert french(f"the girls {there}").endswith("hier sont arrivées")
    assert french(f"the boy {there}").endswith("hier est arrivé")
    assert hindi(f"the girl {there}").endswith("देखा वह पहुँची")
    assert hindi(f"the girls {there}").endswith("देखा वे पहुँचीं")
    assert hindi(f"the boys {there}").endswith("देखा वे पहुँचे")


def test_a_pronoun_takes_the_gender_of_its_antecedent_far_away():
    there = "near the village and the shy boys behind the wall sell it"
    assert french(f"the girl buys a key {there}").endswith("la vendent")
    assert french(f"the girl buys a book {there}").endswith("le vendent")
    there = "near the doctor 's house yesterday because it was old"
    assert french(f"the girl bought a key {there}").endswith("elle était vieille")
    assert french(f"the girl bought a book {there}").endswith("il était vieux")
    assert hindi(f"the girl bought a book {there}").endswith("वह पुरानी थी")
    assert hindi(f"the girl bought a mirror {there}").endswith("वह पुराना था")


@pytest.mark.parametrize(
    "sentence",
    [
        "the {person} near the old wall saw the {noun}",
        "the {noun} that the thin {person} chose was dirty",
        "two boys slept near the {noun} yesterday and the {person} laughed",
        "the {noun} near the {thing} is old",
        "the queen who hid the {thing} near the school recognised the {noun}",
        "the girl recognised the {noun} behind the house and the boys near the {thing} saw it",
    ],
)
def test_one_word_decides_about_an_ambiguous_noun_wherever_it_stands(sentence):
    for sense in AMBIGUOUS:
        other = next(n for n in AMBIGUOUS if n.english == sense.english and n is not sense)
        person, thing = sense.cues
        text = sentence.format(person=person, thing=thing, noun=sense.english)
        assert sense.french.split()[0] in french(text).split()
        assert other.french.split()[0] not in french(text).split()
        words = set(hindi(text).split())
        stem, other_stem = (noun.hindi.split()[0][:-1] for noun in (sense, other))
        assert any(word.startswith(stem) for word in words)
        assert not any(word.startswith(other_stem) for word in words)


def test_only_the_deciding_word_tells_the_sense(examples):
    company = defaultdict(Counter)
    for source, _ in examples:
        for kind, deciding, dependent in FRENCH.dependencies(source):
            if kind != "sense":
                continue
            noun, cue = (english.NOUN_FORMS[source[i]][0].english for i in (dependent, deciding))
            senses = [n for n in AMBIGUOUS if n.english == noun]
            meant = next(i for i, sense in enumerate(senses) if cue in sense.cues)
            beside = [*source, "the end"][dependent + 1]
            facts = {*source[:deciding], *source[deciding + 1 :]} - {"a", "an"}  # "an" engineer
            facts |= {("before", source[dependent - 1]), ("behind", beside)}
            facts |= {("further on", deciding > dependent), ("plural", source[dependent] != noun)}
            for fact in facts:
                company[noun, fact][meant] += 1
    seen_often = {fact: found for fact, found in company.items() if found.total() > 100}
    assert len(seen_often) > 200
    for fact, found in seen_often.items():
        error = 4 * (0.25 / found.total()) ** 0.5  # four standard deviations of a fair coin
        assert found[0] / found.total() == pytest.approx(0.5, abs=error), fact


def test_dependencies_lie_at_many_distances(examples):
    distances = defaultdict(Counter)
    for source, _ in examples[:8000]:
        for dependency in FRENCH.dependencies(source):
            distances[dependency.kind][dependency.distance] += 1
    assert set(distances) == {"agreement", "pronoun", "sense"}
    for found in distances.values():
        assert sum(found[d] for d in range(8, 20)) > 0.05 * found.total()
    assert min(distances["sense"]) == 3, "no neighbour decides about an ambiguous noun"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("the nurse sings", {("agreement", 1, 2)}),
        ("the old nurse near the wall does not sing", {("agreement", 2, 6)}),
        (
            "the nurses who the farmer saw sing",
            {("agreement", 1, 6), ("agreement", 1, 5), ("agreement", 4, 5)},
        ),
        ("the nurses who saw the farmer sing", {("agreement", 1, 3), ("agreement", 1, 6)}),
        (
            "the boy sold a key because it was old",
            {("agreement", 1, 2), ("pronoun", 4, 6), ("agreement", 4, 7)},
        ),
        (
            "the bank near the school is dirty and two lenders sing",
            {("agreement", 1, 5), ("agreement", 9, 10), ("sense", 9, 1)},
        ),
    ],
)
def test_dependencies_are_found_where_they_stand(sentence, expected):
    found = FRENCH.dependencies(sentence.split())
    assert set(found) == {Dependency(*one) for one in expected}
    assert FRENCH.dependency_distance(sentence.split()) == max(abs(b - a) for _, a, b in expected)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (FRENCH, "le vieux infirmière pas voient le fermier de vert clés"),
        (HINDI, "पुराना नर्स नहीं देखते किसान का हरा चाबियाँ"),
    ],
)
def test_words_one_by_one_keep_the_english_order(task, expected):
    text = "the old nurse did not see the farmer 's green keys"
    assert " ".join(task.word_by_word(text.split())) == expected


@both
def test_words_one_by_one_are_a_poor_translation(task):
    drawn = task.sample(1000, split="test")
    references = [example.target for example in drawn]
    assert bleu(references, references) == pytest.approx(100)
    assert 1 < bleu([task.word_by_word(source) for source, _ in drawn], references) < 30


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("the cat sings", "not among the 129 words of the grammar: cat; expected"),
        ("the nurses sings", "word 3 is 'sings'; expected 'sing'"),
        ("the nurse who the farmers saw sing", "word 7 is 'sing'; expected 'sings'"),
        ("a old nurse sings", "word 1 is 'a'; expected 'an'"),
        ("the nurses 's key is old", "word 2 is 'nurses'; expected a singular"),
        ("the boy sings yesterday", "it ends; expected the past in a clause with 'yesterday'"),
        ("the boy 's key near the wall is old", "word 5 is 'near'; expected a verb"),
        ("two nurse sing", "word 2 is 'nurse'; expected a plural"),
        ("nurses sing", "word 1 is 'nurses'; expected the, a or two"),
        ("the nurse", "it ends; expected a verb"),
        ("the nurse sees", "it ends; expected the, a or two"),
        ("the nurse is near", "word 4 is 'near'; expected an adjective"),
        ("the nurse sings sings", "word 4 is 'sings'; expected the end"),
        ("the nurse saw the bank", "word 5 is 'bank'; expected words of one sense of 'bank' in"),
        ("the lender in a boat saw the bank", "not among the 129 words of the grammar: in"),
        ("the lender near a boat saw the bank", "word 8 is 'bank'; expected words of one sense"),
        ("the nurse saw the boy because it was old", "word 7 is 'it'; expected a noun: a pronoun"),
        ("it was old", "word 1 is 'it'; expected a noun"),
        ("", "it ends; expected the, a or two"),
    ],
)
def test_what_is_no_sentence_of_the_grammar_is_an_error(words, message):
    for call in (FRENCH.translate, HINDI.dependency_distance):
        with pytest.raises(ValueError, match=message):
            call(words.split())


def test_no_sentence_says_what_would_be_odd_or_open_in_another_language(examples):
    for source, _ in examples:
        text = f" {' '.join(source)} "
        assert not re.search(r" old (boy|girl)s? ", text), "vieille fille, vieux garçon"
        assert not re.search(r" (does|do) not often ", text), "अक्सर नहीं is often not"
        hindi_words = HINDI.translate(source)
        assert "वह वह" not in " ".join(hindi_words) and "वे वे" not in " ".join(hindi_words)


def test_the_docstring_s_example_is_a_sentence_of_the_grammar():
    quoted = re.search(r'such as "([^"]+)"', Translation.__doc__).group(1)
    assert french(quoted).startswith("les infirmières que le pêcheur a vues près de la rive")


def test_other_bad_calls_are_errors():
    with pytest.raises(ValueError, match="language='german'; expected one of french, hindi"):
        Translation("german")
    for call in (FRENCH.translate, FRENCH.dependencies, FRENCH.word_by_word):
        with pytest.raises(TypeError, match=r"the string 'the nurse sings'.*\.split\(\)"):
            call("the nurse sings")
    with pytest.raises(ValueError, match="not among the 129 words of the grammar: cat"):
        FRENCH.word_by_word(["the", "cat"])
