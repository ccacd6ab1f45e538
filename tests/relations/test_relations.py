"""Copies, follow-ups and clusters, the way that texts come in: files, jobs, workers, crashes."""

import threading
from datetime import datetime
from itertools import permutations

import pytest

from storage.read.archive import open_archive
from storage.read.figures.work_state import work_state
from storage.relations import relate as relating
from storage.similarity.index_keys import PASSAGE
from storage.write.archive import Archive
from storage.write.index import relate_backlog
from storage.write.undo import undo
from tests import services
from tests.flow.driver import Newsroom, hour, page
from tests.flow.driver import iso_utc as iso
from worker.flow.read import Reader
from worker.flow.run_jobs import drain, run_next_job

FIRE = (
    "In der Nacht zum Dienstag ist in der Mühlenstraße in Lohetal eine Scheune ausgebrannt. Gegen "
    "2.40 Uhr meldete ein 54-jähriger Anwohner Flammen am Dach. Als die Feuerwehr mit 40 Kräften "
    "eintraf, stand das Gebäude bereits in Vollbrand.\n\nVerletzt wurde niemand, den Schaden schätzt "
    "die Polizei auf 85.000 Euro. Zwei Traktoren und 120 Strohballen wurden zerstört. Die Straße "
    "blieb bis zum Vormittag gesperrt."
)
MENDED = FIRE.replace("85.000", "58.000")
CUT = FIRE.split("\n\n", maxsplit=1)[0]
OWN = (
    "Auf dem Wochenmarkt war das Feuer am Vormittag das einzige Thema. Bäuerin Gesa Ruhkamp verkaufte "
    "trotzdem alle Eier, sagte sie, und der Posaunenchor spielte wie an jedem Dienstag drei Lieder."
)
LIST = (
    "Das Ordnungsamt der Stadt Lohetal kündigt für die Woche vom {} an: Montag: {}, Dienstag: {}. "
    "Darüber hinaus kann im gesamten Stadtgebiet jederzeit mit weiteren Messungen gerechnet werden. "
    "Besonders vor Schulen gilt es, die zulässige Höchstgeschwindigkeit von 30 km/h einzuhalten."
)
LO, BOTE = "https://polizei.lohe.example/{}", "https://www.bote.example/{}"


def write(
    room: Newsroom, name: str, body: str, *, at: str = BOTE, day: str = "2024-06-18", **more: str
):
    room.write(f"{name}.md", page(body, url=at.format(name), date=day, **{"title": name, **more}))


def related(room: Newsroom, *, undone: bool = False) -> set[tuple[str, str, str]]:
    """Return kind, a and b of the relations, by the last part of the addresses."""
    rows = room.rows(
        "SELECT r.kind, a.origin AS a, b.origin AS b, r.undone_at FROM relations r "
        "JOIN articles a ON a.article = r.a JOIN articles b ON b.article = r.b"
    )
    return {
        (row["kind"], row["a"].rpartition("/")[2], row["b"].rpartition("/")[2])
        for row in rows
        if (row["undone_at"] is not None) == undone
    }


def clusters(room: Newsroom) -> set[frozenset[str]]:
    rows = room.rows("SELECT origin, cluster FROM articles WHERE cluster IS NOT NULL")
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["cluster"], set()).add(row["origin"].rpartition("/")[2])
    return {frozenset(each) for each in found.values()}


# ----------------------------------------------------------------------------- what is told


def test_a_reprint_with_a_change_is_a_near_copy_with_score_method_and_threshold(room):
    write(room, "original", FIRE)
    room.scan(0)
    write(room, "nachdruck", f"Lohetal (dpa) - {MENDED}")
    room.scan(1)
    relation = room.one("SELECT * FROM relations")
    assert (relation["kind"], relation["earlier"], relation["agency"]) == ("near_copy", "b", "dpa")
    assert relation["score"] > 0.9 > relation["threshold"] > 0
    assert relation["method"] == "passages-3"
    assert related(room) == {("near_copy", "nachdruck", "original")}
    assert clusters(room) == {frozenset({"original", "nachdruck"})}


