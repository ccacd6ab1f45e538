"""Indirect speech: the clause, the verb and the speaker, apart from direct quotations."""

import json

import pytest

from storage.record.derivation_detail import detail_of
from storage.values.draft import Paragraph, paragraphs_in, quotes_in
from tests.text.cases import draft
from worker.text.annotate.indirect import indirect_quotes
from worker.text.annotate.quotes import quotes


@pytest.mark.parametrize(
    ("text", "language", "clause", "cue", "speaker"),
    [
        ("Die Leiterin der Wehr sagte am Montag, dass der Damm noch lange hält.", "de",
         "dass der Damm noch lange hält", "sagte", "Leiterin der Wehr"),
        ("Bürgermeister Bo Lind erklärte, der Damm sei sicher und werde bald erhöht.", "de",
         "der Damm sei sicher und werde bald erhöht", "erklärte", "Bürgermeister Bo Lind"),
        ("Der Damm sei sicher und werde bald erhöht, sagte die Leiterin der Wehr.", "de",
         "Der Damm sei sicher und werde bald erhöht", "sagte", "Leiterin der Wehr"),
        ("Die Brücke koste 36 Millionen Euro, sagte Vogt.", "de",
         "Die Brücke koste 36 Millionen Euro", "sagte", "Vogt"),
        ("Der Kreis zahle die Hälfte, erklärte Bo Lind.", "de",
         "Der Kreis zahle die Hälfte", "erklärte", "Bo Lind"),
        ("Bo Lind sagte, der Verein spende das Geld.", "de",
         "der Verein spende das Geld", "sagte", "Bo Lind"),
        ("Ada Kern betonte: Die Wehr rücke jeden Tag aus.", "de",
         "Die Wehr rücke jeden Tag aus", "betonte", "Ada Kern"),
        ("Laut dem Ministerium kostet der neue Damm rund 36 Millionen Euro.", "de",
         "kostet der neue Damm rund 36 Millionen Euro", "Laut", "Ministerium"),
        ("Nach Angaben von Bo Lind kostet der neue Damm rund 36 Millionen Euro.", "de",
         "kostet der neue Damm rund 36 Millionen Euro", "Nach Angaben", "Bo Lind"),
        ("Gemäß Angaben von Bo Lind kostet der neue Damm rund 36 Millionen Euro.", "de",
         "kostet der neue Damm rund 36 Millionen Euro", "Gemäß Angaben von Bo Lind", None),
        ("Der Damm hält noch lange, wie die Wehr am Montag mitteilte.", "de",
         "Der Damm hält noch lange", "mitteilte", "Wehr"),
        ("Der neue Damm kostet rund 36 Millionen Euro. Das teilte die Wehr am Montag mit.", "de",
         "Der neue Damm kostet rund 36 Millionen Euro", "teilte", "Wehr"),
        ("Mayor Ann Lee said on Monday that the new bridge will cost 36 million.", "en",
         "the new bridge will cost 36 million", "said", "Mayor Ann Lee"),
        ("The new bridge will cost 36 million, the ministry said on Monday.", "en",
         "The new bridge will cost 36 million", "said", "ministry"),
        ("The bridge costs 36 million, Ann Lee said.", "en",
         "The bridge costs 36 million", "said", "Ann Lee"),
        ("Ann Lee said the bridge costs 36 million.", "en",
         "the bridge costs 36 million", "said", "Ann Lee"),
        ("According to Ann Lee, the new bridge will cost 36 million.", "en",
         "the new bridge will cost 36 million", "According to", "Ann Lee"),
        ("In Oldport the old bridge was closed, residents of the quay said on Friday.", "en",
         "In Oldport the old bridge was closed", "said", "residents of the quay"),
        ("A spokesman for the harbour said ferries were delayed by ice.", "en",
         "ferries were delayed by ice", "said", "spokesman for the harbour"),
        ("Divers warned the wall could break.", "en", "the wall could break", "warned", "Divers"),
        ("Norway's fisheries minister said this week that the port would stay closed.", "en",
         "the port would stay closed", "said", "Norway's fisheries minister"),
        ("Engineers at the yard estimate that half of the cables are rusty.", "en",
         "half of the cables are rusty", "estimate", "Engineers"),
        ("As two witnesses told the court, the van was empty.", "en",
         "the van was empty", "told", "two witnesses"),
        ("Den Aussagen der Wehr zufolge brannte die Halle vollständig aus.", "de",
         "brannte die Halle vollständig aus", "zufolge", "Wehr"),
        ("Die Stadt trage, so Lind, keine Schuld an dem Einsturz.", "de",
         "Die Stadt trage, so Lind, keine Schuld an dem Einsturz", "so", "Lind"),
    ],
)  # fmt: skip
def test_the_clause_has_its_verb_and_its_speaker(
    text: str, language: str, clause: str, cue: str, speaker: str | None
) -> None:
    (quote,) = indirect_quotes([Paragraph("text", text)], language)
    assert (quote.text, quote.cue, quote.speaker) == (clause, cue, speaker)
    assert quote.kind == "indirect"
    assert quote.confidence is not None
    assert 0.5 < quote.confidence <= 1


