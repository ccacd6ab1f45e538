"""Extract the persons, agencies and publishers from a byline."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from worker.text.annotate.dates import MONTH_NUMBERS

_AGENCIES = frozenset(name.casefold() for name in (
    "dpa", "dpa-AFX", "AFP", "AP", "APA", "Reuters", "Thomson Reuters", "epd", "KNA", "SID", "sda",
    "Keystone-SDA", "SDA-ATS", "ANSA", "EFE", "TASS", "PTI", "ots", "dts", "AWP", "Bloomberg",
    "Deutsche Presse-Agentur", "Agence France-Presse", "Associated Press", "dpa-infocom", "Kyodo",
    "The Associated Press", "Press Association", "PA Media", "AAP", "Canadian Press", "Xinhua",
    "The Canadian Press", "ddp", "dapd", "ČTK", "PAP", "Belga", "ANP", "NTB", "TT", "Ritzau",
    "Lusa", "Austria Presse Agentur", "Evangelischer Pressedienst", "Sport-Informations-Dienst",
    "Katholische Nachrichten-Agentur", "Deutscher Depeschendienst",
))  # fmt: skip
_DPA_SERVICES = frozenset("lni lsw lnw lby lhe lno lrs lsl lth lsc lbn lmv bb mv tmn".split())  # noqa: SIM905
"""Abbreviations of the regional services of dpa, which follow its name."""

_WEEKDAYS = (
    "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
    "|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tues?|wed|thu(?:rs)?|fri|sat|sun|mo|di|mi|do"
    "|fr|sa|so"
)
_PIECES = (
    "text|beitrag|artikel|kommentar|analyse|interview|gastbeitrag|reportage|bericht|essay|kolumne"
    "|protokoll|story|words|report(?:ing)?|analysis|opinion|article|written|posted|published"
    "|geschrieben|verfasst|veröffentlicht|publiziert|erstellt|aufgezeichnet"
)
BYLINE_START = re.compile(
    rf"""^\s*(?:(?:ein(?:e|en)?\s+)?(?:blog[\s-]?)?(?:{_PIECES})\s+(?:von|by|durch)\b
    |(?:von|by|par|por|autor(?:in|en|:in|innen)?|authors?)\b
    |(?-i:(?:By|Von)(?=[A-ZÄÖÜ][\w.]))
    |(?:{_PIECES}|redaktion|auteure?|autore|redattore|redactor|tekst|texte?|texto)
     (?:\s+(?:und|&|and)\s+\w+)?(?=\s*:)
    |(?:著者|作者|筆者|文|取材・文|撰文|記者|记者|글)(?=\s*[:：●|/／ ]))
    \s*[:|·–：●/／-]?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
"""The introduction of a name in a byline.

>>> BYLINE_START.sub("", "Ein Kommentar von Jonte Wübbena"), BYLINE_START.sub("", "By Ann Lee")
('Jonte Wübbena', 'Ann Lee')
>>> BYLINE_START.sub("", "Text und Interview: Ole Sand"), BYLINE_START.sub("", "Redaktion Nord")
('Ole Sand', 'Redaktion Nord')
>>> [BYLINE_START.sub("", text) for text in ("ByAnn Lee", "Byron Lee", "著者：高橋")]
['Ann Lee', 'Byron Lee', '高橋']
"""

