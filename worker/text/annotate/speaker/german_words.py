"""Word lists for the analysis of German sentences: verbs, prepositions, nouns that can speak."""

from functools import lru_cache

from worker.text.annotate.cues_german import PARTICIPLES, VERBS

PREPOSITIONS = frozenset(
    "in an auf bei mit von zu nach für über unter vor aus durch gegen ohne um seit bis zwischen"  # noqa: SIM905
    " während wegen trotz am im zum zur vom beim ins ans als neben hinter gegenüber gemäß samt"
    " innerhalb außerhalb per ab pro".split()
)
CUES = VERBS | PARTICIPLES
SUBJUNCTIVE = frozenset(
    "sei seien habe werde würde würden könne könnten müsse solle wolle dürfe hätte hätten wäre"  # noqa: SIM905
    " wären gebe gehe stehe komme bleibe halte gehöre nehme lasse liege führe bringe finde mache"
    " brauche erwarte glaube wisse bedeute handle handele treffe setze bestehe entspreche fehle"
    " spreche verfolge unterstütze betrage ermögliche verdiene zeige betreibe befinde stelle drohe"
    " laufe gelte sehe ziehe trage leiste versuche arbeite begrüße fordere fühle hoffe kenne plane"
    " schaffe scheine suche tue verstoße werfe wirke diene erhalte biete möge rechne".split()
)
STANCES = frozenset(
    "sieht sah sehen sahen wertet wertete werten hält hielt halten hielten will wollen wollte"  # noqa: SIM905
    " wollten lobte lobt lehnte lehnt reagierte reagiert rechnet rechnete spielte verurteilte"
    " verurteilt verglich vergleicht rechtfertigte begründete erwartet erwartete plant plante"
    " beschuldigte empfindet empfand deutete deutet geht ging nahm nimmt wandte wendet setzte"
    " versuchte trat tritt protestierte protestierten skandierten skandierte".split()
)
"""Verbs whose subject often is a speaker although they are not verbs of speech."""
FINITE = frozenset(
    "ist war sind waren hat hatte haben hatten wird wurde werden wurden kann konnte können konnten"  # noqa: SIM905
    " soll sollte sollen sollten muss musste müssen mussten darf durfte dürfen gibt kam kamen geht"
    " kommt steht stand liegt lag bleibt blieb begann machte macht ließ lässt zog wies".split()
)
SUBORDINATE = frozenset(
    "dass daß ob weil wenn als obwohl damit indem nachdem während bevor sodass wonach wobei da"  # noqa: SIM905
    " sobald solange falls wo worin womit wofür".split()
)
NO_SPEAKER = frozenset(map(str.capitalize, SUBORDINATE)) | frozenset(
    "Am Im In Auf An Nach Vor Bei Mit Für Zum Zur Zu Aus Seit Unter Gegenüber Wegen Trotz Während"  # noqa: SIM905
    " Dem Den Dort Dazu Darauf Daraufhin Später Heute Gestern Zuvor Zudem Dabei Damals Außerdem"
    " Schließlich Allerdings Insgesamt Dann Hier So Als Wenn Weil Da Nun Jetzt Zugleich"
    " Gleichzeitig Gegen Von Bis Durch Ohne Weiter Erst Das Dies Wörtlich Anschließend Unterdessen"
    " Auch Laut Wie Doch Aber Und Denn Darin Darüber Dafür Dagegen Deshalb Vom Montag Dienstag"
    " Mittwoch Donnerstag Freitag Samstag Sonntag Januar Februar März April Mai Juni Juli August"
    " September Oktober November Dezember Uhr Damit Danach Demnach Demgegenüber Hierzu Bereits"
    " Nicht Nur Noch Ob Was Wer Einen Einem Über Beim Sollte Ein Eine Die Der Weitere"
    " Zitat Deren Dessen Jeder Jede Alle Viele Einige Manche Beide Eines Einer Niemand"
    " Dieser Diese Dieses Besonders Solche Jener Selbst Ebenso Ebenfalls"
    " Ferner Weiterhin Inzwischen Bisher Erstmals Dennoch Gemäß Zwischen Angesichts Derzeit Sogar"
    " Sollten Hatte Hatten Wäre Wären Hätte Hätten Ist Sind War Waren Wird Werden Kann Des Es Ihre"
    " Seine Ihr Sein Unser Unsere Diesen Diesem Mehrere Kein Keine Zunächst Zuletzt Jedoch"
    " Oder Natürlich Vielmehr Leider Klar Offenbar Mittlerweile Daher Somit Trotzdem"
    " Hingegen Neben Innerhalb Welche Welcher".split()
)
"""Capitalised words that cannot be speakers: sentence openers, weekdays and months."""
NOMINATIVE = frozenset(
    "der die das ein eine sein seine ihr ihre unser unsere kein keine mehrere viele einige dieser"  # noqa: SIM905
    " diese dieses zwei drei beide jeder jede manche andere alle".split()
)
OBLIQUE = frozenset(
    "dem den des einen einem eines einer seinen seinem seines seiner ihren ihrem ihres ihrer diesen"  # noqa: SIM905
    " diesem zum zur vom im beim am ins unserem unseren keinen keinem mehrerer vieler".split()
)
INDEFINITE = frozenset(
    "ein eine mehrere viele einige zwei drei manche andere".split()  # noqa: SIM905
)
_KINDS = (CUES, STANCES, FINITE, SUBJUNCTIVE, PREPOSITIONS, frozenset({"wie", "so"}), PARTICIPLES)
WORD_KINDS = {
    word: sum(1 << bit for bit, words in enumerate(_KINDS) if word in words)
    for word in frozenset().union(*_KINDS)
}
"""The kinds of a word, as bits in the order of `_KINDS`."""
VERB, PREPOSITION = 1, 1 << 4
_FEMININE = ("ung", "heit", "keit", "tion", "sion", "tät", "schaft", "in", "ei", "anz", "enz", "ik")