@pytest.mark.parametrize(
    ("text", "language", "speaker"),
    [
        ("Die Schleuse koste 18 Millionen Euro, sagte Jette Harms.", "de", "Jette Harms"),
        ("Der Bund zahle zwei Drittel, erklärte Landrat Piet Onken.", "de", "Landrat Piet Onken"),
        ("Die Werft trage keine Schuld, betonte Frauke Meinen.", "de", "Frauke Meinen"),
        ("Jette Harms sagte, die Fähre fehle den Leuten auf der Insel.", "de", "Jette Harms"),
        ("Piet Onken teilte mit, dass der Bund die Hälfte übernimmt.", "de", "Piet Onken"),
        ("Laut Frauke Meinen fehlen der Werft 70 Leute.", "de", "Frauke Meinen"),
        ("Nach Worten von Piet Onken fehlen der Werft 70 Leute.", "de", "Piet Onken"),
        ("Die Schleuse wird erst 2031 fertig, wie Jette Harms mitteilte.", "de", "Jette Harms"),
        ("The ferry carries 400 cars, Ruth Carey said.", "en", "Ruth Carey"),
        ("Ruth Carey said the ferry carries 400 cars.", "en", "Ruth Carey"),
        ("The ferry carries 400 cars, said Ruth Carey, head of the port.", "en", "Ruth Carey"),
        ("According to Ruth Carey, the ferry carries 400 cars.", "en", "Ruth Carey"),
        ("The ferry carries 400 cars, according to the port.", "en", "port"),
        ("Harbour workers said that the ferry was never full.", "en", "Harbour workers"),
        ("The man told reporters at a meeting that the ferry was full.", "en", "man"),
        ("Ruth Carey, who also said that the ferry was full, left.", "en", "Ruth Carey"),
        ("Ruth Carey left the meeting, saying the ferry was full.", "en", "Ruth Carey"),
    ],
)  # fmt: skip
def test_plain_sentences_of_reported_speech_are_found_with_their_speaker(
    text: str, language: str, speaker: str
) -> None:
    assert [each.speaker for each in indirect_quotes([Paragraph("text", text)], language)] == [
        speaker
    ]


def test_a_sentence_in_the_subjunctive_continues_what_somebody_said() -> None:
    text = "Bo Lind sagte, der Damm sei alt. Er habe das schon im Mai gesagt und werde nun handeln."
    first, second = indirect_quotes([Paragraph("text", text)], "de")
    assert (first.speaker, second.speaker) == ("Bo Lind", "Bo Lind")


COST = "Die Reparatur koste nach heutigem Stand vier Millionen Euro und dauere acht Monate."


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        (f"„Wir sperren im Mai“, sagte Bo Lind. {COST}", ["Bo Lind"]),
        (
            f"„Wir sperren im Mai“, sagte Bo Lind. Ada Kern sagte, der Damm sei alt. {COST}",
            ["Ada Kern", "Ada Kern"],
        ),
        (f"Bo Lind kam um acht. „Wir sperren im Mai“, sagte er. {COST}", ["Bo Lind"]),
        (f"„Wir sperren im Mai“, sagte Bo Lind.\n{COST}", [None]),
    ],
    ids=[
        "of the direct quotation",
        "of the statement in between",
        "of a pronoun",
        "in another paragraph",
    ],
)
def test_a_sentence_in_the_subjunctive_continues_the_nearest_quotation_of_its_paragraph(
    text: str, speakers: list[str | None]
) -> None:
    paragraphs = [Paragraph("text", each) for each in text.split("\n")]
    found = indirect_quotes(paragraphs, "de", direct=quotes(paragraphs, "de"))
    assert [each.speaker for each in found] == speakers


@pytest.mark.parametrize(
    "text",
    [
        "Bo Lind, Chef der Wehr, lobte den Damm und die vielen Helfer aus dem Dorf.",
        "„Der Damm hält noch lange“, sagte Bo Lind am Montag in Lohe.",
        "Das Land teilte die Fläche, die der Hof nutzte, in vier Teile.",
        "Ada Kern beschrieb den Mann: normale Figur, schwarze Mütze, kurze helle Haare.",
        "Am Abend, als die große Halle brannte, sagte Bo Lind ihren Auftritt ab.",
        "Der Damm wurde im Mai gebaut und hält seitdem jeder Flut stand.",
        "Im Herbst habe ich das alte Boot von meinem Bruder neu gestrichen, und nun fahre ich wieder.",
        "Ich gehe gerne mit Leuten segeln, die auch bei Regen gute Laune haben.",
    ],
)
def test_what_a_text_tells_itself_is_no_indirect_speech(text: str) -> None:
    assert indirect_quotes([Paragraph("text", text)], "de") == ()


@pytest.mark.parametrize(
    "text",
    [
        "Asked about the bridge, which was closed in May, Lee replied in the affirmative.",
        "The bridge has a toll, too, called ClearWay.",
        "The town is adding the new bridge to its map of the canal.",
        "The reasons the bridge was closed are many and old.",
        "The heating runs according to your settings at home.",
        "“It holds,” she says about the new dam at the mouth of the river.",
    ],
)
def test_an_english_verb_of_another_meaning_is_no_indirect_speech(text: str) -> None:
    assert indirect_quotes([Paragraph("text", text)], "en") == ()


def test_direct_and_indirect_quotations_are_stored_together_and_stay_apart() -> None:
    text = "„Der Damm hält“, sagte Bo Lind. Er sagte, dass die Wehr bis Mai bleiben werde."
    read = draft(f"2024-06 Streit\n\nDer Rat tagte bis in die Nacht hinein.\n\n{text}")
    assert [each.text for each in read.quotes] == ["Der Damm hält"]
    assert [each.text for each in read.indirect_quotes] == ["dass die Wehr bis Mai bleiben werde"]
    detail = json.loads(json.dumps(detail_of(read, read.text_paragraphs()[1:])))
    found = paragraphs_in(detail, "\n\n".join(read.text_paragraphs()[1:]))
    assert quotes_in(detail, found) == read.quotes
    assert quotes_in(detail, found, "indirect") == read.indirect_quotes
