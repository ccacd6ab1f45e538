"""Extract the direct quotations of a text, with their speakers and cues.

Rules:

- A quotation is the text between a pair of marks: „…“ "…" »…« «…» “…” ‚…‘ ‘…’. Quotations inside
  it are part of it.
- A quotation with a cue in its sentence (a verb of speech, „so", „laut", "according to", a name and
  a colon) is direct, even if it is short, unless it is the name of something: the „Bild“, the film
  „…“.
- Without a cue it is direct if it has the form of speech: three words or more, and either complete
  sentences or a fragment that begins with a lower-case letter. One or two words are scare quotes.
  In German these rules are one feature among others, such as adjacent indirect speech, of a fitted
  model (`speaker/speech`).
- An interrupted quotation (“…”, said X, “…”) gives one quotation for each part, each with speaker
  X. A quotation immediately after the sentence of another one has its speaker and no cue.
- In English, a quotation that opens a paragraph without a cue continues the quotation that ended
  the previous one. These rules and the cues are features of a fitted model (`speaker/english`)
  unless a verb and a name immediately follow the quotation.
- In German, a fitted model chooses the speaker among all candidates nearby (`speaker/choice`).
- Words that a fitted model takes for a time, an object or an abstraction name no speaker, nor do
  units of measure (`speaker/able`).
- A pronoun is returned as written, together with the person whom a fitted model finds in the
  sentences before (`speaker/persons`), by what the whole text tells of each name
  (`speaker/name_signs`). A speaker who is chosen with a probability below one half, and a
  person whom a pronoun means with one below .7, gets no name (`speaker/identify`).
- Headlines, sub-headings, captions, promotion and notices are not searched, because they repeat
  quotations of the text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import pairwise
from typing import NamedTuple

from storage.values.draft import NamedSpeaker, Paragraph, Quote
from worker.text.annotate.cue import EMPTY_CUE, PRONOUNS, Cue
from worker.text.annotate.cues_english import cue_after_english, cue_before_english
from worker.text.annotate.cues_german import (
    cue_after_german,
    cue_around,
    cue_before_german,
    opener_cue,
)
from worker.text.annotate.masked import (
    SENTENCE_BREAK,
    MaskedParagraph,
    has_mark,
    mask_paragraph,
)
from worker.text.annotate.quotation_form import (
    NAMED_THINGS,
    NAMING_VERB,
    is_direct,
    is_empty_cue,
    is_name,
)
from worker.text.annotate.speaker.able import can_speak
from worker.text.annotate.speaker.candidates import QuotationContext, Speaker
from worker.text.annotate.speaker.choice import (
    MIN_CERTAINTY,
    PreviousQuotation,
    candidate_speakers,
    certainty,
    choose,
    is_named,
)
from worker.text.annotate.speaker.english import (
    Candidate,
    EnglishContext,
    candidates,
    choose_english,
)
from worker.text.annotate.speaker.identify import identify
from worker.text.annotate.speaker.name_signs import read_names
from worker.text.annotate.speaker.persons import (
    MAX_SENTENCES,
    MIN_MEANT,
    MIN_NAMED,
    LastSpeaker,
    PersonOption,
    choose_person,
    person_options,
)
from worker.text.annotate.speaker.resolve import full_name, standalone_name
from worker.text.annotate.speaker.speech import QuotedWords, is_speech

__all__ = ["EMPTY_CUE", "Cue", "cue_after", "cue_around", "cue_before", "opener_cue"]

_MAX_LENGTH = 200  # maximum number of characters of a sentence that are searched


def cue_after(text_after: str, language: str) -> Cue | None:
    """Return the cue in the rest of the sentence after a quotation.

    >>> cue_after(", sagte die Sprecherin der Wehr am Montag.", "de")
    Cue(word='sagte', speaker='Sprecherin der Wehr', pronoun=False, naming=False)
    >>> cue_after(" Ann Lee, the mayor, told reporters.", "en").speaker
    'Ann Lee'
    """
    return (
        cue_after_german(text_after[:_MAX_LENGTH])
        if language == "de"
        else cue_after_english(text_after[:_MAX_LENGTH])
    )


def cue_before(text_before: str, language: str) -> Cue | None:
    """Return the cue in the sentence before a quotation.

    >>> cue_before("Am Montag nannte Bürgermeister Bo Lind das ", "de")
    Cue(word='nannte', speaker='Bürgermeister Bo Lind', pronoun=False, naming=True)
    >>> cue_before("But the mayor said the plan was ", "en").speaker
    'mayor'
    """
    text_before = text_before[-_MAX_LENGTH:]
    return cue_before_german(text_before) if language == "de" else cue_before_english(text_before)


READ_ROLES = frozenset({"lead", "text", "quote", "list"})
_SEARCH_LENGTH = 150
_SENTENCES_BACK, _FAR_APART = 3, 9
_NEAR = 2
_PARAGRAPHS_BACK, _MAX_HISTORY = 4, 800
_ENGLISH_PRONOUNS = frozenset({"he", "she"})
_MAX_CONTEXT_LENGTH = (
    500  # maximum number of characters of a sentence that are searched for a speaker
)
MAX_NAMES = 500  # of a text that are searched in all of it; so its time grows with its length


@dataclass(slots=True)
class _LastQuotation:
    """The speaker of the last quotation, and the position of its sentence in its paragraph."""

    speaker: Speaker | None = None
    resolved: str | None = None
    start: int = -1
    end: int = -1
    paragraph: int = -1
    sentence: int = 0
    ends_paragraph: bool = False
    is_open: bool = False
    is_doubtful: bool = False


class _Place(NamedTuple):
    """The sentence of a quotation: its paragraph with masked quotations, and what is around it."""

    text: str
    breaks: Sequence[int]
    number: int
    paragraph: int
    before: str
    after: str
    cue: Cue | None
    is_adjacent: bool
    is_same_sentence: bool
    continues_open: bool

    @property
    def sentence_start(self) -> int:
        return self.breaks[self.number]

    @property
    def nearest(self) -> Sequence[int]:
        return self.breaks[max(0, self.number - _SENTENCES_BACK) : self.number + 1]


SpeakerChoice = Callable[[Sequence[Speaker]], Speaker | None]
SpeechTest = Callable[[QuotedWords], bool]
PersonChoice = Callable[[Sequence[PersonOption], int], tuple[PersonOption, float]]
EnglishChoice = Callable[[Sequence[Candidate], int], tuple[Candidate, float]]
"""Chooses a candidate, with its share, for the quotation with a number in the text."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What decides: whether German words are speech, who speaks, and whom a pronoun means."""

    speech: SpeechTest = is_speech
    german: SpeakerChoice = choose
    english: EnglishChoice = choose_english
    person: PersonChoice = choose_person


