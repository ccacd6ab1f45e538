"""Find the cue and the speaker next to a quotation in German.

The caller replaces quotations by blanks and passes one sentence at a time.
"""

import re
from collections.abc import Set as AbstractSet

from storage.values.lazy import lazy_pattern
from worker.text.annotate.cue import EMPTY_CUE, MAX_SPEAKER_LENGTH, PRONOUNS, WORD, Cue

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
_CUES_BEFORE = _CUES | {"laut"}
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
"""Particles that verbs with this beginning need in order to be verbs of speech: teilte … mit."""
_DOCUMENT = lazy_pattern(r"\b[Ii]n (?:de[mnr]|eine[mr]|ihre[mr]|seine[mr]|diese[mr]) (?=[\w-]+)")
_IMPERSONAL = frozenset({"heißt", "hieß", "lautet", "lautete"})

_WORD = r"(?:\d{1,3}-)?[A-ZÄÖÜÀ-ÞŁŠŽČĆ][\w'’-]*"
_TITLE = r"(?:(?:Dr|Prof|Dipl|med|[A-ZÄÖÜ])\.[ -]?(?:Ing\. ?)?)"
_PARTICLE = (
    r"(?:von|van|de|zu(?! (?:Protokoll|Beginn))|al|el|bin|di|da|del"
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
SPEAKER = lazy_pattern(
    rf"(?P<article>{_ARTICLE} )?"
    rf"(?P<speaker>(?(article){_ADJECTIVE}{{0,3}}|{_NO_NAME}){_NAME}"
    rf"(?(article)(?:{_NO_MEDIUM} (?:der|des|von|für)(?: [a-zäöüß]\w*e[mnrs])? {_NAME})*))"
    rf"(?:(?(article)|(?!))(?: \([^)]*\))?, (?P<name>{_WORD}(?: {_WORD}){{1,3}})(?=[,.( ]))?"
)
"""A speaker in German: a name, or an article and a noun phrase.

>>> SPEAKER.match("die Sprecherin der Wehr am Montag")["speaker"]
'Sprecherin der Wehr'
>>> SPEAKER.match("Ministerin Ada von Kern der Zeitung")["speaker"]
'Ministerin Ada von Kern'
>>> SPEAKER.match("der Chef des Verbandes, Bo Lind, am Montag")["name"]
'Bo Lind'
"""

SKIPPED = lazy_pattern(
    r"\s(?:(?:es|sich|auch|zudem|dazu|dann|nun|weiter|später|etwa|dagegen|hingegen|heute|gestern|einst"
    r"|am \w+tag(?:\w+)?|daraufhin|schließlich) )*"
)
"""Words that can occur between a verb and its subject."""

INVERTED = lazy_pattern(
    r",\s(?P<verb>[a-zäöüß]{2,}(?:te|t|ten)|gab|ließ|sang|trat|stieß|schloss|begann|begrub)\s"
)
"""A comma and a possible verb after a quotation.

>>> INVERTED.match(", lachte Bo Lind")["verb"]
'lachte'
"""
_NO_VERBS = frozenset(
    "mit seit statt samt oft nicht jetzt heute selbst zuletzt meist sonst dort gut erst fast"  # noqa: SIM905
    " überhaupt insgesamt damit somit leicht acht weit letzte erste zweite dritte achte beste"
    " unbekannte sogenannte getrennt direkt bekannt genannt benannt erwähnt gewidmet".split()
)

OPENER = lazy_pattern(
    r"(?:(?:[Uu]nd|[Aa]ber|[Dd]och|[Aa]uch|[Ww]ie(?:\ssich)?|[Dd]enn|[Ss]owohl"
    r"|[Nn]ur|[Ss]elbst|[Dd]ass)\s)+"
)
TRAILER = lazy_pattern(
    r"(?:\s(?:selbst|auch|aber|dagegen|hingegen|dazu|zudem|jedoch|indes|wiederum|noch|allerdings|hat|hatte"
    r"|\([^)]*\)))*\s*(?:,.*)?\Z",
    re.DOTALL,
)
"""Words between a subject and its verb: one or two, or an insertion between commas."""

OCCASION = lazy_pattern(
    r"\s(?:nach|vor|bei|beim|am|im|in|zu|zum|zur|über|after|before|on|in|at|about)\s"
    r"[\w-]++(?:\s[\w-]++){0,3}\s?\Z"
)
"""The occasion of a statement, after the name.

>>> OCCASION.sub("", "Trainer Kai Ahlers nach dem Spiel")
'Trainer Kai Ahlers'
"""

VERB_AND_PRONOUN = lazy_pattern(r"\b(?P<verb>[a-zäöüß]{2,}(?:te|t)) (?:er|sie)\b")
"""A verb and a pronoun that introduce a quotation: In einer Rede lobte er den Bau: „…“.

>>> VERB_AND_PRONOUN.search("In einer Rede lobte er den Bau")["verb"]
'lobte'
"""

FINITE = lazy_pattern(
    r"(?: \([^)]*\))? (?P<verb>(?!mit\b|seit\b|statt\b|samt\b|that\b)[a-zäöüß]{2,}(?:te|t|ten|ed)"
    r"|gab|gave|fand|found|blieb|zog|hielt)(?= )"
)
"""The verb immediately after a subject.

>>> FINITE.match("Bo Lind schlägt Alarm", 7)["verb"]
'schlägt'
"""

ZUFOLGE = lazy_pattern(
    r"(?:\A|[,;] |\b(?=(?:dem|einem|einer) [^,;:.]{2,40} zufolge))"
    r"(?:(?:[Dd]en )?(?:Angaben|Worten|Aussagen) (?:von )?)?(?P<source>[^,;:.]{2,80}?) zufolge\b"
)
"""The source before the word zufolge.

>>> ZUFOLGE.search("Angaben der Wehr zufolge war es ")["source"]
'der Wehr'
"""

_OBLIQUE_ARTICLE = re.compile(r"\A(?:[Dd]e[mnrs]|[Ee]ine[mr]) ")
_SHORT_WORD = r"(?:\d{1,3}-)?[A-ZÄÖÜÀ-ÞŁŠŽČĆ][\w'’-]{0,40}+"
_SHORT_NAME = rf"{_TITLE}?{_SHORT_WORD}(?: (?:{_PARTICLE})?{_TITLE}?{_SHORT_WORD}){{0,4}}"
_TOLD_BY = (
    "(?:Angaben|Worten|Aussagen?|Berichten|Informationen|Schätzungen|Einschätzung|Darstellung"
    "|Auffassung|Ansicht|Meinung)"
)
_SOURCE = lazy_pattern(
    rf"(?:\b(?:(?:[Dd]en|[Ii]hren|[Ss]einen|[Dd]er|[Ii]hrer|[Ss]einer) )?{_TOLD_BY} (?:von )?)?"
    rf"(?P<source>\b(?:(?:[Dd]e[mnrs]|[Ee]ine[mr]) (?:[a-zäöüß-]+ ){{0,2}})?{_SHORT_NAME}"
    rf"(?: (?:der|des|von) (?:[a-zäöüß-]+ )?{_SHORT_NAME})?) zufolge\b"
)
"""The words directly before zufolge.

>>> _SOURCE.search("Erbaut wurde sie den Experten zufolge")["source"]
'den Experten'
"""

PREVIOUS_SPEAKER = lazy_pattern(
    r"(?:Mit (?:diesen|seinen|ihren) Worten|So|Das) (?P<verb>[a-zäöüß]+)(?=\s)"
)
"""The beginning of a sentence that names the speaker of the previous one.

>>> PREVIOUS_SPEAKER.match("So beschreibt Ole Janssen den Abend.")["verb"]
'beschreibt'
"""

AGENT = lazy_pattern(r"\bvo(?:m|n(?: de[mnr]| eine[mr])?) ")
"""The preposition of an agent in the passive voice.

>>> "wurde von der Wehr gefordert"[AGENT.search("wurde von der Wehr gefordert").end():]
'Wehr gefordert'
"""
ACCORDING = lazy_pattern(
    r"\b(?P<cue>[Ll]aut|[Nn]ach (?:den )?(?:Angaben|Ansicht|Meinung|Worten|Einschätzung"
    r"|Darstellung|Aussage))(?: von)?(?P<other>\s(?:de[mns]|eine[ms]|seine[ms]|ihre[ms]))?"
    r"\s{1,2}(?=\w)"
)

COMPOUND_SOURCE = re.compile(
    r"\b(?:(?:[Nn]ach|[Gg]emäß)\s(?:\w+\s){0,2}(?P<noun>(?=[A-ZÄÖÜ])[\w-]*(?:[Aa]ngaben|[Bb]erichte?n?|[Ii]nformationen"
    r"|[Ee]rkenntnissen|[Ss]chätzung(?:en)?|[Mm]eldung(?:en)?|[Mm]itteilung|[Ee]inschätzung"
    r"|[Aa]uffassung|[Aa]ussagen?|[Mm]einung|[Aa]nsicht|[Dd]arstellung|[Ss]tudien?|[Uu]mfragen?"
    r"|[Bb]ekunden|[Pp]länen|[Pp]lanung(?:en)?|[Dd]okument|[Vv]ermutung(?:en)?|[Ww]illen"
    r"|[Vv]orstellung(?:en)?|[Uu]ntersuchung(?:en)?|[Bb]erechnung(?:en)?|[Aa]ngabe|[Vv]orwürfen"
    r"|[Ss]tellungnahmen?|[Vv]orhersagen?|[Pp]rognosen?|[Ee]rgebnis|[Ee]ndergebnis|[Ww]orten))"
    r"(?:\s(?:von\s\w+(?:\s[A-ZÄÖÜ]\w+)?|(?:der|des)\s\w+))?|(?P<adverb>[Dd]emnach|Danach|Demzufolge))"
)
SPEECH_NOUNS = frozenset(
    "Angabe Angaben Aussage Aussagen Ansicht Meinung Auffassung Berichte Berichten Meldung Hinweis"  # noqa: SIM905
    " Hinweise Ankündigung Vorwurf Erklärung Forderung Behauptung Mitteilung Überzeugung"
    " Einschätzung Kritik Begründung Zusage Aufforderung Befehl Vorschlag Appell Bitte Warnung"
    " Drohung Versprechen Vermutung Prognose Gerücht Gerüchte Vorwürfe Aufruf Eindruck Hoffnung"
    " Befürchtung Auskunft Zweifel Verdacht Argument Schluss Erkenntnis Ergebnis Wunsch".split()
)
SPEECH_NOUN = re.compile(rf"\b(?:{'|'.join(SPEECH_NOUNS)})\b")
TOLD = frozenset(
    "entschieden zugesagt gebeten beschlossen beteuerte beteuert vorgeschlagen schlug schlägt"  # noqa: SIM905
    " vereinbart angewiesen angedroht bekräftigt eingeräumt bestätigt gewarnt aufgerufen"
    " bemängeln bemängelten vermutet vermuten angenommen ausgegangen einigten geeinigt verpflichtet"
    " überzeugt bestritten bestreitet bestritt leugnet schließt errechnet errechneten befürchtet"
    " verkündet glaubt glauben hofft hoffen fürchtet erwartet erwarten plant planen weiß wissen"
    " wusste sieht sehen sah hält halten gehofft kritisiert bekannt klar fest davon darauf dahin"
    " darüber damit daran heraus".split()
)
"""Words before a clause of indirect speech, apart from the verbs and participles of speech."""
_NO_SPEAKERS = frozenset(
    "Fazit Frage Antwort Ergebnis Motto Titel Thema Zitat Botschaft Tenor Beispiel Begründung"  # noqa: SIM905
    " Überschrift Inschrift Slogan Text Satz Spruch Urteil Grund Hinweis Kommentar Devise"
    " Question Answer Result Motto Title Headline Example Verdict".split()
)


OTHERS = lazy_pattern(
    rf"(?:, (?:{_ARTICLE} )?{_ADJECTIVE}{{0,3}}{_NAME})*"
    rf" und (?:{_ARTICLE} )?{_ADJECTIVE}{{0,3}}{_NAME}"
)
"""The other members of a plural subject, after the first one.

>>> OTHERS.match("Bo Lind und die Leiterin Ada Kern am Montag", 7)[0]
' und die Leiterin Ada Kern'
"""
SECOND_ROLE = lazy_pattern(rf" und {_WORD}(?: {_WORD}){{2,3}}(?=[ ,.])")
"""The second role of one person, with the name: Ärztin und Forscherin Ada Kern.

>>> SECOND_ROLE.match("Ärztin und Forscherin Ada Kern.", 6)[0]
' und Forscherin Ada Kern'
"""
SUBORDINATOR = lazy_pattern(
    r"(?:\A|[,;:–] )"
    r"(?:[Dd]ass|[Oo]b|[Ww]eil|[Ww]enn|[Aa]ls|[Oo]bwohl"
    r"|[Ii]ndem|[Nn]achdem|[Ww]ährend|[Dd]a|[Ww]ie) "
)
"""The beginning of a clause with the verb at its end.

>>> SUBORDINATOR.search("Er schweigt, während die Chefs das so")[0]
', während '
"""


def cue_after_german(text_after: str) -> Cue | None:
    words = frozenset(WORD.findall(text_after))
    if _CUES_AFTER.isdisjoint(words):
        return _any_verb_cue(text_after)
    for match in WORD.finditer(text_after):
        word = match[0]
        if word not in _CUES_AFTER:
            continue
        start = match.start()
        if word == "so" and text_after[:start].rstrip(" ").endswith((",", "–", "§")):
            cue = _speaker_cue(word, text_after, match.end())
            if cue.speaker or cue.pronoun:
                return cue
        elif word == "laut":
            return _speaker_cue(word, text_after, match.end())
        elif word in VERBS and _has_particle(word, words):
            clause = _last_clause(text_after[:start])
            if clause.startswith("wie "):
                return _clause_cue(word, clause[4:])
            if clause in _VERB_FOLLOWS:
                return _speaker_cue(word, text_after, match.end())
    return _any_verb_cue(text_after)


def _any_verb_cue(text_after: str) -> Cue | None:
    """Return a cue with any verb between a quotation and a name.

    A verb after a comma there accompanies the speech: „…“, lachte Bo Lind.
    """
    match = INVERTED.match(text_after)
    if match is None or match["verb"] in _NO_VERBS:
        return None
    cue = _speaker_cue(match["verb"], text_after, match.end("verb"))
    return cue if cue.speaker or cue.pronoun else None


def cue_around(text_before: str, text_after: str) -> Cue | None:
    """Return a German cue whose verb completes the clause after a quotation.

    >>> cue_around("Bode hatte im Mai von ", " gesprochen, nun schweigt er.").speaker
    'Bode'
    >>> cue_around("Während die Chefs das ", " nennen, schweigt Bode.").speaker
    'Chefs'
    """
    closing = WORD.match(text_after.lstrip(" "))
    if closing is None:
        return None
    verb = closing[0]
    if verb in PARTICIPLES:
        cue = perfect_cue(verb, text_before, list(WORD.finditer(text_before)))
    elif verb in VERBS - _IMPERSONAL and verb[:3] not in _PARTICLES:
        starts = [match.end() for match in SUBORDINATOR.finditer(text_before)]
        cue = _clause_cue(verb, text_before[starts[-1] :]) if starts else EMPTY_CUE
    else:
        return None
    return cue if cue.speaker or cue.pronoun else None


def opener_cue(sentence: str) -> Cue | None:
    """Return the speaker of the previous sentence, if the beginning of a sentence states it.

    >>> opener_cue("Mit diesen Worten eröffnete Präsidentin Ada Kern den Tag.").speaker
    'Präsidentin Ada Kern'
    """
    match = PREVIOUS_SPEAKER.match(sentence)
    if match is None:
        return None
    cue = _speaker_cue(match["verb"], sentence, match.end())
    word = cue.word if match["verb"] in VERBS else None
    return Cue(word, cue.speaker) if cue.speaker else None


def _last_clause(text: str) -> str:
    """Return the text after the last clause separator.

    >>> _last_clause(" gewesen sei, wie Bo Lind ")
    'wie Bo Lind'
    """
    return text[max(map(text.rfind, ",;:–—§")) + 1 :].strip(" .!?-")


def cue_before_german(text_before: str) -> Cue | None:
    word_set = frozenset(WORD.findall(text_before))
    if _CUES.isdisjoint(word_set):
        return according_cue(text_before) or colon_cue(text_before)
    best: Cue | None = None
    words = list(WORD.finditer(text_before))
    for index in range(len(words) - 1, -1, -1):
        word = words[index][0]
        if word not in _CUES_BEFORE:
            continue
        if word in VERBS and _has_particle(word, word_set):
            cue = _subject_cue(word, text_before, words[index].start(), words[index].end())
            if word in PARTICIPLES and not (cue.speaker or cue.pronoun):
                cue = perfect_cue(word, text_before, words[:index])
        elif word in PARTICIPLES:
            cue = perfect_cue(word, text_before, words[:index])
        elif word == "so" and text_before[: words[index].start()].endswith("§, "):
            cue = _speaker_cue(word, text_before, words[index].end())
        elif word == "laut":
            cue = according_cue(text_before[words[index].start() :]) or EMPTY_CUE
        else:
            continue
        if cue.speaker or cue.pronoun:
            return cue
        best = best or cue
    according = according_cue(text_before)
    return according if according and according.speaker else best or colon_cue(text_before)


def _has_particle(verb: str, words: AbstractSet[str]) -> bool:
    """Check whether a verb has the particle that makes it a verb of speech: teilte … mit."""
    particles = _PARTICLES.get(verb[:3])
    return particles is None or not particles.isdisjoint(words)


def perfect_cue(word: str, text_before: str, words: list[re.Match[str]]) -> Cue:
    for auxiliary in reversed(words):
        if auxiliary[0] in _PASSIVE:
            return Cue(word, _agent_name(text_before[auxiliary.end() :]), False, word in _NAMING)
        if auxiliary[0] in AUXILIARIES:
            return _subject_cue(word, text_before, auxiliary.start(), auxiliary.end())
    return Cue(word, None, naming=word in _NAMING)


def _agent_name(rest: str) -> str | None:
    match = AGENT.search(rest)
    speaker_match = SPEAKER.match(f"der {rest[match.end() :]}") if match else None
    return _speaker_name(speaker_match) if speaker_match else None


def _subject_cue(word: str, text_before: str, start: int, end: int) -> Cue:
    """Return the subject of a verb: the clause before the verb, otherwise the words after it."""
    head = text_before[:start]
    clause = _last_clause(head)
    if not clause and head.rstrip().endswith(","):  # Bo Lind, Chef der Wehr, sagte
        verb_end = max((m.end() for m in WORD.finditer(head) if m[0] in VERBS), default=0)
        clause = head[head.find(", ", verb_end) + 2 if verb_end else 0 :].strip()
    if head.endswith(" und "):  # and called the plan: the subject is farther to the left
        return Cue(word, None, False, word in _NAMING)
    opener = OPENER.match(clause)
    subject = clause[opener.end() :] if opener else clause
    if subject.casefold() in PRONOUNS or text_before.startswith(_SUBJECT_PRONOUNS, end):
        return Cue(word, None, True, word in _NAMING)
    match = SPEAKER.match(subject)
    if match is None:
        return _speaker_cue(word, text_before, end)
    is_reflexive = text_before.startswith(" sich ", end)
    if is_reflexive and " " not in subject:  # Besorgt äußerte sich die Leiterin
        cue = _speaker_cue(word, text_before, end)
        return cue if cue.speaker else Cue(word, _speaker_name(match), False, word in _NAMING)
    cited = _citation_source(word, text_before[end:])
    others = _other_members(match, text_before[start:end])
    if cited or TRAILER.match(subject, (others or match).end()):
        return Cue(
            word, cited or _speaker_name(match, text_before[start:end]), False, word in _NAMING
        )
    return Cue(word, None, False, word in _NAMING)  # the following noun may be the object


_SUBJECT_PRONOUNS = (" er ", " man ", " wir ")
"""Pronouns that are the subject if they follow the verb: Das Angebot lehnt er ab."""


def _citation_source(word: str, rest: str) -> str | None:
    """Return the cited person: Die Zeitung zitiert einen Zeugen mit den Worten."""
    accusative = rest[1:].removeprefix("den ").removeprefix("einen ")
    if not word.startswith("zitier") or len(accusative) == len(rest) - 1:
        return None
    match = SPEAKER.match(f"der {accusative}")
    return _speaker_name(match) if match else None


def _speaker_cue(word: str, text: str, position: int) -> Cue:
    """Return the cue with the speaker named after a verb."""
    skipped_words = SKIPPED.match(text, position)
    start = skipped_words.end() if skipped_words else position
    naming = word in _NAMING
    if word in _IMPERSONAL and text.startswith(" es", position):  # heißt es in dem Bericht
        document = _DOCUMENT.search(text, position) or _DOCUMENT.match(text)
        found = SPEAKER.match(f"der {text[document.end() :]}") if document else None
        return Cue(f"{word} es", _speaker_name(found) if found else None)
    if word.startswith("zitier") and text.startswith("man ", start):
        start += 4
    match = SPEAKER.match(text, start)
    if match:
        return Cue(word, _speaker_name(match, word), False, naming)
    next_word = WORD.match(text, start)
    return Cue(word, None, next_word is not None and next_word[0] in PRONOUNS, naming)


def _clause_cue(word: str, subject: str) -> Cue:
    match = SPEAKER.match(subject)
    is_pronoun = subject.partition(" ")[0] in PRONOUNS
    speaker = _speaker_name(match, word) if match else None
    return Cue(word, speaker, is_pronoun, word in _NAMING)


def _speaker_name(match: re.Match[str], verb: str = "") -> str | None:
    """Return the matched speaker; a plural verb has all the names that "und" joins."""
    speaker: str = match["name"] or match["speaker"]
    others = _other_members(match, verb)
    if others:
        speaker = match.string[match.start("speaker") : others.end()]
    return speaker if len(speaker) <= MAX_SPEAKER_LENGTH else None


def _other_members(match: re.Match[str], verb: str) -> re.Match[str] | None:
    if verb.endswith("en"):
        return OTHERS.match(match.string, match.end())
    return SECOND_ROLE.match(match.string, match.end()) if " " not in match["speaker"] else None


def according_cue(text_before: str) -> Cue | None:
    if " zufolge" in text_before:
        source = _SOURCE.search(text_before)
        if source is None:
            return None
        words = _OBLIQUE_ARTICLE.sub("der ", source["source"])
        speaker_match = SPEAKER.match(words)
        return Cue("zufolge", _speaker_name(speaker_match)) if speaker_match else None
    has_cue = "aut " in text_before or "ach " in text_before
    match = ACCORDING.search(text_before) if has_cue else None
    if match is None:
        return None
    speaker = SPEAKER.match(("der " if match["other"] else "") + text_before[match.end() :])
    return Cue(match["cue"], _speaker_name(speaker) if speaker else None)


def colon_cue(text_before: str) -> Cue | None:
    """Return the cue of a name and a colon, as in an interview: Bo Lind: „…“."""
    text_before = text_before.rstrip()
    if not text_before.endswith(":"):
        return None
    subject = text_before[:-1].strip()
    pronoun_match = VERB_AND_PRONOUN.search(_last_clause(subject))
    if pronoun_match:
        return Cue(pronoun_match["verb"], None, True)
    subject = OCCASION.sub("", subject, count=1)
    match = SPEAKER.match(subject)
    if match is not None:
        verb = FINITE.match(subject, match.end())
        if verb and _speaker_name(match):
            return Cue(verb["verb"], _speaker_name(match))
    if match is None or match.end() != len(subject.split(" (")[0].split(", ")[0]):
        return EMPTY_CUE
    speaker = _speaker_name(match)
    return (
        EMPTY_CUE if speaker is None or speaker.split()[0] in _NO_SPEAKERS else Cue(None, speaker)
    )
