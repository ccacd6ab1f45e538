"""Find who is said to speak beside a quotation, and by which word, in German and English.

The text is handed over with the quotations blanked out, one sentence at a time: what stands
behind a quotation (`after`) and before it (`before`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """The word that makes a quotation one, as it stands in the text, and the speaker it names.

    `word` is None where a name and a colon alone introduce a quotation; `speaker` is None where
    none is named, `pronoun` says that a pronoun stands for one. `naming` marks verbs that quote
    single words (nannte, called).
    """

    word: str | None
    speaker: str | None
    pronoun: bool = False
    naming: bool = False


NOBODY = Cue(None, None)
_REACH = 200  # characters of a sentence that are searched
_LONGEST_SPEAKER = 90

_GERMAN_STEMS = (
    "sag erklär mein versicher forder erinner"
)  # fmt: skip
_GERMAN_WORDS = (
    "rufen rief riefen ruft schrieb schrieben schreibt schreiben"
    " teilte teilt teilten hieß heißt lautet lautete sprach spricht sprachen sprechen"
    " nannte nennt nannten nennen"
    " beschrieb beschreibt riet rät hob hebt wies weist unterstrich unterstreicht"
    " widersprach widerspricht gestand gesteht verriet verrät fand findet fanden bat bittet schwor"
    " schreit schrie sinnierte fordern versichern erinnern wirft warf bekannte bekennt entgegnete"
    " entgegnet warb wirbt"
)
_GERMAN_WEAK = (
    "beton bericht antwort frag warn kritisier lob kündig bestätig ergänz füg räum behaupt erzähl"
    " urteil klag schwärm resümier bilanzier konstatier äußer bezeichn zitier wetter twitter post"
    " kommentier flüster brüll scherz begründ appellier mahn verkünd stell freu glaub hoff vermut"
    " prophezei konter erwider bedauer begrüß bekräftig erläuter schilder verteidig droh schimpf"
    " jubel witzel verlang plädier spott stöhn murmel notier argumentier beteuer fass leg ärger"
    " wunder signalisier präzisier prognostizier moniert monier beklag beschwer empfehl versprech"
    " titel jammer seufz bemängel"
)
_GERMAN_PARTICIPLES = (
    "gesagt erklärt betont gemeint geschrieben berichtet gefordert kritisiert gewarnt genannt"
    " bezeichnet mitgeteilt versichert angekündigt gesprochen geäußert behauptet erzählt"
)
_ENGLISH_WORDS = (
    "said says say told tells added adds explained explains wrote writes asked asks replied replies"
    " warned warns insisted insists argued argues claimed claims noted notes stated states"
    " announced called calls call described describes recalled recalls admitted admits continued"
    " continues concluded declared tweeted posted shouted joked testified acknowledged confirmed"
    " denied suggested stressed emphasised emphasized urged vowed pledged promised remarked"
    " commented responded answered complained predicted believes thinks quipped exclaimed"
    " whispered yelled cried recounted observed cautioned praised criticised criticized accused"
    " labelled labeled read reads hailed branded boasted lamented reiterated declares asserted"
    " thundered snapped mused"
)


def _german_verbs() -> frozenset[str]:
    forms = set(_GERMAN_WORDS.split())
    for stem in _GERMAN_STEMS.split():
        forms |= {stem + ending for ending in ("t", "te", "ten", "en")}
    for stem in _GERMAN_WEAK.split():
        link = "e" if stem.endswith(("t", "d", "chn")) else ""
        forms |= {stem + ending for ending in (f"{link}t", f"{link}te", f"{link}ten", "en")}
    return frozenset(forms)


_VERBS: Mapping[str, frozenset[str]] = {
    "de": _german_verbs(),
    "en": frozenset(_ENGLISH_WORDS.split()),
}
_PARTICIPLES = frozenset(_GERMAN_PARTICIPLES.split())
_CUES_DE = _VERBS["de"] | _PARTICIPLES | {"so"}
_CUES_AFTER_DE = _VERBS["de"] | {"so", "laut"}
_VERB_FOLLOWS = frozenset({"", "das", "dies", "so"})
_AUXILIARIES = frozenset("hat hatte haben hatten habe wurde wird".split())  # noqa: SIM905
_NAMING = frozenset(
    "nannte nennt nannten nennen genannt bezeichnete bezeichnet bezeichneten sprach"  # noqa: SIM905
    " spricht sprachen sprechen gesprochen called calls call described describes labelled"
    " labeled hailed branded".split()
)
_PRONOUNS = frozenset(
    "er sie es ich wir man dieser diese he she they it i we who".split()  # noqa: SIM905
)

WORD = re.compile(r"\w+")

_WORD_DE = r"[A-ZÄÖÜÀ-ÞŁŠŽČĆ][\w'’-]*"
_TITLE_DE = r"(?:(?:Dr|Prof|Dipl|med|[A-ZÄÖÜ])\.[ -]?(?:Ing\. ?)?)"
_PARTICLE = r"(?:von|van|de|zu|al|el|bin|di|da|del|von der|von den|van der|van den|van de|de la) "
_NAME_DE = rf"{_TITLE_DE}*{_WORD_DE}(?: (?:{_PARTICLE})?{_TITLE_DE}*{_WORD_DE})*"
_NO_NAME_DE = (
    r"(?!(?:Über|Am|Im|In|Ins|Auf|An|Nach|Vor|Bei|Beim|Mit|Für|Zum|Zur|Zu|Aus|Seit|Unter|Gegenüber|Wegen"
    r"|Trotz|Während|Dem|Den|Dort|Dazu|Darauf|Daraufhin|Später|Heute|Gestern|Zuvor|Zudem|Dabei|Damals"
    r"|Außerdem|Schließlich|Allerdings|Insgesamt|Dann|Hier|So|Als|Wenn|Weil|Da|Nun|Jetzt|Zugleich"
    r"|Gleichzeitig|Gegen|Von|Bis|Durch|Ohne|Weiter|Erst|Er|Sie|Es|Ich|Wir|Man|Das|Dies|Wörtlich"
    r"|Anschließend|Unterdessen|Auch|Laut|Wie|Doch|Aber|Und|Denn|Darin|Darüber|Dafür|Dagegen|Deshalb|Vom"
    r"|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag)\b)"
)
_ADJECTIVE_DE = (
    r"(?:(?!d(?:ie|er|en|em|es) |eine?[rnms]? )(?:[a-zäöüß]|\d+-)[\w-]*e[rnms]? |[A-ZÄÖÜ]\w+er )"
)
_ARTICLE_DE = (
    r"(?:[Ee]ine?r? der|[Dd](?:er|ie|as)|[Ee]ine?r?|[Dd]iese[rs]?|[Ss]eine?|[Ii]hre?|[Uu]nsere?"
    r"|[Mm]ehrere|[Vv]iele|[Zz]wei|[Dd]rei)"
)
_NO_MEDIUM = (
    r"(?! (?:der|dem) (?:[\w-]+ ){0,2}[\w-]*(?:[Zz]eitung|[Aa]gentur|[Ss]ender|[Mm]agazin|blatt"
    r"|\bPost|dpa|[Mm]ediengruppe|§))"
)
SPEAKER_DE = re.compile(
    rf"(?P<article>{_ARTICLE_DE} )?"
    rf"(?P<speaker>(?(article){_ADJECTIVE_DE}{{0,3}}|{_NO_NAME_DE}){_NAME_DE}"
    rf"(?(article)(?:{_NO_MEDIUM} (?:der|des|von|für)(?: [a-zäöüß]\w*en)? {_NAME_DE})*))"
    rf"(?:(?(article)|(?!))(?: \([^)]*\))?, (?P<name>{_WORD_DE}(?: {_WORD_DE}){{1,3}})(?=[,.( ]))?"
)
"""Who speaks, in German: a name, or an article and what belongs to it.

