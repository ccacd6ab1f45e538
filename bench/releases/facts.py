"""The facts that fill a template: dates around its day, numbers, names, places, things."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from types import MappingProxyType

from bench.corpus import (
    DAYS,
    FIRST_NAMES,
    MONTHS,
    NAME_HEADS,
    NAME_TAILS,
    PLACE_HEADS,
    PLACE_TAILS,
)

STREET_HEADS = (
    "Linden Garten Bahnhof Mühlen Deich Schiller Berg Ring Kirch Wiesen Hafen Goethe Brunnen "
    "Amsel Ulmen Post Kloster Feld Markt Tannen Rosen Schul Industrie Wald Brücken Haupt"
).split()
STREET_TAILS = "straße straße straße weg weg allee gasse platz ring damm".split()
_EN_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_EN_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_WORDS = MappingProxyType(
    {
        name: tuple(words.split("|"))
        for name, words in {
            "abteilung": "Kardiologie|Orthopädie|Gefäßchirurgie|Neurologie|Urologie",
            "anlass": "des Stadtfests|der Kirmes|Bauarbeiten|eines Radrennens|des Weinfests",
            "ausschuss": "Bau und Verkehr|Umwelt und Klima|Schule und Sport|Finanzen|Soziales",
            "ausschuss2": "Haupt|Kultur|Jugendhilfe|Planungs|Betriebs",
            "ausstellung": "Licht über dem Moor|Gesichter der Arbeit|Aus Ton und Feuer|Zwischen "
            "den Deichen|Hundert Jahre Radio|Papierwelten",
            "auto": "Kleinwagen|Kombi|Transporter|Geländewagen|Cabrio|Lieferwagen|Kleinbus",
            "beruf": "Industriemechaniker|Mechatronikerin|Fachkraft für Lagerlogistik|Kauffrau",
            "beruf2": "Packmitteltechnologe|Fachinformatiker|Elektronikerin|Medientechnologin",
            "beute": "eine Handtasche|ein Laptop|mehrere Armbanduhren|Bargeld und eine Kamera|"
            "ein Navigationsgerät|Werkzeugmaschinen|zwei Mobiltelefone|eine Münzsammlung",
            "beute_en": "a laptop|jewelry and cash|power tools|a bicycle|two televisions",
            "bezirk": "Pankow|Mitte|Neukölln|Spandau|Lichtenberg|Reinickendorf|Steglitz",
            "delikt": "gefährlicher Körperverletzung|Betrugs|Sachbeschädigung|Landfriedensbruchs|"
            "räuberischer Erpressung|Untreue",
            "energie": "Strom|Erdgas|Fernwärme",
            "en_crime": "a burglary|an armed robbery|vandalism|a car break-in|an assault",
            "en_crime_cap": "Burglary|Armed robbery|Vandalism|Assault",
            "en_dir": "up|down|little changed|higher|lower",
            "en_move": "rise|fall|edge higher|slip|end mixed|rally",
            "en_quarter": "first|second|third|fourth",
            "en_reason": "tech leads|banks drag|rates weigh|oil climbs|investors wait for Fed",
            "en_sky": "partly cloudy|mostly sunny|overcast|foggy|breezy",
            "en_sky_cap": "Cloudy|Sunny|Foggy|Windy|Wet",
            "en_topic": "bus routes|the reading curriculum|a roof repair|cell phone rules",
            "en_topic2": "the winter calendar|teacher contracts|a field house|cafeteria prices",
            "fach": "Leichtbau|Robotik|Pflegewissenschaft|Wasserwirtschaft|Datenanalyse",
            "fach2": "Werkstofftechnik|Informatik|Sozialpolitik|Hydrologie|Statistik",
            "farbe": "blau|schwarz|rot|grau|grün|weiß",
            "farbe2": "braun|silbern|dunkelblau|gelb|beige",
            "feiertag": "Christi Himmelfahrt|Pfingsten|Fronleichnam|Allerheiligen|Ostern|Neujahr",
            "fest": "Hafenfest|Altstadtfest|Schützenfest|Lichterfest|Kürbismarkt",
            "fluss": "Lohe|Ruhme|Wester|Ahle|Dorne",
            "fraktion": "der Grünen|der CDU|der SPD|der FDP|der Freien Wähler",
            "gewaesser": "den Eichsee|das Strandbad Moorkuhle|den Baggersee Nord|den Mühlteich",
            "gewaesser2": "Silbersee|Waldsee|Deichsee|Kiessee",
            "gewinnt": "gewinnt|siegt|verliert|unterliegt",
            "gewonnen": "gewonnen|verloren|nach Verlängerung gewonnen|knapp verloren",
            "hindernis": "einen Baum|eine Leitplanke|ein Verkehrsschild|eine Hauswand|einen Zaun",
            "hoeher": "höher|niedriger|im Plus|im Minus",
            "kirche": "Marien|Johannis|Petri|Nikolai|Trinitatis",
            "komponist": "Mozart|Brahms|Dvořák|Mendelssohn|Schumann",
            "komponist2": "Haydn|Sibelius|Ravel|Schostakowitsch|Elgar",
            "krankheit": "Bluthochdruck|Arthrose|Schlaganfall|Rheuma|Herzschwäche|Demenz",
            "kurs": "Italienisch für Anfänger|Aquarellmalerei|Rückenschule|Obstbäume schneiden|"
            "Fotografieren mit dem Handy|Spanisch Stufe 2|Nähen",
            "laden": "eines Baumarkts|eines Supermarkts|des Hallenbads|eines Möbelhauses",
            "land2": "Norwegen|Polen|Chile|Kanada|Marokko|Vietnam|Tschechien",
            "motto": "Wohnen ist ein Recht|Hände weg vom Stadtwald|Busse statt Beton|Für Frieden|"
            "Gesunde Kliniken|Mut zur Hoffnung|Was trägt uns",
            "platz": "Marktplatz|Rathausplatz|Schützenplatz|Domplatz|Festplatz|Bahnhofsvorplatz",
            "plus": "plus|minus",
            "produkt": "Filteranlagen|Kläranlagen|Gasmotoren|Pumpstationen|Turbinen",
            "richtung": "mehr Beschäftigte|weniger Stellen|leicht gestiegen|gesunken|fester|"
            "schwächer|rückläufig|kaum verändert",
            "richtung2": "überwiegend gut|schwankt|lässt nach",
            "ruhig": "störungsfrei|friedlich|überwiegend friedlich",
            "sache": "eine Gartenlaube|ein Müllcontainer|ein Dachstuhl|eine Küche|eine Mauer|"
            "ein Stromkasten|eine Bushaltestelle",
            "schwere": "leicht|schwer|lebensgefährlich",
            "seinem": "seinem Fahrrad|einem Lastenrad|einem E-Scooter|seinem Motorrad",
            "seite": "linken Kotflügel|rechten Außenspiegel|Heck|hinteren Radkasten",
            "senken": "senken|erhöhen",
            "stueck": "Der Biberpelz|Die Räuber|Nora|Kabale und Liebe|Der Besuch|Woyzeck",
            "sturz": "einem Sturz|einem Zusammenstoß mit einem Lastwagen|einem Alleinunfall",
            "tat": "eine Tankstelle überfallen|Rentner um ihr Geld gebracht|Autos angezündet",
            "team": "TSV Ahlenau|SC Moorbeck|FC Quelltal|SV Eschenwerder|VfL Sandhorn|"
            "SpVgg Ilmenfurt|TuS Hasselrode",
            "team2": "BC Nesselbrück|Harken Baskets|TV Osterheide|Rohrtal Lions",
            "teurer": "teurer|günstiger|zum Jahresbeginn teurer",
            "thema": "die Sanierung der Sporthalle|die Parkgebühren|der Radweg an der Lohe",
            "thema2": "der Haushalt der Musikschule|die Buslinie nach Ahlen|ein Solarpark",
            "thema3": "Baumschutz|WLAN im Rathaus|Schulsozialarbeit|Spielplätzen",
            "ursache": "ein Bagger|Materialermüdung|ein Kurzschluss in einer Station|Frost",
            "verletzung": "Muskelfaserriss|Knieprobleme|Grippe|Rotsperre",
            "ware": "Butter|Kaffee|Olivenöl|Kartoffeln|Schokolade",
            "ware2": "Eier|Orangensaft|Gurken|Rindfleisch|Reis",
            "wetter": "wechselhafte|sommerliche|trübe|windige|freundliche",
            "wunsch": "einer Schultüte|guten Worten|einem Frühstück|Sicherheitsschuhen",
            "zahl2": "zwei|drei|vier|fünf|sechs",
            "zitat": "Das war längst überfällig, und jetzt packen wir es an|Ich habe keine Nacht "
            "ruhig geschlafen, bis das entschieden war|Wir lassen hier niemanden allein, auch "
            "wenn es teuer wird|So geht man mit Menschen nicht um, die alles gegeben haben",
            "zitat_en": "We have been through worse, and we will get through this too|Nobody "
            "wanted this, but we could not wait any longer",
        }.items()
    }
)


class Facts:
    """Gives the value of each slot: the same one again for a name that was asked before.

    `{~ort}` is a fresh one; capitals (`{ORT}`) hold for the whole family. `{n1:3-9}` is a number,
    `{#3-9}` a fresh one, `{eur:100-900}` one as prices are told. `{d+1}`, `{D+1}`, `{s+1}`,
    `{w+1}` are the day after that of the text: `19. Juni`, `19.06.2024`, `19.6.`, `Mittwoch`;
    `{ed+1}`, `{ew+1}` the same in English; `{m-1}`, `{em-1}` months; `{kw}`, `{y}`, `{y2}`.
    """

    def __init__(
        self, dice: random.Random, day: date, house: dict[str, str], ranges: dict[str, str]
    ) -> None:
        self.dice, self.day, self.house, self.ranges = dice, day, house, ranges
        self.known: dict[str, str] = {}
        self._weekday = -1

    def value(self, slot: str) -> str:
        """Return what stands for `{slot}`."""
        if slot.startswith("#"):
            low, high = slot[1:].split("-")
            return str(self.dice.randint(int(low), int(high)))
        if slot.startswith("~"):
            return self._made(slot[1:])
        if slot == "WT":
            self._weekday += 1
            return DAYS[self._weekday % 5]
        dated = self._date(slot)
        if dated is not None:
            return dated
        if slot.isupper():
            return self._of_house(slot)
        name = slot if slot.startswith("eur") else slot.partition(":")[0]
        if name not in self.known:
            self.known[name] = self._made(slot)
        return self.known[name]

    def _of_house(self, slot: str) -> str:
        if slot not in self.house:
            if slot.endswith("KURZ"):
                self.house[slot] = self._of_house(slot[:-4]).split()[0].lower()
            elif slot == "KUERZEL":
                self.house[slot] = "POL-" + self._of_house("ORT")[:3].upper()
            elif slot == "PRAESIDIUM":
                self.house[slot] = f"Polizeipräsidium {self._of_house('ORT')}"
            else:
                self.house[slot] = self._made(_HOUSE.get(slot, slot.lower()))
        return self.house[slot]

    def _date(self, slot: str) -> str | None:
        kind, _, _ = slot.replace("-", "+").partition("+")
        written = _DATED.get(kind)
        if written is None:
            return None
        shift = int(slot[len(kind) :] or 0)
        return written(self.day, shift)

    def _made(self, slot: str) -> str:
        name, _, span = slot.partition(":")
        if name in _WORDS:
            return self.dice.choice(_WORDS[name])
        if name in _MADE:
            return _MADE[name](self.dice)
        low, high = (int(each) for each in (span or self.ranges[name]).split("-"))
        number = self.dice.randint(low, high)
        return f"{round(number, -2):,}".replace(",", ".") if name == "eur" else str(number)


def _place(dice: random.Random) -> str:
    return dice.choice(PLACE_HEADS) + dice.choice(PLACE_TAILS)


def _surname(dice: random.Random) -> str:
    return dice.choice(NAME_HEADS) + dice.choice(NAME_TAILS)


def _person(dice: random.Random) -> str:
    return f"{dice.choice(FIRST_NAMES)} {_surname(dice)}"


def _street(dice: random.Random) -> str:
    return dice.choice(STREET_HEADS) + dice.choice(STREET_TAILS)


def _clock(dice: random.Random) -> str:
    return f"{dice.randint(0, 23)}.{dice.choice(('00', '15', '30', '45', '10', '20'))} Uhr"


def _english_clock(dice: random.Random) -> str:
    return f"{dice.randint(1, 12)}:{dice.randint(0, 5)}{dice.choice('05')} {dice.choice('ap')}.m."


def _phone(dice: random.Random) -> str:
    return f"0{dice.randint(2000, 9899)} {dice.randint(100, 999)}-{dice.randint(100, 9999)}"


def _company(dice: random.Random) -> str:
    return _surname(dice).capitalize() + dice.choice(("tec", " Antriebe", "werk", " & Sohn", "on"))


def _decimal(low: int, high: int, mark: str) -> Callable[[random.Random], str]:
    return lambda dice: f"{dice.randint(low, high)}{mark}{dice.randint(1, 9)}"


_MADE: dict[str, Callable[[random.Random], str]] = {
    "alter": lambda dice: str(dice.randint(18, 89)),
    "autobahn": lambda dice: f"A {dice.randint(1, 99)}",
    "az": lambda dice: f"{dice.randint(1, 40)} KLs {dice.randint(1, 99)}/{dice.randint(20, 25)}",
    "bstr": lambda dice: str(dice.randint(2, 499)),
    "enrate": _decimal(0, 9, "."),
    "enstr": lambda dice: _surname(dice) + dice.choice((" Street", " Avenue", " Road", " Lane")),
    "entel": lambda dice: f"555-{dice.randint(1000, 9999)}",
    "entime": _english_clock,
    "firma": _company,
    "firma2": _company,
    "frau": lambda dice: f"{dice.choice(('Imke', 'Jette', 'Leyla', 'Vera'))} {_surname(dice)}",
    "linie": lambda dice: dice.choice("RS") + str(dice.randint(1, 40)),
    "mann": lambda dice: f"{dice.choice(('Enno', 'Piotr', 'Uwe', 'Falk'))} {_surname(dice)}",
    "nach": _surname,
    "nr": lambda dice: f"{dice.randint(1, 2999):04d}",
    "ort": _place,
    "pct": _decimal(0, 4, ","),
    "person": _person,
    "person2": _person,
    "person3": _person,
    "promille": lambda dice: f"{dice.randint(0, 2)},{dice.randint(50, 99)}",
    "quote": _decimal(2, 8, ","),
    "str": _street,
    "tel": _phone,
    "uhr": _clock,
    "zahl": lambda dice: str(dice.randint(1, 4)),
}
_HOUSE = {"LAND": "ort", "FIRMA": "firma", "TEAM": "team", "PERSON2": "person2"}


def _day(day: date, shift: int) -> date:
    return day + timedelta(days=shift)


def _month(day: date, shift: int) -> int:
    return (day.month - 1 + shift) % 12


_DATED: dict[str, Callable[[date, int], str]] = {
    "d": lambda day, by: f"{_day(day, by).day}. {MONTHS[_day(day, by).month - 1]}",
    "D": lambda day, by: f"{_day(day, by):%d.%m.%Y}",
    "s": lambda day, by: f"{_day(day, by).day}.{_day(day, by).month}.",
    "w": lambda day, by: DAYS[_day(day, by).weekday()],
    "m": lambda day, by: MONTHS[_month(day, by)],
    "y": lambda day, by: str(day.year + by),
    "y2": lambda day, _by: str(day.year + 1),
    "kw": lambda day, _by: str(day.isocalendar()[1]),
    "ed": lambda day, by: f"{_EN_MONTHS[_day(day, by).month - 1]} {_day(day, by).day}",
    "ew": lambda day, by: _EN_DAYS[_day(day, by).weekday()],
    "em": lambda day, by: _EN_MONTHS[_month(day, by)],
}
