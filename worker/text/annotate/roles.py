"""Assign a role to each paragraph: lead, sub-heading, promotion, notice and others.

Promotion, asides, captions and headlines are not part of the digest of the wording. Their patterns
are therefore strict: anchored at the start of a short paragraph, each with an example. In doubt a
paragraph is text.
"""

import re
from collections.abc import Sequence

from storage.language.volatile import restless_kind
from storage.values.draft import Role
from worker.text.annotate.marks import QUOTE

MAX_SHORT_LENGTH = 300
"""Maximum number of characters of promotion, asides and captions."""
MAX_LEAD_LENGTH = 500
MAX_SUBHEADING_LENGTH = 100

_BLOG = "(?:live-?blog|news-?blog|live-?ticker|news-?ticker|ticker)"
PROMO = re.compile(
    rf"""
      {_BLOG}[ ](?:zu|zum|zur|über)[ ][^:\n.!?]{{2,80}}:[ ]
    | alle[ ](?:aktuellen[ ])?(?:entwicklungen|nachrichten|neuigkeiten|informationen|infos)
      \b[^.!?\n]{{0,90}}[ ]{_BLOG}\.?\Z
    | (?:lesen|sehen|hören)[ ]sie[ ](?:auch|hier|dazu|außerdem|mehr)\b[^.!?]{{0,160}}[.!?]?\Z
    | (?:lesen|sehen|hören)[ ]sie[ ](?:auch|hier|dazu|außerdem|mehr)\b[^:.!?]{{0,40}}:[ ]
    | mehr[ ](?:zum[ ]thema|dazu|hierzu)[^\w\n]{{0,3}}\Z
    | mehr[ ](?:zum[ ]thema|dazu|hierzu)(?:[ ][^:.!?\n]{{1,40}})?:[ ]
    | (?:auch[ ]interessant|lesetipps?|passend[ ]zum[ ]thema|weitere[ ](?:artikel|themen|meldungen)
      |weiterlesen|das[ ]könnte[ ]sie[ ]auch[ ]interessieren)(?::|[^\w\n]{{0,3}}\Z)
    | newsletter(?::|[ ][^.!?\n]{{0,80}}\b(?:abonnieren|anmelden|bestellen)[.!?]?\Z)
    | (?:abonnieren[ ]sie|melden[ ]sie[ ]sich)[ ][^.!?\n]{{0,80}}newsletter\b
      [^.!?\n]{{0,60}}[.!?]?\Z
    | folgen[ ]sie[ ]uns[ ](?:auf|bei)[ ][^.!?\n]{{2,60}}[.!?]?\Z
    | (?:anzeige|advertisement|werbung)\Z
    | (?:read[ ](?:more|also|next)|also[ ]read|related(?:[ ](?:articles?|stories|story))?|see[ ]also
      |more[ ]on[ ]this(?:[ ]story)?|recommended(?:[ ]reading)?)(?::[ ]|:?\Z)
    | (?:sign[ ]up|subscribe)[ ](?:for|to)[ ][^.!?\n]{{0,60}}newsletter\b[^.!?\n]{{0,60}}[.!?]?\Z
    | follow[ ]us[ ]on[ ][^.!?\n]{{2,60}}[.!?]?\Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PIECE = "(?:artikel|text|beitrag|bericht|meldung)"
_STORY = "(?:article|story|post|piece|report)"
_EARLIER = "(?:früheren?|ersten?|vorherigen?|älteren?|ursprünglichen?)"
_OF_THIS_TEXT = f"(?: (?:dieses|dieser|des|der|von diesem) {_PIECE}e?s?\\b)"
_SAID = r"(?: (?:hieß|haben|hatten|hatte es|war|wurde|stand|nannten|schrieben|hat)\b)"
_CHANGED = r"[^!?\n]{0,60}"
_CORRECTED = "(?:korrigiert|berichtigt|präzisiert|richtiggestellt)"
_UPDATED = "(?:aktualisiert|ergänzt|überarbeitet)"
_THIS_TEXT = rf"(?:im|in diesem|in unserem|den|diesen|unseren) {_PIECE}\b"
_WRONG = f"(?:falsch|nicht richtig|irrtümlich|zunächst|fehler|{_CORRECTED})"
_DATED = r"(?:,? (?:vom |am |um )?[^:\n]{0,25}\d[^:\n]{0,25}| \([^)\n]{1,40}\))?"
_LABEL = (
    r"(?:(?:(?:hinweis|anmerkung)(?: der redaktion)?|anm\. d\. red\.|(?:editor['’]s )?note): )?"
)


def _label_pattern(*starts: str) -> str:
    """Return the pattern of a notice that may follow a label: Hinweis der Redaktion: …"""
    return f"{_LABEL}(?:{'|'.join(starts)})"


_NOTICE_STARTS = {
    "correction": (
        f"korrektur(?:hinweis)?{_DATED}:",
        "(?:berichtigung|richtigstellung|klarstellung):",
        rf"(?:corrections?(?: and clarifications?)?|clarification){_DATED}:",
        r"wir haben (?:einen|den|mehrere|die) fehler [^.!?\n]{0,80}(?:korrigiert|berichtigt)",
        r"wir (?:hatten|haben) (?:zunächst|zuerst|ursprünglich) [^\n]{0,200}"
        r"(?:falsch|nicht richtig|korrigiert)",
        rf"(?:due to|because of) an (?:editing|editor['’]s|reporting) error, [^\n]{{0,60}}{_STORY}",
        "a correction was made on",
        f"we have corrected [^.!?\\n]{{1,80}} (?:in|of) this {_STORY}",
        _label_pattern(
            rf"in (?:ein|d)er {_EARLIER} (?:version|fassung)(?:{_OF_THIS_TEXT}|{_SAID})",
            rf"(?:eine|die) {_EARLIER} (?:version|fassung){_OF_THIS_TEXT}",
            rf"in diesem {_PIECE} (?:hieß|stand)(?: es)? (?:zunächst|zuerst|ursprünglich)",
            rf"in (?:ein|d)er (?:über|bildunter)schrift{_OF_THIS_TEXT}",
            rf"(?:diese[rs]?|der (?!bericht)|das) ?{_PIECE} wurde {_CHANGED}{_CORRECTED}",
            rf"diese meldung wurde {_CHANGED}{_CORRECTED}",
            rf"wir (?:hatten|haben) {_THIS_TEXT}[^\n]{{0,200}}{_WRONG}",
            rf"an? (?:earlier|previous) version of this {_STORY}",
            rf"this {_STORY} (?:was|has been) (?:amended|corrected)",
            rf"the (?:headline|caption|standfirst) (?:of|on|to|in) this {_STORY}"
            r" (?:was|has been)",
        ),
    ),
    "update": (
        rf"dieser {_PIECE} (?:erschien|ist) [^!?\n]{{0,80}}{_UPDATED}",
        r"(?:update|aktualisierung|nachtrag)"
        r"(?:,? (?:vom |am |um )?[\w. ]{0,20}\d[\w.: ]{0,25}| \([^)\n]{1,30}\))?:",
        r"updated (?:at|on) [^.\n]{0,20}\d",
        _label_pattern(
            rf"(?:diese[rs]?|der (?!bericht)|das) ?{_PIECE} wurde {_CHANGED}{_UPDATED}",
            rf"diese meldung wurde {_CHANGED}{_UPDATED}",
            rf"wir haben (?:diesen|den) {_PIECE} [^.!?\n]{{0,80}}{_UPDATED}",
            rf"this {_STORY} (?:was|has been) (?:last )?updated"
            r"(?: (?:to|with|on|at|after|following|throughout)\b|[.)]|\Z)",
        ),
    ),
    "disclosure": (
        "transparenzhinweis",
        "(?:offenlegung|disclosure|disclaimer|(?:hinweis )?in eigener sache):",
    ),
    "editorial": (
        "(?:anmerkung|hinweis) der redaktion",
        r"(?:redaktioneller hinweis|note from the editors?):",
        r"anm\. d(?:\.|er) red(?:\.|aktion)",
        r"(?:die |alle |einige )?namen? (?:(?:ist|sind|wurden?) )?"
        r"(?:von der redaktion |redaktionell |zum schutz [^.!?\n]{0,40} )?"
        r"geändert(?=[.)\]]*\s*\Z)",
        r"die redaktion hat (?:den|die) namen? [^.!?\n]{0,60}geändert",
        r"(?:(?:some|all|the) )?names have been changed"
        r"(?: to protect [^.\n]{0,60})?(?=[.)\]]*\s*\Z)",
        "not (?:his|her|their) real names?",
        "editor['’]?s['’]? note",
    ),
}
NOTICE = re.compile(
    r"[(\[*_\s]*(?:"
    + "|".join(f"(?P<{kind}>{'|'.join(starts)})" for kind, starts in _NOTICE_STARTS.items())
    + r")(?!\w)",
    re.IGNORECASE,
)
CAPTION = re.compile(
    r"""
      \(?(?:fotos?|bild|bildquelle|bildnachweis|grafik|photo(?:graph)?|image|picture)[ ]?:
      [ ][^.!?:\n]{2,80}\)?\Z
    | (?=.*\)\Z)[^\n]{2,220}
      [ ]\((?:foto|symbolbild|symbolfoto|archivbild|archivfoto|photo|file[ ]photo)
      (?:(?::[ ]|[ ]by[ ])[^()\n]{2,60})?\)\Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
