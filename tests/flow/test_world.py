"""After any events in a folder and any deaths of processes, the archive is complete in the end."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.schedule import queue
from storage.schedule import wake as wake_ups
from storage.write.store_captures import store_arrivals
from tests.flow.driver import SENTENCES, Newsroom, findings, hour, lines, page, seed
from tests.write.follower import Follower
from worker.flow.collect import folder
from worker.flow.order import target_at, target_of
from worker.flow.run_jobs import run_next_job

pytestmark = pytest.mark.starts_first

EXAMPLES = settings.default.max_examples // 4
NAMES = ("a.txt", "b.txt", "c.md", "d.md", "t.jsonl")
WORLD = count(1)


class Crash(BaseException):
    """A kill as seen from inside."""


class World:
    """A folder with its files, in an archive that many worlds share."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.name = f"welt{next(WORLD)}"
        self.folder = room.root / self.name
        self.source = room.watch(self.name, self.folder)
        self.address = f"https://www.lohebote.example/{self.name}"
        self.clock = 0.0
        self.texts: dict[str, str | None] = {}
        self.imported = self.died = 0

    # ------------------------------------------------------------------- what happens

    def write(self, name: str, index: int) -> None:
        text = SENTENCES[index] if index < len(SENTENCES) else None
        self.room.write(name, self._content(name, text), self.folder)
        self.texts[name] = text

    def _content(self, name: str, text: str | None) -> str:
        if text is None:
            return "\n"
        if name == "t.jsonl":
            return lines({"fest": text, text[:9]: text})
        if name.endswith(".md"):
            return page(text, url=self.address, title="Pegel steigt")
        return seed("Pegel steigt", text)

    def remove(self, name: str, _index: int) -> None:
        (self.folder / name).unlink(missing_ok=True)
        self.texts.pop(name, None)

    def scan(self, _name: str, _index: int) -> None:
        self.room.worked(self._order())

    def collect(self, _name: str, _index: int) -> None:
        self.room.collected(self._order())

    def read(self, _name: str, _index: int) -> None:
        run_next_job(self.room.archive, self.room.settings, self.room.reader)

    def name_it(self, name: str, _index: int) -> None:
        if (self.folder / name).exists():
            self._tick()
            self.room.worked(self.room.ordered(self.room.places(str(self.folder / name))))

    def import_it(self, _name: str, index: int) -> None:
        self._tick()
        self.imported += 1
        text = SENTENCES[index % len(SENTENCES)]
        path = self.room.write(f"{self.name}-{self.imported}.md", page(text), self.room.root / "i")
        place = target_at(
            self.room.archive, self.room.settings, str(path), origin=self.address,
            observed_at=hour(self.clock - index - 0.5),
        )  # fmt: skip
        self.room.worked(self.room.ordered([place]))

    def die_collecting(self, _name: str, index: int) -> None:
        """Let a worker die after it kept its first or second batch."""
        if not self._may_die():
            return
        job, kept = self._order(), []

        def dying(archive, *arguments):
            counts = store_arrivals(archive, *arguments)
            kept.append(1)
            if len(kept) > index % 2:
                raise Crash
            return counts

        folder.store_arrivals = dying
        try:
            self.room.collected(job)
        except Crash:
            self._end_leases()
        finally:
            folder.store_arrivals = store_arrivals

    def die_reading(self, _name: str, _index: int) -> None:
        """Let a worker die at a due job."""
        if self._may_die() and self.room.claimed() is not None:
            self._end_leases()

    def _may_die(self) -> bool:
        """Return whether one more death quarantines no job for sure."""
        self.died += 1
        return self.died < queue.MAX_ATTEMPTS

    def _end_leases(self) -> None:
        with self.room.archive.engine.begin() as connection:
            wake_ups.end_leases(connection, wake_ups.holders(connection))

    def _order(self) -> int:
        self._tick()
        return self.room.ordered([target_of(self.source)])

    def _tick(self) -> None:
        self.clock += 1.0
        self.room.now = hour(self.clock)

    # -------------------------------------------------------------- what must be known

    def check(self) -> None:
        """Check the folder again, and compare it with the archive."""
        while run_next_job(self.room.archive, self.room.settings, self.room.reader):
            pass
        self.scan("", 0)
        self._check_articles()
        self._check_observations()

    def _check_articles(self) -> None:
        for name in ("a.txt", "b.txt", "t.jsonl"):
            origin = f"seed:{self.name}/{name}" + ("#fest" if name == "t.jsonl" else "")
            text = self.texts.get(name)
            found = self.room.rows("SELECT * FROM articles WHERE origin = :o", o=origin)
            if text is not None:
                assert [each["state"] for each in found] == ["present"]
                versions = [body for _number, body in self.room.versions(found[0]["id"])]
                assert versions[-1] == text
                assert all(a != b for a, b in pairwise(versions))
            elif found and name not in self.texts:
                assert found[0]["state"] == "gone"
        addressed = [self.texts[name] for name in ("c.md", "d.md") if self.texts.get(name)]
        if addressed:
            query = (
                "SELECT v.text FROM versions v JOIN articles a ON a.article = v.article "
                "AND a.versions = v.version WHERE a.origin = :address OR a.origin LIKE :own"
            )
            own = f"seed:{self.name}/_.md"
            heads = {row["text"] for row in self.room.rows(query, address=self.address, own=own)}
            assert set(addressed) <= heads

    def _check_observations(self) -> None:
        """Each captured item has one verdict, and no work is left."""
        unread = self.room.number(
            "SELECT count(*) FROM observation o LEFT JOIN verdict v ON v.observation_id = o.id "
            "WHERE v.id IS NULL AND o.outcome <> 'gone' AND o.source_id = :source",
            source=self.source.id,
        )
        left = self.room.number(
            "SELECT count(*) FROM job WHERE state <> 'done' AND source_id = :source",
            source=self.source.id,
        )
        assert (unread, left) == (0, 0)


HAPPENINGS: dict[str, Callable[[World, str, int], None]] = {
    "write": World.write,
    "write again": World.write,
    "remove": World.remove,
    "scan": World.scan,
    "collect": World.collect,
    "read": World.read,
    "name": World.name_it,
    "import": World.import_it,
    "die collecting": World.die_collecting,
    "die reading": World.die_reading,
}
happenings = st.lists(
    st.tuples(
        st.sampled_from(sorted(HAPPENINGS)),
        st.sampled_from(NAMES),
        st.integers(0, len(SENTENCES)),
    ),
    min_size=1,
    max_size=14,
)


@pytest.mark.postgresql("large")
@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(happened=happenings)
def test_the_archive_knows_in_the_end_what_happened_to_the_folder(room, happened):
    room.settings = replace(room.settings, batch_items=2)
    world = World(room)
    follower = Follower(room.url, 2)
    for what, name, index in happened:
        HAPPENINGS[what](world, name, index)
        follower.poll()
    world.check()
    assert follower.losses() == []
    follower.engine.dispose()
    found = findings(room.url)
    assert found == [], found
