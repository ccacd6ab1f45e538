"""Where a text speaks of its sender: what two releases share without being copies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.language.senders import sender_spans

STORY = "In der Nacht brannte eine Scheune in Lohetal. Verletzt wurde niemand."

BLOCKS = {
    "the press office of the police": (
        "Rückfragen bitte an:\n\nPolizeipräsidium Lohe\nPressestelle\nTelefon: 0421 555-100\n"
        "E-Mail: presse@polizei.example"
    ),
    "office hours": "Rückfragen zu den Bürozeiten:\nPolizeiinspektion Lohe\nTelefon: 03999 123-456",
    "the agency that passes it on": "Original-Content von: Polizei Lohe, übermittelt durch news aktuell",
    "a press contact": "Pressekontakt: Ada Lind, Telefon 0421 555100, presse@lohe.example",
    "an English one": "Media contact: Jo Firth, 555-0134, press@firth.example",
    "about the company": "Über die Lohe AG\n\nDie Lohe AG baut seit 1921 Pumpen und hat 900 Beschäftigte.",
    "about the company, in English": "About Firth\n\nFirth Inc. makes valves for customers in 40 countries.",
    "looking forward": "Diese Mitteilung enthält zukunftsgerichtete Aussagen, die Risiken unterliegen.",
    "a banner": (
        "Wir verwenden Cookies. Mit einem Klick geben Sie Ihre Einwilligung; mehr steht in der "
        "Datenschutzerklärung."
    ),
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_a_block_below_the_story_is_of_the_sender(block):
    text = f"{STORY}\n\n{block}"
    told = " ".join(text[start:end] for start, end in sender_spans(text))
    assert told.split() == block.split()


def test_a_block_within_a_line_goes_to_its_end():
    text = f"{STORY} Rückfragen bitte an: Polizei Lohe, Telefon 0421 555100\n\nEin zweiter Brand."
    ((start, end),) = sender_spans(text)
    assert text[start:end] == "Rückfragen bitte an: Polizei Lohe, Telefon 0421 555100"


STORIES = {
    "a story": STORY,
    "one that begins with a question": "Rückfragen der Zuhörer gab es viele. Die Ministerin blieb.",
    "one about cookies": f"{STORY}\n\nDas Gericht verbietet Cookies ohne Einwilligung.",
    "a flight over something": f"{STORY}\n\nÜber Lohetal kreiste ein Hubschrauber. Er fand nichts.",
    "a contact between people": f"{STORY}\n\nKontakte zu den Tätern hatte er nicht.",
    "nothing": "",
}


@pytest.mark.parametrize("text", STORIES.values(), ids=STORIES.keys())
def test_a_story_is_none_of_the_sender(text):
    assert sender_spans(text) == []


def test_the_story_goes_on_behind_a_block():
    text = f"{STORY}\n\nRückfragen bitte an:\nFeuerwehr Lohe\n\n{STORY} Später kam Regen dazu."
    assert "Später" not in "".join(text[start:end] for start, end in sender_spans(text))


@given(st.text(alphabet=st.sampled_from("aR:\n. @1Übe"), max_size=80))
def test_spans_are_in_order_within_the_text(text):
    last = 0
    for start, end in sender_spans(text):
        assert last <= start < end <= len(text)
        last = end