ASIDE_PARAGRAPH = re.compile(
    r"\([^()\n]{1,60} (?:berichtete|berichteten|hatten? berichtet|reported)\)\.?"
)
BULLET = re.compile(r"[•▪◦‣·●■►] ?\S")
DASH_OR_NUMBER = re.compile(r"(?:[-–—*+] |[0-9]{1,2}[.)] )\S")
_QUOTES_OPEN = frozenset('„“"»«')
_NAME = r"[A-ZÄÖÜÉ][\w'’.-]+(?: (?:von|van|de|zu|del|[A-ZÄÖÜÉ][\w'’.-]*)){1,3}"
# "Von Anna Muster", "By Jo Doe and Max Roe", "Von Anna Muster, Berlin"
BYLINE = re.compile(
    rf"(?:Von|Text:|Text von|By) (?P<names>{_NAME}(?:(?:, | und | and ){_NAME}){{0,4}})"
    r"(?:, [A-ZÄÖÜ][\w-]+)?"
)
NAME_BREAK = re.compile(r", | und | and ")
SENTENCE_END = re.compile(r"[.!?…:][\"“”»«’']?\s*\Z")


def blocks(text: str) -> list[str]:
    r"""Split `text` at blank lines, or at every line ending if it has no blank line.

    >>> blocks("Eins\nzwei\n\n\nDrei\n"), blocks("Eins\nzwei")
    (['Eins\nzwei', 'Drei'], ['Eins', 'zwei'])
    """
    lines = text.strip().split("\n")
    if len(lines) > 1 and all(line and not line.isspace() for line in lines):
        return [line.strip() for line in lines]
    return split_at_blank_lines(text)