def test_a_cut_text_is_contained_in_the_whole_one_whichever_came_first(room):
    write(room, "gekürzt", CUT)
    room.scan(0)
    write(room, "ganz", f"{FIRE}\n\n{OWN}")
    room.scan(1)
    assert related(room) == {("contains", "ganz", "gekürzt")}
    assert room.one("SELECT earlier FROM relations")["earlier"] == "b"


def test_a_text_embedded_in_another_story_is_contained_and_is_in_no_cluster_with_it(room):
    write(room, "meldung", CUT)
    write(
        room, "reportage", "\n\n".join([OWN, OWN.replace("Eier", "Rüben"), CUT, "Dann kam Regen."])
    )
    room.scan(0)
    assert related(room) == {("contains", "reportage", "meldung")}
    assert clusters(room) == set()


def test_the_next_issue_of_a_series_is_no_copy(room):
    for number, (span, one, other) in enumerate(
        [
            ("17. bis 21. Juni", "Lindenweg", "Postallee"),
            ("24. bis 28. Juni", "Amselweg", "Deichweg"),
        ]
    ):
        write(
            room, f"tempo{number}", LIST.format(span, one, other), day=f"2024-06-{17 + 7 * number}"
        )
    room.scan(0)
    assert related(room) == set()


def test_a_supplement_follows_the_named_text_in_either_order(room):
    write(room, "nachtrag", "Die Ermittler haben einen Zeugen gefunden.", at=LO, day="2024-06-20",
          title="POL-LO: Nachtrag: Scheune in Lohetal ausgebrannt")  # fmt: skip
    room.scan(0)
    write(room, "brand", FIRE, at=LO, title="POL-LO: Scheune in Lohetal ausgebrannt")
    room.scan(1)
    assert related(room) == {("follow_up", "nachtrag", "brand")}


def test_the_predecessor_of_a_text_is_computed_again_when_a_better_one_arrives(room):
    follower = (
        "Es war nicht gegen 2.40 Uhr, sondern gegen 3.40 Uhr, als in Lohetal die Scheune brannte."
    )
    write(room, "korrektur", follower, at=LO, day="2024-06-20", title="Korrektur: Scheune brennt")
    write(room, "andere", "Gegen 11.15 Uhr brannte bei Eller eine Scheune, 40 Kräfte löschten.", at=LO,
          day="2024-06-17", title="Scheune brennt")  # fmt: skip
    room.scan(0)
    assert related(room) == {("follow_up", "korrektur", "andere")}
    write(room, "gemeinte", FIRE, at=LO, day="2024-06-19", title="Scheune brennt")
    room.scan(1)
    assert related(room) == {("follow_up", "korrektur", "gemeinte")}
    assert related(room, undone=True) == {("follow_up", "korrektur", "andere")}


@pytest.mark.parametrize("observed_at", ["2023-02-28T23:30:00-02:00", "2023-03-01T00:30:00Z"])
def test_a_text_without_a_date_is_found_by_the_day_on_which_someone_saw_it(room, observed_at):
    moment = datetime.fromisoformat(observed_at)
    room.write("alt.md", page("Das Theater eröffnet mit einer Komödie."))
    room.ingest("alt.md", origin="https://lohebote.example/a", observed_at=moment)
    assert room.findings() == []
    assert room.number("SELECT count(*) FROM index_key WHERE day = 738580") > 0


def test_a_new_version_is_compared_too(room):
    write(room, "original", FIRE)
    write(room, "notiz", OWN)
    room.scan(0)
    assert related(room) == set()
    write(room, "notiz", MENDED)
    room.scan(1)
    assert related(room) == {("near_copy", "notiz", "original")}


