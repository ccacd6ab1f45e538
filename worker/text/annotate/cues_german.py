"""Find in German who is said to speak beside a quotation, and by which word.

The text is handed over with the quotations blanked out, one sentence at a time.
"""

import re
from collections.abc import Set as AbstractSet

from worker.text.annotate.cue import LONGEST_SPEAKER, NOBODY, PRONOUNS, WORD, Cue

_STEMS = (
    "sag erklär mein versicher forder erinner"
)  # fmt: skip
_WORDS = (
    "rufen rief riefen ruft schrieb schrieben schreibt schreiben"
    " teilte teilt teilten hieß heißt lautet lautete sprach spricht sprachen sprechen"
    " nannte nennt nannten nennen"
    " beschrieb beschreibt riet rät hob hebt wies weist unterstrich unterstreicht"
    " ausdrückt ausdrückte ausführt ausführte mitteilt mitteilte hinzufügt hinzufügte hinweist"
    " hinwies angibt angab vorwirft vorwarf verweist verwies verwiesen wiesen werfen warfen empfahl"
    " empfiehlt versprach verspricht verglich vergleicht auffordert aufforderte ankündigt"
    " ankündigte feststellt feststellte geben gab gaben gibt"
    " widersprach widerspricht gestand gesteht verriet verrät fand findet fanden bat bittet schwor"
    " schreit schrie sinnierte fordern versichern erinnern wirft warf bekannte bekennt entgegnete"
    " entgegnet warb wirbt"
)
_WEAK = (
    "beton bericht antwort frag warn kritisier lob kündig bestätig ergänz füg räum behaupt erzähl"
    " urteil klag schwärm resümier bilanzier konstatier äußer bezeichn zitier wetter twitter post"
    " kommentier flüster brüll scherz begründ appellier mahn verkünd stell freu glaub hoff vermut"
    " zeig prophezei konter erwider bedauer begrüß bekräftig erläuter schilder verteidig droh"
    " schimpf"
    " jubel witzel verlang plädier spott stöhn murmel notier argumentier beteuer fass leg ärger"
    " wunder signalisier präzisier prognostizier moniert monier beklag beschwer empfehl versprech"
    " meld vermeld beschuldig würdig befürcht rechtfertig formulier verlautbar pranger"
    " führ drück lehn"
    " titel jammer seufz bemängel"
)
_PARTICIPLE_WORDS = (
    "gesagt erklärt betont gemeint geschrieben berichtet gefordert kritisiert gewarnt genannt"
    " bezeichnet mitgeteilt versichert angekündigt gesprochen geäußert behauptet erzählt"
    " vorgeworfen aufgefordert angegeben festgestellt hingewiesen aufgerufen bekanntgegeben"
    " versprochen zurückgewiesen beschrieben formuliert verwiesen verglichen gewürdigt"
)


def _verbs() -> frozenset[str]:
    forms = set(_WORDS.split())
    for stem in _STEMS.split():
        forms |= {stem + ending for ending in ("t", "te", "ten", "en")}
    for stem in _WEAK.split():
        link = "e" if stem.endswith(("t", "d", "chn")) else ""
        forms |= {stem + ending for ending in (f"{link}t", f"{link}te", f"{link}ten", "en")}
    return frozenset(forms)


VERBS = _verbs()
PARTICIPLES = frozenset(_PARTICIPLE_WORDS.split())
_CUES = VERBS | PARTICIPLES | {"so"}
_CUES_AFTER = VERBS | {"so", "laut"}
_VERB_FOLLOWS = frozenset({"", "das", "dies", "so"})
_PASSIVE = frozenset({"wurde", "wurden", "wird", "werden"})
AUXILIARIES = frozenset({"hat", "hatte", "haben", "hatten", "habe"}) | _PASSIVE
_NAMING = frozenset(
    "zeigt zeigte zeigten nannte nennt nannten nennen genannt bezeichnete bezeichnet"  # noqa: SIM905
    " bezeichneten sprach spricht sprachen sprechen gesprochen".split()
)
_PARTICLES = {
    "tei": {"mit"}, "ste": {"klar", "fest", "heraus", "Frage", "Fragen"}, "fas": {"zusammen"},
    "leg": {"dar", "nach", "offen"}, "füh": {"aus"}, "drü": {"aus"}, "leh": {"ab"},
    "gab": {"bekannt"}, "geb": {"bekannt"}, "gib": {"bekannt"},
}  # fmt: skip
"""What a verb that begins so must have beside it to be one of saying: teilte … mit."""
_IMPERSONAL = frozenset({"heißt", "hieß", "lautet", "lautete"})