_ENDINGS = {
    "person": (
        "er", "erin", "ent", "entin", "ist", "istin", "or", "orin", "chef", "chefs", "ige", "igen",
        "iger", "lleute", "nleute", "anwalt", "rat", "vorsitzende", "vorsitzenden", "vorsitzender",
        "frau", "mann", "kanzler", "kläger", "nt", "loge",
    ),
    "body": (
        "polizei", "regierung", "ministerium", "behörde", "amt", "gericht", "zeitung", "agentur",
        "partei", "fraktion", "verband", "verein", "bund", "gewerkschaft", "union", "kommission",
        "firma", "konzern", "unternehmen", "universität", "sender", "magazin", "blatt", "rundschau",
        "medien", "organisation", "initiative", "opposition", "koalition", "anwaltschaft",
        "verwaltung", "kirche", "rat", "senat", "parlament", "ausschuss", "institut", "stiftung",
        "bank", "feuerwehr", "wehr", "klinik", "armee", "militär", "gruppe", "ag", "gmbh",
        "cdu", "csu", "spd", "fdp", "npd", "ödu", "regime", "bündnis", "kreise", "kritiker",
    ),
    "paper": (
        "bericht", "studie", "papier", "erklärung", "mitteilung", "schreiben", "brief", "gutachten",
        "homepage", "website", "seite", "meldung", "resolution", "gesetz", "entwurf", "urteil",
        "interview", "artikel", "umfrage", "zettel", "plakat", "transparent", "text", "buch",
        "stellungnahme", "begründung", "beschluss", "vertrag", "dokument", "beitrag",
    ),
    "abstract": (
        "ung", "ungen", "heit", "heiten", "keit", "keiten", "tion", "tionen", "nis", "nisse", "tät",
        "ismus", "enz", "anz", "age", "ahl", "urf", "icht", "lage", "zeit", "ende", "anfang",
        "mitte", "mittag", "abend", "morgen", "woche", "monat", "monate", "millionen", "milliarden",
        "liter", "jahr", "jahre", "jahren", "jahres", "tag", "tage", "tages", "kraft", "recht",
        "rechte", "rechts", "ziel", "fall", "weg", "euro", "prozent", "form", "art",
    ),
}  # fmt: skip
_PLURALS = ("", "s", "e", "en", "es", "n")


@lru_cache(maxsize=4096)
def noun_kinds(noun: str) -> tuple[str, ...]:
    """Return the meanings of a noun by its ending: person, body, paper or abstract.

    >>> noun_kinds("Sprecherin"), noun_kinds("Studie"), noun_kinds("Lind")
    (('person',), ('paper',), ())
    """
    lowered = noun.casefold()
    kinds = tuple(name for name, ends in _ALL_ENDINGS.items() if lowered.endswith(ends))
    return kinds[:-1] if len(kinds) > 1 and kinds[-1] == "abstract" else kinds


def _add_plurals(name: str, ends: tuple[str, ...]) -> tuple[str, ...]:
    plurals = ("", "s") if name == "person" else _PLURALS if name == "paper" else ("",)
    return tuple(end + plural for end in ends for plural in plurals)


_ALL_ENDINGS = {name: _add_plurals(name, ends) for name, ends in _ENDINGS.items()}


_ADVERBS = frozenset(
    f"{first}{link}{last}"
    for first in ("Da", "Hie", "Wo")
    for link in ("", "r")
    for last in (
        "an", "auf", "aus", "bei", "durch", "für", "gegen", "in", "mit", "nach", "neben", "über",
        "um", "unter", "von", "vor", "zu",
    )
)  # fmt: skip
_ADVERB_ENDINGS = (
    "lich", "isch", "end", "weise", "bar", "los", "zeit", "falls", "dings", "maßen", "seits",
)  # fmt: skip


def can_be_speaker(name: str) -> bool:
    """Check whether a name may be a speaker: its first word is not a mere sentence opener.

    >>> can_be_speaker("Bo Lind"), can_be_speaker("Erst Minister Lind")
    (True, False)
    """
    first = name.partition(" ")[0].rstrip(".")
    return first not in NO_SPEAKER and not is_adverb(first)


def is_adverb(word: str) -> bool:
    """Check whether the first word of a sentence is an adverb rather than a noun."""
    return word in _ADVERBS or word.endswith(_ADVERB_ENDINGS)


def is_feminine(noun: str) -> bool:
    """Check whether the ending of a noun is feminine, so that `der` before it is oblique."""
    return noun.endswith(_FEMININE)