BYLINE_END = re.compile(
    r"""(?:(?<!\s)\s++)?\(?\b(?:illustration(?:en)?|fotos?|bilder|photos?|photograph(?:y|s)|pictures?|grafik(?:en)?
    |videos?|übersetzung|kamera|layout)(?:\s++(?:von|by|vom|der|des)\b|\s*+:).*\Z
    |(?<!\s)\s++(?:in|aus|from|reporting[ ]from)\s++(?-i:[A-ZÄÖÜ])[\w-]++
    (?:\s++(?-i:[A-ZÄÖÜ])[\w-]++)?\s*+\Z
    |(?<!\s)\s++(?-i:In|On|on)\s.*\Z|(?<!\s)\s++(?:in|am|on|at|um)\Z""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""The end of a byline after the author names: an illustrator or a place.

>>> BYLINE_END.sub("", "Ada Kern Illustration von Bo Lind"), BYLINE_END.sub("", "Ann Lee in Kyiv")
('Ada Kern', 'Ann Lee')
"""

CREDENTIAL = re.compile(
    r"(?:(?:Ph|M|D|Ed|Psy|J|Pharm)\.?\s?D\.?|[MB]\.?(?:A|S|Sc|Ed|BA)\.?|[A-Z][A-Z-]{1,6}[®™]?(?:\s\d{1,4})?){1,3}+"
)
"""An academic or professional title after a name.

>>> [bool(CREDENTIAL.fullmatch(word)) for word in ("PhD", "M.D.", "E-RYT 200", "CEPF®", "Md Ali")]
[True, True, True, True, False]
"""

PHOTOGRAPHER = re.compile(
    r"(?<![^,;|/()])[^,;|/()]++\((?:fotos?|bilder|illustration\w*|grafik\w*|video|photos?)\)",
    re.IGNORECASE,
)
"""The name of a photographer, marked as such.

>>> PHOTOGRAPHER.sub("", "Ada Kern (Text), Bo Lind (Fotos)")
'Ada Kern (Text),'
"""

ROLE_BEFORE = re.compile(
    r"^(?:uns(?:er(?:e[rmn]?)?|rem)\s+)?(?:gast|polit|wirtschafts|sport|lokal|chef|auslands|(?:\w+-)+)?"
    r"(?:autor|redakteur|reporter|korrespondent|kolumnist|volontär|mitarbeiter|expert)(?:e|in)?(?:en)?\s+"
    r"(?=(?-i:[A-ZÄÖÜ])[\w.-]+\s+(?-i:[A-ZÄÖÜvdz]))",
    re.IGNORECASE,
)
"""A job title before the name.

>>> ROLE_BEFORE.sub("", "unserem Korrespondenten Bo Lind")
'Bo Lind'
>>> ROLE_BEFORE.sub("", "Gastautorin Ada Kern")
'Ada Kern'
"""

BYLINE_LABEL_ALONE = re.compile(
    r"(?:autor(?:in|en|:in|\*in|innen)?|(?:article )?author(?:s|\(s\))?|text|verfasser(?:in)?"
    r"|auteure?|著者|作者"
    r"|(?:(?:verfasst|geschrieben|veröffentlicht|ein beitrag|written|posted|published) )?"
    r"(?:von|by))\s*:?",
    re.IGNORECASE,
)
"""A label that announces an author; the name follows on the next line.

>>> bool(BYLINE_LABEL_ALONE.fullmatch("Autor:")), BYLINE_LABEL_ALONE.fullmatch("Autorenlesung")
(True, None)
"""

ROLE_AFTER = re.compile(
    r"(?<=[\w.])\s++"
    r"(?:(?:freie[rn]?|leitende[rn]?|senior|staff|freelance|contributing|sponsored)\s.*\Z"
    r"|(?:(?:political|news|sports?)\s++)?[\w-]*(?:redakteur|reporter|korrespondent|volontär"
    r"|autor|journalist|editor|writer|correspondent|columnist|contributor|leiter)(?:in)?\b.*\Z"
    r"|sponsored\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""A job title after the name.

>>> ROLE_AFTER.sub("", "Ada Kern Redakteurin im Ressort Küste")
'Ada Kern'
>>> ROLE_AFTER.sub("", "Bo Lind Freelance sports writer")
'Bo Lind'
"""

NAME_SEPARATOR = re.compile(
    r"(?:(?:(?<!\s)\s++)?(?:[;|/•·，、／]|,(?!\s*+(?:Jr|Sr|III?)\b)(?:\s*+(?:and|und)(?=\s))?)"
    r"|(?<!\s)\s++(?:&|\+|und|and|sowie|with|(?:im\s(?:gespräch|interview)\s)?mit|et|y|e|og|och|ja)\s)\s*+",
    re.IGNORECASE,
)
"""A separator between two names.

>>> NAME_SEPARATOR.split("Ada Kern, Bo Lind und Cy Dorn / dpa")
['Ada Kern', 'Bo Lind', 'Cy Dorn', 'dpa']
>>> NAME_SEPARATOR.split("Ada Kern im Gespräch mit Bo Lind")
['Ada Kern', 'Bo Lind']
"""

_MONTH = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))
DATE_STAMP = re.compile(
    rf"""(?:\b(?:{_WEEKDAYS})\.?,?\s)?(?<!\w)(?:
      \d{{1,2}}(?:\.|st|nd|rd|th)?[ -](?:of\s)?(?:{_MONTH})\b\.?(?:,?[ -]\d{{4}}\b)?
      | (?:{_MONTH})\b\.?[ ]\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?[ ]\d{{4}}\b)?
      | (?:{_MONTH})\b\.?,?[ ]\d{{4}}\b
      | \d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}\b | \d{{1,2}}\.\s?\d{{1,2}}\.
      | \d{{1,2}}[:.]\d\d(?::\d\d)?(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:uhr|h|(?-i:[A-Z]{{3,4}}))\b)?
      | \d{{1,6}}\s?(?:min(?:ute)?n?s?|minutos|comments?|kommentare?|views?|shares?)\b
        (?:\s(?:read|lesezeit)\b)?
      | (?:19|20)\d\d\b )
      | \b(?:{_WEEKDAYS})(?=\.?,)""",
    re.VERBOSE | re.IGNORECASE,
)
"""A date, a time, a weekday or a count; none of these is part of a name.

