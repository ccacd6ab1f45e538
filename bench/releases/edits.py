"""What becomes of a release on its way: sent again, reprinted, cut, embedded."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bench.releases.templates import Release
from storage.language.sentences import sentences

TAIL = re.compile(
    r"Rückfragen|Original-Content|Pressekontakt|Medienkontakt|Kontakt:|Über (?:\w+ ?){1,3}$|About "
    r"|Diese Mitteilung enthält|This release contains|Weitere Informationen:|Ansprechpartner"
)
"""How paragraphs begin that papers leave out."""
NUMBER = re.compile(r"(?<![\d.,/-])\d{2,5}(?![\d.,/-])")
NAME = re.compile(r"(?<= )[A-ZÄÖÜ][a-zäöüß]{5,}(?=[ ,.])")
SYNONYMS = (
    ("mitteilte", "berichtete"), ("teilte", "gab"), ("wurde", "ist"), ("wurden", "sind"),
    ("sagte", "erklärte"), ("rund", "etwa"), ("etwa", "ungefähr"), ("mehrere", "einige"),
    ("beschädigt", "demoliert"), ("gegen", "um"), ("bereits", "schon"), ("derzeit", "aktuell"),
    ("erhielt", "bekam"), ("befand", "war"), ("Pkw", "Auto"), ("Fahrzeug", "Wagen"),
    ("entwendet", "gestohlen"), ("Fahrzeuge", "Autos"), ("festgestellt", "bemerkt"),
    ("lediglich", "nur"), ("aufgrund", "wegen"), ("begann", "startete"), ("jedoch", "aber"),
    ("Einwohner", "Bürger"), ("zudem", "außerdem"), ("ebenfalls", "auch"), ("erneut", "wieder"),
    ("said", "stated"), ("about", "around"), ("people", "persons"), ("reported", "announced"),
    ("however", "but"), ("near", "close to"), ("began", "started"), ("more", "additional"),
    ("stark", "heftig"), ("völlig", "ganz"), ("momentan", "zurzeit"), ("allerdings", "jedoch"),
)  # fmt: skip
FILLERS = ("auch", "nun", "offenbar", "unterdessen", "demnach", "zunächst", "insgesamt", "am Ende")
AGENCIES = ("dpa", "AFP", "dpa/lno", "epd", "Reuters", "dpa/lnw", "AP", "KNA", "APA")
OWN = (
    "Anwohner hatten sich schon früher an die Redaktion gewandt.",
    "Weitere Einzelheiten waren zunächst nicht bekannt.",
    "Unsere Zeitung hatte im Frühjahr über einen ähnlichen Fall berichtet.",
    "Am Abend war vor Ort nichts mehr davon zu sehen.",
    "Viele Leserinnen und Leser dürften das kennen.",
    "Eine Bitte um Stellungnahme blieb bis zum Redaktionsschluss ohne Antwort.",
)
SHORTEST_CUT = 25
"""Words that a paper leaves of a release at least."""
HEADLINES = (
    "Was in {place} geschah", "{place}: Das ist bekannt", "Aus der Region: {place}",
    "Nachrichten aus {place}", "Blick nach {place}", "{word}: Neues aus {place}",
)  # fmt: skip


def resent(release: Release, dice: random.Random) -> Release:
    """Return a release as it is sent again: the same but for one to three small corrections."""
    text = release.body
    title = release.title
    for act in dice.sample((_another_number, _another_name, _another_mark, _one_more), 4)[
        : dice.randint(1, 3)
    ]:
        text = act(text, dice)
    if dice.random() < 0.2:
        title = title.replace(" - ", " – ").replace(":", " -", 1)
    paragraphs = tuple(text.split("\n\n"))
    day = release.day + timedelta(days=dice.randint(0, 2))
    return replace(release, title=title, paragraphs=paragraphs, day=day)


def reprinted(release: Release, dice: random.Random) -> Release:
    """Return what a paper makes of a release: its own headline, no contact, words changed."""
    return _in_print(release, dice, keep=dice.uniform(0.85, 1.0), edits=dice.uniform(0.1, 0.8))


def cut(release: Release, dice: random.Random) -> Release:
    """Return a release cut to its first half, more or less, and edited."""
    return _in_print(release, dice, keep=dice.uniform(0.35, 0.6), edits=dice.uniform(0.0, 0.7))


def embedded(release: Release, host: Release, dice: random.Random) -> Release:
    """Return another article that holds the text of a release in its middle."""
    inner = _without_tail(release.paragraphs)
    inner = tuple(_edited(each, dice, 0.15) for each in inner)
    at = dice.randint(1, max(1, len(host.paragraphs) - 1))
    paragraphs = (*host.paragraphs[:at], *inner, *host.paragraphs[at:])
    day = release.day + timedelta(days=dice.randint(0, 2))
    return replace(host, paragraphs=paragraphs, day=day)


def digest(releases: Sequence[Release], title: str) -> Release:
    """Return one text that holds several releases, each below its headline."""
    paragraphs = [
        part for each in releases for part in (each.title, *_without_tail(each.paragraphs))
    ]
    return replace(releases[-1], family="digest", title=title, paragraphs=tuple(paragraphs))


def _in_print(release: Release, dice: random.Random, keep: float, edits: float) -> Release:
    paragraphs = _without_tail(release.paragraphs)
    whole = [(n, each) for n, p in enumerate(paragraphs) for each in sentences(p)]
    kept = whole[: max(2, round(keep * len(whole)))]
    while len(kept) < len(whole) and sum(len(each.split()) for _, each in kept) < SHORTEST_CUT:
        kept = whole[: len(kept) + 1]
    if len(kept) > 5 and dice.random() < 0.4:
        del kept[dice.randint(1, len(kept) - 1)]
    place = release.facts.get("ort") or release.facts.get("ORT") or "der Region"
    edited = [(n, _edited(each.strip(), dice, edits)) for n, each in kept]
    lines: dict[int, list[str]] = {}
    step = dice.choice((1, 1, 2, 3))  # paragraphs are joined
    for n, each in edited:
        lines.setdefault(n // step, []).append(each)
    found = [" ".join(each) for each in lines.values()]
    agency = dice.choice(AGENCIES)
    if dice.random() < 0.6:
        found[0] = f"{place} ({agency}) - {found[0].replace(f'{place} (ots) - ', '')}"
    elif dice.random() < 0.5:
        found.append(agency)
    if dice.random() < 0.4:
        found.append(dice.choice(OWN))
    words = [word for word in release.title.split() if len(word) > 5] or ["Kurz"]
    title = dice.choice(HEADLINES).format(place=place, word=words[-1].strip(":,-"))
    if dice.random() < 0.3:
        title = release.title.split(": ")[-1]
    day = release.day + timedelta(days=dice.randint(0, 2))
    return replace(release, title=title, paragraphs=tuple(found), day=day)


def _without_tail(paragraphs: Sequence[str]) -> tuple[str, ...]:
    for n, each in enumerate(paragraphs):
        if n and TAIL.match(each):
            return tuple(paragraphs[:n])
    return tuple(paragraphs)


def _edited(text: str, dice: random.Random, share: float) -> str:
    """Change about `share` of the sentences in a word or three."""
    found = []
    for each in sentences(text):
        sentence = each.strip()
        if dice.random() < share:
            acts = (_synonym, _filled, _shorter, _quotes, _turned)
            for act in dice.sample(acts, dice.randint(1, 3)):
                sentence = act(sentence, dice)
        found.append(sentence)
    return " ".join(found)


def _synonym(sentence: str, _dice: random.Random) -> str:
    for one, other in SYNONYMS:
        sentence = re.sub(rf"\b{one}\b", f"\0{other}\0", sentence)
    return sentence.replace("\0", "")


def _filled(sentence: str, dice: random.Random) -> str:
    words = sentence.split(" ")
    words.insert(dice.randint(min(2, len(words)), max(2, len(words) - 2)), dice.choice(FILLERS))
    return " ".join(words)


def _shorter(sentence: str, dice: random.Random) -> str:
    words = sentence.split(" ")
    if len(words) < 9:
        return sentence
    lower = [n for n, word in enumerate(words) if word.islower() and len(word) > 4]
    for n in sorted(dice.sample(lower, min(2, len(lower))), reverse=True):
        del words[n]
    return " ".join(words)


def _turned(sentence: str, dice: random.Random) -> str:
    """Begin a sentence with another part of it."""
    words = sentence.rstrip(".").split(" ")
    if len(words) < 8 or '"' in sentence:
        return sentence
    at = dice.randint(3, len(words) - 3)
    turned = [words[at].capitalize(), *words[at + 1 :], words[0].lower(), *words[1:at]]
    return " ".join(turned) + "."


def _quotes(sentence: str, _dice: random.Random) -> str:
    return re.sub(r'"([^"]+)"', r"„\1“", sentence).replace(" - ", " – ")


def _another_number(text: str, dice: random.Random) -> str:
    found = list(NUMBER.finditer(text))
    if not found:
        return text
    at = dice.choice(found)
    digits = list(at[0])
    digits[-1] = str((int(digits[-1]) + dice.randint(1, 8)) % 10)
    return text[: at.start()] + "".join(digits) + text[at.end() :]


def _another_name(text: str, dice: random.Random) -> str:
    found = list(NAME.finditer(text))
    if not found:
        return text
    at = dice.choice(found)
    middle = (at.start() + at.end()) // 2
    return text[:middle] + dice.choice("abdefnrst") + text[middle:]


def _another_mark(text: str, _dice: random.Random) -> str:
    return re.sub(r'"([^"]+)"', r"„\1“", text).replace(" - ", " – ").replace(", die ", " - die ", 1)


def _one_more(text: str, dice: random.Random) -> str:
    paragraphs = text.split("\n\n")
    paragraphs.insert(dice.randint(1, len(paragraphs)), dice.choice(OWN))
    return "\n\n".join(paragraphs)
