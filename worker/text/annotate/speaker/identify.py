"""Split the words for a speaker into name, office and kind: Projektleiterin Jörg Köstlin (SPD)."""

import re
from functools import lru_cache
from itertools import islice

from storage.language.folded_names import JOINED
from storage.values.draft import NamedSpeaker
from worker.text.annotate.speaker.first_names import FIRST_NAMES
from worker.text.annotate.speaker.german_words import noun_kinds
from worker.text.annotate.speaker.name_signs import OPENERS, is_person_name, known_persons
from worker.text.annotate.speaker.resolve import name_positions

_IN_BRACKETS = re.compile(r"(?<!\s)\s*+[\[(][^)\]]{0,40}[)\]]?")
_TITLES = frozenset(
    "Dr Prof Mr Mrs Ms Miss Herr Herrn Frau Sir Dame Lord Lady Ing Dipl med Jr Sr Adv Datuk Rev Hon"  # noqa: SIM905
    " Professor Professorin Doktor".split()
)
_PARTICLES = frozenset("von van de der den al bin di da del la zu ter zum".split())  # noqa: SIM905
_ATTRIBUTE = re.compile(r" (?:der|des|von|vom|für|beim|bei|im|in|of|for|at|from|to|with|on|aus) ")
_OFFICE_ENDINGS = re.compile(
    r"(?:minist|präsident|president|sprecher|spokes\w{3,6}|leit(?:er|erin)|trainer|kanzler|"
    r"meister|dire[ck]tor|vorsitz|expert|anwalt|anwält|forscher|research|politiker|profess|"
    r"sekretär|secretary|senator|abgeordnet|kandidat|candidate|kardinal|bischof|bishop|"
    r"pfarrer|lehrer|teacher|histori|ökonom|economist|analyst|botschafter|ambassador|gesandt|"
    r"richter|kommissar|commissioner|beauftragt|geschäftsführer|manager|gründer|founder|"
    r"mitglied|member|schüler|student|nachbar|fahrer|ologe|ologin|ologist|iker|bäuer|officer|"
    r"official|attorney|sheriff|detective|governor|gouverneur|scientist|physicist|sänger|"
    r"schauspieler|editor|redakteur|reporter|journalist|vertreter|representative|commander|"
    r"captain|kapitän|sergeant|lieutenant|prosecutor|banker|strategist|consultant|berater|"
    r"adviser|advisor|aktivist|activist|organi[sz]er|verteidiger|stürmer|spieler|player|"
    r"striker|engineer|ingenieur|resident|bewohner|anwohner|betreiber|intendant|präfekt|"
    r"justice|general|oberst|colonel|chef|chief|doctor|arzt|ärzt|wehrmann|obmann|obfrau|"
    r"sitzende|woman|elte|kolleg|gewerkschafter|mediziner|chirurg|unternehmer|historian|wirt|"
    r"lawyer|rätin|dezernent)(?:in|innen|s|es|e|er|ers|en|n|rin|ern)?\Z",
    re.IGNORECASE,
)
_OFFICE_WORDS = re.compile(
    r"(?:\w+-)*(?:coach|judge|mayor|author|autor|autorin|head|ceo|cfo|cto|star|zeuge|zeugin|"
    r"witness|farmer|driver|actress|actor|singer|major|fellow|professor|professorin|baker|"
    r"neighbour|investor|king|queen|könig|königin|pope|papst|prinz|prinzessin|rat|rätin|mann|"
    r"frau|man|mother|father|mutter|vater|mom|husband|wife|brother|sister|son|daughter|sohn|"
    r"tochter|bruder|schwester|vize|chair|chairman|bauer|major|dj|imam|rabbi|vize|expert)s?\Z",
    re.IGNORECASE,
)
"""The end of a word for the office, profession or relation of a person."""
_BODIES = re.compile(
    r"(?:polizei|police|regierung|government|ministerium|ministry|behörde|amt|gerichte?|court|"
    r"zeitung|agentur|agency|partei|party|fraktion|verband|verein|bund|gewerkschaft|union|"
    r"kommission|commission|firma|konzern|unternehmen|company|universität|university|sender|"
    r"magazin\w*|blatt|rundschau|organi[sz]ation|initiative|opposition|koalition|anwaltschaft|"
    r"verwaltung|administration|kirche|church|senat\w*|senate|parlament|parliament|ausschuss|"
    r"committee|institute?|stiftung|foundation|bank|feuerwehr|wehr|klinik|hospital|armee|army|"
    r"militär\w*|military|group|gruppe|ag|gmbh|inc|corp|ltd|cdu|csu|spd|fdp|grünen?|afd|linke|"
    r"congress|kongress|council|office|department|association|league|team|house|verteidigung|"
    r"pentagon|kreml\w*|kremlin|white house|beijing|moskau|washington|center|centre|service|"
    r"familie|family|jury|bündnis|verlag|vorstand|gesellschaft|gemeinschaft|gemeinde|stadt)s?$",
    re.IGNORECASE,
)
_PAPERS = re.compile(
    r"(?:bericht|report|studie|study|papier|paper|erklärung|statement|mitteilung|schreiben|"
    r"brief|letter|gutachten|homepage|website|seite|meldung|resolution|gesetz|entwurf|urteil|"
    r"ruling|interview|artikel|article|umfrage|poll|survey|plakat|transparent|text|buch|book|"
    r"stellungnahme|beschluss|vertrag|dokument|document|beitrag|filing|memo|email|story|"
    r"description|complaint|lawsuit|affidavit|post|tweet|sign|banner|warnung|voice|"
    r"website)(?:s|es|e|en|n)?$",
    re.IGNORECASE,
)
_GAP = re.compile(r"[ ,]")
_APPOSITION = re.compile(
    r"(?: \([^)]{1,20}\))?, (?:(?:der|die|the|an?|ein|eine) )?([^,;:()„“\"\n]{3,70})[,.;]"
)
_MAX_OFFICE_WORDS = 2
_ADJECTIVE = ("er", "es", "e", "en")
_MIN_ACRONYM = _PAIR = 2
_MAX_FIRST_NAME, _MAX_PLACES, _MAX_MENTIONS = 50, 20, 3


