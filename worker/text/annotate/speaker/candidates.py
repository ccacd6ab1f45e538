"""Who may be speaking in a German text: the names, roles and pronouns around a quotation.

Each is described by what can be seen of it: where it stands, what it looks like, which verb is
near. Which of them speaks is decided by the sum of these features (`choice`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress, islice, product

from worker.text.annotate.cues_german import AUXILIARIES, PARTICIPLES, VERBS

Features = dict[str, float]

_NO_HEAD = (
    r"(?!(?:Meinung|Ansicht|Angaben?|Aussagen?|Worten?|Einschätzung|Auffassung|Darstellung|Überzeugung"
    r"|Berichten|Informationen)\b)"
)
_CAPITAL = "[A-ZÄÖÜÀ-ÞŁŠŽČĆ]"
_NAME = (
    rf"{_NO_HEAD}(?:\d{{1,3}}-)?(?:(?:Dr|Prof|[A-Z])\. ?){{0,3}}{_CAPITAL}[\w'’-]*+"
    rf"(?: (?:[A-Z]\. )?(?:(?:von|van|de|al|el|bin|di|da) )?{_CAPITAL}[\w'’-]*+)*+"
)
_NOMINATIVE = r"[Dd](?:er|ie|as)|[Ee]ine?|[Ss]eine?|[Ii]hre?|[Mm]ehrere|[Vv]iele|[Dd]iese[rs]?"
_OBLIQUE = (
    r"(?:[Dd]e[mns]|[Ee]ine[mnrs]|[Ss]eine[mnrs]|[Ii]hre[mnrs]|[Dd]iese[mn]|zum|zur|[Vv]om|[Ii]m"
    r"|[Bb]eim)"
)
CANDIDATE = re.compile(
    rf"(?<![\w-])(?:(?P<pronoun>[Ee]r|[Ss]ie|[Mm]an|[Ww]ir|[Ee]s)(?![\w-])"
    rf"|(?:(?:(?P<nominative>{_NOMINATIVE})|(?P<oblique>{_OBLIQUE}))"
    rf" (?:[a-zäöüß\d][\w-]*+e[rnsm]? ){{0,3}})?"
    rf"(?P<name>{_NAME})(?P<tail>(?: \([^()]{{1,30}}\))?(?: (?:der|des|von|vom|für|beim?|im)"
    rf"(?: [a-zäöüß]\w*+en)? {_NAME}){{0,2}}))"
)
"""A name, a noun with what belongs to it, or a pronoun.