>>> SPEAKER_DE.match("die Sprecherin der Wehr am Montag")["speaker"]
'Sprecherin der Wehr'
>>> SPEAKER_DE.match("Ministerin Ada von Kern der Zeitung")["speaker"]
'Ministerin Ada von Kern'
>>> SPEAKER_DE.match("der Chef des Verbandes, Bo Lind, am Montag")["name"]
'Bo Lind'
"""

SKIPPED_DE = re.compile(
    r"\s(?:(?:es|sich|auch|zudem|dazu|dann|nun|weiter|später|etwa|dagegen|hingegen|heute|gestern|einst"
    r"|am \w+tag(?:\w+)?|daraufhin|schließlich) )*"
)
"""What may stand between a verb and its subject."""

OPENER_DE = re.compile(
    r"(?:(?:[Uu]nd|[Aa]ber|[Dd]och|[Aa]uch|[Ww]ie|[Dd]enn|[Ss]owohl|[Nn]ur|[Ss]elbst|[Dd]ass)\s)+"
)
TRAILER_DE = re.compile(
    r"(?:\s(?:selbst|auch|aber|dagegen|hingegen|dazu|zudem|jedoch|indes|wiederum|noch|allerdings|hat|hatte"
    r"|\([^)]*\)))*\s*(?:,.*)?\Z",
    re.DOTALL,
)
"""What may follow a subject before its verb: a word or two, or an insertion between commas."""

COLON = re.compile(r":\s*\Z")
ACCORDING_DE = re.compile(
    r"\b(?P<cue>[Ll]aut|[Nn]ach (?:den )?(?:Angaben|Ansicht|Meinung|Worten|Einschätzung"
    r"|Darstellung|Aussage))(?: von)?(?P<dative>\s(?:dem|den|einem))?\s(?=[A-ZÄÖÜdevsi])"
)

_WORD_EN = r"[\w'’-]+"
_ABBREVIATED = r"(?:Mr|Mrs|Ms|Dr|Prof|Sen|Rep|Gov|St|Lt|Col|Gen|Sgt|Capt|Rev|Hon|[A-Z])\. "
_TITLE_EN = rf"(?:{_ABBREVIATED})"
_ROLE_EN = (
    r"(?:(?!(?:on|in|at|during|after|before|when|as|while|to|with|from|about|by|that|last|this|and"
    r"|but|who|for|it|he|she|they|is|was|were|if|of|not) )[a-z][\w-]* )"
)
_STOP_EN = (
    r"(?=[,.;:!?()—–§]|\Z|\s(?:on|in|at|during|after|before|when|as|while|to|with|from|about|by"
    r"|that|last|this|earlier|later|yesterday|today|and|but|who|whose|outside|following"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b)"
)
SPEAKER_EN = re.compile(
    rf"(?P<article>(?:[Tt]he|[Aa]n?|[Oo]ne|[Aa]nother|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Mm]y) )?"
    rf"(?P<speaker>(?(article)|{_ROLE_EN}{{0,3}}(?=[A-Z]))"
    rf"(?:{_TITLE_EN}|{_WORD_EN} ){{0,9}}?(?!{_ABBREVIATED}){_WORD_EN}){_STOP_EN}"
)
"""Who speaks, in English, behind the verb.