_WORD = r"(?:\d{1,3}-)?[A-ZÄÖÜÀ-ÞŁŠŽČĆ][\w'’-]*"
_TITLE = r"(?:(?:Dr|Prof|Dipl|med|[A-ZÄÖÜ])\.[ -]?(?:Ing\. ?)?)"
_PARTICLE = (
    r"(?:von|van|de|zu(?! Protokoll)|al|el|bin|di|da|del"
    r"|von der|von den|van der|van den|van de|de la) "
)
_NAME = rf"{_TITLE}*{_WORD}(?: (?:{_PARTICLE})?{_TITLE}*{_WORD})*"
_NO_NAME = (
    r"(?!(?:Über|Am|Im|In|Ins|Auf|An|Nach|Vor|Bei|Beim|Mit|Für|Zum|Zur|Zu|Aus|Seit|Unter|Gegenüber|Wegen"
    r"|Trotz|Während|Dem|Den|Dort|Dazu|Darauf|Daraufhin|Später|Heute|Gestern|Zuvor|Zudem|Dabei|Damals"
    r"|Außerdem|Schließlich|Allerdings|Insgesamt|Dann|Hier|So|Als|Wenn|Weil|Da|Nun|Jetzt|Zugleich"
    r"|Gleichzeitig|Gegen|Von|Bis|Durch|Ohne|Weiter|Erst|Er|Sie|Es|Ich|Wir|Man|Das|Dies|Wörtlich"
    r"|Anschließend|Unterdessen|Angesichts|Anlässlich|Aufgrund|Jedoch|Dennoch|Erstmals|Bisher|Zuletzt"
    r"|Zunächst|Offenbar|Auch|Laut|Wie|Doch|Aber|Und|Denn|Darin|Darüber|Dafür|Dagegen|Deshalb|Vom"
    r"|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag)\b)"
)
_ADJECTIVE = (
    r"(?:(?!d(?:ie|er|en|em|es) |eine?[rnms]? )(?:[a-zäöüß]|\d+-)[\w-]*e[rnms]? |[A-ZÄÖÜ]\w+er )"
)
_COUNT = r"(?:(?:Rund|Etwa|Über|Fast|Knapp|Mehr als|Mindestens|Gut) )?\d[\d.]*"
_ARTICLE = (
    rf"(?:{_COUNT}|[Ee]ine?r? der"
    r"|[Dd](?:er|ie|as)|[Ee]ine?r?|[Dd]iese[rs]?|[Ss]eine?|[Ii]hre?|[Uu]nsere?"
    r"|[Mm]ehrere|[Vv]iele|[Zz]wei|[Dd]rei)"
)
_NO_MEDIUM = (
    r"(?! (?:der|dem) (?:[\w-]+ ){0,2}[\w-]*(?:[Zz]eitung|[Aa]gentur|[Ss]ender|[Mm]agazin|blatt"
    r"|\bPost|dpa|[Mm]ediengruppe|§))"
)
SPEAKER = re.compile(
    rf"(?P<article>{_ARTICLE} )?"
    rf"(?P<speaker>(?(article){_ADJECTIVE}{{0,3}}|{_NO_NAME}){_NAME}"
    rf"(?(article)(?:{_NO_MEDIUM} (?:der|des|von|für)(?: [a-zäöüß]\w*en)? {_NAME})*))"
    rf"(?:(?(article)|(?!))(?: \([^)]*\))?, (?P<name>{_WORD}(?: {_WORD}){{1,3}})(?=[,.( ]))?"
)
"""Who speaks, in German: a name, or an article and what belongs to it.

>>> SPEAKER.match("die Sprecherin der Wehr am Montag")["speaker"]
'Sprecherin der Wehr'
>>> SPEAKER.match("Ministerin Ada von Kern der Zeitung")["speaker"]
'Ministerin Ada von Kern'
>>> SPEAKER.match("der Chef des Verbandes, Bo Lind, am Montag")["name"]
'Bo Lind'
"""

SKIPPED = re.compile(
    r"\s(?:(?:es|sich|auch|zudem|dazu|dann|nun|weiter|später|etwa|dagegen|hingegen|heute|gestern|einst"
    r"|am \w+tag(?:\w+)?|daraufhin|schließlich) )*"
)
"""What may stand between a verb and its subject."""