def split_at_blank_lines(text: str) -> list[str]:
    r"""Split `text` at blank lines only.

    >>> split_at_blank_lines("\nEins\nzwei\n \nDrei")
    ['Eins\nzwei', 'Drei']
    """
    lines = text.split("\n")
    parts: list[str] = []
    current: list[str] = []
    for line in [*lines, ""]:
        if line and not line.isspace():
            current.append(line)
        elif current:
            parts.append("\n".join(current).strip())
            current = []
    return parts


def roles(
    paragraphs: Sequence[str],
    title: str | None = None,
    format_roles: Sequence[Role | None] | None = None,
) -> list[Role]:
    """Return the role of each paragraph, in order.

    `format_roles` are the roles declared by the format (headings, lists, quotes; None for running
    text); with them, sub-headings and lists are not detected by their appearance.

    >>> roles(["Ein Lager brennt.", "Newsblog zum Krieg: Neue Angriffe", "Es brennt seit Montag."])
    ['lead', 'promo', 'text']
    """
    paragraph_roles = [_intrinsic_role(text) for text in paragraphs]
    if format_roles is None:
        _assign_lists(paragraphs, paragraph_roles)
    else:
        paragraph_roles = [
            declared if detected is None else detected
            for detected, declared in zip(paragraph_roles, format_roles, strict=True)
        ]
    if paragraphs and title is not None and is_same_line(paragraphs[0], title):
        paragraph_roles[0] = "headline"
    _assign_lead(paragraphs, paragraph_roles)
    if format_roles is None:
        _assign_subheadings(paragraphs, paragraph_roles)
    return [role or "text" for role in paragraph_roles]