>>> DATE_STAMP.sub("|", "Ada Kern May 17, 2025"), DATE_STAMP.sub("|", "Bo Lind Mar 14, 34 min read")
('Ada Kern |', 'Bo Lind |, |')
>>> DATE_STAMP.sub("|", "Di, 18.06.2024, 13:34 Uhr"), DATE_STAMP.search("Mai Kern")
('|, |', None)
"""

NON_AUTHOR_PART = re.compile(
    r"""(?:(?:medically|legally|fact|expert|technically)[ -]{0,3})?
    (?:reviewed|edited|checked|approved|updated|modified|translated|contributed|photograph(?:s|ed|y)?|photos?|pictures?|images?
    |illustrat\w+|fotos?|bild(?:er)?|grafik(?:en)?|video|kamera|übersetz\w+|redigiert|editor|filed
    |posted[ ](?:in|on|under)|tagged|comments?|kommentare?)\b|翻訳|編集|编辑|責任編集|校对""",
    re.VERBOSE | re.IGNORECASE,
)
"""The beginning of a part of a byline that does not name an author.

>>> bool(NON_AUTHOR_PART.match("Medically reviewed by Bo Lind")), NON_AUTHOR_PART.match("Ada Kern")
(True, None)
"""

ADDRESS = re.compile(r"https?://|www\.|@|\.(?:html?|php)\b", re.IGNORECASE)
"""A web or e-mail address.

>>> bool(ADDRESS.search("https://www.facebook.com/zeitung")), bool(ADDRESS.search("A. Muster"))
(True, False)
"""

ROLE = re.compile(
    r"^(?:freie[rn]?\s+)?(?:Chef|Leitende[rn]?\s+|Ressort|Political\s+|Polit|Wirtschafts|Sport|Lokal|Online|Kultur|Auslands|Senior\s+|Staff\s+|Deputy\s+|Chief\s+|Managing\s+|"
    r"Business\s+|News\s+|Science\s+|Sports\s+|Data\s+)*+"
    r"[\w-]*(?:redakteur(?:in)?|reporter(?:in)?|korrespondent(?:in)?|volontär(?:in)?|autor(?:in)?|journalist(?:in)?|mitarbeiter(?:in)?"
    r"|editor|writer|correspondent|columnist|contributor|producer|leiter(?:in)?|praktikant(?:in)?|gastautor(?:in)?)\b.*$",
    re.IGNORECASE,
)
"""A job title alone, without a name.

>>> bool(ROLE.match("Wirtschaftsredakteurin")), bool(ROLE.match("Political Editor"))
(True, True)
>>> bool(ROLE.match("Projektleiterin des Verbandes")), bool(ROLE.match("Rita Redlich"))
(True, False)
"""

LABEL_WORDS = frozenset(
    "read more alle alles see ver voir learn share text size small medium large recent posts post"  # noqa: SIM905
    " updated published menu home search subscribe sign log login newsletter follow view all"
    " contact about related latest"
    " next previous back comment comments lesezeit lesen weiter mehr teilen drucken merken"
    " startseite anzeige artikel datum aktualisiert veröffentlicht today yesterday stand minutes"
    " minute min uhr click here from montag dienstag mittwoch donnerstag freitag samstag sonntag"
    " monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat"
    " januar februar märz oktober november dezember january february april september october"
    " december".split()
)
"""Words of labels and calendars that do not begin a person's name."""

_NON_NAME_WORDS = frozenset(
    "posts comments guides tips resources podcast podcasts blog facebook twitter instagram linkedin"  # noqa: SIM905
    " youtube whatsapp telegram xing pinterest email images photo photos foto fotos shutterstock"
    " istock getty istockphoto adobestock pixabay unsplash pexels depositphotos imago alamy"
    " picture-alliance officer manager marketing".split()
)
"""Words of channels, offices and picture agencies that are not part of a person's name."""

