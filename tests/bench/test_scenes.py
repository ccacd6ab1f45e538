"""Copies and follow-ups of the invented scenes are found with high precision and recall."""

import pytest

from bench.releases.scenes import scene
from storage.similarity.follow_up import FollowUpText, choose_followed
from storage.similarity.near_copy import StoryText, likeness

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("half", ["tuned", "held"])
def test_follow_ups_are_found_among_texts_of_the_same_sender(half):
    made = scene(half, seed=7)
    candidates = {
        each.key: FollowUpText(
            number, each.release.title, each.release.body, each.release.day, each.site
        )
        for number, each in enumerate(made.texts)
    }
    by_site: dict[str, list[FollowUpText]] = {}
    for each in made.texts:
        by_site.setdefault(each.site, []).append(candidates[each.key])
    found = {
        (each.key, made.texts[told.key].key)
        for each in made.texts
        for told in choose_followed(candidates[each.key], by_site[each.site])
    }
    right = found & set(made.follows)
    assert len(right) >= 0.95 * len(made.follows)
    assert len(right) >= 0.95 * len(found)


@pytest.mark.parametrize("half", ["tuned", "held"])
def test_copies_are_found_and_issues_of_a_template_are_not_taken_for_them(half):
    made = scene(half, seed=7)
    texts = {each.key: StoryText(each.release.title, each.release.body, each.release.day)
             for each in made.texts}  # fmt: skip
    wanted = [*made.near, *made.contains]
    found = sum(likeness(texts[a], texts[b])[0].kind is not None for a, b in wanted)
    assert found >= 0.95 * len(wanted)
    series = [each for each in made.texts if each.group.startswith(("series", "story"))]
    pairs = [
        (one, other)
        for number, one in enumerate(series)
        for other in series[:number]
        if one.group == other.group
    ]
    merged = sum(
        likeness(texts[one.key], texts[other.key])[0].kind is not None for one, other in pairs
    )
    assert len(pairs) > 300
    assert merged <= 0.01 * len(pairs)
