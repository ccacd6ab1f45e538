"""Roles of paragraphs, and lines that remain text."""

import pytest

from worker.text.annotate.roles import blocks, roles

LONG = (
    "Der Rat hat am Dienstag nach langer Debatte entschieden, die Brücke bis März zu sperren. " * 3
)


def role_of(text: str) -> str:
    """Return the role of `text` in the middle of an article."""
    return roles([LONG, LONG + "Mehr nicht.", text, LONG])[2]


@pytest.mark.parametrize(
    "text",
    [
        "Newsblog zum russischen Angriffskrieg: Neue Angriffe in der Nacht",
        "Liveblog zur Wahl: Die ersten Zahlen",
        "Live-Ticker zum Spiel: Tor in der 90. Minute",
        "Alle Entwicklungen zum Krieg im Newsblog",
        "Alle aktuellen Nachrichten zur Wahl finden Sie in unserem Liveblog.",
        "Lesen Sie auch: Was die Sperrung kostet",
        "Lesen Sie hier, was die Sperrung kostet.",
        "Sehen Sie hier: Die Brücke von oben",
        "Mehr zum Thema",
        "Mehr zum Thema: Brücken im Land",
        "Mehr dazu: Warum Stahl ermüdet",
        "Auch interessant: Die längste Brücke der Welt",
        "Das könnte Sie auch interessieren",
        "Weitere Artikel:",
        "Lesetipp: Die alte Fähre",
        "Newsletter am Morgen abonnieren",
        "Melden Sie sich für unseren Newsletter an.",
        "Abonnieren Sie unseren Newsletter!",
        "Folgen Sie uns auf Mastodon",
        "Anzeige",
        "Read more: What the closure costs",
        "Also read: The old ferry",
        "Related: Bridges of the county",
        "See also: The longest bridge",
        "Sign up for our morning newsletter",
        "Follow us on Mastodon",
    ],
)
def test_cross_promotion_is_detected(text: str) -> None:
    assert role_of(text) == "promo"


@pytest.mark.parametrize(
    "text",
    [
        "Der Newsblog zum Krieg: eine Bilanz nach zwei Jahren fällt gemischt aus.",
        "Der Newsletter der Partei erreichte 3.000 Menschen.",
        "Newsletter brachten dem Verlag im Jahr 2023 drei Millionen Euro.",
        "Lesen Sie das Kleingedruckte, rät die Verbraucherzentrale.",
        "Mehr zum Thema weiß auch der Bürgermeister nicht.",
        "Mehr dazu will er am Montag sagen.",
        "Anzeige gegen den Betreiber wurde erstattet.",
        "Alle Entwicklungen deuten auf eine Sperrung hin.",
        "Related costs rose by 3.6 per cent.",
        "Read more books, the teacher says.",
        "Liveblog zur Wahl. Die Zahlen: 3,6 Prozent",
        "Lesen Sie auch nachts, fragte der Richter: " + "Ja, jede Nacht, sagte er. " * 12,
    ],
)
def test_a_sentence_that_only_begins_like_promotion_stays_text(text: str) -> None:
    assert role_of(text) in ("text", "subheading")


@pytest.mark.parametrize(
    "text",
    [
        "Anmerkung der Redaktion: Der Name wurde geändert.",
        "Anm. d. Red.: Der Name wurde geändert.",
        "(Anmerkung der Redaktion: Der Name wurde geändert.)",
        "Hinweis der Redaktion: Zahlen ergänzt.",
        "In einer früheren Version dieses Textes stand 36 Prozent.",
        "In einer ersten Fassung stand 36 Prozent.",
        "Korrektur: Es sind 3,6 Prozent.",
        "Richtigstellung: Es sind 3,6 Prozent.",
        "Dieser Artikel wurde am 18. Juni um 13.34 Uhr aktualisiert.",
        "Der Text wurde nachträglich korrigiert.",
        "Transparenzhinweis: Die Autorin war Mitglied.",
        "This article was amended on 18 June 2024.",
        "Correction: It is 3.6 per cent.",
        "Correction (18 June): It is 3.6 per cent.",
        "Editor's note: The name was changed.",
        "Editors’ note: The name was changed.",
        "An earlier version of this story gave a wrong figure.",
    ],
)
def test_a_notice_is_detected(text: str) -> None:
    assert role_of(text) == "notice"