MONTH_AFTER = re.compile(
    r"(?<=\w)\s+(?:january|february?|januar|märz|juli|july|september|o[ck]tober|november|de[cz]ember)$",
    re.IGNORECASE,
)
"""The month of a date that was cut off behind a name; no month that is a family name.

>>> MONTH_AFTER.sub("", "Ada Kern December"), MONTH_AFTER.sub("", "Ada May")
('Ada Kern', 'Ada May')
"""

NO_NAME = re.compile(
    r"^(?:admin(?:istrator)?|editor|staff|guest|gast|unknown|unbekannt|none|null|undefined|n/?a|autor|author|"
    r"(?:uns(?:er|ere[rn]?)\s+)?(?:redaktion|reporter|korrespondent(?:in|en)?|autor(?:in|en)?|mitarbeiter)|webmaster|root|user"
    r"|anonym(?:ous)?|von|by|auteure?|autore|"
    r"presse(?:stelle|mitteilung)?|foto|bild|\W*|\d+)$",
    re.IGNORECASE,
)
"""A placeholder that content management systems write for an unknown author.

>>> bool(NO_NAME.match("Redaktion")), bool(NO_NAME.match("admin")), bool(NO_NAME.match("Anna Gast"))
(True, True, False)
"""

PUBLISHER = re.compile(
    r"""\b(?:redaktion\w*|newsroom|news|online|zeitung|nachrichten|verlag|presse|media|magazin|tv
    |radio|gmbh|ag|e\.?\s?v|verband|agentur|team|staff|editors?|desk|service|group|institut|amt
    |universit\w+|college|school|bank|inc|llc|ltd|company|cent(?:er|re)|foundation|association
    |society|council|department|ministerium|rundfunk|stiftung|partei|verein|polizei|feuerwehr|kirche|fernsehen)\b
    |(?:zeitung|redaktion|nachrichten|blatt|anzeiger|fraktion|ministerium|verband|verlag)$
    |\.(?:de|at|ch|com|org|net|tv|info|co\.uk|is)\b|^(?-i:[A-ZÄÖÜ]{2,})$|^(?:the|der|die|das)\s""",
    re.VERBOSE | re.IGNORECASE,
)
"""The name of a publisher or a newsroom rather than of a person.

>>> bool(PUBLISHER.search("Küstenbote Online")), bool(PUBLISHER.search("boten.example.de"))
(True, True)
>>> bool(PUBLISHER.search("Merle Addicks"))
False
"""

NEWSROOM = re.compile(
    r"redaktion|newsroom|desk|\bteam\b|\bstaff\b|editors?\b|ressort|online\b|\.(?:de|at|ch|com)\b",
    re.IGNORECASE,
)
"""A newsroom listed with persons, without being an author itself.

>>> bool(NEWSROOM.search("Lokalredaktion Lohe")), bool(NEWSROOM.search("KB Lohetal"))
(True, False)
"""

PERSON = re.compile(
    r"(?:(?:Prof|Dr|Dipl|Ing)\.(?:-\w+\.)?\s?){0,6}"
    r"[A-ZÄÖÜÀ-ÞŠŽČĆĐŁ][\w.'’-]*(?:\s(?:von|van|de|den|der|zu|zur|del|della|la|da|dos|di|al|ter|af|av|und)"
    r"(?=\s)|\s[A-ZÄÖÜÀ-ÞŠŽČĆĐŁ][\w.'’-]*){1,4}"
)
"""A person's name as spelled in a byline: capitalised words, and particles.

>>> bool(PERSON.fullmatch("Dr. Ole van der Sand")), bool(PERSON.fullmatch("Berlin nach Paris"))
(True, False)
"""

EAST_ASIAN_PERSON = re.compile(
    "[\u3400-\u9fff々]{1,3}[\u3040-\u30ff\u3400-\u9fff々\\s]{1,4}|[\uac00-\ud7af]{2,4}"
)
"""The form of a name in Chinese, Japanese or Korean script, which labels have too.

>>> [bool(EAST_ASIAN_PERSON.fullmatch(name)) for name in ("松村太郎", "김민수", "Matsumura")]
[True, True, False]
"""

PARTICLES = frozenset(
    "von vom van de den der zu zur zum del della la da dos di al ter af av und y e el bin ibn"  # noqa: SIM905
    " ten le du des dem dal dalla do das san st auf im".split()
)
_MAX_NAME_LENGTH = 60
_MAX_WORDS = 6
_MIN_WORDS = 2  # of a full name
_MAX_NAMES = 100
_MARKS = " ,;:|/*·•-–—()[]\"'„“《》【】「」（）●：　"