_FITTED = Choices()


def quotes(
    paragraphs: Sequence[Paragraph],
    language: str | None,
    choices: Choices = _FITTED,
) -> tuple[Quote, ...]:
    """Return the direct quotations of `paragraphs` in order.

    `language` selects the rules for cues; for languages other than German and English only the
    marks and the form of a quotation decide.

    >>> text = "„Wir hatten Glück“, sagte die Sprecherin der Wehr. Das „Glück“ blieb."
    >>> quotes([Paragraph("text", text)], "de")
    (Quote(text='Wir hatten Glück', speaker='Sprecherin der Wehr', cue='sagte', paragraph=0, \
speaker_resolved='Sprecherin der Wehr', kind='direct', speakers=(NamedSpeaker(name=None, \
office='Sprecherin der Wehr', kind='person'),), confidence=None),)
    """
    extracted: list[Quote] = []
    extractor = _QuoteExtractor(paragraphs, language or "", choices)
    read = [(at, each.text) for at, each in enumerate(paragraphs) if each.role in READ_ROLES]
    for number, (index, text) in enumerate(read, 1):
        if has_mark(text):
            follower = read[number][1] if number < len(read) else ""
            masked = mask_paragraph(text, extractor.language, follower)
            if masked.spans:
                extracted += extractor.extract_paragraph(masked, index, follower)
            extractor.history.append(masked.text)
        else:
            extractor.history.append(text)
        extractor.preceding = index
    return tuple(extracted)