def identify(words: str, full_text: str, language: str) -> tuple[NamedSpeaker, ...]:
    """Return each speaker that words name, with the fullest name in the text.

    >>> identify("Projektleiterin Ada Kern (SPD)", "", "de")
    (NamedSpeaker(name='Ada Kern', office='Projektleiterin', kind='person'),)
    >>> [each.name for each in identify("Ada Kern und Bo Lind", "", "de")]
    ['Ada Kern', 'Bo Lind']
    >>> identify("Ministerium", "", "de")
    (NamedSpeaker(name='Ministerium', office=None, kind='organisation'),)
    """
    plain = _IN_BRACKETS.sub("", words) if "(" in words or "[" in words else words
    plain = plain.strip(" ,.;:§")
    plain = plain[:-2] if plain.endswith(("’s", "'s")) else plain
    parts = JOINED.split(plain)
    found = [_identified(each.strip(), full_text, language) for each in parts if each.strip()]
    if len(found) > 1 and any(each.kind == "unknown" for each in found):  # Wald und Holz
        found = [_identified(plain, full_text, language)]
    return tuple(found)


@lru_cache(maxsize=64)
def _identified(words: str, full_text: str, language: str) -> NamedSpeaker:
    attribute = _ATTRIBUTE.search(f" {words}")
    head_words = words[: attribute.start() - 1] if attribute else words
    for part in dict.fromkeys((words, head_words)):  # Ada Kern von der Universität
        tokens = part.split(" ")
        start = _name_start(tokens, full_text, language)
        person = None if start is None else _person(tokens, start, full_text, language)
        if person is not None:
            return person
    head = head_words.rpartition(" ")[2]
    kinds = noun_kinds(head) if language == "de" else ()
    if _PAPERS.search(head) or kinds[:1] == ("paper",):
        return NamedSpeaker(words, None, "document")
    if is_role(head):
        return NamedSpeaker(None, words, "person")
    if _BODIES.search(head) or (head.isupper() and len(head) >= _MIN_ACRONYM) or "body" in kinds:
        return NamedSpeaker(words, None, "organisation")
    if "person" in kinds and (" " in words or not words[:1].isupper() or language == "de"):
        return NamedSpeaker(None, words, "person")
    return NamedSpeaker(words, None, "unknown")


def _name_start(tokens: list[str], full_text: str, language: str) -> int | None:
    """Return where the name of a person starts at the end of words, None if there is none.

    >>> [_name_start(each.split(), "", "en") for each in ("ambassador to Britain Bo Lind", "Amt")]
    [3, None]
    """
    last = len(tokens) - 1
    if not tokens[last][:1].isupper():
        return None
    if last == 0:
        return 0 if _is_last_name(tokens[0], full_text, language) else None
    start = last
    while start > 0 and (tokens[start - 1] in _PARTICLES or _is_name_part(tokens[start - 1])):
        start -= 1
    while tokens[start] in _PARTICLES:
        start += 1
    named = tokens[start:]
    first = next((at for at, each in enumerate(named[:-1]) if each in FIRST_NAMES), None)
    if first is not None:
        return start + first
    before = tokens[start - 1] if start else ""
    is_named = before.rstrip(".") in _TITLES or (is_role(before) and not is_body(named[-1]))
    if len(named) > _PAIR and language == "de" and _is_office_before(named):
        return last - 1  # Deichgraf Hinnerk Lüders
    is_pair = len(named) == _PAIR and not (
        is_role(named[-1]) or is_body(named[-1]) or named[0].endswith(("er", "’s", "'s"))
    )
    return start if is_named or is_pair else None


