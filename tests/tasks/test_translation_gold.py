"""Sentences that people translated, rule by rule: the grammar says the same."""

import unicodedata

import pytest

from attention_lib.tasks import Translation

#: rule, English, French, Hindi
GOLD = """
elided article; feminine verb
    the nurse sings
    l' infirmière chante
    नर्स गाती है
plural verb
    the farmers sleep
    les fermiers dorment
    किसान सोते हैं
feminine plural in -इयाँ
    two girls laugh
    deux filles rient
    दो लड़कियाँ हँसती हैं
participle with être; perfective without ने
    the girls arrived
    les filles sont arrivées
    लड़कियाँ पहुँचीं
participle with avoir; perfective of a stem in a vowel
    the girls slept
    les filles ont dormi
    लड़कियाँ सोईं
intransitive with ने
    the nurses sang
    les infirmières ont chanté
    नर्सों ने गाया
the perfective agrees with the object
    the boy bought a key
    le garçon a acheté une clé
    लड़के ने एक चाबी ख़रीदी
the perfective agrees with a plural object
    the girl sold two apples
    la fille a vendu deux pommes
    लड़की ने दो सेब बेचे
people as objects: को, and no agreement
    the boys saw the queen
    les garçons ont vu la reine
    लड़कों ने रानी को देखा
no article under negation
    the doctor did not buy a book
    le médecin n' a pas acheté de livre
    डॉक्टर ने कोई किताब नहीं ख़रीदी
no person under negation
    the queen does not see a thin boy
    la reine ne voit pas de garçon maigre
    रानी किसी दुबले लड़के को नहीं देखती है
vieil before a vowel, colour behind; old of people
    the old engineer chose a green clock
    le vieil ingénieur a choisi une horloge verte
    बूढ़े इंजीनियर ने एक हरी घड़ी चुनी
predicate; old of things
    the old clocks were heavy
    les vieilles horloges étaient lourdes
    पुरानी घड़ियाँ भारी थीं
negated predicate
    the small mirror is not dirty
    le petit miroir n' est pas sale
    छोटा आईना गंदा नहीं है
du; के of a plural
    the doctor washes the small boy 's apples
    le médecin lave les pommes du petit garçon
    डॉक्टर छोटे लड़के के सेब धोता है
adjective of the thing owned; की
    the girl hid the farmer 's old key
    la fille a caché la vieille clé du fermier
    लड़की ने किसान की पुरानी चाबी छिपाई
de la; का becomes के before a postposition
    the nurse slept near the girl 's house
    l' infirmière a dormi près de la maison de la fille
    नर्स लड़की के घर के पास सोई
des; a place that belongs to a noun, with वाला
    the boy near the mirrors laughed behind the wall
    le garçon près des miroirs a ri derrière le mur
    आईनों के पास वाला लड़का दीवार के पीछे हँसा
aspirated h, d'; oblique adjective
    the queen hid the axe near an old school
    la reine a caché la hache près d' une vieille école
    रानी ने एक पुराने स्कूल के पास कुल्हाड़ी छिपाई
adverb behind the verb, before the object
    two farmers often wash the bucket
    deux fermiers lavent souvent le seau
    दो किसान अक्सर बाल्टी धोते हैं
adverb and negation
    the boy does not often sing
    le garçon ne chante pas souvent
    लड़का अक्सर नहीं गाता है
time first
    yesterday the nurse saw the farmers
    hier l' infirmière a vu les fermiers
    कल नर्स ने किसानों को देखा
time last
    the nurse arrived today
    l' infirmière est arrivée aujourd'hui
    नर्स आज पहुँची
relative clause about the one who does
    the nurses who saw the boy sing
    les infirmières qui ont vu le garçon chantent
    जिन नर्सों ने लड़के को देखा वे गाती हैं
relative clause about the one seen
    the nurses who the old farmer near the wall saw yesterday laughed
    les infirmières que le vieux fermier près du mur a vues hier ont ri
    जिन नर्सों को दीवार के पास वाले बूढ़े किसान ने कल देखा वे हँसीं
relative clause about a thing
    the keys that an engineer bought were old
    les clés qu' un ingénieur a achetées étaient vieilles
    जो चाबियाँ एक इंजीनियर ने ख़रीदीं वे पुरानी थीं
relative clause, then ने
    the boy who sleeps bought a book
    le garçon qui dort a acheté un livre
    जो लड़का सोता है उसने एक किताब ख़रीदी
time first, but behind the Hindi relative clause
    yesterday the boys who sleep bought a book
    hier les garçons qui dorment ont acheté un livre
    जो लड़के सोते हैं उन्होंने कल एक किताब ख़रीदी
relative clause behind the sentence: whom
    the girl saw the nurses who the doctor chose
    la fille a vu les infirmières que le médecin a choisies
    लड़की ने उन नर्सों को देखा जिन्हें डॉक्टर ने चुना
relative clause behind the sentence: who
    the girl sees the farmer who hid the key
    la fille voit le fermier qui a caché la clé
    लड़की उस किसान को देखती है जिसने चाबी छिपाई
relative clause behind the sentence: which
    the boy washed the apples that the queen chose
    le garçon a lavé les pommes que la reine a choisies
    लड़के ने वे सेब धोए जो रानी ने चुने
pronoun of a feminine noun
    the boy buys a key and the girl washes it
    le garçon achète une clé et la fille la lave
    लड़का एक चाबी ख़रीदता है और लड़की उसे धोती है
pronoun of a masculine noun
    the boy buys a book and the girl washes it
    le garçon achète un livre et la fille le lave
    लड़का एक किताब ख़रीदता है और लड़की उसे धोती है
elided pronoun, and the participle agrees
    the boy bought a key near the wall and two girls sold it
    le garçon a acheté une clé près du mur et deux filles l' ont vendue
    लड़के ने दीवार के पास एक चाबी ख़रीदी और दो लड़कियों ने उसे बेचा
negated plural pronoun
    the boy chose the apples and the girl did not wash them
    le garçon a choisi les pommes et la fille ne les a pas lavées
    लड़के ने सेब चुने और लड़की ने उन्हें नहीं धोया
pronoun as subject
    the nurse sold the mirror because it was old
    l' infirmière a vendu le miroir parce qu' il était vieux
    नर्स ने आईना बेचा क्योंकि वह पुराना था
plural pronoun as subject
    the nurse sold the keys because they were not small
    l' infirmière a vendu les clés parce qu' elles n' étaient pas petites
    नर्स ने चाबियाँ बेचीं क्योंकि वे छोटी नहीं थीं
bank of money
    the lender near the old house saw the bank
    le prêteur près de la vieille maison a vu la banque
    पुराने घर के पास वाले साहूकार ने बैंक देखा
bank of a river
    the girl who washed the boat recognised the bank
    la fille qui a lavé le bateau a reconnu la rive
    जिस लड़की ने नाव धोई उसने किनारा पहचाना
spring of metal
    the spring that the mechanic sees is small
    le ressort que le mécanicien voit est petit
    जो कमानी मिस्त्री देखता है वह छोटी है
spring of water
    two nurses sleep near the spring and the shepherds sing
    deux infirmières dorment près de la source et les bergers chantent
    दो नर्सें झरने के पास सोती हैं और गड़रिये गाते हैं
plant of machines
    the machines near the plant are green
    les machines près de l' usine sont vertes
    कारख़ाने के पास वाली मशीनें हरी हैं
plant of leaves
    the gardener near the wall chose the plant because it was small
    le jardinier près du mur a choisi la plante parce qu' elle était petite
    दीवार के पास वाले माली ने पौधा चुना क्योंकि वह छोटा था
trunk for clothes
    the travellers do not recognise the trunks
    les voyageurs ne reconnaissent pas les malles
    यात्री संदूक नहीं पहचानते हैं
trunk of a tree
    the nurse saw the trunk and the woodcutter saw it
    l' infirmière a vu le tronc et le bûcheron l' a vu
    नर्स ने तना देखा और लकड़हारे ने उसे देखा
"""

_LINES = [line.strip() for line in GOLD.strip().splitlines()]
ROWS = [_LINES[i : i + 4] for i in range(0, len(_LINES), 4)]
FRENCH, HINDI = Translation("french"), Translation("hindi")


@pytest.mark.parametrize(
    ("english", "french"), [row[1:3] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_french_is_as_people_translate(english, french):
    assert " ".join(FRENCH.translate(english.split())) == french


@pytest.mark.parametrize(
    ("english", "hindi"), [row[1::2] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_hindi_is_as_people_translate(english, hindi):
    assert " ".join(HINDI.translate(english.split())) == hindi


def test_the_gold_sentences_are_in_composed_form_as_is_the_vocabulary():
    for text in (GOLD, *FRENCH.target_vocabulary.tokens, *HINDI.target_vocabulary.tokens):
        assert unicodedata.normalize("NFC", text) == text
