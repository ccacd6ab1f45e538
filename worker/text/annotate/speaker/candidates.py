"""Who may be speaking in a German text: the names, roles and pronouns around a quotation.

Each is described by what can be seen of it: where it stands, what it looks like, which verb is
near. Which of them speaks is decided by the sum of these features (`choice`).
"""

import re
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, islice, product

from worker.text.annotate.cues_german import PARTICIPLES, VERBS

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
_REACH = 40  # characters
_BESIDE = 2
_FIRST = 3


@dataclass(frozen=True, slots=True)
class QuotationContext:
    """A quotation in its surroundings, with the quotations blanked.

    `before` and `after` are the rest of its sentence, `earlier` gives the sentences before it, the
    nearest first.
    """

    before: str
    after: str
    earlier: Callable[[], Sequence[str]]


@dataclass(slots=True, eq=False)
class SeenCandidate:
    """A candidate in its stretch of text: what can be seen of it wherever the quotation stands.

    `marks` name what it looks like and what the words around it tell, `away` is how far it stands
    off; `total` has room for what they weigh.
    """

    text: str
    pronoun: bool
    kind: str
    marks: tuple[str, ...]
    away: float
    total: float | None = None

    @property
    def has_cue(self) -> bool:
        """Tell whether a word of saying stands right beside it, and no preposition before it."""
        marks = self.marks
        return "free verb behind" in marks or ("verb before" in marks and "free" in marks)


@dataclass(slots=True, eq=False)
class Speaker:
    """Somebody who may be speaking: as the text names them, with what tells of them.

    `marks` hold of the stretch of text, or of who spoke before; `found` is the candidate there.
    They are put together only where somebody asks for `features`.
    """

    text: str
    pronoun: bool = False
    marks: tuple[str, ...] = ()
    found: SeenCandidate | None = None

    @property
    def features(self) -> Features:
        """Return all features with their values."""
        own: Features = {}
        if self.found is not None:
            kind = self.found.kind
            own = dict.fromkeys(self.found.marks, 1.0) | {"away": self.found.away}
            own |= {f"{kind} {name}": own[name] for name in BY_ZONE if name in own}
        return own | dict.fromkeys(self.marks, 1.0)


def near_by(place: QuotationContext) -> list[Speaker]:
    """Return who may be speaking in the sentence of a quotation."""
    shared = _shared(place.before, place.after)
    return _in_zone("before", place.before, shared) + _in_zone("after", place.after, shared)


def earlier(place: QuotationContext) -> list[Speaker]:
    """Return who may be speaking in the sentences before, the nearest first."""
    shared = _shared(place.before, place.after)
    zones = enumerate(place.earlier(), 1)
    return [each for n, text in zones for each in _in_zone(f"earlier{n}", text, shared)]


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


def _in_zone(zone: str, text: str, shared: tuple[str, ...]) -> list[Speaker]:
    """Return the candidates of one stretch of text, each with its features."""
    marks = _zone(zone, shared)
    return [Speaker(each.text, each.pronoun, marks, each) for each in seen_in(text, kind_of(zone))]


@lru_cache(maxsize=64)
def seen_in(text: str, kind: str) -> tuple[SeenCandidate, ...]:
    """Return the candidates of a stretch of text; the next quotation often has it beside it, too.

    >>> [each.text for each in seen_in("Gestern kam Bo Lind mit dem Chef der Wehr.", "before")]
    ['Bo Lind', 'Chef der Wehr']
    """
    matches = _named(text)
    ends = [found.start() for found in CLAUSE_END.finditer(text)]
    every = list(matches if kind != "earlier" else islice(matches, _FIRST))
    found = []
    for number, each in enumerate(every):
        if _FIRST <= number < len(every) - _NEAR:  # neither first nor near
            continue
        away = len(every) - 1 - number if kind == "before" else number
        start = each.start()
        pronoun, name = each.group("pronoun", "name")
        shape = ("pronoun",) if pronoun else _shape(each, name)
        shape += _SEEN[number == 0, start < _BESIDE]
        marks = shape + _context(text, each, shape, ends)
        told = each[0] if pronoun else _text(each, start)
        found.append(SeenCandidate(told, pronoun is not None, kind, marks, away / 4))
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


@lru_cache(maxsize=4)
def persons_in(text: str) -> frozenset[str]:
    """Return the last names of a text that names somebody in full.

    >>> sorted(persons_in("Gestern lobte Bo Lind die Leiterin, Ada von Kern."))
    ['Kern', 'Lind']
    """
    return frozenset(found["last"] for found in _FULL_NAME.finditer(text))


BY_ZONE = frozenset(
    {
        "clause: cue", "clause: subjunctive", "clause: subordinate", "free", "free first", "first",
        "verb behind", "verb before", "pronoun", "away",
    }
)  # fmt: skip
"""What weighs differently before a quotation, behind it and in an earlier sentence."""


def kind_of(zone: str) -> str:
    """Return what a zone is: the earlier sentences are all of one kind."""
    return "earlier" if zone.startswith("earlier") else zone


