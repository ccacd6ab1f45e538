"""Every sentence of pages and mails is said in German, and none that neither says."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import lxml.html
import pytest

from storage.database.outgoing import QUEUES
from storage.diff.entry_history import HIDDEN, REMOVED, SHOWN
from storage.history.alerts import lists
from storage.history.alerts.rule import CONDITIONS, AlertRule
from storage.history.unconfirmed.rule import INCOMPLETE, SHAPE, WALL_TEXT
from storage.read.render.passages import LABELS
from storage.read.render.translations import catalogue, message_templates, translate_message
from storage.values.change_class import ChangeClass
from storage.values.messages import choose_plural, message_text, messages
from storage.values.net.rights import PROTOCOLS
from storage.values.outcome import OUTCOMES, STATES
from storage.values.refusals import REFUSALS, refuse
from storage.web.pages.query_parameters import VIEWS
from storage.web.pages.rendering import HERE, UNITS, PageWords
from storage.web.problems import TITLES
from tests.capabilities.alert_sending.conftest import Watched, pegel
from tests.serve.conftest import served
from worker.capabilities.alert_sending import mail, sample

SAID = re.compile(r"""\b(?:t|template|translate)\(\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*[,)]""")
KINDS = re.compile(
    r"^(class|paragraph|protocol|rights|state|kind|view|role|outcome|is|job|trigger|rule|answer|field|flag|outgoing|refusal|doubt) "
)
PLACES = sorted({*re.findall(r"\{(\w+)\}", " ".join(map(" ".join, REFUSALS.values())))})
"""The names of the values in the messages of refusals."""
RELATIONS = ("exact_copy", "near_copy", "contains", "follow_up")


PRODUCT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[a-z][a-z0-9_]*")
SAMPLES = {"status": "404", "line": "7", "column": "8", "address": "https://bote.example/a", "n": 7}
"""Values of places whose form matters; every other place gets a name."""
GENERIC = {"labelled", "joined", "listed"}
"""Messages without words of their own."""
TELLING = {
    "NoSuchError": (0, 2), "AmbiguousError": (0,), "RedactedError": (0,), "RevisionError": (1,),
    "Problem": (1,), "Sending": (1, "answer"), "refuse": ("reason", "detected", "kind"),
}  # fmt: skip
"""Where these take a sentence that pages show: by position or name."""


def said() -> set[str]:
    files = [
        *(HERE / "templates").glob("*.html"),
        *(PRODUCT / "storage/capabilities").glob("*/*.html"),
        *(HERE / "pages").glob("*.py"),
        Path(mail.__file__),
        Path(sample.__file__),
    ]
    found = {a or b for path in files for a, b in SAID.findall(path.read_text("utf-8"))}
    return found | {title for _status, title in TITLES.values()} | {*UNITS}


def calls(*functions: str) -> Iterator[tuple[str, ast.Call, set[str]]]:
    """Yield each call in the modules that call one of `functions`.

    Each comes with its place and the names in its module.
    """
    for path in (*(PRODUCT / "storage").rglob("*.py"), *(PRODUCT / "worker").rglob("*.py")):
        text = path.read_text("utf-8")
        if not any(f"{each}(" in text for each in functions):
            continue
        tree = ast.parse(text)
        names = {
            each.value for each in ast.walk(tree)
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }  # fmt: skip
        for each in ast.walk(tree):
            if isinstance(each, ast.Call):
                yield f"{path.relative_to(PRODUCT)}:{each.lineno}", each, names


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def is_sentence(value: ast.expr) -> bool:
    parts = [value, *ast.iter_child_nodes(value)] if isinstance(value, ast.JoinedStr) else [value]
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value.strip()
        for part in parts
    )


def test_every_sentence_is_said_in_german_and_none_is_left_over():
    german = {each for each in catalogue()["de"] if not KINDS.match(each)}
    assert {each for each in said() if not KINDS.match(each)} == german


def test_every_message_has_a_name_that_the_code_uses_and_the_code_uses_no_other():
    unknown, used = set(), set()
    for place, call, names in calls("message_text"):
        if name_of(call) != "message_text":
            continue
        used |= {each for each in names if NAME.fullmatch(each)}
        if isinstance(call.args[0], ast.Constant) and call.args[0].value not in messages():
            unknown.add((place, call.args[0].value))
    prefixed = {f"{name}{by}" for name in ("article", "where_articles") for by in ("", "_by_then")}
    assert unknown == set()
    assert messages().keys() - used - prefixed == set()


def test_what_pages_show_is_no_sentence_of_the_code_but_a_message_that_has_a_translation():
    found = [
        place
        for place, call, _names in calls(*TELLING)
        for where in TELLING.get(name_of(call), ())
        for value in (
            call.args[where : where + 1] if isinstance(where, int)
            else [each.value for each in call.keywords if each.arg == where]
        ) if is_sentence(value)
    ]  # fmt: skip
    assert found == []


@pytest.mark.parametrize("name", sorted(messages()))
def test_a_message_is_said_in_german_with_its_values(name):
    english, german = (text.split("|")[-1] for text in messages()[name])
    places = set(re.findall(r"\{(\w+)", english))
    assert set(re.findall(r"\{(\w+)", german)) <= places
    values = {each: SAMPLES.get(each, each.upper()) for each in places}
    numbers = dict.fromkeys(re.findall(r"\{(\w+):", english), 7)
    if name in GENERIC:
        assert english == german
        return
    said = message_text(name, **values | numbers)
    assert translate_message("de", said) == german.format(**values | numbers)


def test_the_value_in_a_message_is_translated_too():
    said = {
        "there is no version 'x@9': the article has 2 versions":
            "Fassung „x@9“ nicht gefunden: Der Artikel hat 2 Fassungen.",
        "there is no version 'x@9': the article has 1 version":
            "Fassung „x@9“ nicht gefunden: Der Artikel hat 1 Fassung.",
        "limit: Input should be less than or equal to 200; x: unknown parameter":
            "limit: ungültiger Wert; x: unbekannter Parameter",
        "bote.example: The server could not be reached: it took too long.; and 3 more servers":
            "bote.example: Der Server war nicht erreichbar: zu langsam.; und 3 weitere Server",
        "The page is not an article: its text is not that of an article: it is short, it is short.":
            "Die Seite ist kein Artikel: der Text ist nicht der eines Artikels: er ist kurz, er ist kurz.",
        "captured by arquivo.pt; not fetched: the digest is that of 2024-06-18T12:00:00Z":
            "aufgenommen von arquivo.pt; nicht abgerufen: die Prüfsumme ist die der Aufnahme von 2024-06-18T12:00:00Z",
    }  # fmt: skip
    assert {each: translate_message("de", each) for each in said} == said


def test_a_foreign_sentence_is_no_message():
    for each in (
        "Update: the mayor said it took too long to answer",
        "a: b",
        "Ein Satz; noch einer",
    ):
        assert translate_message("de", each) is None


def test_names_of_classes_and_states_are_said_in_both_languages():
    english, german = catalogue()["en"], catalogue()["de"]
    assert set(english) == {each for each in german if KINDS.match(each)}
    views = (PRODUCT / "docs" / "sql.md").read_text("utf-8")
    listed = {
        column: re.findall(r"`(\w+)`", next(row for row in rows if f"`{value}`" in row))
        for column, value in {"state": "quarantined", "trigger": "recheck"}.items()
        for rows in [re.findall(rf"^\| `{column}` \| (.*)$", views, re.MULTILINE)]
    }
    codes = {
        "class": {each.value for each in ChangeClass},
        "view": VIEWS,
        "protocol": PROTOCOLS,
        "outcome": OUTCOMES.keys() - {"captured"},
        "state": {*STATES.values(), *lists.STATES, SHOWN, HIDDEN, REMOVED, *listed["state"]},
        "trigger": listed["trigger"],
        "kind": {"folder", "web", "web_archive", "input", *RELATIONS},
        "paragraph": LABELS.values(),
        "rule": {*AlertRule.__dataclass_fields__, *CONDITIONS} - {"languages", "recorded"},
        "refusal": REFUSALS,
        "outgoing": {each.kind for each in QUEUES},
        "doubt": {
            *SHAPE,
            "short",
            "few_words",
            "marks_lost",
            "same_text",
            "no_marks",
            WALL_TEXT,
            INCOMPLETE,
        },
    }
    labels = {f"{kind} {code}" for kind, found in codes.items() for code in found}
    assert labels - set(english) == set()


TWO_FORMS = {each: catalogue()["de"][each] for each in catalogue()["de"] if "|" in each}
TWO_FORMS |= {english: german for english, german in messages().values() if "|" in english}


@pytest.mark.parametrize("english", sorted(TWO_FORMS))
def test_one_has_the_singular_and_each_other_number_the_plural_in_both_languages(english):
    for text in (english, TWO_FORMS[english]):
        one, many = text.split("|") if "|" in text else (text, text)  # as in "Treffer"
        forms = [choose_plural(text, {"n": number}) for number in (0, 1, 2, "1", "1.000")]
        assert forms == [many, one, many, one, many]


def test_no_noun_in_the_plural_follows_a_number_in_a_text_of_one_form():
    nouns = re.compile(r"\{n\} (?:articles|versions|files|pages|checks|edits|texts|entries)\b")
    assert [each for each in catalogue()["de"] if "|" not in each and nouns.search(each)] == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_sentence_keeps_the_places_for_its_values(language):
    for key, sentence in catalogue()[language].items():
        assert {*re.findall(r"\{\w+\}", key)} == {*re.findall(r"\{\w+\}", sentence)}


def test_every_refusal_and_flag_has_a_german_message_and_a_label():
    values = dict.fromkeys(PLACES, "7")
    for code in REFUSALS:
        refusal = refuse(code, **values)
        for text in (refusal.message, refusal.hint, refusal.sentences):
            assert translate_message("de", text) not in {None, text}
    flags = PRODUCT / "docs" / "codes.md"
    listed = re.findall(r"^\| `(\w+)`", flags.read_text("utf-8").split("## Flags")[1], re.MULTILINE)
    rules = flags.read_text("utf-8").split("## Noise")[1]
    assert [
        f for f in listed if f"`{f}`" not in rules and f"flag {f}" not in catalogue()["de"]
    ] == []


def test_a_message_template_keeps_the_places_for_its_values():
    for english, german in message_templates().items():
        assert {*re.findall(r"\{(\w+)", german)} <= {*re.findall(r"\{(\w+)", english)}


def test_the_place_of_a_value_is_named_in_german_and_markup_as_it_is():
    german = {
        "byline beside the article": "Autorenzeile neben dem Artikel",
        "page text": "Text der Seite", "seed header": "Kopfzeile des Dokuments",
        "meta og:title": "meta og:title", "front matter: published": "Dateikopf: published",
        "csv: language": "csv: language", "json: section": "json: section",
    }  # fmt: skip
    assert {each: PageWords("de", UTC).place(each) for each in german} == german


@pytest.mark.slow
def test_no_english_is_left_on_a_german_page(tmp_path):
    url = f"sqlite:///{tmp_path / 'lesart.sqlite3'}"
    press = Watched(url)
    values = dict.fromkeys(PLACES, "it is empty") | SAMPLES
    press.scan(0, pegel=pegel(3), damm=pegel(5, title="Damm"))
    press.alert("hafen", query="Zentimeter", classes=("number", "gone"), silent=True)
    press.alert("fluss", daily_at="07:00")
    press.scan(
        1, pegel=pegel(36), **{f"x{n}": refuse(code, **values) for n, code in enumerate(REFUSALS)}
    )
    press.scan(2, pegel=pegel(3), damm=None)
    press.match()
    press.close()
    with served(url) as client:
        articles = [row["article"] for row in client.get("/api/articles").json()["items"]]
        paths = [
            "/",
            "/?limit=20",
            "/?contains=nirgendwo",
            "/?as_of=gestern",
            "/search?q=Zentimeter",
            "/search?q=nirgendwo",
            "/search?as_of=gestern",
            "/relations",
            "/sources",
            "/alerts",
            "/front",
            "/front?as_of=gestern",
            "/front?front=https://nirgendwo.example/",
            "/refusals?limit=200",
            "/statistics",
            "/jobs",
            "/nirgendwo",
            "/a/nirgendwo",
            "/?nope=1",
            "/a/x@1",
            "/a/x/y",
            "/jobs?job=4711",
            f"/a/{articles[0]}/99",
            "/relations?after=x",
        ]
        for each in articles:
            views = ("", "/1", "/since", "/checks", "/rights", "/fronts", "/cite", "/cite?passage=nirgendwo", "/1..2",
                     "/1..2?view=changes", "/1..2?view=side", "/1..2?view=fields",
                     "/1..2?view=quotes", "/1..2?view=links", "/1..2?view=raw")  # fmt: skip
            paths += [f"/a/{each}{view}" for view in views] + [f"/proof/{each}"]
        for path in paths:
            german = f"{path}{'&' if '?' in path else '?'}lang=de"
            answer = client.get(german, headers={"Accept": "text/html"})
            assert answer.headers["content-type"].startswith("text/html"), path
            assert english_of(answer.text) == [], path


def english_of(page: str) -> list[str]:
    """Return the texts of a German page that are English: templates, labels, marked messages."""
    tree = lxml.html.document_fromstring(page)
    found = [each.text_content() for each in tree.xpath("//*[@lang='en']") if each.tag != "a"]
    for each in tree.xpath("//script|//style|//pre|//code|//*[@lang and @lang!='de']"):
        each.drop_tree()
    texts = [text.strip() for text in tree.xpath("//body//text()|//@aria-label|//title/text()")]
    german, labels = catalogue()["de"], catalogue()["en"]
    same = {*german.values()}
    words = {key for key in german if key not in labels} | {*labels.values()}
    sentences = [*message_templates(), *(key for key in german if key not in labels)]
    patterns = [
        re.compile(".*?".join(map(re.escape, re.split(r"\{\w+\}", part))))
        for sentence in sentences
        for part in sentence.split("|")
        if len(re.sub(r"\{\w+\}", "", part).split()) > 2 and part not in same
    ]
    for text in filter(None, texts):
        is_word = text in words and text not in same
        if (
            is_word
            or re.search(r"\{[a-z]+\}", text)
            or any(pattern.search(text) for pattern in patterns)
        ):
            found.append(text)
    return found