>>> SPEAKER_EN.match("Mr. J. Reed of the union on Monday")["speaker"]
'Mr. J. Reed of the union'
>>> SPEAKER_EN.match("the head of the council, who")["speaker"]
'head of the council'
"""

SUBJECT_EN = re.compile(
    r"(?:(?:[Tt]he|[Aa]n?|[Oo]ne|[Aa]nother|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Mm]y) "
    rf"(?P<role>{_WORD_EN}(?: (?!The\b){_WORD_EN}){{0,8}})"
    rf"|(?P<name>(?:(?:\A|(?<=, ))(?:{_ROLE_EN}){{1,3}})?(?:{_TITLE_EN})*[A-ZÀ-Þ][\w'’-]*"
    rf"(?: (?:{_TITLE_EN}|(?:of|for|the|van|von|de|and|al|bin) )*[A-ZÀ-Þ][\w'’-]*)*))"
    r"(?: \([^)]*\))?(?:,\s[^.;:]{1,100},)?"
    r"(?:\s(?:also|later|then|has|had|have|once|previously|repeatedly|recently|himself|herself"
    r"|did|not))*\s*\Z"
)
"""Who speaks, in English, before the verb.

>>> SUBJECT_EN.search("the mayor, a farmer by trade, ")["role"]
'mayor'
>>> SUBJECT_EN.search("On Monday Ann Lee ")["name"]
'On Monday Ann Lee'
"""

OPENER_EN = re.compile(
    r"\s*(?:(?:And|But|Yet|Still|Then|Later|Meanwhile|However|Asked [^,]*|As|and|but|as|when|while"
    r"|Also)\b,?\s"
    r"|(?:On|In|At|After|During|Before|Earlier|Last)\s[^,]{2,60}?"
    r"(?:,\s|\s(?=(?:the|an?|his|her)\s\w+\s*\Z)))+"
)
"""What may stand before the subject of a sentence."""

ACCORDING_EN = re.compile(r"\b(?P<cue>[Aa]ccording to|[Ii]n the words of)\s")
_NOBODY_DE = frozenset(
    "Fazit Frage Antwort Ergebnis Motto Titel Thema Zitat Botschaft Tenor Beispiel Begründung"  # noqa: SIM905
    " Überschrift Inschrift Slogan Text Satz Spruch Urteil Grund Hinweis Kommentar Devise"
    " Question Answer Result Motto Title Headline Example Verdict".split()
)


def cue_after(after: str, language: str) -> Cue | None:
    """Return the cue in the rest of a sentence behind a quotation.

    >>> cue_after(", sagte die Sprecherin der Wehr am Montag.", "de")
    Cue(word='sagte', speaker='Sprecherin der Wehr', pronoun=False, naming=False)
    >>> cue_after(" Ann Lee, the mayor, told reporters.", "en").speaker
    'Ann Lee'
    """
    return _after_german(after[:_REACH]) if language == "de" else _after_english(after[:_REACH])


def cue_before(before: str, language: str) -> Cue | None:
    """Return the cue in a sentence before a quotation.

    >>> cue_before("Am Montag nannte Bürgermeister Bo Lind das ", "de")
    Cue(word='nannte', speaker='Bürgermeister Bo Lind', pronoun=False, naming=True)
    >>> cue_before("But the mayor said the plan was ", "en").speaker
    'mayor'
    """
    before = before[-_REACH:]
    return _before_german(before) if language == "de" else _before_english(before)


def _after_german(after: str) -> Cue | None:
    verbs = _VERBS["de"]
    if _CUES_AFTER_DE.isdisjoint(WORD.findall(after)):
        return None
    for found in WORD.finditer(after):
        word = found[0]
        start = found.start()
        if word == "so" and after[:start].rstrip(" ").endswith((",", "–", "§")):
            cue = _german_speaker(word, after, found.end())
            if cue.speaker or cue.pronoun:
                return cue
        elif word == "laut":
            return _german_speaker(word, after, found.end())
        elif word in verbs:
            clause = _last_clause(after[:start])
            if clause.startswith("wie "):
                return _named(word, clause[4:])
            if clause in _VERB_FOLLOWS:
                return _german_speaker(word, after, found.end())
    return None


def _last_clause(text: str) -> str:
    """Return what stands behind the last mark between clauses.

    >>> _last_clause(" gewesen sei, wie Bo Lind ")
    'wie Bo Lind'
    """
    return text[max(map(text.rfind, ",;:–—§")) + 1 :].strip(" .!?-")


def _before_german(before: str) -> Cue | None:
    if _CUES_DE.isdisjoint(WORD.findall(before)):
        return _according_german(before) or _named_with_colon(before)
    verbs = _VERBS["de"]
    best: Cue | None = None
    words = list(WORD.finditer(before))
    for index in range(len(words) - 1, -1, -1):
        word = words[index][0]
        if word in verbs:
            cue = _german_subject(word, before, words[index].start(), words[index].end())
        elif word in _PARTICIPLES:
            cue = _perfect(word, before, words[:index])
        elif word == "so" and before[: words[index].start()].endswith("§, "):
            cue = _german_speaker(word, before, words[index].end())
        else:
            continue
        if cue.speaker or cue.pronoun:
            return cue
        best = best or cue
    return best or _according_german(before) or _named_with_colon(before)


def _perfect(word: str, before: str, words: list[re.Match[str]]) -> Cue:
    for auxiliary in reversed(words):
        if auxiliary[0] in _AUXILIARIES:
            return _german_subject(word, before, auxiliary.start(), auxiliary.end())
    return Cue(word, None, naming=word in _NAMING)


def _german_subject(word: str, before: str, start: int, end: int) -> Cue:
    """Return who is the subject of a verb: what fills the clause before it, else what follows."""
    head = before[:start]
    clause = _last_clause(head)
    if not clause and head.rstrip().endswith(","):  # Bo Lind, Chef der Wehr, sagte
        clause = head.strip()
    opener = OPENER_DE.match(clause)
    subject = clause[opener.end() :] if opener else clause
    if subject.casefold() in _PRONOUNS:
        return Cue(word, None, True, word in _NAMING)
    found = SPEAKER_DE.match(subject)
    if found and TRAILER_DE.match(subject, found.end()):
        return Cue(word, _bare(found), False, word in _NAMING)
    return _german_speaker(word, before, end)


def _german_speaker(word: str, text: str, at: int) -> Cue:
    """Return who is named behind a verb."""
    skipped = SKIPPED_DE.match(text, at)
    start = skipped.end() if skipped else at
    naming = word in _NAMING
    if skipped and text.startswith(" es", at):
        return Cue(f"{word} es", None)  # heißt es in dem Bericht
    found = SPEAKER_DE.match(text, start)
    if found:
        return Cue(word, _bare(found), False, naming)
    next_word = WORD.match(text, start)
    return Cue(word, None, next_word is not None and next_word[0] in _PRONOUNS, naming)


def _named(word: str, subject: str) -> Cue:
    found = SPEAKER_DE.match(subject)
    return Cue(word, _bare(found) if found else None, subject in _PRONOUNS, word in _NAMING)


def _bare(found: re.Match[str]) -> str | None:
    speaker: str | None = found["name"] or found["speaker"]
    return speaker if speaker and len(speaker) <= _LONGEST_SPEAKER else None


def _according_german(before: str) -> Cue | None:
    found = ACCORDING_DE.search(before) if "aut " in before or "ach " in before else None
    if found is None:
        return None
    speaker = SPEAKER_DE.match(("der " if found["dative"] else "") + before[found.end() :])
    return Cue(found["cue"], _bare(speaker) if speaker else None)


def _named_with_colon(before: str) -> Cue | None:
    """Return the speaker of a name and a colon, as in an interview: Bo Lind: „…“."""
    colon = COLON.search(before)
    if colon is None:
        return None
    subject = before[: colon.start()].strip()
    found = SPEAKER_DE.match(subject)
    if found is None or found.end() != len(subject.split(" (")[0].split(", ")[0]):
        return NOBODY
    speaker = _bare(found)
    return NOBODY if speaker is None or speaker.split()[0] in _NOBODY_DE else Cue(None, speaker)


def _after_english(after: str) -> Cue | None:
    according = ACCORDING_EN.search(after) if "cording" in after else None
    if according:
        return _english_speaker(according["cue"], after, according.end())
    verbs = _VERBS["en"]
    if verbs.isdisjoint(WORD.findall(after)):
        return None
    for found in WORD.finditer(after):
        if found[0] not in verbs:
            continue
        gap = after[: found.start()]
        if not gap.strip(" ,.!?–—-"):
            return _english_speaker(found[0], after, found.end() + 1)
        cue = _english_subject(found[0], gap)
        if cue is not None:
            return cue
    return None


def _before_english(before: str) -> Cue | None:
    verbs = _VERBS["en"]
    best: Cue | None = None
    for found in reversed(list(WORD.finditer(before))):
        word = found[0]
        if word not in verbs or before[: found.start()].endswith("-"):
            continue  # so-called
        cue = _english_subject(word, before[: found.start()])
        if cue is None:
            cue = _english_speaker(word, before, found.end() + 1)
        if cue.speaker or cue.pronoun:
            return cue
        best = best or cue
    if best:
        return best
    according = ACCORDING_EN.search(before)
    if according:
        return _english_speaker(according["cue"], before, according.end())
    return _named_with_colon(before)


def _english_subject(word: str, head: str) -> Cue | None:
    """Return who is the subject of a verb by the words right before it, None where nobody is."""
    naming = word in _NAMING
    words = head[head.rfind("§") + 1 :]
    opener = OPENER_EN.match(words)
    words = words[opener.end() :] if opener else words.lstrip(" ,–—-")
    last = WORD.findall(words[-30:])
    if last and last[-1] in ("that", "which"):
        return Cue(word, None, True, naming)
    if last and last[-1].casefold() in _PRONOUNS:
        return Cue(word, None, True, naming)
    found = SUBJECT_EN.search(words)
    if found is None:
        return None
    speaker = found["role"] or found["name"]
    return Cue(word, speaker, False, naming) if len(speaker) <= _LONGEST_SPEAKER else None


def _english_speaker(word: str, text: str, at: int) -> Cue:
    naming = word in _NAMING
    found = SPEAKER_EN.match(text, at)
    if found:
        speaker = found["speaker"]
        if speaker.casefold() in _PRONOUNS:
            return Cue(word, None, True, naming)
        return Cue(word, speaker, False, naming)
    next_word = WORD.match(text, at)
    return Cue(word, None, next_word is not None and next_word[0] in _PRONOUNS, naming)
