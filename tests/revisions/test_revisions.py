"""The archive reports the labelled changes in any order of ingestion."""

import random
from collections import Counter

import pytest

from tests import services
from tests.flow.driver import newsroom_at
from tests.revisions.labelled import Score, bring, labelled, score, told

pytestmark = [pytest.mark.slow, pytest.mark.starts_first]

LEAST_F1 = 0.95
LEAST_SILENT = 0.95


@pytest.fixture(
    scope="module",
    params=["sqlite in order", pytest.param("postgresql in any order", marks=pytest.mark.large)],
)
def answers(request, tmp_path_factory):
    """Give the report of the archive about every labelled step."""
    root = tmp_path_factory.mktemp("revisions")
    captures, steps = labelled()
    if request.param.startswith("sqlite"):
        with newsroom_at(f"sqlite:///{root / 'lesart.sqlite3'}", root) as room:
            bring(room, captures)
            yield told(room, steps)
        return
    random.Random(5).shuffle(captures)
    databases: services.PostgresDatabases = request.getfixturevalue("postgres_databases")
    with databases.database() as url, newsroom_at(url, root, batch_items="7") as room:
        bring(room, captures)
        yield told(room, steps)


@pytest.fixture(scope="module")
def found(answers) -> Score:
    return score(answers)


def names(answers) -> list[str]:
    return [f"{each.step.file}: {each.step.case}" for each in answers]


def test_there_are_steps_of_all_classes_and_kinds_of_noise_in_both_languages():
    _captures, steps = labelled()
    classes = Counter(name for step in steps for name in step.classes if ": " not in name)
    noise = Counter(name for step in steps for name in step.noise)
    assert len(steps) >= 120
    assert min(classes.values()) >= 3
    assert {"email", "box", "navigation", "copyright", "clock", "age", "counter", "tracking", "artefact", "flip", "breaks", "stamp"} <= set(noise)  # fmt: skip
    assert {step.silent for step in steps if step.classes} == {True, False, None}


def test_noise_is_never_a_version(found):
    assert names(found.noisy) == []


def test_every_change_of_the_wording_is_a_version(found):
    assert names(found.missed) == []


def test_the_classes_are_those_that_a_person_sees(found):
    assert found.class_f1() >= LEAST_F1, names(found.misclassed)


def test_silent_changes_are_distinguished_from_announced_ones(found):
    assert found.silent_precision >= LEAST_SILENT, names(found.silent_wrong)
    assert found.silent_recall >= LEAST_SILENT, names(found.silent_lost)


def test_a_correction_is_linked_to_the_change_that_it_speaks_of(found):
    assert names(found.notices_wrong) == []
    assert found.notices_asked >= 5


def test_differences_outside_a_change_are_listed_next_to_it(answers):
    beside = [
        each for each in answers if each.step.case == "noise beside a change is left out of it"
    ]
    assert [each.classes for each in beside] == [{"wording"}, {"wording"}]