class _QuoteExtractor:
    """Extracts the quotations of one text in order."""

    def __init__(self, paragraphs: Sequence[Paragraph], language: str, choices: Choices) -> None:
        self.choices = choices
        self.count = 0
        self.history: list[str] = []
        self.preceding = -1
        self.is_doubtful = False
        self.paragraphs = paragraphs
        self.language = language
        self.last = _LastQuotation()
        self.names: dict[str, str] = {}

    def extract_paragraph(
        self, masked: MaskedParagraph, index: int, follower: str
    ) -> Iterator[Quote]:
        language, last = self.language, self.last
        masked_text, spans, breaks = masked
        number = 0
        for span in spans:
            while breaks[number + 1] <= span.start and number + 2 < len(breaks):
                number += 1
            text_before = masked_text[breaks[number] : span.start]
            text_after = masked_text[span.end : breaks[number + 1]]
            cue = _find_cue(text_before, text_after, language)
            if language == "de" and is_empty_cue(cue) and not text_after.strip(" .§"):
                end = breaks[number + 1]
                next_text = masked_text[end : end + _SEARCH_LENGTH] or follower[:_SEARCH_LENGTH]
                cue = opener_cue(next_text) or cue
            is_here = last.paragraph == index
            is_adjacent = is_here and last.end == breaks[number] and not text_before.strip(" –-")
            is_continued = is_adjacent and span.text[-1] in ".!?…"
            is_same_sentence = is_here and last.start == breaks[number]
            is_speech = is_direct(span.text, cue, text_before, text_after)
            if language == "de":
                earlier = masked_text[breaks[number - 1] : breaks[number]] if number else ""
                is_speech = self._is_speech(
                    span.text, text_before, text_after, cue, rule=is_speech or is_continued,
                    has_adjacent_speech=is_same_sentence, earlier=earlier,
                )  # fmt: skip
            if not (is_continued or is_speech):
                continue
            place = _Place(
                masked_text, breaks, number, index, text_before, text_after, cue,
                is_adjacent=is_adjacent, is_same_sentence=is_same_sentence,
                continues_open=last.is_open and not is_here and not span.start,
            )  # fmt: skip
            find = self._find_german_speaker if language == "de" else self._find_english_speaker
            speaker = find(place)
            last.speaker, last.start, last.end = speaker, breaks[number], breaks[number + 1]
            last.paragraph, last.sentence = index, number
            last.is_open, last.is_doubtful = span.is_open, self.is_doubtful
            last.ends_paragraph = last.end == len(masked_text) and not text_after.strip(" .§")
            self.count += 1
            yield Quote(
                span.text, speaker.text if speaker else None, cue.word if cue else None, index,
                last.resolved if speaker else None, speakers=self._identify(last.resolved, speaker),
            )  # fmt: skip

    def _find_german_speaker(self, place: "_Place") -> Speaker | None:
        """Choose the speaker of a German quotation, and resolve whom the words mean."""
        last, cue, text = self.last, place.cue, place.text[: place.sentence_start]
        if cue is not None and cue.speaker and is_named(cue, self.full_text):
            self.is_doubtful = False
            last.resolved = self._full_name(cue.speaker)
            return self.choices.german([Speaker(cue.speaker)])
        context = QuotationContext(
            place.before[-_MAX_CONTEXT_LENGTH:], place.after[:_MAX_CONTEXT_LENGTH],
            partial(self._preceding_sentences, place.text, place.nearest), self.full_text,
        )  # fmt: skip
        is_here = last.paragraph == place.paragraph
        distance = place.number - last.sentence if is_here else _FAR_APART
        speaker = self._choose_speaker(
            context, place.cue, is_same_sentence=place.is_same_sentence, distance=distance
        )
        if speaker:
            previous = last.resolved if distance <= _NEAR else None
            name = self._resolve_german(
                speaker, place.cue, previous, place.paragraph, text, place.before
            )
            last.resolved = self._full_name(name) if name else None
        return speaker

    def _find_english_speaker(self, place: "_Place") -> Speaker | None:
        """Choose the speaker of any other quotation, and resolve whom the words mean."""
        last, cue, number, index = self.last, place.cue, place.number, place.paragraph
        is_certain = _is_certain(cue, place.before, place.after)
        before = None
        if not (is_certain and cue and cue.speaker):
            before = self._speaker_before(place.text, place.breaks[: number + 1], index)
        is_next = not number and not place.before.strip() and self._follows_quotation()
        speaker = _speaker_by_rule(
            cue, last, is_adjacent=place.is_adjacent or (is_next and cue is None),
            is_same_sentence=place.is_same_sentence,
        ) or _speaker_nearby(cue, place.before, place.after, before)  # fmt: skip
        self.is_doubtful = False
        is_more = place.is_adjacent and cue is None and not place.after.strip(" .§")
        is_more = is_more or (place.continues_open and cue is None)
        is_chosen = self.language == "en" and not is_more
        if is_chosen and not is_certain:
            if place.is_same_sentence or place.is_adjacent:
                distance = "same sentence" if place.is_same_sentence else "adjacent"
            else:
                distance = "next paragraph" if is_next else self._distance(index, number)
            speaker = self._choose_english(
                EnglishContext(
                    place.before, place.after,
                    partial(self._preceding_sentences, place.text, place.nearest),
                    _text_of(speaker), _text_of(before), _text_of(last.speaker), distance,
                    partial(read_names, self.full_text, "en"),
                )
            )  # fmt: skip
        if speaker is not None and not self._can_speak(speaker, cue):
            speaker = None
        text = place.text[: place.sentence_start]
        last.resolved = self._resolve_english(speaker, index, text, place.before)
        return speaker

    def _can_speak(self, speaker: Speaker, cue: Cue | None) -> bool:
        has_verb = cue is not None and cue.word is not None
        has_spoken = has_verb or speaker.text == _text_of(self.last.speaker)
        return speaker.pronoun or can_speak(
            speaker.text, self.full_text, self.language, has_verb=has_spoken
        )

    def _is_speech(
        self, text: str, text_before: str, text_after: str, cue: Cue | None, *, rule: bool,
        has_adjacent_speech: bool, earlier: str,
    ) -> bool:  # fmt: skip
        """Check whether a quotation is speech; repeated words in marks are usually a name."""
        words = text.split()
        last = text_before[-40:].split()[-1:]
        is_thing = bool(last) and last[0].casefold().removesuffix("s").endswith(NAMED_THINGS)
        names_thing = (
            is_thing or is_name(words, text_before) or NAMING_VERB.match(text_after) is not None
        )
        return self.choices.speech(
            QuotedWords(
                text, text_before, text_after, earlier, self.full_text, rule,
                not is_empty_cue(cue), names_thing, has_adjacent_speech,
            )
        )  # fmt: skip

    @cached_property
    def full_text(self) -> str:
        return "\n".join(paragraph.text for paragraph in self.paragraphs)

    def _full_name(self, name: str) -> str:
        """Return the full name of a person, cached for each text."""
        if name not in self.names and len(self.names) < MAX_NAMES:
            self.names[name] = standalone_name(full_name(name, self.full_text), self.full_text)
        return self.names.get(name, name)

    def _identify(self, name: str | None, speaker: Speaker | None) -> tuple[NamedSpeaker, ...]:
        """Return the names of a speaker; a wrong name is worse than none."""
        if not name or not speaker or self.is_doubtful or len(self.names) >= MAX_NAMES:
            return ()
        found = identify(name, self.full_text, self.language)
        return () if any(each.kind == "unknown" for each in found) else found

    def _preceding_sentences(self, text: str, breaks: Sequence[int]) -> Sequence[str]:
        """Return the preceding sentences of this and the previous paragraph, nearest first."""
        sentences = [text[a:b] for a, b in pairwise(breaks)][::-1]
        if len(sentences) < _SENTENCES_BACK and self.history:
            sentences += reversed(_split_sentences(self.history[-1])[-_SENTENCES_BACK:])
        return sentences[:_SENTENCES_BACK]

    def _resolve_english(
        self, speaker: Speaker | None, index: int, text: str, text_before: str
    ) -> str | None:
        """Return the full name of a speaker; "he" and "she" mean a person named before."""
        if speaker is None:
            return None
        if not speaker.pronoun:
            return self._full_name(speaker.text)
        if speaker.text not in _ENGLISH_PRONOUNS:
            return None
        if speaker is self.last.speaker:
            self.is_doubtful = self.is_doubtful or self.last.is_doubtful
            return self.last.resolved
        return self._resolve_pronoun(speaker.text, index, text, text_before)

    def _resolve_german(
        self, speaker: Speaker, cue: Cue | None, previous: str | None, index: int, text: str,
        text_before: str,
    ) -> str | None:  # fmt: skip
        """Return the name or role that a German speaker's words refer to; a plural pronoun does
        not mean one person.
        """
        kind = speaker.text.casefold()
        if not speaker.pronoun or kind not in {"er", "sie"}:
            return None if speaker.pronoun else speaker.text
        if cue and cue.pronoun and (cue.word or "").endswith("en"):
            return previous if previous and " und " in previous else None
        return self._resolve_pronoun(kind, index, text, text_before)

    def _resolve_pronoun(self, pronoun: str, index: int, text: str, text_before: str) -> str | None:
        """Return the name of the person whom a pronoun means, None if that is doubtful."""
        sentences = [text_before] if text_before.strip(" ,.§–-") else []
        for earlier in (text, *reversed(self.history[-_PARAGRAPHS_BACK:])):
            if len(sentences) >= MAX_SENTENCES:
                break
            sentences += reversed(_split_sentences(earlier[-_MAX_HISTORY:]))
        last = None
        if self.last.resolved and self.last.paragraph >= 0:
            count = min(index - self.last.paragraph, _PARAGRAPHS_BACK)
            last = LastSpeaker(self.last.resolved, f"{count} paragraphs")
        options = person_options(
            pronoun, sentences[:MAX_SENTENCES], last, self.language, self.full_text
        )
        person, share = self.choices.person(options, self.count)
        self.is_doubtful = self.is_doubtful or share < MIN_NAMED
        return self._full_name(person.name) if person.name and share >= MIN_MEANT else None

    def _distance(self, index: int, sentence: int) -> str:
        """Return how far the previous quotation is."""
        if self.last.paragraph == index:
            return "near" if sentence - self.last.sentence <= _NEAR else "here"
        return "paragraph before" if self.last.paragraph == self.preceding else "far"

    def _choose_english(self, context: EnglishContext) -> Speaker | None:
        options = candidates(context)
        best, share = self.choices.english(options, self.count)
        self.is_doubtful = share < MIN_CERTAINTY
        if "last" in best.features:
            return self.last.speaker
        if not best.text:
            return None
        ruled = context.rule if "by rule" in best.features else None
        return Speaker(ruled or best.text, best.pronoun)

    def _follows_quotation(self) -> bool:
        """Check whether a quotation ends the English paragraph before this one."""
        last = self.last
        return self.language == "en" and last.ends_paragraph and last.paragraph == self.preceding

    def _speaker_before(self, text: str, breaks: Sequence[int], index: int) -> Speaker | None:
        """Return the speaker that the English sentence before that of a quotation names."""
        is_heading = len(breaks) == 1 and self.paragraphs[index - 1].role not in READ_ROLES
        if self.language != "en" or is_heading:
            return None
        sentence = next(iter(self._preceding_sentences(text, breaks)), "")
        cue = cue_before(sentence.rstrip(), "en")
        if cue is None or not cue.word or not cue.speaker or cue.speaker.casefold() in PRONOUNS:
            return None
        return Speaker(cue.speaker)

    def _choose_speaker(
        self, context: QuotationContext, cue: Cue | None, *, is_same_sentence: bool, distance: int
    ) -> Speaker | None:
        last = self.last.speaker
        previous = PreviousQuotation(last, is_same_sentence, distance) if last else None
        options = candidate_speakers(context, cue, previous)
        best = self.choices.german(options)
        while best is not None and not self._can_speak(best, cue):
            if cue is None or cue.word is None:
                return None
            options = [each for each in options if each.text != best.text]
            best = self.choices.german(options)
        self.is_doubtful = best is not None and certainty(best, options) < MIN_CERTAINTY
        return best