@pytest.mark.parametrize(
    "text",
    [
        "Korrekturen am Haushalt sind laut Kämmerer nicht geplant, hieß es.",
        "Der Text wurde von allen gelesen.",
        "Corrections officers went on strike on Tuesday in the whole county.",
        "In einer früheren Schule wohnen jetzt Familien.",
    ],
)
def test_a_sentence_about_corrections_is_no_notice(text: str) -> None:
    assert role_of(text) == "text"


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Foto: Anna Muster", "caption"),
        ("Die gesperrte Brücke von unten (Archivbild)", "caption"),
        ("The closed bridge (Photo: A. Doe)", "caption"),
        ("Bild: Der Minister sieht es anders.", "text"),
        ("(t-online berichtete)", "aside"),
        ("(Der Deichbote und andere berichteten).", "aside"),
        ("„Wir sperren die Brücke.“", "quote"),
        ("„Wir sperren die Brücke“, sagt der Minister.", "text"),
        ("• Brücke gesperrt\n• Fähre fährt", "list"),
        ("- Brücke gesperrt\n- Fähre fährt", "list"),
        ("1. Brücke gesperrt\n2. Fähre fährt", "list"),
        ("1. Mai ist Feiertag, die Brücke bleibt offen.", "text"),
        ("– Der Minister schweigt dazu.", "text"),
    ],
)
def test_other_roles_show_in_the_line_itself(text: str, role: str) -> None:
    assert role_of(text) == role


@pytest.mark.parametrize(
    "text",
    [
        "Minister spricht von Glück",
        'Minister nennt Sperrung "alternativlos"',
        "Wie geht es jetzt weiter?",
        "„Das trifft uns hart“",
        "3,6 Prozent mehr Verkehr",
    ],
)
def test_a_subheading_is_short_and_has_no_full_stop(text: str) -> None:
    assert role_of(text) == "subheading"


@pytest.mark.parametrize(
    "text",
    [
        "Es ist entschieden.",
        "Die wichtigsten Zahlen:",
        "und dann kam nichts mehr",
        "„Es ist entschieden.“",
        "Ein Satz, der ohne Punkt endet, aber viel zu lang ist, um über einem Abschnitt zu stehen, wie er hier folgt",
    ],
)
def test_a_line_that_could_be_running_text_is_no_subheading(text: str) -> None:
    assert role_of(text) != "subheading"


def test_a_subheading_needs_text_below_it() -> None:
    assert roles([LONG, LONG, "Was bleibt"])[2] == "text"
    assert roles([LONG, LONG, "Eins", "Zwei", "Drei"])[2:] == ["text", "text", "text"]


def test_promotion_between_a_subheading_and_its_text_does_not_part_them() -> None:
    assert roles([LONG, LONG, "Was bleibt", "Mehr zum Thema", LONG])[2] == "subheading"


def test_the_lead_is_the_first_paragraph_if_more_follows() -> None:
    assert roles(["Kurz gesagt.", LONG]) == ["lead", "text"]
    assert roles(["Kurz gesagt."]) == ["text"]
    assert roles(["Lang. " * 100, LONG])[0] == "text"
    assert roles(["Foto: Anna Muster", "Kurz gesagt.", LONG]) == ["caption", "lead", "text"]


def test_the_headline_is_known_by_the_title() -> None:
    assert roles(["BRÜCKE  gesperrt", "Kurz gesagt.", LONG], "Brücke gesperrt") == [
        "headline",
        "lead",
        "text",
    ]


def test_roles_that_the_format_names_are_not_guessed() -> None:
    texts = ["Was bleibt", "- ein Punkt", "Ein Zitat", "Mehr zum Thema", LONG]
    said = roles(texts, None, ["subheading", "list", "quote", "subheading", None])
    assert said == ["subheading", "list", "quote", "promo", "text"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("\n\n \n", []),
        ("Eins", ["Eins"]),
        ("Eins\n\nZwei\nnoch zwei", ["Eins", "Zwei\nnoch zwei"]),
        ("Eins\nZwei", ["Eins", "Zwei"]),
        ("\n\nEins\n\xa0\nZwei\n", ["Eins", "Zwei"]),
    ],
)
def test_blank_lines_part_paragraphs(text: str, parts: list[str]) -> None:
    assert blocks(text) == parts