def test_versions_of_one_article_are_no_copies_of_each_other(room):
    for at, body in enumerate((FIRE, MENDED, FIRE.replace("54", "45"))):
        write(room, "original", body)
        room.scan(at)
    assert len(room.versions()) == 3
    assert related(room) == set()


def test_copies_of_copies_are_one_cluster_and_exact_copies_belong_to_it(room):
    write(room, "a", FIRE)
    room.scan(0)
    write(room, "b", MENDED)
    write(room, "c", MENDED, title="b")
    write(room, "d", FIRE.replace("120", "102"))
    room.scan(1)
    assert clusters(room) == {frozenset("abcd")}


def test_two_issues_of_a_series_are_not_brought_together_by_a_third_text(room):
    hours = (
        "Der Bürgerverein lädt in den Saal am Lindenweg ein{}, von 17.00 bis 19.00 Uhr. Dort hört die "
        "Ortsvorsteherin zu, nimmt Anregungen auf und gibt Auskunft über Wege, Bäume und Bänke in der "
        "Umgebung. Kaffee und Kuchen stehen bereit, eine Anmeldung ist nicht nötig."
    )
    write(room, "juni", hours.format(" am Mittwoch, dem 19. Juni"), at=LO, day="2024-06-10")
    write(
        room, "september", hours.format(" am Mittwoch, dem 4. September"), at=LO, day="2024-08-26"
    )
    room.scan(0)
    assert related(room) == set()
    write(room, "ohne", hours.format(""), at=LO, day="2024-07-15")
    room.scan(1)
    assert {kind for kind, _a, _b in related(room)} == {"near_copy"}
    assert len(related(room)) == 2
    assert not any({"juni", "september"} <= each for each in clusters(room))


def test_a_block_that_everybody_has_counts_for_nothing(room):
    block = (
        "Die Wache am Alten Hafen ist rund um die Uhr besetzt und zuständig für 14 Gemeinden mit "
        "38.000 Einwohnern. Das Gebäude stammt aus dem Jahr 1927 und wurde 2016 saniert. Auf der "
        "Internetseite stehen die Einsatzzahlen der vergangenen zehn Jahre zum Herunterladen bereit."
    )
    stories = (
        "Eine Katze saß auf dem Dach.", "Im Moor lag ein Boot.", "Der Bus blieb im Tal liegen.",
        "Ein Ast fiel auf den Zaun.", "Aus der Schule kam Rauch.", "Am Deich fehlte ein Schild.",
        "Vor der Kirche lief Wasser.", "Im Park stand ein Zelt.", "Auf dem Markt brach ein Tisch.",
    )  # fmt: skip
    for number, story in enumerate(stories):
        write(room, f"s{number}", f"{story}\n\n{block}", at=LO, day=f"2024-06-{10 + number}")
        room.scan(number)
    late = {each for each in related(room) if {"s6", "s7", "s8"} & set(each)}
    assert late == set()


# --------------------------------------------------------------------------------- the order

TEXTS = {"ganz": FIRE, "geändert": MENDED, "gekürzt": CUT, "anders": OWN}
WHOLE = {
    ("contains", "ganz", "gekürzt"),
    ("contains", "geändert", "gekürzt"),
}


@pytest.mark.few_cases
@pytest.mark.parametrize("order", [*permutations(TEXTS)][::5], ids="-".join)
def test_any_order_gives_the_same_relations_and_clusters(room, order):
    for at, name in enumerate(order):
        write(room, name, TEXTS[name])
        room.scan(at)
    kinds = {(kind, *sorted((a, b))) for kind, a, b in related(room) if kind == "near_copy"}
    assert kinds == {("near_copy", "ganz", "geändert")}
    assert {each for each in related(room) if each[0] != "near_copy"} == WHOLE
    assert clusters(room) == {frozenset({"ganz", "geändert", "gekürzt"})}