INVERTED = re.compile(
    r",\s(?P<verb>[a-zäöüß]{2,}(?:te|t|ten)|gab|ließ|sang|trat|stieß|schloss|begann|begrub)\s"
)
"""Behind a quotation: a comma, and what may be a verb.

>>> INVERTED.match(", lachte Bo Lind")["verb"]
'lachte'
"""
_NO_VERBS = frozenset(
    "mit seit statt samt oft nicht jetzt heute selbst zuletzt meist sonst dort gut erst fast"  # noqa: SIM905
    " überhaupt insgesamt damit somit leicht acht weit letzte erste zweite dritte achte beste"
    " unbekannte sogenannte getrennt direkt bekannt genannt benannt erwähnt gewidmet".split()
)

OPENER = re.compile(
    r"(?:(?:[Uu]nd|[Aa]ber|[Dd]och|[Aa]uch|[Ww]ie(?:\ssich)?|[Dd]enn|[Ss]owohl"
    r"|[Nn]ur|[Ss]elbst|[Dd]ass)\s)+"
)
TRAILER = re.compile(
    r"(?:\s(?:selbst|auch|aber|dagegen|hingegen|dazu|zudem|jedoch|indes|wiederum|noch|allerdings|hat|hatte"
    r"|\([^)]*\)))*\s*(?:,.*)?\Z",
    re.DOTALL,
)
"""What may follow a subject before its verb: a word or two, or an insertion between commas."""

OCCASION = re.compile(
    r"\s(?:nach|vor|bei|beim|am|im|in|zu|zum|zur|über|after|before|on|in|at|about)\s"
    r"[\w-]++(?:\s[\w-]++){0,3}\s?\Z"
)
"""On which occasion somebody spoke, behind the name.

>>> OCCASION.sub("", "Trainer Kai Ahlers nach dem Spiel")
'Trainer Kai Ahlers'
"""

HE_SAYS = re.compile(r"\b(?P<verb>[a-zäöüß]{2,}(?:te|t)) (?:er|sie)\b")
"""What introduces a quotation by a pronoun: In einer Rede lobte er den Bau: „…“.

>>> HE_SAYS.search("In einer Rede lobte er den Bau")["verb"]
'lobte'
"""

FINITE = re.compile(
    r"(?: \([^)]*\))? (?P<verb>(?!mit\b|seit\b|statt\b|samt\b)[a-zäöüß]{2,}(?:te|t|ten|ed)"
    r"|gab|gave|fand|found|blieb|zog|hielt)(?= )"
)
"""The verb right behind a subject.

>>> FINITE.match("Bo Lind schlägt Alarm", 7)["verb"]
'schlägt'
"""

ZUFOLGE = re.compile(
    r"(?:\A|[,;] |\b(?=(?:dem|einem|einer) [^,;:.]{2,40} zufolge))"
    r"(?:(?:[Dd]en )?(?:Angaben|Worten|Aussagen) (?:von )?)?(?P<source>[^,;:.]{2,80}?) zufolge\b"
)
"""Somebody before the word zufolge.

>>> ZUFOLGE.search("Angaben der Wehr zufolge war es ")["source"]
'der Wehr'
"""

SAID_BEFORE = re.compile(
    r"(?:Mit (?:diesen|seinen|ihren) Worten|So|Das) (?P<verb>[a-zäöüß]+)(?=\s)"
)
"""How a sentence begins that says who spoke in the one before.

>>> SAID_BEFORE.match("So beschreibt Ole Janssen den Abend.")["verb"]
'beschreibt'
"""

AGENT = re.compile(r"\bvo(?:m|n(?: de[mnr]| eine[mr])?) ")
"""By whom something is said in the passive voice.

>>> "wurde von der Wehr gefordert"[AGENT.search("wurde von der Wehr gefordert").end():]
'Wehr gefordert'
"""
ACCORDING = re.compile(
    r"\b(?P<cue>[Ll]aut|[Nn]ach (?:den )?(?:Angaben|Ansicht|Meinung|Worten|Einschätzung"
    r"|Darstellung|Aussage))(?: von)?(?P<other>\s(?:de[mns]|eine[ms]|seine[ms]|ihre[ms]))?"
    r"\s{1,2}(?=\w)"
)

_NO_SPEAKERS = frozenset(
    "Fazit Frage Antwort Ergebnis Motto Titel Thema Zitat Botschaft Tenor Beispiel Begründung"  # noqa: SIM905
    " Überschrift Inschrift Slogan Text Satz Spruch Urteil Grund Hinweis Kommentar Devise"
    " Question Answer Result Motto Title Headline Example Verdict".split()
)


