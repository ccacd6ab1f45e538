from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.diff.blame import Stand, blame, find_removed_sentences
from storage.diff.blame import _cut as cache
from storage.language.sentences import sentences
from storage.values.digest import canonical

START = datetime(2024, 6, 18, tzinfo=UTC)


def stands(*texts: tuple[str, ...] | str) -> list[Stand]:
    """Return a version an hour for each of `texts`, last seen half an hour later."""
    return [
        Stand(
            number,
            START + timedelta(hours=number - 1.5) if number > 1 else None,
            START + timedelta(hours=number - 1),
            (text,) if isinstance(text, str) else text,
        )
        for number, text in enumerate(texts, 1)
    ]


def told(found):
    return [(each.sentence, each.paragraph, each.since.number, each.returned) for each in found]


FIVE = stands(
    ("Der Damm hält. Der Pegel steigt.", "Helfer füllen Säcke."),
    ("Der Damm hält. Der Pegel steigt um 3,6 Meter.", "Helfer füllen Säcke."),
    ("Helfer füllen Säcke.", "Der Damm hält. Der Pegel steigt um 3,6 Meter."),
    ("Der Damm hält.",),
    ("Der Damm hält. Der Pegel steigt um 36 Meter.", "Helfer füllen Säcke. Es regnet."),
)


def test_each_sentence_has_its_first_version():
    assert told(blame(FIVE)) == [
        ("Der Damm hält.", 0, 1, False),
        ("Der Pegel steigt um 36 Meter.", 0, 5, False),
        ("Helfer füllen Säcke.", 1, 5, True),
        ("Es regnet.", 1, 5, False),
    ]


def test_what_moves_is_no_younger():
    assert told(blame(FIVE[:3])) == [
        ("Helfer füllen Säcke.", 0, 1, False),
        ("Der Damm hält.", 1, 1, False),
        ("Der Pegel steigt um 3,6 Meter.", 1, 2, False),
    ]


def test_a_process_remembers_no_paragraph_that_is_a_whole_book():
    texts = "Der Pegel der Oste fiel.", "Der Kran stand still. " * 1_000
    before = cache.cache_info()
    for _ in range(2):
        found = [blame(stands(each)) for each in texts]
    assert [len(each) for each in found] == [1, 1_000]
    after = cache.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)


def test_a_sentence_names_the_interval_in_which_it_came_and_its_first_version():
    _, _, back, _ = blame(FIVE)
    assert (back.since.changed_after, back.since.changed_by) == (
        START + timedelta(hours=3.5), START + timedelta(hours=4),
    )  # fmt: skip
    assert (back.first.number, back.version) == (1, 5)


def test_a_removed_sentence_is_listed_with_its_last_form():
    found = find_removed_sentences(FIVE)
    assert told(found) == [
        ("Der Pegel steigt.", 0, 2, False),
        ("Der Pegel steigt um 3,6 Meter.", 1, 4, False),
    ]
    assert [each.version for each in found] == [1, 3]


def test_a_sentence_that_came_back_and_was_removed_again_is_listed_once():
    versions = stands("Ja. Nein.", "Ja.", "Ja. Nein.", "Ja.")
    (found,) = find_removed_sentences(versions)
    assert told([found]) == [("Nein.", 0, 4, True)]
    assert (found.version, found.first.number) == (3, 1)


def test_a_second_time_counts_from_when_it_came():
    versions = stands("Nein.", "Nein. Nein.", "Nein. Doch. Nein.", "Nein.")
    assert told(blame(versions[:3])) == [
        ("Nein.", 0, 1, False),
        ("Doch.", 0, 3, False),
        ("Nein.", 0, 2, False),
    ]
    assert told(find_removed_sentences(versions)) == [
        ("Doch.", 0, 4, False),
        ("Nein.", 0, 4, False),
    ]