def _is_office_before(named: list[str]) -> bool:
    """Check whether a word that may be an office precedes two that may be a name."""
    is_office = named[-3].istitle() and not named[-3].endswith(_ADJECTIVE)
    return is_office and _is_first_name(named[-2]) and not is_body(named[-1])


def _is_last_name(word: str, full_text: str, language: str) -> bool:
    """Check whether a word is the last name of a person whom the text names in full."""
    if is_role(word) or is_body(word) or noun_kinds(word)[:1] in {("paper",), ("abstract",)}:
        return False
    return word in known_persons(full_text) or " " in _fullest(word, full_text, language)


@lru_cache(maxsize=4096)
def is_body(word: str) -> bool:
    """Check whether a word means an organisation, an office or a document by its ending."""
    return _BODIES.search(word) is not None or _PAPERS.search(word) is not None


def _is_name_part(word: str) -> bool:
    return word[:1].isupper() and not is_role(word) and word.rstrip(".") not in _TITLES


@lru_cache(maxsize=4096)
def is_role(word: str) -> bool:
    """Check whether a word means an office, a profession or a relation by its ending."""
    return (
        word not in FIRST_NAMES
        and (_OFFICE_ENDINGS.search(word) or _OFFICE_WORDS.match(word)) is not None
    )


def _person(tokens: list[str], start: int, full_text: str, language: str) -> NamedSpeaker | None:
    """Return the person of a name and its office, None if it names no person."""
    while tokens[start].rstrip(".") in _TITLES and start + 1 < len(tokens):
        start += 1
    before = [each for each in tokens[:start] if each.rstrip(".") not in _TITLES]
    name = " ".join(tokens[start:])
    if start + 1 == len(tokens):
        name = _fullest(name, full_text, language)
    elif not is_person_name(name, full_text, language):
        return None
    office = " ".join(before) or _office_beside(name, full_text)
    return NamedSpeaker(name, office, "person")


@lru_cache(maxsize=256)
def _fullest(name: str, full_text: str, language: str) -> str:
    """Return the first name and last name in the text for a last name."""
    for start in islice(name_positions(name, full_text), _MAX_PLACES):
        before = full_text[max(0, start - _MAX_FIRST_NAME) : start]
        if not before.endswith(" ") or "\n" in before[-2:]:
            continue
        words = before[:-1].split(" ")
        particle = f"{words.pop()} " if words[-1] in _PARTICLES else ""
        first = words[-1].lstrip("„“”\"'‚‘’»«(–—[\n") if words else ""
        full = f"{first} {particle}{name}"
        if _is_first_name(first) and is_person_name(full, full_text, language):
            return full
    return name


@lru_cache(maxsize=4096)
def _is_first_name(word: str) -> bool:
    if word in FIRST_NAMES:
        return True
    is_name = word[:1].isupper() and word[1:].replace("-", "").isalpha()
    return is_name and not (is_role(word) or word in _TITLES or word in OPENERS or noun_kinds(word))


def _office_beside(name: str, full_text: str) -> str | None:
    """Return the office that the text puts before a name, or after it between commas."""
    for start in islice(name_positions(name, full_text), _MAX_MENTIONS):
        after = _APPOSITION.match(full_text, start + len(name))
        if after and any(is_role(each) for each in _GAP.split(after[1])[:4]):
            return after[1]
        before = full_text[max(0, start - _MAX_FIRST_NAME) : start].rstrip().split(" ")
        taken: list[str] = []
        for word in reversed(before):
            is_next = 0 < len(taken) < _MAX_OFFICE_WORDS and word.istitle() and word.isalpha()
            if "\n" in word or word.endswith(".") or not (is_next or is_role(word)):
                break
            taken.append(word)
        if taken and is_role(taken[0]):
            return " ".join(reversed([each for each in taken if each not in _NO_OFFICE]))
    return None


_NO_OFFICE = frozenset("The A An Der Die Das Am Im In On At And Und But Former".split())  # noqa: SIM905