def after_german(after: str) -> Cue | None:
    said = frozenset(WORD.findall(after))
    if _CUES_AFTER.isdisjoint(said):
        return _inverted(after)
    for found in WORD.finditer(after):
        word = found[0]
        start = found.start()
        if word == "so" and after[:start].rstrip(" ").endswith((",", "–", "§")):
            cue = _speaker(word, after, found.end())
            if cue.speaker or cue.pronoun:
                return cue
        elif word == "laut":
            return _speaker(word, after, found.end())
        elif word in VERBS and _is_whole(word, said):
            clause = _last_clause(after[:start])
            if clause.startswith("wie "):
                return _named(word, clause[4:])
            if clause in _VERB_FOLLOWS:
                return _speaker(word, after, found.end())
    return _inverted(after)


def _inverted(after: str) -> Cue | None:
    """Return a cue of any verb that stands between a quotation and a name.

    What somebody does behind a comma there is done while speaking: „…“, lachte Bo Lind.
    """
    found = INVERTED.match(after)
    if found is None or found["verb"] in _NO_VERBS:
        return None
    cue = _speaker(found["verb"], after, found.end("verb"))
    return cue if cue.speaker or cue.pronoun else None


def cue_around(before: str, after: str) -> Cue | None:
    """Return a German cue whose participle closes the clause behind a quotation.

    >>> cue_around("Bode hatte im Mai von ", " gesprochen, nun schweigt er.").speaker
    'Bode'
    """
    closing = WORD.match(after.lstrip(" "))
    if closing is None or closing[0] not in PARTICIPLES:
        return None
    cue = _perfect(closing[0], before, list(WORD.finditer(before)))
    return cue if cue.speaker or cue.pronoun else None


def opener_cue(sentence: str) -> Cue | None:
    """Return who spoke in the sentence before, where a sentence begins by saying so.

    >>> opener_cue("Mit diesen Worten eröffnete Präsidentin Ada Kern den Tag.").speaker
    'Präsidentin Ada Kern'
    """
    found = SAID_BEFORE.match(sentence)
    if found is None:
        return None
    cue = _speaker(found["verb"], sentence, found.end())
    said = found["verb"] in VERBS
    return Cue(cue.word if said else None, cue.speaker) if cue.speaker else None


def _last_clause(text: str) -> str:
    """Return what stands behind the last mark between clauses.

    >>> _last_clause(" gewesen sei, wie Bo Lind ")
    'wie Bo Lind'
    """
    return text[max(map(text.rfind, ",;:–—§")) + 1 :].strip(" .!?-")


def before_german(before: str) -> Cue | None:
    said = frozenset(WORD.findall(before))
    if _CUES.isdisjoint(said):
        return _according(before) or named_with_colon(before)
    best: Cue | None = None
    words = list(WORD.finditer(before))
    for index in range(len(words) - 1, -1, -1):
        word = words[index][0]
        if word in VERBS and _is_whole(word, said):
            cue = _subject(word, before, words[index].start(), words[index].end())
        elif word in PARTICIPLES:
            cue = _perfect(word, before, words[:index])
        elif word == "so" and before[: words[index].start()].endswith("§, "):
            cue = _speaker(word, before, words[index].end())
        elif word == "laut":
            cue = _according(before[words[index].start() :]) or NOBODY
        else:
            continue
        if cue.speaker or cue.pronoun:
            return cue
        best = best or cue
    according = _according(before)
    return according if according and according.speaker else best or named_with_colon(before)


def _is_whole(verb: str, words: AbstractSet[str]) -> bool:
    """Return whether a verb of saying has the particle that makes it one: teilte … mit."""
    wanted = _PARTICLES.get(verb[:3])
    return wanted is None or not wanted.isdisjoint(words)


def _perfect(word: str, before: str, words: list[re.Match[str]]) -> Cue:
    for auxiliary in reversed(words):
        if auxiliary[0] in _PASSIVE:
            return Cue(word, _agent(before[auxiliary.end() :]), False, word in _NAMING)
        if auxiliary[0] in AUXILIARIES:
            return _subject(word, before, auxiliary.start(), auxiliary.end())
    return Cue(word, None, naming=word in _NAMING)


def _agent(behind: str) -> str | None:
    found = AGENT.search(behind)
    named = SPEAKER.match(f"der {behind[found.end() :]}") if found else None
    return _bare(named) if named else None


