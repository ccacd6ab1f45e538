"""Who may be speaking in a German text: the names, roles and pronouns around a quotation.

Each is described by what can be seen of it: where it stands, what it looks like, which verb is
near. Which of them speaks is decided by the sum of these features (`choice`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

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
    nearest first. `persons` are the last names of the text, `spoken`
    those of who spoke before.
    """

    before: str
    after: str
    earlier: Sequence[str]
    persons: frozenset[str] = frozenset()
    spoken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who may be speaking: as the text names them, with the features of the place."""

    text: str
    pronoun: bool = False
    features: Features = field(default_factory=dict)


def candidates(place: QuotationContext) -> list[Speaker]:
    """Return who may be speaking, the nearest first."""
    has_cue = _has_cue(place.before) or _has_cue(place.after)
    shared = {
        "cue": has_cue,
        "colon": place.before.rstrip().endswith(":"),
        "opens": not place.before.strip(" –-"),
        "subjunctive": not SUBJUNCTIVE.isdisjoint(_WORD.findall(place.before)),
    }
    found: list[Speaker] = []
    zones = (
        ("before", place.before),
        ("after", place.after),
        *((f"earlier{n}", text) for n, text in enumerate(place.earlier, 1)),
    )
    for zone, text in zones:
        found += _in_zone(place, zone, text, shared)
    return found


def _in_zone(
    place: QuotationContext, zone: str, text: str, shared: dict[str, bool]
) -> Iterator[Speaker]:
    """Yield the candidates of one stretch of text, each with its features."""
    is_beside = zone in {"before", "after"}
    found = filter(_may_speak, CANDIDATE.finditer(text))
    every = list(found if is_beside else islice(found, _FIRST))
    for number, each in enumerate(every):
        away = len(every) - 1 - number if zone == "before" else number
        own = _own(text, each, is_first=number == 0, away=away)
        features = {zone: 1.0}
        features |= {f"{zone} {name}": 1.0 for name, holds in shared.items() if holds}
        for name, value in own.items():
            features[name] = value
            if name in _BY_ZONE:
                features[f"{_kind(zone)} {name}"] = value
        name = _text(each)
        last = last_name(name)
        marks = {"named in full": last in place.persons, "spoke earlier": last in place.spoken}
        features |= {mark: 1.0 for mark, holds in marks.items() if holds}
        yield Speaker(name, each["pronoun"] is not None, features)


def last_name(name: str) -> str:
    """Return the last word of a name, before what belongs to it."""
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


_BY_ZONE = frozenset(
    {"free", "free first", "first", "verb behind", "verb before", "pronoun", "away", "nominative"}
)


def _kind(zone: str) -> str:
    return "earlier" if zone.startswith("earlier") else zone


def _may_speak(each: re.Match[str]) -> bool:
    if each["pronoun"]:
        return each["pronoun"] not in {"Es", "es"}
    first = each["name"].split(" ", 1)[0].rstrip(".")
    return first not in _NO_SPEAKER and not (
        each.start("name") == each.start() < _BESIDE and _ADVERB.search(first)
    )


def _text(each: re.Match[str]) -> str:
    if each["pronoun"]:
        return each[0]
    start = each.start("name")
    lead = each[0][: start - each.start()]
    return (
        (lead.partition(" ")[2] + each[0][len(lead) :]).rstrip(" .")
        if lead
        else each[0].rstrip(".")
    )


def _own(text: str, each: re.Match[str], *, is_first: bool, away: int) -> Features:
    """Describe a candidate within its stretch of text."""
    before = _WORD.findall(text[max(0, each.start() - 40) : each.start()])
    behind_text = text[each.end() : each.end() + 160]
    behind = _WORD.findall(_without_insertion(behind_text))
    last = before[-1].casefold() if before else ""
    found: Features = {"away": away / 4}
    is_pronoun = each["pronoun"] is not None
    is_hung = last in _PREPOSITIONS or each["oblique"] is not None
    is_free = not is_hung and last not in {"der", "des"}
    noun = "" if is_pronoun else each["name"].rsplit(" ", 1)[-1].rstrip(".").casefold()
    marks = {
        "free": is_free,
        "free first": is_free and is_first,
        "free starts": is_free and each.start() < _BESIDE,
        "free verb behind": is_free and _is_cue(behind[:1]),
        "free any verb behind": is_free and bool(behind) and _looks_like_verb(behind[0]),
        "free any verb before": is_free and bool(last) and _looks_like_verb(last),
        "person": _PERSON.search(noun) is not None,
        "body": _BODY.search(noun) is not None,
        "paper": _PAPER.search(noun) is not None,
        "paper in": _PAPER.search(noun) is not None and last in {"in", "im", "laut", "auf"},
        "subjunctive behind": bool(behind) and behind[0] in SUBJUNCTIVE,
        "and verb before": _is_cue(before[-1:]) and before[-_BESIDE:-1] == ["und"],
        "pronoun behind a comma": is_pronoun
        and text[max(0, each.start() - 2) : each.start()] == ", ",
        "abstract": _ABSTRACT.search(noun) is not None,
        "capitals": not is_pronoun and each["name"].isupper() and len(each["name"]) > 1,
        "any verb before": bool(last) and before[-1].islower() and _looks_like_verb(last),
        "long": not is_pronoun and bool(each["tail"]),
        "first": is_first,
        "starts": each.start() < _BESIDE,
        "pronoun": each["pronoun"] is not None,
        "nominative": each["nominative"] is not None,
        "oblique": each["oblique"] is not None,
        "behind a preposition": last in _PREPOSITIONS,
        "source": bool(_SOURCES & {w.casefold() for w in before[-_BESIDE:]})
        or "zufolge" in behind[:1],
        "in somebody's view": before[-1:] == ["Für"],
        "verb behind": _is_cue(behind[:1]),
        "verb soon behind": _is_cue(behind[1:_NEAR]),
        "verb before": _is_cue(before[-1:]),
        "verb soon before": _is_cue(before[-_NEAR:-1]),
        "any verb behind": bool(behind) and _looks_like_verb(behind[0]),
        "auxiliary behind": bool(behind) and behind[0] in AUXILIARIES,
        "auxiliary before": last in AUXILIARIES,
        "several names": each["pronoun"] is None and " " in each["name"],
        "insertion": behind_text[:1] == ",",
        "as": last in {"wie", "so"},
        "genitive": each["pronoun"] is None
        and each["nominative"] is None
        and last in {"der", "des"},
    }
    return found | {name: 1.0 for name, holds in marks.items() if holds}


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


@lru_cache(maxsize=4096)
def _is_cue_word(word: str) -> bool:
    return word in VERBS or word in PARTICIPLES


def _is_cue(words: Sequence[str]) -> bool:
    return any(_is_cue_word(word) for word in words)


def _has_cue(text: str) -> bool:
    return _is_cue(_WORD.findall(text))


def _looks_like_verb(word: str) -> bool:
    return word[0].islower() and word.endswith(("te", "ten", "t")) and len(word) > _BESIDE