_PRONOUN_AFTER = re.compile(r"[ ,.!?–—-]*(?:(?:he|she|they) [a-z]+|[a-z]+ (?:he|she|they))\b")
_READER_BEFORE = re.compile(r"\byou(?: \w+){1,3}\W*\Z")
_CERTAIN_AFTER = re.compile(
    r"[ ,.!?–—-]*(?:(?P<verb>[a-z]+(?: back| on| out| in)?) (?:the |an? )?|(?=[A-Z]))"
)


def _is_certain(cue: Cue | None, text_before: str, text_after: str) -> bool:
    """Check whether a verb and a name immediately follow an English quotation.

    >>> cue = Cue("said", "Ann Lee")
    >>> _is_certain(cue, "", ", said Ann Lee."), _is_certain(cue, "Ann Lee said ", "")
    (True, False)
    """
    if cue is None or not cue.word:
        return False
    if not cue.speaker:
        pronoun = _PRONOUN_AFTER.match(text_after) or _READER_BEFORE.search(text_before)
        return cue.pronoun and pronoun is not None
    match = _CERTAIN_AFTER.match(text_after)
    if match is None:
        return False
    rest = text_after[match.end() :]
    if match["verb"]:
        return match["verb"] == cue.word and rest.startswith(cue.speaker)
    return rest.startswith(f"{cue.speaker} {cue.word}")