def _subject(word: str, before: str, start: int, end: int) -> Cue:
    """Return who is the subject of a verb: what fills the clause before it, else what follows."""
    head = before[:start]
    clause = _last_clause(head)
    if not clause and head.rstrip().endswith(","):  # Bo Lind, Chef der Wehr, sagte
        said = max((each.end() for each in WORD.finditer(head) if each[0] in VERBS), default=0)
        clause = head[head.find(", ", said) + 2 if said else 0 :].strip()
    if head.endswith(" und "):  # and called the plan: who did stands farther ahead
        return Cue(word, None, False, word in _NAMING)
    opener = OPENER.match(clause)
    subject = clause[opener.end() :] if opener else clause
    if subject.casefold() in PRONOUNS or before.startswith(_HE, end):
        return Cue(word, None, True, word in _NAMING)
    found = SPEAKER.match(subject)
    if found is None:
        return _speaker(word, before, end)
    if " " not in subject and before.startswith(" sich ", end):  # Besorgt äußerte sich die Leiterin
        behind = _speaker(word, before, end)
        return behind if behind.speaker else Cue(word, _bare(found), False, word in _NAMING)
    named = _cited(word, before[end:])
    if named or TRAILER.match(subject, found.end()):
        return Cue(word, named or _bare(found), False, word in _NAMING)
    return Cue(word, None, False, word in _NAMING)  # whoever follows may be its object


_HE = (" er ", " man ", " wir ")
"""Behind its verb one of these is the subject, whatever stands before: Das Angebot lehnt er ab."""


def _cited(word: str, behind: str) -> str | None:
    """Return whom somebody cites: Die Zeitung zitiert einen Zeugen mit den Worten."""
    accusative = behind[1:].removeprefix("den ").removeprefix("einen ")
    if not word.startswith("zitier") or len(accusative) == len(behind) - 1:
        return None
    found = SPEAKER.match(f"der {accusative}")
    return _bare(found) if found else None


def _speaker(word: str, text: str, at: int) -> Cue:
    """Return who is named behind a verb."""
    skipped = SKIPPED.match(text, at)
    start = skipped.end() if skipped else at
    naming = word in _NAMING
    if word in _IMPERSONAL and text.startswith(" es", at):
        return Cue(f"{word} es", None)  # heißt es in dem Bericht
    if word.startswith("zitier") and text.startswith("man ", start):
        start += 4
    found = SPEAKER.match(text, start)
    if found:
        return Cue(word, _bare(found), False, naming)
    next_word = WORD.match(text, start)
    return Cue(word, None, next_word is not None and next_word[0] in PRONOUNS, naming)


def _named(word: str, subject: str) -> Cue:
    found = SPEAKER.match(subject)
    return Cue(word, _bare(found) if found else None, subject in PRONOUNS, word in _NAMING)


def _bare(found: re.Match[str]) -> str | None:
    speaker: str | None = found["name"] or found["speaker"]
    return speaker if speaker and len(speaker) <= LONGEST_SPEAKER else None


def _according(before: str) -> Cue | None:
    if " zufolge" in before:
        source = ZUFOLGE.search(before)
        named = SPEAKER.match(source["source"]) if source else None
        return Cue("zufolge", _bare(named)) if named else None
    found = ACCORDING.search(before) if "aut " in before or "ach " in before else None
    if found is None:
        return None
    speaker = SPEAKER.match(("der " if found["other"] else "") + before[found.end() :])
    return Cue(found["cue"], _bare(speaker) if speaker else None)


def named_with_colon(before: str) -> Cue | None:
    """Return the speaker of a name and a colon, as in an interview: Bo Lind: „…“."""
    before = before.rstrip()
    if not before.endswith(":"):
        return None
    subject = before[:-1].strip()
    inverted = HE_SAYS.search(_last_clause(subject))
    if inverted:
        return Cue(inverted["verb"], None, True)
    subject = OCCASION.sub("", subject, count=1)
    found = SPEAKER.match(subject)
    if found is not None:
        verb = FINITE.match(subject, found.end())
        if verb and _bare(found):
            return Cue(verb["verb"], _bare(found))
    if found is None or found.end() != len(subject.split(" (")[0].split(", ")[0]):
        return NOBODY
    speaker = _bare(found)
    return NOBODY if speaker is None or speaker.split()[0] in _NO_SPEAKERS else Cue(None, speaker)