def _named(text: str) -> Iterator[re.Match[str]]:
    """Yield whom a text names, without the words that begin a sentence: Laut Minister Lind.

    >>> [each[0] for each in _named("Nach Angaben von Bo Lind sagte er: Auch Ada Kern kam.")]
    ['Bo Lind', 'er', 'Ada Kern']
    """
    at = 0
    while each := CANDIDATE.search(text, at):
        pronoun, name = each.group("pronoun", "name")
        at = each.end()
        if pronoun:
            if pronoun not in {"Es", "es"}:
                yield each
            continue
        first = name.partition(" ")[0].rstrip(".")
        start = each.start("name")
        if first in _NO_SPEAKER:
            if not (first == "Von" and _speaks_behind(text, at)):
                at = start + len(first)
                continue
        elif each.start() < _BESIDE and each.start() == start and _ADVERB.search(first):
            continue
        yield each


def may_begin(name: str) -> bool:
    """Tell whether a name begins with no word that only begins a sentence.

    >>> may_begin("Bo Lind"), may_begin("Erst Minister Lind")
    (True, False)
    """
    first = name.partition(" ")[0].rstrip(".")
    return first not in _NO_SPEAKER and _ADVERB.search(first) is None


def _speaks_behind(text: str, at: int) -> bool:
    word = _WORD.match(text, at + 1)
    return word is not None and word[0] in _CUES


def _text(each: re.Match[str], start: int) -> str:
    """Return a name as it stands, without an article before it."""
    whole, lead = each[0], each.start("name") - start
    return whole[whole.find(" ") + 1 :].rstrip(" .") if lead else whole.rstrip(".")


_SEEN = {key: tuple(compress(("first", "starts"), key)) for key in product((False, True), repeat=2)}
_FREE = {
    "first": "free first", "starts": "free starts", "verb behind": "free verb behind",
}  # fmt: skip


def _context(
    text: str, each: re.Match[str], shape: Sequence[str], ends: Sequence[int]
) -> tuple[str, ...]:
    """Name what the words around a candidate tell."""
    start, end = each.span()
    before = _WORD.findall(text, max(0, start - _REACH), start)[-_NEAR:]
    behind = _WORD.findall(_without_insertion(text[end : end + 160])[:_REACH])[:_NEAR]
    last = before[-1].casefold() if before else ""
    marks: list[str] = []
    if before:
        marks += _BESIDE_IT[last in _PREPOSITIONS, last in _AS]
        if not _CUES.isdisjoint(before):
            marks += ["verb before"] if before[-1] in _CUES else []
            marks += ["verb soon before"] if _is_cue(before[:-1]) else []
    if not _CUES.isdisjoint(behind):
        marks += ["verb behind"] if behind[0] in _CUES else []
        marks += ["verb soon behind"] if _is_cue(behind[1:]) else []
    at = bisect(ends, start)
    marks += _clause(text[ends[at - 1] if at else 0 : ends[at] if at < len(ends) else None])
    if not each["oblique"] and last not in _HANGING:
        marks += ["free", *(told for name, told in _FREE.items() if name in shape or name in marks)]
    return tuple(marks)


_BESIDE_IT = {
    key: tuple(compress(("behind a preposition", "as"), key))
    for key in product((False, True), repeat=2)
}
_AS = frozenset({"wie", "so"})
_HANGING = _PREPOSITIONS | {"der", "des"}
CLAUSE_END = re.compile("[,;:–—()]")
_SUBORDINATE = frozenset(
    "dass daß ob weil wenn als obwohl damit indem nachdem während bevor sodass wonach wobei da"  # noqa: SIM905
    " sobald solange falls wo worin womit wofür".split()
)


@lru_cache(maxsize=1024)
def _clause(clause: str) -> tuple[str, ...]:
    """Name what holds of a clause."""
    words = _WORD.findall(clause)
    first = words[0].casefold() if words else ""
    marks = {
        "clause: cue": _is_cue(words),
        "clause: subjunctive": not SUBJUNCTIVE.isdisjoint(words),
        "clause: subordinate": first in _SUBORDINATE,
        "clause: participle": not PARTICIPLES.isdisjoint(words),
    }
    return tuple(name for name, holds in marks.items() if holds)


_GENITIVE = frozenset({"der", "des"})
_HANGING = _PREPOSITIONS | _GENITIVE


def _shape(each: re.Match[str], name: str) -> tuple[str, ...]:
    """Name what a name or noun looks like."""
    found = _noun(name.rsplit(" ", 1)[-1].rstrip(".").casefold())
    if " " in name:
        found += ("several names",)
    return (*found, "long") if each["tail"] else found


_NOUNS = {"person": _PERSON, "body": _BODY, "paper": _PAPER, "abstract": _ABSTRACT}


@lru_cache(maxsize=4096)
def _noun(noun: str) -> tuple[str, ...]:
    return tuple(name for name, ends in _NOUNS.items() if ends.search(noun))


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


def _is_cue(words: Sequence[str]) -> bool:
    return not _CUES.isdisjoint(words)
