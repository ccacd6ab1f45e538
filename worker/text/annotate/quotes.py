"""Find the direct quotations of a text, with the speaker and the cue where it gives them.

What counts:

- A quotation is what stands between a pair of marks: „…“ "…" »…« «…» “…” ‚…‘ ‘…’. Quotations
  inside one are part of it.
- One that a verb of saying (or „so", „laut", "according to", a name and a colon) belongs to in
  its sentence is direct, however short it is, unless it only names something: the „Bild“, the
  film „…“.
- Without a cue it is direct where it reads like speech: three words or more, and either whole
  sentences or a piece that begins in small letters. One or two words are scare quotes. In German
  these rules are one piece of evidence among others, such as indirect speech around it: a fitted
  sum decides (`speaker/speech`).
- A broken one (“…”, said X, “…”) gives a quotation for each piece, each with X as speaker. A
  quotation right behind the sentence of another has its speaker and no cue of its own.
- Who speaks is chosen in German among all who are named near by a fitted sum (`speaker/choice`).
  A pronoun is told as it stands, with whom it means beside it where that can be told.
- Headlines, sub-headings, captions, promotion and notices are not searched: what they quote is
  said in the text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

from storage.values.draft import Paragraph, Quote
from worker.text.annotate.cues import NOBODY, Cue, cue_after, cue_around, cue_before, opener_cue
from worker.text.annotate.speaker.candidates import QuotationContext, Speaker
from worker.text.annotate.speaker.choice import Before, choose, described
from worker.text.annotate.speaker.resolve import full_name, meant
from worker.text.annotate.speaker.speech import QuotedWords, is_speech

_ROLES = frozenset({"lead", "text", "quote", "list"})
_FEWEST_WORDS = 3
_MOST_WORDS_OF_NAME = 4
_REACH = 150
_SENTENCES_BACK, _APART = 3, 9
_NEAR_BY = 2
_BESIDE = 500  # characters of a sentence that are searched for who speaks
_LONGEST_PARAGRAPH = 20_000  # characters; no paragraph of a press text is longer

SPAN = re.compile(
    r"""[„“"»«‚›‘](?:
      (?<=„)[^„“”"]*+(?:(?:„[^„“”"]*+[“”"]|(?<=\s)"[^"„“”]*+")[^„“”"]*+)*+[“”"]
    | (?<=“)[^“”]*+(?:“[^“”]*+”[^“”]*+)*+”
    | (?<=")(?<!\w")(?!\s)[^"]*+"
    | (?<=»)(?<!\w»)[^»«]*+«
    | (?<=«)(?<!\w«)[^»«]*+»
    | (?<=‚)[^‚‘]*+‘
    | (?<=›)(?<!\w›)[^›‹]*+‹
    | (?<=‘)(?<!\w‘)(?:[^‘’]|(?<=\w)’(?=\w))*+’(?!\w)
    )""",
    re.VERBOSE,
)
"""A quotation with its marks.

>>> SPAN.findall('„Er rief "Halt" und ging“, sagte sie. Ein 5" Rohr.')
['„Er rief "Halt" und ging“']
"""

_OPENS_AGAIN = frozenset('„“"»')
UNCLOSED = re.compile(r'[„“"»][^„“”"»«]*\Z')
SENTENCE_BREAK = re.compile(
    r"[.!?…](?<!\b\d.)(?<!\b\d\d.)(?<!\b[A-ZÄÖÜ].)(?<!\b(?:Dr|Mr|Ms|St|Nr).)"
    r"(?<!\b(?:Mrs|Sen|Gov|Rep|Rev).)(?<!Prof.)[)\]]?\s+(?=[A-ZÄÖÜ§\d(])"
)
"""The end of a sentence.

>>> [m.start() for m in SENTENCE_BREAK.finditer("Am 3. Mai kam Dr. Lind. Er ging.")]
[22]
"""

CALLED = re.compile(
    r"\s(?:heißt|hieß|heißen|lautet|lautete)\s(?:der|die|das|ein|eine|sein|ihr|unser)e?\s[A-ZÄÖÜ]"
)
"""What makes the words before it the name of something.

>>> bool(CALLED.match(" heißt die Aktion")), bool(CALLED.match(" heißt es in dem Bericht"))
(True, False)
"""

BROKEN_OFF = re.compile(r"\s[–—]\s(?!so\b)[a-zäöüß]")
"""A dash behind a quotation that opens a sentence.

>>> bool(BROKEN_OFF.match(" – mehr sagte er nicht"))
True
"""

_THINGS = (
    "film", "buch", "roman", "serie", "lied", "song", "album", "titel", "motto", "aktion",
    "projekt", "initiative", "bündnis", "gruppe", "sendung", "podcast", "zeitung", "agentur",
    "organisation",
    "firma", "magazin", "thema", "programm", "partei", "ausstellung", "stück", "namen", "name",
    "slogan", "überschrift", "reihe", "verein", "show", "schiff", "lokal", "restaurant", "hotel",
    "kneipe", "oper", "stoff", "stichwort", "kapitel", "rubrik", "begriff", "wort", "zeitschrift",
    "satz", "spruch",
    "dokumentation", "doku", "festival", "filme", "buche", "liede", "worte", "bündnisse",
    "book", "novel", "titled", "entitled", "dubbed", "nicknamed", "campaign", "exhibition",
    "headline", "headlined", "play", "term", "word", "magazine", "newspaper", "agency", "group",
    "organization", "company", "musical",
)  # fmt: skip
"""What a noun before a quotation ends with that makes it a name, but for an s of its ending."""

_BEFORE_NAMES = frozenset(
    "der die das dem den des im zum zur am beim vom von bei zitiert the".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class _Span:
    """A quotation in its paragraph: with its marks from `start` to `end`, and what they hold."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class _Last:
    """The speaker of the last quotation, and where its sentence stood in its paragraph."""

    speaker: Speaker | None = None
    meant: str | None = None
    start: int = -1
    end: int = -1
    paragraph: int = -1
    sentence: int = 0


Choice = Callable[[Sequence[Speaker]], Speaker | None]
Speech = Callable[[QuotedWords], bool]


def quotes(
    paragraphs: Sequence[Paragraph],
    language: str | None,
    choice: Choice = choose,
    speech: Speech = is_speech,
) -> tuple[Quote, ...]:
    """Return the direct quotations of `paragraphs` in their order.

    `language` chooses the cues; where it is neither German nor English, the marks and the shape
    of a quotation decide alone. `choice` says who of those who may be speaking does,
    `speech` whether words in marks are speech, in German.

    >>> text = "„Wir hatten Glück“, sagte die Sprecherin der Wehr. Das „Glück“ blieb."
    >>> quotes([Paragraph("text", text)], "de")
    (Quote(text='Wir hatten Glück', speaker='Sprecherin der Wehr', cue='sagte', paragraph=0, \
speaker_resolved='Sprecherin der Wehr'),)
    """
    found: list[Quote] = []
    reading = _Reading(paragraphs, language or "", choice, speech)
    for index, paragraph in enumerate(paragraphs):
        text = paragraph.text
        if paragraph.role in _ROLES and _has_mark(text):
            text = text[:_LONGEST_PARAGRAPH]
            follower = paragraphs[index + 1].text if index + 1 < len(paragraphs) else ""
            spans = list(_spans(text, follower))
            if spans:
                found += reading.of_paragraph(text, spans, index, follower)
        reading.earlier = text if paragraph.role in _ROLES else reading.earlier
    return tuple(found)


def _has_mark(text: str) -> bool:
    """Return whether a text holds a mark of quotation, in the cheapest way: most do not."""
    double = '"' in text or "„" in text or "“" in text or "»" in text or "«" in text
    return double or "‚" in text or "‘" in text or "›" in text


def _spans(text: str, follower: str) -> Iterator[_Span]:
    """Yield the quotations; one left open counts where the next paragraph opens it again."""
    end = 0
    for match in SPAN.finditer(text):
        start, end = match.span()
        inner = text[start + 1 : end - 1].strip()
        if inner:
            yield _Span(start, end, inner)
    left = UNCLOSED.search(text, end) if follower[:1] in _OPENS_AGAIN else None
    if left and follower[:1] == left[0][0] and left[0][1:].strip():
        yield _Span(left.start(), len(text), left[0][1:].strip())


class _Reading:
    """The quotations of one text, read in their order."""

    def __init__(
        self, paragraphs: Sequence[Paragraph], language: str, choice: Choice, speech: Speech
    ) -> None:
        self.speech = speech
        self.paragraphs = paragraphs
        self.language = language
        self.choice = choice
        self.last = _Last()
        self.earlier = ""
        self.split = ""
        self.sentences: Sequence[str] = ()
        self.names: dict[str, str] = {}

    def of_paragraph(
        self, text: str, spans: Sequence[_Span], index: int, follower: str
    ) -> Iterator[Quote]:
        language, last = self.language, self.last
        masked = _masked(text, spans, language)
        breaks = [0, *(m.end() for m in SENTENCE_BREAK.finditer(masked)), len(masked)]
        at = 0
        for span in spans:
            while breaks[at + 1] <= span.start and at + 2 < len(breaks):
                at += 1
            before = masked[breaks[at] : span.start]
            after = masked[span.end : breaks[at + 1]]
            cue = _cue(before, after, language)
            if language == "de" and _is_nobody(cue) and not after.strip(" .§"):
                behind = masked[breaks[at + 1] : breaks[at + 1] + _REACH]
                cue = opener_cue(behind or follower[:_REACH]) or cue
            is_here = last.paragraph == index
            follows = is_here and last.end == breaks[at] and not before.strip(" –-")
            goes_on = follows and span.text[-1] in ".!?…"
            same_sentence = is_here and last.start == breaks[at]
            is_speech = _is_direct(span.text, cue, before, after)
            if language == "de":
                is_speech = self._is_speech(
                    span.text, before, after, cue, rule=is_speech or goes_on,
                    beside=same_sentence, earlier=masked[breaks[at - 1] : breaks[at]] if at else "",
                )  # fmt: skip
            if not (goes_on or is_speech):
                continue
            if language == "de":
                nearest = breaks[max(0, at - _SENTENCES_BACK) : at + 1]
                earlier = partial(self._earlier, masked, nearest)
                place = QuotationContext(before[-_BESIDE:], after[:_BESIDE], earlier, self.whole)
                apart = at - last.sentence if is_here else _APART
                speaker = self._chosen(place, cue, same_sentence=same_sentence, apart=apart)
                if speaker:
                    known = last.meant if apart <= _NEAR_BY else None
                    name = meant(speaker, place, known, self.whole)
                    last.meant = self._full_name(name) if name else None
            else:
                speaker = _by_rule(cue, last, follows=follows, same_sentence=same_sentence)
                last.meant = self._full_name(speaker.text) if speaker else None
            last.speaker, last.start, last.end = speaker, breaks[at], breaks[at + 1]
            last.paragraph, last.sentence = index, at
            yield Quote(
                span.text, speaker.text if speaker else None, cue.word if cue else None, index,
                last.meant if speaker else None,
            )  # fmt: skip

    def _is_speech(
        self, text: str, before: str, after: str, cue: Cue | None, *, rule: bool, beside: bool,
        earlier: str,
    ) -> bool:  # fmt: skip
        """Weigh whether a quotation is speech; what stands in marks again and again is a name."""
        words = text.split()
        last = before[-40:].split()[-1:]
        is_thing = bool(last) and last[0].casefold().removesuffix("s").endswith(_THINGS)
        quoted = QuotedWords(
            text, before, after, earlier, self.whole, rule, not _is_nobody(cue),
            is_thing or _is_name(words, before) or CALLED.match(after) is not None, beside,
        )  # fmt: skip
        return self.speech(quoted)

    @cached_property
    def whole(self) -> str:
        return "\n".join(each.text for each in self.paragraphs)

    def _full_name(self, name: str) -> str:
        """Look for a full name once, however often somebody is quoted."""
        if name not in self.names:
            self.names[name] = full_name(name, self.whole)
        return self.names[name]

    def _earlier(self, masked: str, breaks: Sequence[int]) -> Sequence[str]:
        """Return the sentences before, the nearest first, those of the last paragraph too."""
        sentences = [masked[a:b] for a, b in pairwise(breaks)][::-1]
        if len(sentences) >= _SENTENCES_BACK or not self.earlier:
            return sentences[:_SENTENCES_BACK]
        if self.earlier is not self.split:
            masked = _masked(self.earlier, list(_spans(self.earlier, "")), self.language)
            breaks = [0, *(m.end() for m in SENTENCE_BREAK.finditer(masked)), len(masked)]
            last = breaks[-_SENTENCES_BACK - 1 :]
            self.split = self.earlier
            self.sentences = [masked[a:b] for a, b in pairwise(last)][::-1]
        return [*sentences, *self.sentences][:_SENTENCES_BACK]

    def _chosen(
        self, place: QuotationContext, cue: Cue | None, *, same_sentence: bool, apart: int
    ) -> Speaker | None:
        last = self.last.speaker
        before = Before(last, same_sentence, apart) if last else None
        return self.choice(described(place, cue, before))


def _by_rule(cue: Cue | None, last: _Last, *, follows: bool, same_sentence: bool) -> Speaker | None:
    """Return whom the cue names; a quotation that goes on has the speaker of the last one."""
    is_pronoun = cue is not None and cue.pronoun
    if (follows and (cue is None or is_pronoun)) or (same_sentence and is_pronoun):
        return last.speaker
    return Speaker(cue.speaker) if cue and cue.speaker else None


def _masked(text: str, spans: Sequence[_Span], language: str) -> str:
    """Return `text` with its quotations blanked, so that nothing in them is taken for a cue.

    A quotation that ends a sentence ends with a full stop here, too. In German a name in marks
    loses its marks alone: laut „Spiegel“.
    """
    pieces = []
    end = 0
    stops = ".!?…" if language == "de" else "."
    for span in spans:
        pieces.append(text[end : span.start])
        if language == "de" and _is_named(
            span.text, text[max(0, span.start - _REACH) : span.start]
        ):
            pieces.append(f" {text[span.start + 1 : span.end - 1]} ")
        else:
            closes = span.text[-1] in stops
            pieces.append("§" * (span.end - span.start - 1) + ("." if closes else "§"))
        end = span.end
    pieces.append(text[end:])
    return "".join(pieces)


def _cue(before: str, after: str, language: str) -> Cue | None:
    """Return the cue behind a quotation, else the one before it."""
    if language not in ("de", "en"):
        return None
    introduced = before.rstrip().endswith(":")
    if introduced:
        cue = cue_before(before, language)
        return cue_after(after, language) or NOBODY if _is_nobody(cue) else cue
    cue = cue_around(before, after) if language == "de" and before.strip() else None
    if cue is not None:
        return cue
    cue = cue_after(after, language)
    if before.strip() and (cue is None or not (cue.speaker or cue.pronoun)):
        earlier = cue_before(before, language)
        cue = earlier if cue is None or (earlier and earlier.speaker) else cue
    return cue


def _is_nobody(cue: Cue | None) -> bool:
    """Return whether a cue says nothing: a colon alone, or none at all."""
    return cue is None or cue is NOBODY


def _is_direct(text: str, cue: Cue | None, before: str, after: str) -> bool:
    """Return whether a quotation is speech, and no name, title or word held at a distance."""
    words = text.split()
    ended = text[-1] in ".!?…,"
    last = before[-40:].split()[-1:]
    if not ended and last and last[0].casefold().removesuffix("s").endswith(_THINGS):
        return False
    if cue is not None and cue is not NOBODY:
        named = CALLED.match(after) or (_is_name(words, before) and not ended)
        return cue.naming or not named
    if before.count("(") > before.count(")"):
        return False  # a translation, an abbreviation
    return _reads_like_speech(text, words, before, after)


def _reads_like_speech(text: str, words: Sequence[str], before: str, after: str) -> bool:
    """Return by its shape alone whether a quotation is speech."""
    if before.rstrip().endswith(":") and text[-1] in ".!?…":
        return True
    opens = not before.strip()
    if opens and BROKEN_OFF.match(after):
        return len(words) > 1
    if len(words) < _FEWEST_WORDS:
        return False
    return text[-1] in ".!?…," or text[0].islower() or (opens and after[:1] in (",", ""))


def _is_named(text: str, before: str) -> bool:
    """Return whether words in marks name something, a newspaper or a house, and end nothing."""
    words = text.split()
    if text[-1] in ".!?…,:" or len(words) > _FEWEST_WORDS or not words[0][0].isupper():
        return False
    return before.endswith(("aut ", "ach ")) or _is_name(words, before)


def _is_name(words: Sequence[str], before: str) -> bool:
    """Return whether a few words in marks are the name of something: the „Bild“, „BBC News“."""
    if len(words) > _MOST_WORDS_OF_NAME or not before.strip() or before.rstrip().endswith(":"):
        return False
    capitals = all(word[0].isupper() or word[0].isdigit() for word in words)
    if len(words) > 1 and capitals:
        return True
    named = before.rsplit(maxsplit=1)[-1].casefold() in _BEFORE_NAMES
    return named and (words[0][0].isupper() or len(words) == 1)
