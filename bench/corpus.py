"""Write a corpus of invented German press texts as seed files; the same seed, the same corpus.

    python -m bench.corpus FOLDER --count 100000 --seed 1

Each text depends on the seed and its own number alone. Sentences are put together out of noun
phrases, verbs and clauses with made-up names, places and compounds, so that two texts share next
to no run of five words, as two real ones do not. Sizes run from 2 to 20 KB, half below 5 KB.
"""

import argparse
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

SMALLEST_BYTES = 2_000
LARGEST_BYTES = 20_000
FILES_A_FOLDER = 1_000
FIRST_DAY = date(2021, 1, 4)

FIRST_NAMES = (
    "Wiebke Enno Hauke Jette Malte Frauke Torben Imke Lasse Gesa Ole Svenja Arne Birte "
    "Henning Dörte Falk Silke Knut Ragna Detlef Mareike Jochen Ulrike Bastian Corinna Eike "
    "Friederike Gerlinde Hartmut Ilka Jürgen Kerstin Lothar Meike Norbert Oda Philine Quirin "
    "Roswitha Sönke Thea Uwe Vera Wolfram Yvonne Zoltan Adem Leyla Murat Nesrin Milan Jelena "
    "Piotr Agnieszka"
).split()
NAME_HEADS = (
    "Bark Tön Leh Rei Sas Hol Krö Mey Ruh Wes Dier Grot Hin Lüh Ost Pape Stein Vos"
).split()
NAME_TAILS = (
    "hoff jes mers sen brink kamp meier mann stedt haus winkel bach berg ing feld"
).split()
PLACE_HEADS = (
    "Harken Lohe Quell Nieder Ober Eschen Birken Moor Kirch Alten Neuen Sand Stein Ahlen "
    "Bruch Dorn Eller Fohren Gras Hasel Ilmen Jever Krummen Linden Mühl Nessel Oster Pappel "
    "Rohr Schilf"
).split()
PLACE_TAILS = (
    "brück tal stedt hausen büttel dorf münde wedel rode kirchen furt werder horn beck au heide"
).split()
COMPOUND_HEADS = (
    "Stadt Land Hafen Wasser Strom Schul Verkehrs Wohnungs Umwelt Energie Klinik Bahn Deich "
    "Wald Boden Handels Gewerbe Miet Pflege Steuer Haushalts Kultur Sport Jugend Senioren "
    "Forschungs Wetter Klima Küsten Fischerei Acker Milch Getreide Brücken Tunnel Radweg Bus "
    "Lärm Abwasser Müll Solar Wind Wärme Netz Daten Glasfaser Bürger Vereins Museums Theater "
    "Bibliotheks Denkmal"
).split()
MASCULINE = (
    "ausschuss verband bericht plan betrieb vertrag streit entwurf fonds prozess beirat etat "
    "ausbau bedarf mangel rückgang anstieg test umbau antrag beschluss markt preis vorstand"
).split()
FEMININE = (
    "behörde planung verwaltung gesellschaft genossenschaft prüfung anlage förderung reform "
    "studie debatte kommission abgabe versorgung leitung sanierung statistik initiative "
    "vorlage sperrung erhöhung zentrale messe agentur"
).split()
NEUTER = (
    "amt gesetz gutachten projekt unternehmen verfahren institut bündnis angebot konzept "
    "vorhaben programm ergebnis gelände gebäude budget modell defizit register archiv gremium "
    "abkommen"
).split()
ADJECTIVES = (
    "neu geplant umstritten städtisch regional zuständig marod teur unabhängig gemeinsam "
    "vorläufig überarbeitet jahrelang verspätet zusätzlich öffentlich privat geschlossen "
    "freiwillig gescheitert bewährt gefördert saniert verschuldet gewachsen knapp zweit dritt"
).split()
MODAL_ENDS = (
    "verschoben gekürzt geprüft verlängert vorgestellt abgelehnt bewilligt überarbeitet "
    "eingestellt ausgeweitet verkauft ausgeschrieben ausgelegt angefochten saniert gestrichen "
    "aufgestockt halbiert verdoppelt zurückgezogen vertagt beschlossen"
).split()
VERBS = (
    "kritisierte begrüßte prüfte verteidigte verschob finanzierte stoppte genehmigte "
    "erwartete forderte bestätigte verhinderte gefährdete ersetzte verzögerte beendete "
    "unterstützte empfahl verlor gewann überwachte veröffentlichte verteuerte entlastete "
    "belastete verlangte"
).split()
LATE_VERBS = (
    "fehlte ausblieb scheiterte stieg sank begann endete misslang wuchs zunahm nachließ "
    "stockte genügte auslief anlief eintraf"
).split()
DAYS = "Montag Dienstag Mittwoch Donnerstag Freitag Sonnabend Sonntag".split()
MONTHS = (
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
).split()
OFFICES = (
    "Bürgermeister Landrätin Sprecherin Geschäftsführer Vorsitzende Dezernent Ingenieurin "
    "Anwohner Betriebsrätin Professorin Kämmerer Direktorin Hafenmeister Meteorologin Rektor "
    "Landwirtin"
).split()
UNITS = (
    "Euro", "Millionen Euro", "Prozent", "Tonnen", "Kilometer", "Hektar", "Stellen", "Haushalte",
    "Plätze", "Megawatt", "Kubikmeter", "Anträge", "Besucher", "Fahrzeuge", "Betten", "Quadratfuß",
)  # fmt: skip
LINKS = (
    "zugleich", "dagegen", "außerdem", "schließlich", "unterdessen", "dennoch", "zudem", "zuletzt",
    "inzwischen", "erneut", "überraschend", "nach langem Zögern", "ohne Begründung", "einstimmig",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """One invented article: its name on disk and the seed file, header line included."""

    name: str
    content: str


def texts(seed: int, first: int = 0) -> Iterator[Text]:
    """Yield texts without end, beginning with number `first`."""
    number = first
    while True:
        yield text(seed, number)
        number += 1


def text(seed: int, number: int) -> Text:
    """Return the text with this number."""
    dice = random.Random(seed * 1_000_003 + number)
    writer = _Writer(dice)
    day = FIRST_DAY + timedelta(days=dice.randrange(1_800))
    published = day.isoformat() if dice.random() < 0.7 else day.isoformat()[:7]
    wanted = min(LARGEST_BYTES, int(SMALLEST_BYTES * 1.15 + dice.lognormvariate(7.9, 0.7)))
    content = f" date {published} {writer.headline()}\n\n" + "\n\n".join(writer.paragraphs(wanted))
    return Text(f"{number // FILES_A_FOLDER:04d}/{number:07d}.txt", content)


def write(folder: Path, count: int, seed: int, first: int = 0) -> int:
    """Write `count` texts into `folder`, a thousand to a folder; return the bytes written."""
    written = 0
    for each in islice(texts(seed, first), count):
        path = folder / each.name
        if each.name.endswith("000.txt") or not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
        written += path.write_bytes(each.content.encode())
    return written


class _Writer:
    """Puts sentences together; one for each text, so that its names and themes come back."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.pick = dice.choice
        self.people = [self._person() for _ in range(3)]
        self.places = [self._place() for _ in range(3)]
        self.sentences: tuple[Callable[[], str], ...] = (
            self._plain, self._plain, self._dated, self._because, self._quoted, self._counted,
            self._passive, self._linked,
        )  # fmt: skip

    def headline(self) -> str:
        _gender, noun = self._noun()
        return self.pick(
            (
                f"{self.pick(self.places)}: {noun} vor dem Aus",
                f"{noun} in {self.pick(self.places)} wird {self.pick(MODAL_ENDS)}",
                f"Streit um {noun}: {self.people[0][1]} fordert {self._number()}",
                f"{self._number()} für {self.pick(self.places)}",
            )
        )

    def paragraphs(self, wanted: int) -> Iterator[str]:
        """Yield a lead, paragraphs with sub-headings between them, now and then a promo line."""
        lead = f"{self._because()} {self._dated()}"
        size = len(lead.encode()) + 2
        yield lead
        number = 0
        while size < wanted:
            number += 1
            if number % 5 == 0:
                extra = self._extra(number)
                size += len(extra.encode()) + 2
                yield extra
            paragraph = " ".join(
                self.pick(self.sentences)() for _ in range(self.dice.randint(3, 6))
            )
            size += len(paragraph.encode()) + 2
            if size > LARGEST_BYTES - 400:
                return
            yield paragraph

    def _extra(self, number: int) -> str:
        _gender, noun = self._noun()
        if number % 15 == 0:
            return f"Lesen Sie auch: Warum {self.pick(self.places)} auf {noun} setzt"
        return f"{noun} soll {self.pick(MODAL_ENDS)} werden"

    def _plain(self) -> str:
        return (
            f"{self._capital(self._subject())} {self.pick(VERBS)} {self._object()} "
            f"in {self.pick(self.places)}."
        )

    def _dated(self) -> str:
        return (
            f"Am {self.pick(DAYS)}, dem {self.dice.randint(1, 28)}. {self.pick(MONTHS)}, "
            f"{self.pick(VERBS)} {self._subject()} {self._object()}."
        )

    def _because(self) -> str:
        return (
            f"Weil {self._subject()} {self.pick(LATE_VERBS)}, {self.pick(VERBS)} "
            f"{self.pick(OFFICES)} {self.pick(self.people)[1]} {self._object()}."
        )

    def _quoted(self) -> str:
        first, last = self.pick(self.people)
        claim = f"{self._capital(self._subject())} {self.pick(VERBS)} {self._object()}"
        if self.dice.random() < 0.5:
            return f'"{claim}", sagte {first} {last} aus {self.pick(self.places)}.'
        return f"„{claim}“, so {self.pick(OFFICES)} {last}."

    def _counted(self) -> str:
        return (
            f"{self._capital(self._subject())} rechnet mit {self._number()}, "
            f"{self._number()} weniger als {self.dice.randint(1987, 2025)}."
        )

    def _passive(self) -> str:
        return (
            f"In {self.pick(self.places)} wurde {self._subject()} {self.pick(LINKS)} "
            f"{self.pick(MODAL_ENDS)}."
        )

    def _linked(self) -> str:
        return (
            f"{self._capital(self.pick(LINKS))} {self.pick(VERBS)} {self._subject()} "
            f"{self._object()}, obwohl {self._subject()} {self.pick(LATE_VERBS)}."
        )

    def _subject(self) -> str:
        gender, noun = self._noun()
        adjective = self.pick(ADJECTIVES)
        return f"{('der', 'die', 'das')[gender]} {adjective}e {noun}"

    def _object(self) -> str:
        gender, noun = self._noun()
        adjective = self.pick(ADJECTIVES)
        return f"{('den', 'die', 'das')[gender]} {adjective}{('en', 'e', 'e')[gender]} {noun}"

    def _noun(self) -> tuple[int, str]:
        gender = self.dice.randrange(3)
        tail = self.pick((MASCULINE, FEMININE, NEUTER)[gender])
        return gender, self.pick(COMPOUND_HEADS) + tail

    def _number(self) -> str:
        amount = self.dice.randint(2, 989)
        figure = f"{amount},{self.dice.randint(1, 9)}" if self.dice.random() < 0.4 else str(amount)
        return f"{figure} {self.pick(UNITS)}"

    def _person(self) -> tuple[str, str]:
        return self.pick(FIRST_NAMES), self.pick(NAME_HEADS) + self.pick(NAME_TAILS)

    def _place(self) -> str:
        return self.pick(PLACE_HEADS) + self.pick(PLACE_TAILS)

    @staticmethod
    def _capital(words: str) -> str:
        return words[0].upper() + words[1:]


def main() -> None:
    """Write a corpus and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    written = write(given.folder, given.count, given.seed)
    print(f"{given.count} texts, {written / 1e6:.1f} MB, {written // given.count} bytes a text")


if __name__ == "__main__":
    main()
