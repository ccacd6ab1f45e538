"""Language detection by vote and by model, and uncertain cases."""

import pytest

from worker.text.annotate.language import MODEL, STOP_WORDS, language

GERMAN = "Der Rat hat am Dienstag entschieden, dass die Brücke über den Kanal nicht vor dem Winter für den Verkehr geöffnet wird und auch die Fähre nur noch bis zum Abend fährt. "
ENGLISH = "The council has decided that the bridge over the canal will not be opened for traffic before the winter, and the ferry will run only until the evening, which has angered those who live there. "
DUTCH = "De raad heeft dinsdag besloten dat de brug over het kanaal niet voor de winter voor het verkeer wordt geopend en dat ook de veerboot alleen nog maar tot de avond vaart, wat de bewoners boos maakt. "
FRENCH = "Le conseil a décidé mardi que le pont sur le canal ne sera pas ouvert à la circulation avant l'hiver et que le bac ne circulera plus que jusqu'au soir, ce qui a fâché les habitants. "
DANISH = "Byrådet har tirsdag besluttet, at broen over kanalen ikke bliver åbnet for trafik før vinteren, og at færgen kun sejler indtil aften, hvilket har gjort beboerne vrede for det er langt at køre. "
BOTH = ("de", "en")


@pytest.mark.parametrize(("text", "code"), [(GERMAN, "de"), (ENGLISH, "en")])
def test_a_plain_text_needs_no_model(text: str, code: str) -> None:
    found = language(text * 3, BOTH)
    assert (found.value, found.found_in) == (code, STOP_WORDS)


@pytest.mark.parametrize("text", [DUTCH, FRENCH, DANISH], ids=["dutch", "french", "danish"])
def test_another_language_is_unsure_and_stays_a_candidate(text: str) -> None:
    found = language(text * 3, BOTH)
    assert (found.value, found.found_in) == (None, MODEL)
    assert found.candidates[0].value not in BOTH


def test_another_language_is_named_where_it_is_configured() -> None:
    assert language(FRENCH, ("de", "fr")).value == "fr"


def test_a_clear_vote_for_a_language_that_is_not_configured_is_unsure() -> None:
    found = language(GERMAN * 3, ("en",))
    assert found.value is None
    assert [c.value for c in found.candidates] == ["de"]


@pytest.mark.parametrize("text", ["", "42", "Öl", "– – –"])
def test_too_few_letters_have_no_language(text: str) -> None:
    assert language(text, BOTH).value is None


def test_a_german_headline_is_detected_by_the_model() -> None:
    found = language("Bürgermeister eröffnet Kläranlage in Süderhöft", BOTH)
    assert (found.value, found.found_in) == ("de", MODEL)


def test_a_text_of_two_languages_is_not_voted_on() -> None:
    assert language((GERMAN + ENGLISH) * 3, BOTH).found_in == MODEL


@pytest.mark.real
def test_vote_and_model_agree_on_real_articles(real_data):
    import json

    from worker.text.annotate.language import _rank, _vote

    lines = (real_data / "data" / "wikinews_de" / "articles.jsonl").read_text().splitlines()
    for line in lines[::20]:
        sample = json.loads(line)["text"][:2_000]
        voted = _vote(sample, BOTH)
        assert _rank(sample, BOTH).value == "de"
        assert voted is None or voted.value == "de"