@pytest.mark.parametrize("batch_items", [1, 3, 100])
def test_batches_and_workers_make_no_difference(database_url, tmp_path, batch_items):
    room = Newsroom(database_url, tmp_path, batch_items=str(batch_items))
    names = [f"n{number}" for number in range(12)]
    for number, name in enumerate(names):
        write(room, name, FIRE.replace("120", str(200 + number)))
    job = room.ordered(room.places("*.md"))
    room.collected(job)

    def read() -> None:
        with (
            Archive.open(database_url, clock=lambda: hour(1)) as archive,
            Reader(room.settings) as reader,
        ):
            while run_next_job(archive, room.settings, reader, families=job):
                pass

    workers = [threading.Thread(target=read) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    pairs = {frozenset((a, b)) for kind, a, b in related(room) if kind == "near_copy"}
    assert pairs == {frozenset(pair) for pair in permutations(names, 2)}
    assert clusters(room) == {frozenset(names)}
    assert room.number("SELECT count(*) FROM relation_due") == 0
    assert room.findings() == []
    room.close()


# ------------------------------------------------------------------------------- undone


def test_an_undone_relation_stays_is_not_made_again_and_parts_the_cluster(room):
    write(room, "original", FIRE)
    write(room, "nachdruck", MENDED)
    room.scan(0)
    number = room.number("SELECT id FROM relations")
    label = room.rows("SELECT article, seq FROM articles ORDER BY article")
    undone = room.archive.transact(undo, number, "zwei Brände")
    assert (undone.kind, undone.reason) == ("relation", "zwei Brände")
    assert related(room) == set()
    assert clusters(room) == set()
    assert room.one("SELECT undone_at FROM relations")["undone_at"] == iso(hour(0))
    assert all(
        after["seq"] > before["seq"]
        for before, after in zip(
            label, room.rows("SELECT article, seq FROM articles ORDER BY article"), strict=True
        )
    )
    write(room, "nachdruck", MENDED.replace("Zwei", "Drei"))
    room.scan(1)
    assert related(room) == set()
    assert room.number("SELECT count(*) FROM relations") == 1


def test_undoing_twice_says_when_it_was_done_first(room):
    write(room, "original", FIRE)
    write(room, "nachdruck", MENDED)
    room.scan(0)
    number = room.number("SELECT id FROM relations")
    first = room.archive.transact(undo, number, "eins")
    room.now = hour(5)
    assert room.archive.transact(undo, number, "zwei") == first


def test_a_cluster_that_another_relation_still_holds_together_stays(room):
    write(room, "a", FIRE)
    room.scan(0)
    write(room, "b", MENDED)
    room.scan(1)
    write(room, "c", FIRE.replace("120", "102"))
    room.scan(2)
    first = room.one("SELECT min(id) AS id FROM relations")["id"]
    room.archive.transact(undo, first)
    assert clusters(room) == {frozenset("abc")}


def test_clusters_are_reported_as_they_were_known_before_and_after_each_decision(
    room, database_url
):
    def known(moment: float) -> set[frozenset[str]]:
        found: dict[str, set[str]] = {}
        for line in archive.with_clocks(known_at=hour(moment)).articles():
            if line.cluster:
                found.setdefault(line.cluster, set()).add(line.origin.rpartition("/")[2])
        return {frozenset(each) for each in found.values()}

    for at, name, body in ((0, "a", FIRE), (1, "b", MENDED), (2, "x", LIST), (3, "c", FIRE)):
        write(room, name, body)
        room.scan(at)
    room.now = hour(4)
    for number in room.rows("SELECT id FROM relations"):
        room.archive.transact(undo, number["id"])
    with open_archive(database_url) as archive:
        assert [known(at) for at in range(5)] == [
            set(), {frozenset("ab")}, {frozenset("ab")}, {frozenset("abc")}, set(),
        ]  # fmt: skip


# ------------------------------------------------------------------------ nothing is lost


def test_texts_without_relations_after_a_crash_are_compared_by_the_next_process(room, monkeypatch):
    write(room, "original", FIRE)
    room.scan(0)
    write(room, "nachdruck", MENDED)
    with monkeypatch.context() as killed:
        killed.setattr("storage.write.readings.store.relate_candidates", lambda *_: None)
        room.scan(1)
    assert related(room) == set()
    assert room.number("SELECT count(*) FROM relation_due") == 1
    assert relate_backlog(room.archive) == 0
    room.now = hour(2)
    with room.archive.read_connection() as connection:
        assert work_state(connection, room.now).behind_seconds == {"index": 0, "relate": 3600}
    drain(room.archive, room.settings)
    assert related(room) == {("near_copy", "nachdruck", "original")}
    assert room.number("SELECT count(*) FROM relation_due") == 0


def test_texts_without_traces_after_a_crash_are_traced_by_the_next_process(
    postgres_url, tmp_path, monkeypatch
):
    room = Newsroom(postgres_url, tmp_path)
    with monkeypatch.context() as killed:
        killed.setattr(relating, "add_index_keys", lambda *_: {})
        write(room, "original", FIRE)
        write(room, "nachdruck", MENDED)
        room.scan(0)
    assert room.number("SELECT count(*) FROM index_key") == 0
    assert room.number("SELECT count(*) FROM relation_due") == 2
    room.now = hour(1)
    drain(room.archive, room.settings)
    assert related(room) == {("near_copy", "nachdruck", "original")}
    assert room.number("SELECT count(*) FROM relation_due") == 0
    assert room.findings() == []
    room.close()


@pytest.mark.slow
def test_a_server_that_dies_right_after_texts_were_kept_leaves_nothing_out(tmp_path, monkeypatch):
    with services.own_postgres(durable=True) as server:
        room = Newsroom(server.url("postgres"), tmp_path)
        write(room, "original", FIRE)
        write(room, "nachdruck", MENDED)
        with monkeypatch.context() as killed:
            killed.setattr("storage.write.readings.store.relate_candidates", lambda *_: None)
            room.scan(0)
        server.kill()
        server.start()
        room.archive.engine.dispose()
        assert room.number("SELECT count(*) FROM articles") == 2
        room.now = hour(1)
        drain(room.archive, room.settings)
        assert related(room) == {("near_copy", "nachdruck", "original")}
        for table, left in (("relation_due", 0), ("search_due", 0), ("search_text", 2)):
            assert room.number(f"SELECT count(*) FROM {table}") == left
        assert room.findings() == []
        room.close()


def test_a_text_that_cannot_be_compared_stops_no_other_one(room, monkeypatch):
    write(room, "original", FIRE)
    room.scan(0)
    compare = relating.compare

    def refusing(connection, due):
        titles = room.rows("SELECT id, title FROM wording")
        bad = {row["id"] for row in titles if row["title"] == "kaputt"}
        if bad & due.keys():
            raise RuntimeError("no")
        return compare(connection, due)

    monkeypatch.setattr(relating, "compare", refusing)
    write(room, "kaputt", MENDED)
    write(room, "nachdruck", FIRE.replace("120", "102"))
    room.scan(1)
    monkeypatch.undo()
    assert ("near_copy", "nachdruck", "original") in related(room)
    assert room.number("SELECT count(*) FROM relation_due") == 1
    room.now = hour(1 + 25)
    assert relate_backlog(room.archive) == 1
    assert {"kaputt"} <= {name for each in related(room) for name in each}


def test_a_widespread_copy_leaves_a_bounded_number_of_traces_and_relations(room):
    count = 60
    for number in range(count):
        write(room, f"n{number}", FIRE.replace("120", str(200 + number)))
    room.scan(0)
    assert clusters(room) == {frozenset(f"n{number}" for number in range(count))}
    of_text = (PASSAGE + 1) << 45
    fullest = f"SELECT count(*) AS n FROM index_key WHERE key < {of_text} GROUP BY key ORDER BY n DESC LIMIT 1"
    assert room.one(fullest)["n"] == 32
    assert room.number("SELECT count(*) FROM relations") <= 12 * count