@dataclass(frozen=True, slots=True)
class People:
    """The persons, agencies and publishers in a byline, in order and without duplicates."""

    persons: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.persons or self.agencies or self.publishers)

    def names(self) -> tuple[str, ...]:
        """Return the authors: persons and publishers, and agencies if there is no person."""
        return (*self.persons, *self.publishers, *(() if self.persons else self.agencies))


_AGENCY_WORDS = ("nachrichtenagentur", "news agency", "agentur", "agency")


def is_agency(name: str) -> bool:
    """Check whether `name` is the name of a news agency.

    >>> is_agency("dpa"), is_agency("dpa/lni"), is_agency("dapper")
    (True, True, False)
    >>> is_agency("SID Nachrichtenagentur")
    True
    """
    lowered = name.casefold().strip(" ().")
    word = next((suffix for suffix in _AGENCY_WORDS if lowered.endswith(f" {suffix}")), "")
    lowered = lowered.removesuffix(word).rstrip()
    return lowered in _AGENCIES or lowered.partition("/")[0].strip() in _AGENCIES


@lru_cache(maxsize=512)  # one line is read several times
def read_byline(text: str) -> People:
    """Return the names in a byline that is given as one string.

    >>> read_byline("Von Merle Addicks und Jonte Wübbena, dpa")
    People(persons=('Merle Addicks', 'Jonte Wübbena'), agencies=('dpa',), publishers=())
    >>> read_byline("Jul 11 Written by Ada Kern, PhD | Reviewed by Bo Lind").persons
    ('Ada Kern',)
    >>> read_byline("Text & Fotos: Ada Kern").persons
    ('Ada Kern',)
    """
    words = text.split()
    if ADDRESS.search(text):
        words = [word for word in words if not ADDRESS.search(word)]
    bare = BYLINE_START.sub("", " ".join(words), count=1)  # it may name the photographs, too
    unmarked = BYLINE_END.sub("", PHOTOGRAPHER.sub("", bare))
    parts = [BYLINE_END.sub("", part) for part in _author_parts(DATE_STAMP.sub(" | ", unmarked))]
    return _remove_locations(classify_names(parts))


def _author_parts(text: str) -> Iterator[str]:
    """Yield the parts of a byline that may name an author.

    >>> list(_author_parts("Von Ada Kern, PhD; edited by Bo Lind"))
    ['Ada Kern']
    """
    for part in NAME_SEPARATOR.split(text):
        bare = BYLINE_START.sub("", part.strip(" -–—()[]【】"), count=1)
        is_credential = CREDENTIAL.fullmatch(bare) and not is_agency(bare)
        if not is_credential and not NON_AUTHOR_PART.match(bare):
            yield bare


def _remove_locations(people: People) -> People:
    """Remove single words after a full name: they are the author's location."""
    is_full = [" " in person for person in people.persons]
    if not any(is_full):
        return people
    first = is_full.index(True)
    authors = tuple(p for i, p in enumerate(people.persons) if is_full[i] or i < first)
    return replace(people, persons=authors)


def is_byline(text: str) -> bool:
    """Check whether the words of a line form a byline.

    >>> is_byline("Ein Artikel von Pia Sand | 27.01.2022"), is_byline("Von Ada Kern und Bo Lind")
    (True, True)
    >>> is_byline("Von Masken über Abstand und Verbot"), is_byline("Von Berlin nach Paris")
    (False, False)
    >>> is_byline("05.02.2020 - Redaktion: Bo Lind")
    True
    """
    is_dated = text[:1].isdecimal() and ": " in text
    if not (BYLINE_START.match(text) or (is_dated and has_byline_start(text))):
        return False
    persons = read_byline(text).persons
    return bool(persons) and all(
        PERSON.fullmatch(person) or EAST_ASIAN_PERSON.fullmatch(person) for person in persons
    )


def is_person_line(text: str) -> bool:
    """Check whether a line consists only of names of persons.

    >>> is_person_line("Ada Kern und Bo Lind,"), is_person_line("Der Rat tagt.")
    (True, False)
    >>> is_person_line("Zum Hintergrund:")
    False
    """
    if len(text) > _MAX_NAME_LENGTH or text.endswith((".", "!", "?", ":")):
        return False
    persons = read_byline(text).persons
    return bool(persons) and all(PERSON.fullmatch(person) for person in persons)


