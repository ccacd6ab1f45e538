"""Fit the weights that choose whom a pronoun means; `--write` stores them.

    python -m bench.fit.persons --texts FILE … [--labels FILE …] [--write]

Each of TEXTS and LABELS has one text a line as for `bench.fit.english_speakers`, with its
`language`. In TEXTS, each speaker beside a quotation is replaced by a pronoun, whose meaning is
therefore known; in LABELS, the texts have pronouns, and the last of the speakers is meant.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.fit.english_speakers import WEIGHTS, count_right, is_right, write_weights
from bench.fit.speakers import Case, fit
from bench.judge.quotation_gold import likest
from storage.values.draft import Paragraph
from worker.text.annotate.quotes import Choices, quotes
from worker.text.annotate.speaker.first_names import tell_gender
from worker.text.annotate.speaker.persons import PersonOption, choose_person

TARGET = WEIGHTS / "pronouns.json"
SILVER, GOLD, _NEAR, PENALTY = 0.1, 1.0, 60, 0.7
"""The weight of a case whose pronoun was put there by this program."""
NamesOf = Callable[[int], Sequence[str] | None]
"""Tells by the number of a quotation who is meant; None for those that are not judged."""
_PERSON = re.compile(r"[A-ZÀ-Þ][\w'’-]+(?: (?:von |van |de )?[A-ZÀ-Þ][\w'’-]+){0,2}")


def replaced(text: dict[str, Any]) -> Iterator[tuple[list[Paragraph], int, str, str]]:
    """Yield the text with the speaker of one quotation as a pronoun, and who is meant."""
    language = text["language"]
    paragraphs = [Paragraph("text", each) for each in text["paragraphs"]]
    for quote in quotes(paragraphs, language):
        name, own = quote.speaker, paragraphs[quote.paragraph].text
        if not name or not quote.cue or not _PERSON.fullmatch(name):
            continue
        end = own.find(quote.text) + len(quote.text)
        place = own.find(name, end, end + _NEAR)
        place = own.rfind(name, 0, end) if place < 0 else place
        if place < 0:
            continue
        if not any(name.rpartition(" ")[2] in each.text for each in paragraphs[: quote.paragraph]):
            continue
        full = quote.speaker_resolved or name
        female = tell_gender(full.partition(" ")[0]) == "f"
        pronoun = {"de": ("er", "sie"), "en": ("he", "she")}[language][female]
        changed = list(paragraphs)
        changed[quote.paragraph] = Paragraph(
            "text", f"{own[:place]}{pronoun}{own[place + len(name) :]}"
        )
        yield changed, quote.paragraph, quote.text, full


def cases_of(
    paragraphs: Sequence[Paragraph], language: str, names_of: NamesOf, weight: float
) -> Iterator[Case]:
    """Yield the choices of persons in a text; `names_of` tells who is meant in a quotation."""
    seen: list[tuple[int, Sequence[PersonOption]]] = []

    def choice(options: Sequence[PersonOption], number: int) -> tuple[PersonOption, float]:
        seen.append((number, options))
        names = names_of(number) or ()
        right = [each for each in options if is_right(each.name, names)]
        return (right[0], 1.0) if right else choose_person(options)

    quotes(paragraphs, language, Choices(person=choice))
    for number, options in seen:
        names = names_of(number)
        if names is None:
            continue
        right = tuple(is_right(each.name, names) for each in options)
        if not any(right):
            if weight == SILVER:  # replaced beyond the sentences that are searched
                continue
            right = tuple(not each.name for each in options)
        rows = tuple(dict.fromkeys(each.features, 1.0) for each in options)
        yield Case("", rows, right, weight)


def silver(text: dict[str, Any]) -> Iterator[Case]:
    """Yield the choices for speakers that were replaced by pronouns."""
    for paragraphs, paragraph, words, name in replaced(text):
        found = quotes(paragraphs, text["language"])
        places = [(each.paragraph, each.text) for each in found]
        if (paragraph, words) in places:
            names = {places.index((paragraph, words)): [name]}
            yield from cases_of(paragraphs, text["language"], names.get, SILVER)


def gold(text: dict[str, Any]) -> Iterator[Case]:
    """Yield the choices for the pronouns of a labelled text."""
    paragraphs = [Paragraph("text", each) for each in text["paragraphs"]]
    found = [each.text for each in quotes(paragraphs, text["language"])]
    wanted: dict[int, list[str]] = {}
    for quote in text["quotes"]:
        at = likest(found, quote["text"])
        if at is not None:
            wanted[at] = quote["speakers"][-1:]
    yield from cases_of(paragraphs, text["language"], wanted.get, GOLD)


def main() -> None:
    """Fit, print how many choices are right by the weights fitted on them, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=Path, nargs="*", default=[])
    parser.add_argument("--labels", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true", help="write the data file")
    options = parser.parse_args()
    found = [case for text in _texts(options.texts) for case in silver(text)]
    found += [case for text in _texts(options.labels) for case in gold(text)]
    if not found:
        parser.error("no choices: name labelled texts with --texts and --labels")
    fitted = fit(found, PENALTY)
    print(f"{len(found)} choices, {count_right(found, fitted)} right by the weights fitted on them")
    if options.write:
        write_weights(TARGET, "choose whom a pronoun means", "persons", len(found), fitted)


def _texts(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        yield from map(json.loads, file.read_text("utf-8").strip().split("\n"))


if __name__ == "__main__":
    main()