def is_same_line(line: str, other_line: str) -> bool:
    """Check whether two lines are equal, ignoring case, blanks and the form of quotation marks.

    >>> is_same_line("„Öl“  brennt", '"ÖL" brennt')
    True
    """
    if max(len(line), len(other_line)) > 2 * min(len(line), len(other_line)) + 20:
        return False
    return _normalize_line(line) == _normalize_line(other_line)


def is_promo(text: str) -> bool:
    """Check whether a paragraph only refers readers to other content.

    >>> is_promo('Newsblog zum russischen Angriffskrieg: Putin spricht von "Partnerschaft"')
    True
    >>> is_promo("Alle Entwicklungen zum Krieg finden Sie in unserem Liveblog.")
    True
    >>> is_promo("Lesen Sie auch: Warum das Öl knapp wird. Und teuer."), is_promo("Mehr zum Thema")
    (True, True)
    >>> is_promo("Lesen Sie hier, was jetzt gilt."), is_promo("Mehr dazu: Der Brand von 2019")
    (True, True)
    >>> is_promo("Newsletter am Morgen hier abonnieren"), is_promo("Folgen Sie uns auf Facebook!")
    (True, True)
    >>> is_promo("Melden Sie sich hier für unseren Newsletter an."), is_promo("Auch interessant:")
    (True, True)
    >>> is_promo("Read more: Oil prices rise"), is_promo("Related: Fire in the depot")
    (True, True)
    >>> is_promo("Sign up for our daily newsletter"), is_promo("Follow us on Mastodon")
    (True, True)
    >>> is_promo("Anzeige"), is_promo("Anzeige gegen den Betreiber wurde erstattet.")
    (True, False)
    >>> is_promo("Newsletter brachten dem Verlag 3 Millionen Euro."), is_promo("Mehr dazu weiß er.")
    (False, False)
    """
    return len(text) <= MAX_SHORT_LENGTH and PROMO.match(text) is not None


def notice_kind(text: str) -> str | None:
    """Return the kind of a notice (correction, update, disclosure, editorial), None for other text.

    >>> notice_kind("In einer früheren Version hieß es, der Brand sei gelöscht.")
    'correction'
    >>> notice_kind("Dieser Artikel wurde am 18. Juni aktualisiert."), notice_kind("Korrektur: 36")
    ('update', 'correction')
    >>> notice_kind("Transparenzhinweis: Der Autor ist Mitglied."), notice_kind("Editor's note: x")
    ('disclosure', 'editorial')
    >>> notice_kind("(Anm. d. Red.: Der Name ist geändert.)")
    'editorial'
    >>> notice_kind("This article was amended on 3 June."), notice_kind("Die Korrektur: falsch.")
    ('correction', None)
    """
    match = NOTICE.match(text)
    return match.lastgroup if match else None


def is_caption(text: str) -> bool:
    """Check whether a paragraph is the caption of a picture.

    >>> is_caption("Foto: Anna Muster/dpa"), is_caption("Das Lager brennt (Archivbild)")
    (True, True)
    >>> is_caption("Firefighters at the depot (Photo: A. Doe)"), is_caption("Bild: So sieht er es.")
    (True, False)
    """
    return len(text) <= MAX_SHORT_LENGTH and CAPTION.match(text) is not None


def byline_names(text: str) -> tuple[str, ...]:
    """Return the authors in a paragraph that is a byline.

    >>> byline_names("Von Anna Muster und Ben van Beispiel"), byline_names("By Jo Doe, London")
    (('Anna Muster', 'Ben van Beispiel'), ('Jo Doe',))
    >>> byline_names("Von Berlin nach Paris fährt ein Zug")
    ()
    """
    match = BYLINE.fullmatch(text) if len(text) <= MAX_SHORT_LENGTH else None
    return tuple(NAME_BREAK.split(match["names"])) if match else ()