def is_signature(text: str) -> bool:
    """Check whether a last line names the author: persons, or a publisher and its source.

    >>> is_signature("Ada Kern"), is_signature("Küstenbote / Lohe Heute"), is_signature("Ende/aus")
    (True, True, False)
    """
    parts = [part.strip() for part in text.split("/")]
    are_persons = [PERSON.fullmatch(part) is not None for part in parts]
    has_source = len(parts) > 1 and any(are_persons) and all(part[:1].isupper() for part in parts)
    return is_person_line(text) or (len(text) <= _MAX_NAME_LENGTH and has_source)


def has_byline_start(part: str) -> bool:
    """Check whether a part of a line begins like a byline, ignoring a date.

    >>> has_byline_start("06.11.2023 13:30 von Olga"), has_byline_start("Written by")
    (True, False)
    """
    bare = DATE_STAMP.sub("", part).strip(_MARKS)
    return BYLINE_START.match(bare) is not None and bool(BYLINE_START.sub("", bare, count=1))


def names_in_line(text: str) -> list[str]:
    """Return the full names of persons in a line that otherwise contains only dates.

    >>> names_in_line("1. Februar 2022, Ada Kern"), names_in_line("Mehr über Ada Kern und Deiche")
    (['Ada Kern'], [])
    """
    if sum(word[0].isupper() for word in text.split()) < _MIN_WORDS:
        return []
    full_names = [
        name for name in read_byline(text).persons if " " in name and PERSON.fullmatch(name)
    ]
    letters = sum(map(str.isalpha, DATE_STAMP.sub(" ", text)))
    return full_names if 2 * sum(map(str.isalpha, "".join(full_names))) >= letters else []


def classify_names(names: list[str] | tuple[str, ...]) -> People:
    """Classify `names` as persons, agencies and publishers; anything else is dropped.

    >>> classify_names(["Ada Kern", "Redaktion", "Küstenbote Online", "AFP", "Ada Kern"])
    People(persons=('Ada Kern',), agencies=('AFP',), publishers=('Küstenbote Online',))
    """
    persons: dict[str, None] = {}
    agencies: dict[str, None] = {}
    publishers: dict[str, None] = {}
    for raw in names[:_MAX_NAMES]:
        name = ROLE_AFTER.sub("", ROLE_BEFORE.sub("", clean_name(raw)))
        if agencies and name in _DPA_SERVICES:
            continue
        if is_agency(name):
            agencies.setdefault(name)
        elif is_name(name) and PUBLISHER.search(name):
            publishers.setdefault(name)
        elif is_name(name) and not _has_common_words(name):
            persons.setdefault(name)
    return People(tuple(persons), tuple(agencies), tuple(publishers))


def _has_common_words(name: str) -> bool:
    """Check whether a name of several words contains lower-case words other than name particles.

    >>> _has_common_words("Publiziert am"), _has_common_words("Ole van der Sand")
    (True, False)
    """
    return any(word[0].islower() and word not in PARTICLES for word in name.split()[1:])


def clean_name(name: str) -> str:
    """Return `name` without introductions, job titles and punctuation around it.

    >>> clean_name(" von  Anna Lüders (Text) "), clean_name("Dr. Ole Sand:")
    ('Anna Lüders', 'Dr. Ole Sand')
    """
    plain = BYLINE_START.sub("", " ".join(name.split()), count=1)
    plain = MONTH_AFTER.sub("", plain)
    plain = plain.split(" (")[0].split(" | ")[0].split(" – ")[0].removesuffix(" 기자")
    return plain.rstrip("0123456789* ").strip(_MARKS)


def is_name(name: str) -> bool:
    """Check whether `name` has the form of a person's or publisher's name.

    >>> is_name("Merle Addicks"), is_name("18. Juni 2024"), is_name("https://x.example/")
    (True, False, False)
    >>> is_name("Foto: Bo Lind"), is_name("Recent Posts"), is_name("Bo Lind/Getty Images")
    (False, False, False)
    """
    words = name.casefold().split()
    has_valid_length = (
        1 + name.islower() < len(name) <= _MAX_NAME_LENGTH and len(words) <= _MAX_WORDS
    )
    is_invalid = ": " in name or any(map(str.isdecimal, name))
    if (
        is_invalid
        or not has_valid_length
        or words[0] in LABEL_WORDS
        or not _NON_NAME_WORDS.isdisjoint(words)
    ):
        return False
    return not (
        NO_NAME.match(name) or ADDRESS.search(name) or DATE_STAMP.search(name) or ROLE.match(name)
    )