def _text_of(speaker: Speaker | None) -> str | None:
    return speaker.text if speaker else None


def _speaker_by_rule(
    cue: Cue | None, last: _LastQuotation, *, is_adjacent: bool, is_same_sentence: bool
) -> Speaker | None:
    """Return the speaker of the cue; a continued quotation has the speaker of the previous one."""
    is_pronoun = cue is not None and cue.pronoun
    if (is_adjacent and (cue is None or is_pronoun)) or (is_same_sentence and is_pronoun):
        return last.speaker
    return Speaker(cue.speaker) if cue and cue.speaker else None


def _speaker_nearby(
    cue: Cue | None, text_before: str, text_after: str, before: Speaker | None
) -> Speaker | None:
    """Return the pronoun of a cue; without a cue, `before` if the quotation opens its sentence."""
    if cue is None:
        return None if text_before.strip() else before
    return _pronoun_speaker(cue.word, text_before, text_after) if cue.pronoun and cue.word else None


def _pronoun_speaker(verb: str, text_before: str, text_after: str) -> Speaker | None:
    """Return the pronoun immediately before or after an English verb of speech.

    >>> _pronoun_speaker("said", "", " she said.").text
    'she'
    """
    pattern = re.compile(
        r"\b([Hh]e|[Ss]he|[Tt]hey) {0}\b|\b{0} (he|she|they)\b".format(re.escape(verb))
    )
    near = text_after[:_SEARCH_LENGTH], text_before[-_SEARCH_LENGTH:]
    match = next(filter(None, map(pattern.search, near)), None)
    return Speaker((match[1] or match[2]).casefold(), pronoun=True) if match else None


@lru_cache(maxsize=16)
def _split_sentences(text: str) -> list[str]:
    breaks = [0, *(m.end() for m in SENTENCE_BREAK.finditer(text)), len(text)]
    return [text[a:b] for a, b in pairwise(breaks) if text[a:b].strip()]


def _find_cue(text_before: str, text_after: str, language: str) -> Cue | None:
    """Return the cue after a quotation, otherwise the one before it."""
    if language not in ("de", "en"):
        return None
    has_colon = text_before.rstrip().endswith(":")
    if has_colon:
        if language == "en" and (cue := cue_after(text_after, language)) and cue.speaker:
            return cue
        cue = cue_before(text_before, language)
        return cue_after(text_after, language) or EMPTY_CUE if is_empty_cue(cue) else cue
    cue = cue_around(text_before, text_after) if language == "de" and text_before.strip() else None
    if cue is not None:
        return cue
    cue = cue_after(text_after, language)
    if text_before.strip() and (cue is None or not (cue.speaker or cue.pronoun)):
        earlier = cue_before(text_before, language)
        cue = earlier if cue is None or (earlier and earlier.speaker) else cue
    return cue