>>> [found[0] for found in CANDIDATE.finditer("Er lobte den Chef der Wehr, Bo Lind.")]
['Er', 'den Chef der Wehr', 'Bo Lind']
"""
_WORD = re.compile(r"\w+")
_PREPOSITIONS = frozenset(
    "in an auf bei mit von zu nach für über unter vor aus durch gegen ohne um seit bis zwischen"  # noqa: SIM905
    " während wegen trotz am im zum zur vom beim ins ans als".split()
)
_CUES = VERBS | PARTICIPLES
_SOURCES = frozenset("laut zufolge angaben ansicht meinung worten einschätzung aussage".split())  # noqa: SIM905
SUBJUNCTIVE = frozenset(
    "sei seien habe werde würde würden könne könnten müsse solle wolle dürfe hätte hätten wäre"  # noqa: SIM905
    " wären gebe gehe stehe komme bleibe".split()
)
_NO_SPEAKER = frozenset(
    "Am Im In Auf An Nach Vor Bei Mit Für Zum Zur Zu Aus Seit Unter Gegenüber Wegen Trotz Während"  # noqa: SIM905
    " Dem Den Dort Dazu Darauf Daraufhin Später Heute Gestern Zuvor Zudem Dabei Damals Außerdem"
    " Schließlich Allerdings Insgesamt Dann Hier So Als Wenn Weil Da Nun Jetzt Zugleich"
    " Gleichzeitig Gegen Von Bis Durch Ohne Weiter Erst Das Dies Wörtlich Anschließend Unterdessen"
    " Auch Laut Wie Doch Aber Und Denn Darin Darüber Dafür Dagegen Deshalb Vom Montag Dienstag"
    " Mittwoch Donnerstag Freitag Samstag Sonntag Januar Februar März April Mai Juni Juli August"
    " September Oktober November Dezember Uhr Damit Danach Demnach Demgegenüber Hierzu Bereits"
    " Nicht Nur Noch Ob Was Wer Einen Einem Über Beim Sollte Ein Eine Die Der Weitere"
    " Zitat Deren Dessen Jeder Jede Alle Viele Einige Manche Beide Eines Einer Niemand"
    " Dieser Diese Dieses Besonders Solche Jener Selbst Ebenso Ebenfalls".split()
)
_PERSON = re.compile(
    r"(?:er|erin|ent|entin|ist|istin|or|orin|chefs?|ige[rn]?|[ln]eute|anwalt|rat|vorsitzende[rn]?|frau|mann"
    r"|kanzler|kläger|nt|loge)s?\Z"
)
_ABSTRACT = re.compile(
    r"(?:ung|ungen|heit|heiten|keit|keiten|tion|tionen|nis|nisse|tät|ismus|enz|anz|age|ahl|urf|icht"
    r"|lage|zeit|ende|anfang|mitte|mittag|abend|morgen|woche|monate?|millionen|milliarden|liter|jahr|jahre[ns]?|tag[es]*|kraft|recht|rechte?|ziel|fall|weg|euro|prozent|form|art)\Z"
)
_BODY = re.compile(
    r"(?:polizei|regierung|ministerium|behörde|amt|gericht|zeitung|agentur|partei|fraktion|verband|verein"
    r"|bund|gewerkschaft|union|kommission|firma|konzern|unternehmen|universität|sender|magazin|blatt"
    r"|rundschau|medien|organisation|initiative|opposition|koalition|anwaltschaft|verwaltung|kirche"
    r"|rat|senat|parlament|ausschuss|institut|stiftung|bank|feuerwehr|wehr|klinik|armee|militär|gruppe"
    r"|[a-zäöü]d[ue]|ag|gmbh)\Z"
)
_PAPER = re.compile(
    r"(?:bericht|studie|papier|erklärung|mitteilung|schreiben|brief|gutachten|homepage|website|seite"
    r"|meldung|resolution|gesetz|entwurf|urteil|interview|artikel|umfrage|zettel|plakat|transparent|text"
    r"|buch|stellungnahme|begründung|beschluss|vertrag|dokument|beitrag)[se]?s?\Z"
)
_ADVERB = re.compile(
    r"(?:Da|Hie|Wo)r?(?:an|auf|aus|bei|durch|für|gegen|in|mit|nach|neben|über|um|unter|von|vor|zu)\Z"
    r"|(?:lich|isch|end|weise|bar|los|zeit|falls|dings|maßen)\Z"
)
_NEAR = 4
_BESIDE = 2
_FIRST = 3


@dataclass(frozen=True, slots=True)
class QuotationContext:
    """A quotation in its surroundings, with the quotations blanked.

    `before` and `after` are the rest of its sentence, `earlier` the sentences before it, the
    nearest first. `persons` gives the last names of the text, `spoken`
    those of who spoke before.
    """

    before: str
    after: str
    earlier: Sequence[str]
    persons: Callable[[], frozenset[str]] = frozenset
    spoken: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class SeenCandidate:
    """A candidate in its stretch of text: what can be seen of it wherever the quotation stands.

    `shape` names what it looks like, `away` is how far it stands off; what the words around it
    tell (`context`) is looked up where somebody asks. `sums` is room for what they weigh.
    """

    text: str
    last: str
    pronoun: bool
    kind: str
    shape: tuple[str, ...]
    away: float
    around: tuple[str, int, int]
    told: tuple[str, ...] | None = None
    sums: list[float] = field(default_factory=list)

    @property
    def context(self) -> tuple[str, ...]:
        """Return what the words before and behind it tell."""
        if self.told is None:
            self.told = _context(*self.around, self.shape)
        return self.told


@dataclass(slots=True, eq=False)
class Speaker:
    """Somebody who may be speaking: as the text names them, with what tells of them.

    `zone` are the features of the stretch of text, `found` those of the candidate there, `marks`
    what else holds; they are put together only where somebody asks for `features`.
    """

    text: str
    pronoun: bool = False
    marks: tuple[str, ...] = ()
    zone: tuple[str, ...] = ()
    found: SeenCandidate | None = None
    persons: Callable[[], frozenset[str]] = frozenset
    told: float = 0.0

    @property
    def features(self) -> Features:
        """Return all features with their values."""
        own: Features = {}
        if self.found is not None:
            kind = self.found.kind
            seen = (*self.found.shape, *self.found.context)
            own = dict.fromkeys(seen, 1.0) | {"away": self.found.away}
            own |= {f"{kind} {name}": own[name] for name in BY_ZONE if name in own}
        marks = (*self.zone, *self.marks, *(["named in full"] if self.is_named_in_full else []))
        return own | dict.fromkeys(marks, 1.0)

    @property
    def is_named_in_full(self) -> bool:
        """Tell whether the text gives the full name, too."""
        return self.found is not None and self.found.last in self.persons()


def candidates(place: QuotationContext) -> list[Speaker]:
    """Return who may be speaking, the nearest first."""
    shared = _shared(place.before, place.after)
    speakers = _in_zone(place, "before", place.before, shared)
    speakers += _in_zone(place, "after", place.after, shared)
    for number, text in enumerate(place.earlier, 1):
        speakers += _in_zone(place, f"earlier{number}", text, shared)
    return speakers


def _shared(before: str, after: str) -> tuple[str, ...]:
    """Name what holds of a quotation, for all who may be speaking."""
    words = _WORD.findall(before)
    marks = {
        "cue": _is_cue(words) or _is_cue(_WORD.findall(after)),
        "colon": before.rstrip().endswith(":"),
        "opens": not before.strip(" –-"),
        "subjunctive": not SUBJUNCTIVE.isdisjoint(words),
    }
    return tuple(name for name, holds in marks.items() if holds)


@lru_cache(maxsize=256)
def _zone(zone: str, shared: tuple[str, ...]) -> tuple[str, ...]:
    return (zone, *(f"{zone} {name}" for name in shared))


def _in_zone(
    place: QuotationContext, zone: str, text: str, shared: tuple[str, ...]
) -> list[Speaker]:
    """Return the candidates of one stretch of text, each with its features."""
    features, spoken, persons = _zone(zone, shared), place.spoken, place.persons
    return [
        Speaker(
            each.text, each.pronoun, ("spoke earlier",) if each.last in spoken else (),
            features, each, persons,
        )
        for each in seen_in(text, kind_of(zone))
    ]  # fmt: skip


@lru_cache(maxsize=64)
def seen_in(text: str, kind: str) -> tuple[SeenCandidate, ...]:
    """Return the candidates of a stretch of text; the next quotation often has it beside it, too.

    >>> [each.text for each in seen_in("Gestern kam Bo Lind mit dem Chef der Wehr.", "before")]
    ['Bo Lind', 'Chef der Wehr']
    """
    matches = filter(_may_speak, CANDIDATE.finditer(text))
    every = list(matches if kind != "earlier" else islice(matches, _FIRST))
    found = []
    for number, each in enumerate(every):
        away = len(every) - 1 - number if kind == "before" else number
        start, end = each.span()
        pronoun, name = each.group("pronoun", "name")
        shape = ("pronoun",) if pronoun else _shape(each, name)
        shape += _SEEN[number == 0, start < _BESIDE, text[end : end + 1] == ","]
        told = each[0] if pronoun else _text(each, start)
        around = text, start, end
        found.append(
            SeenCandidate(told, last_name(told), pronoun is not None, kind, shape, away / 4, around)
        )
    return tuple(found)


def last_name(name: str) -> str:
    """Return the last word of a name, before what belongs to it."""
    if " " not in name:
        return name
    return BELONGING.split(name, maxsplit=1)[0].rsplit(" ", 1)[-1]


BELONGING = re.compile(r" \(| (?:der|des|von) ")
_FULL_NAME = re.compile(
    r"[A-ZÄÖÜ][a-zäöüß]+(?:-[A-Z][a-zäöüß]+)? (?:von |van |de )?(?P<last>[A-ZÄÖÜ][\w-]+)"
)


def persons_in(text: str) -> frozenset[str]:
    """Return the last names of a text that names somebody in full.

    >>> sorted(persons_in("Gestern lobte Bo Lind die Leiterin, Ada von Kern."))
    ['Kern', 'Lind']
    """
    return frozenset(found["last"] for found in _FULL_NAME.finditer(text))


BY_ZONE = frozenset(
    {"free", "free first", "first", "verb behind", "verb before", "pronoun", "away", "nominative"}
)
"""What weighs differently before a quotation, behind it and in an earlier sentence."""


def kind_of(zone: str) -> str:
    """Return what a zone is: the earlier sentences are all of one kind."""
    return "earlier" if zone.startswith("earlier") else zone


def _may_speak(each: re.Match[str]) -> bool:
    pronoun, name = each.group("pronoun", "name")
    if pronoun:
        return pronoun not in {"Es", "es"}
    first = name.partition(" ")[0].rstrip(".")
    return first not in _NO_SPEAKER and not (
        each.start() < _BESIDE and each.start("name") == each.start() and _ADVERB.search(first)
    )


def _text(each: re.Match[str], start: int) -> str:
    """Return a name as it stands, without an article before it."""
    whole, lead = each[0], each.start("name") - start
    return whole[whole.find(" ") + 1 :].rstrip(" .") if lead else whole.rstrip(".")


_SEEN = {
    key: tuple(compress(("first", "starts", "insertion"), key))
    for key in product((False, True), repeat=3)
}
_FREE = {
    "first": "free first", "starts": "free starts", "verb behind": "free verb behind",
    "any verb behind": "free any verb behind",
}  # fmt: skip


def _context(text: str, start: int, end: int, shape: Sequence[str]) -> tuple[str, ...]:
    """Name what the words around a candidate tell."""
    before = _WORD.findall(text, max(0, start - 40), start)
    behind_text = _without_insertion(text[end : end + 160])
    behind = [word[0] for word in islice(_WORD.finditer(behind_text), _NEAR)]
    last = before[-1].casefold() if before else ""
    marks = [*_words_before(before, last, shape)] if before else []
    marks += _words_behind(behind) if behind else ()
    if "pronoun" in shape:
        marks += ["pronoun behind a comma"] if text[max(0, start - 2) : start] == ", " else []
    if "oblique" not in shape and last not in _HANGING:
        marks += ["free", *(_FREE[name] for name in (*shape, *marks) if name in _FREE)]
        if last and _looks_like_verb(last):
            marks.append("free any verb before")
    return tuple(marks)


_PAPER_IN = frozenset({"in", "im", "laut", "auf"})
_GENITIVE = frozenset({"der", "des"})
_HANGING = _PREPOSITIONS | _GENITIVE


def _shape(each: re.Match[str], name: str) -> tuple[str, ...]:
    """Name what a name or noun looks like."""
    found = _noun(name.rsplit(" ", 1)[-1].rstrip(".").casefold())
    if " " in name:
        found += ("several names",)
    if each["tail"]:
        found += ("long",)
    if each["nominative"]:
        found += ("nominative",)
    elif each["oblique"]:
        found += ("oblique",)
    return (*found, "capitals") if name.isupper() and len(name) > 1 else found


_NOUNS = {"person": _PERSON, "body": _BODY, "paper": _PAPER, "abstract": _ABSTRACT}


@lru_cache(maxsize=4096)
def _noun(noun: str) -> tuple[str, ...]:
    return tuple(name for name, ends in _NOUNS.items() if ends.search(noun))


def _words_before(before: Sequence[str], last: str, shape: Sequence[str]) -> Iterator[str]:
    """Yield what the words before a candidate tell."""
    yield from _before(before[-1])
    if last in _PAPER_IN and "paper" in shape:
        yield "paper in"
    if last in _GENITIVE and "nominative" not in shape and "pronoun" not in shape:
        yield "genitive"
    if _is_cue_word(before[-1]) and before[-_BESIDE:-1] == ["und"]:
        yield "and verb before"
    if last in _SOURCES or (len(before) > 1 and before[-_BESIDE].casefold() in _SOURCES):
        yield "source"
    if _is_cue(before[-_NEAR:-1]):
        yield "verb soon before"


@lru_cache(maxsize=4096)
def _before(word: str) -> tuple[str, ...]:
    last = word.casefold()
    marks = {
        "verb before": _is_cue_word(word),
        "any verb before": word.islower() and _looks_like_verb(last),
        "behind a preposition": last in _PREPOSITIONS,
        "in somebody's view": word == "Für",
        "auxiliary before": last in AUXILIARIES,
        "as": last in {"wie", "so"},
    }
    return tuple(name for name, holds in marks.items() if holds)


def _words_behind(behind: Sequence[str]) -> tuple[str, ...]:
    """Name what the words behind a candidate tell."""
    found = _behind(behind[0])
    return (*found, "verb soon behind") if _is_cue(behind[1:]) else found


@lru_cache(maxsize=4096)
def _behind(word: str) -> tuple[str, ...]:
    marks = {
        "verb behind": _is_cue_word(word),
        "any verb behind": _looks_like_verb(word),
        "auxiliary behind": word in AUXILIARIES,
        "subjunctive behind": word in SUBJUNCTIVE,
        "source": word == "zufolge",
    }
    return tuple(name for name, holds in marks.items() if holds)


def _without_insertion(behind: str) -> str:
    """Return what follows without an insertion between commas or brackets.

    >>> _without_insertion(", Chef der Wehr, sagte")
    ' sagte'
    """
    if behind[:1] == ",":
        end = behind.find(",", 1)
        return behind[end + 1 :] if 0 < end < len(behind) - 1 else behind
    if behind[:2] == " (":
        return behind[behind.find(")") + 1 :]
    return behind


def _is_cue_word(word: str) -> bool:
    return word in _CUES


def _is_cue(words: Sequence[str]) -> bool:
    return not _CUES.isdisjoint(words)


def _looks_like_verb(word: str) -> bool:
    return word[0].islower() and word.endswith(("te", "ten", "t")) and len(word) > _BESIDE