SAME = {
    "quotation marks": ("„Es hält“, sagte er.", '"Es hält", sagte er.'),
    "white space": ("Es  hält\u00a0noch.", "Es hält noch."),
    "soft hyphens": ("Die Damm\u00adkrone hält.", "Die Dammkrone hält."),
    "emphasis over two sentences": ("**Es hält. Es hielt.**", "Es hält. Es hielt."),
    "composition": ("Das O\u0308llager brennt.", "Das Öllager brennt."),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_a_text_with_the_same_wording_digest_makes_no_sentence_younger(pair):
    versions = stands(*pair)
    assert {each.since.number for each in blame(versions)} == {1}
    assert find_removed_sentences(versions) == ()


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_a_sentence_is_reported_as_its_version_has_it(pair):
    for text in pair:
        assert " ".join(each.sentence for each in blame(stands(text))) == text


def test_a_hyphen_before_a_sentence_is_no_bullet_inside_a_paragraph():
    versions = stands("Er ging. - Sie kam.", "Er ging. Sie kam.")
    assert [each.canon for each in blame(versions[:1])] == ["Er ging.", "- Sie kam."]
    assert told(blame(versions))[1] == ("Sie kam.", 0, 2, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Es sind 3,6 Prozent.", "Es sind 36 Prozent."),
        ("Es hält?", "Es hält."),
        ("„Es“ hält.", "Es hält."),
        ("Es hält nicht.", "Es hält."),
        ("Er kam, sagte sie.", "Er kam sagte sie."),
    ],
    ids=["a decimal comma", "a question", "quotation marks", "a negation", "a comma"],
)
def test_a_text_with_another_digest_is_another_sentence(old, new):
    versions = stands(old, new)
    assert told(blame(versions)) == [(new, 0, 2, False)]
    assert told(find_removed_sentences(versions)) == [(old, 0, 2, False)]


def test_no_version_and_an_empty_one_have_no_sentences():
    assert blame([]) == find_removed_sentences([]) == ()
    assert blame(stands(())) == blame(stands("", " ")[:2]) == ()
    assert told(find_removed_sentences(stands("Ja.", ()))) == [("Ja.", 0, 2, False)]


# ---------------------------------------------------------------- against the definition itself

SENTENCE = st.sampled_from(
    ["Ja.", "Nein!", "„Gut“, sagte er.", '"Gut", sagte er.', "Am 3. Mai.", "Ja"]
)
PARAGRAPH = st.lists(SENTENCE, max_size=4).map(" ".join)
VERSIONS = st.lists(st.lists(PARAGRAPH, max_size=3).map(tuple), min_size=1, max_size=6)


def split(stand):
    """Return the sentences of a state in canonical form with their paragraphs."""
    return [
        (each.strip(), number)
        for number, paragraph in enumerate(stand.paragraphs)
        for each in sentences(canonical(paragraph))
        if each.strip()
    ]


def counts(versions):
    return [Counter(sentence for sentence, _ in split(stand)) for stand in versions]


def by_definition(held, sentence, rank):
    """Return the first version from which on all have it so often, the first, if it came back."""
    enough = [count[sentence] > rank for count in held]
    since = max((i + 1 for i, has in enumerate(enough) if not has), default=0)
    return since + 1, enough.index(True) + 1, any(enough[:since])


@given(VERSIONS)
def test_blame_agrees_with_its_definition(texts):
    versions = stands(*texts)
    held = counts(versions)
    met: Counter = Counter()
    expected = []
    for sentence, paragraph in split(versions[-1]):
        expected.append((sentence, paragraph, *by_definition(held, sentence, met[sentence])))
        met[sentence] += 1
    assert [
        (each.canon, each.paragraph, each.since.number, each.first.number,
         each.returned)
        for each in blame(versions)
    ] == expected  # fmt: skip


@given(VERSIONS)
def test_removed_agrees_with_its_definition(texts):
    versions = stands(*texts)
    held = counts(versions)
    expected = Counter()
    for sentence in {each for count in held for each in count}:
        for rank in range(held[-1][sentence], max(count[sentence] for count in held)):
            has = [count[sentence] > rank for count in held]
            last = max(i for i, each in enumerate(has) if each)
            runs = sum(
                each and not before for before, each in zip([False, *has], has, strict=False)
            )
            expected[sentence, last + 1, last + 2, runs > 1] += 1
    assert (
        Counter(
            (each.canon, each.version, each.since.number, each.returned)
            for each in find_removed_sentences(versions)
        )
        == expected
    )


@given(VERSIONS)
def test_blame_is_deterministic_and_its_sentences_are_in_their_version(texts):
    versions = stands(*texts)
    assert blame(versions) == blame(versions)
    for each in (*blame(versions), *find_removed_sentences(versions)):
        assert each.sentence in versions[each.version - 1].paragraphs[each.paragraph]


def test_a_version_without_a_text_in_between_leaves_it_unknown_whether_a_sentence_was_absent():
    one, two, four = (stands(*["Der Damm hält."] * 4)[number] for number in (0, 1, 3))
    ((known,), (unknown,)) = blame([one, two]), blame([one, two, four])
    assert (known.returned, unknown.returned, unknown.since.number) == (False, None, 1)
