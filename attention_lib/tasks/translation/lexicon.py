"""The words of the grammar, each once, in three languages.

An entry holds what the languages need to inflect the word; `english`, `french` and `hindi` make
the forms. In a noun's translation the letter behind the word is its gender, m or f.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ADJECTIVES", "BE", "NOUNS", "VERBS", "Adjective", "Noun", "Verb"]


@dataclass(frozen=True)
class Noun:
    """A noun, or one sense of an ambiguous one.

    Attributes:
        english: the singular; the plural adds -s, or is ``irregular``.
        kind: ``"person"``, ``"thing"``, ``"place"``, or ``"ambiguous"``.
        french, hindi: the singular and the gender.
        cues: nouns of which one, anywhere in the sentence, decides for this sense.
        young: of people who are never "old": French "vieille fille" is no old girl.
    """

    english: str
    kind: str
    french: str
    hindi: str
    cues: tuple[str, ...] = ()
    irregular: str = ""
    young: bool = False


@dataclass(frozen=True)
class Verb:
    """A verb.

    Attributes:
        english: the plural of the present; ``past`` is its simple past.
        past: the simple past.
        objects: the kinds of nouns that may be its object; empty for an intransitive verb.
        french: the third person of the present, singular and plural, and the past participle.
        hindi: the stem.
        with_etre: its French perfect is made with `être`.
        with_ne: its Hindi subject takes ने in the past; so do those of all transitive verbs here.
    """

    english: str
    past: str
    objects: tuple[str, ...]
    french: str
    hindi: str
    with_etre: bool = False
    with_ne: bool = True


@dataclass(frozen=True)
class Adjective:
    """An adjective.

    Attributes:
        english: its only form.
        kinds: the kinds of nouns that it fits.
        french: masculine and feminine.
        hindi: masculine singular, of things; ``hindi_person`` of people where they differ.
        before: the French adjective stands before its noun.
    """

    english: str
    kinds: tuple[str, ...]
    french: str
    hindi: str
    hindi_person: str = ""
    before: bool = False


NOUNS = (
    Noun("nurse", "person", "infirmière f", "नर्स f"),
    Noun("girl", "person", "fille f", "लड़की f", young=True),
    Noun("queen", "person", "reine f", "रानी f"),
    Noun("farmer", "person", "fermier m", "किसान m"),
    Noun("boy", "person", "garçon m", "लड़का m", young=True),
    Noun("doctor", "person", "médecin m", "डॉक्टर m"),
    Noun("lender", "person", "prêteur m", "साहूकार m"),
    Noun("fisherman", "person", "pêcheur m", "मछुआरा m", irregular="fishermen"),
    Noun("mechanic", "person", "mécanicien m", "मिस्त्री m"),
    Noun("shepherd", "person", "berger m", "गड़रिया m"),
    Noun("engineer", "person", "ingénieur m", "इंजीनियर m"),
    Noun("gardener", "person", "jardinier m", "माली m"),
    Noun("traveller", "person", "voyageur m", "यात्री m"),
    Noun("woodcutter", "person", "bûcheron m", "लकड़हारा m"),
    Noun("key", "thing", "clé f", "चाबी f"),
    Noun("book", "thing", "livre m", "किताब f"),
    Noun("apple", "thing", "pomme f", "सेब m"),
    Noun("mirror", "thing", "miroir m", "आईना m"),
    Noun("wallet", "thing", "portefeuille m", "बटुआ m"),
    Noun("boat", "thing", "bateau m", "नाव f"),
    Noun("clock", "thing", "horloge f", "घड़ी f"),
    Noun("bucket", "thing", "seau m", "बाल्टी f"),
    Noun("machine", "thing", "machine f", "मशीन f"),
    Noun("flower", "thing", "fleur f", "फूल m"),
    Noun("suitcase", "thing", "valise f", "सूटकेस m"),
    Noun("axe", "thing", "hache f", "कुल्हाड़ी f"),
    Noun("house", "place", "maison f", "घर m"),
    Noun("school", "place", "école f", "स्कूल m"),
    Noun("village", "place", "village m", "गाँव m"),
    Noun("wall", "place", "mur m", "दीवार f"),
    Noun("bank", "ambiguous", "banque f", "बैंक m", cues=("lender", "wallet")),
    Noun("bank", "ambiguous", "rive f", "किनारा m", cues=("fisherman", "boat")),
    Noun("spring", "ambiguous", "ressort m", "कमानी f", cues=("mechanic", "clock")),
    Noun("spring", "ambiguous", "source f", "झरना m", cues=("shepherd", "bucket")),
    Noun("plant", "ambiguous", "usine f", "कारख़ाना m", cues=("engineer", "machine")),
    Noun("plant", "ambiguous", "plante f", "पौधा m", cues=("gardener", "flower")),
    Noun("trunk", "ambiguous", "malle f", "संदूक m", cues=("traveller", "suitcase")),
    Noun("trunk", "ambiguous", "tronc m", "तना m", cues=("woodcutter", "axe")),
)

_ALL = ("person", "thing", "ambiguous")
_OBJECTS = ("thing",)

VERBS = (
    Verb("see", "saw", _ALL, "voit voient vu", "देख"),
    Verb("recognise", "recognised", _ALL, "reconnaît reconnaissent reconnu", "पहचान"),
    Verb("choose", "chose", _ALL, "choisit choisissent choisi", "चुन"),
    Verb("hide", "hid", ("person", "thing"), "cache cachent caché", "छिपा"),
    Verb("buy", "bought", _OBJECTS, "achète achètent acheté", "ख़रीद"),
    Verb("sell", "sold", _OBJECTS, "vend vendent vendu", "बेच"),
    Verb("wash", "washed", _OBJECTS, "lave lavent lavé", "धो"),
    Verb("sing", "sang", (), "chante chantent chanté", "गा"),
    Verb("sleep", "slept", (), "dort dorment dormi", "सो", with_ne=False),
    Verb("laugh", "laughed", (), "rit rient ri", "हँस", with_ne=False),
    Verb("arrive", "arrived", (), "arrive arrivent arrivé", "पहुँच", with_etre=True, with_ne=False),
)
#: the copula, whose forms no rule gives; it stands with an adjective
BE = Verb("are", "were", (), "est sont été", "", with_ne=False)

_PEOPLE, _THINGS = ("person",), ("thing",)
_EVERYTHING = ("person", "thing", "place", "ambiguous")

ADJECTIVES = (
    Adjective("old", _EVERYTHING, "vieux vieille", "पुराना", hindi_person="बूढ़ा", before=True),
    Adjective("small", _EVERYTHING, "petit petite", "छोटा", before=True),
    Adjective("dirty", _EVERYTHING, "sale sale", "गंदा"),
    Adjective("green", _THINGS, "vert verte", "हरा"),
    Adjective("heavy", _THINGS, "lourd lourde", "भारी"),
    Adjective("thin", _PEOPLE, "maigre maigre", "दुबला"),
    Adjective("shy", _PEOPLE, "timide timide", "शर्मीला"),
)