def _normalize_line(text: str) -> str:
    return " ".join(text.casefold().translate(_QUOTES).split())


_QUOTES = dict.fromkeys(map(ord, "„“”»«‚‘’'"), '"')


def _intrinsic_role(text: str) -> Role | None:
    """Return the role of a paragraph that does not depend on its neighbours."""
    if NOTICE.match(text):
        return "notice"
    if len(text) <= MAX_SHORT_LENGTH:
        if PROMO.match(text):
            return "promo"
        if CAPTION.match(text):
            return "caption"
        if ASIDE_PARAGRAPH.fullmatch(text) or restless_kind(text) is not None:
            return "aside"
    if text[:1] in _QUOTES_OPEN and QUOTE.fullmatch(text) and text[-2] in ".!?…":
        return "quote"
    return None


def _assign_lists(paragraphs: Sequence[str], paragraph_roles: list[Role | None]) -> None:
    """Assign the list role: to bullets, and to dashes or numbers in two or more adjacent lines."""
    starts = [DASH_OR_NUMBER.match(text) is not None for text in paragraphs]
    for index, text in enumerate(paragraphs):
        if paragraph_roles[index] is not None:
            continue
        if starts[index]:
            is_adjacent = any(starts[max(0, index - 1) : index] + starts[index + 1 : index + 2])
            is_list = ("\n" in text or is_adjacent) and _matches_every_line(DASH_OR_NUMBER, text)
        else:
            is_list = _matches_every_line(BULLET, text)
        if is_list:
            paragraph_roles[index] = "list"


def _matches_every_line(start: re.Pattern[str], text: str) -> bool:
    return all(start.match(line) for line in text.split("\n"))


def _assign_lead(paragraphs: Sequence[str], paragraph_roles: list[Role | None]) -> None:
    """Make the first paragraph of running text the lead if it is short and more text follows."""
    running = [index for index, role in enumerate(paragraph_roles) if role is None]
    running = [index for index in running if not byline_names(paragraphs[index])]
    if (
        "lead" in paragraph_roles
        or len(running) < 2
        or len(paragraphs[running[0]]) > MAX_LEAD_LENGTH
    ):
        return
    if all(role in _ROLES_BEFORE_LEAD for role in paragraph_roles[: running[0]]):
        paragraph_roles[running[0]] = "lead"


_ROLES_BEFORE_LEAD = frozenset({"headline", "caption", "promo", "aside", "notice", None})


def _assign_subheadings(paragraphs: Sequence[str], paragraph_roles: list[Role | None]) -> None:
    first = next((i for i, role in enumerate(paragraph_roles) if role not in _ROLES_BEFORE_LEAD), 0)
    for index in range(max(first, 1), len(paragraphs)):
        if paragraph_roles[index] is None and _looks_like_heading(paragraphs[index]):
            follower = next(
                (
                    i
                    for i in range(index + 1, len(paragraph_roles))
                    if paragraph_roles[i] not in _SKIPPED_ROLES
                ),
                None,
            )
            if follower is not None and _is_running_text(
                paragraphs[follower], paragraph_roles[follower]
            ):
                paragraph_roles[index] = "subheading"


_SKIPPED_ROLES = frozenset({"promo", "aside", "caption"})


def _looks_like_heading(text: str) -> bool:
    r"""Check whether a line has the form of a section heading.

    >>> _looks_like_heading('Putin nennt Nordkorea einen "gleichgesinnten Unterstützer"')
    True
    >>> _looks_like_heading("Wie geht es weiter?"), _looks_like_heading("Es brennt.")
    (True, False)
    """
    if len(text) > MAX_SUBHEADING_LENGTH or "\n" in text or byline_names(text):
        return False
    stripped = text.rstrip("\"“”»«’' )")
    if not stripped or stripped[-1] in ".:;,…":
        return False
    first = next((character for character in text if character.isalnum()), "")
    return not first.islower()  # digits and scripts without capital letters are allowed


def _is_running_text(text: str, role: Role | None) -> bool:
    """Check whether a paragraph is running text, which follows a sub-heading."""
    return role in ("list", "quote") or (
        role is None
        and (len(text) > MAX_SUBHEADING_LENGTH or SENTENCE_END.search(text) is not None)
    )
