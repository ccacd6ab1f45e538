"""Events of front pages, live blogs, moves, noise, passages and copies at other archives."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from storage.capabilities.outside_copies import store
from storage.capabilities.outside_copies.tables import COPY_REQUEST
from storage.capabilities.unconfirmed import store as unconfirmed
from storage.database.engine import database_epoch
from storage.database.unit import Unit
from storage.language.passage import Passage
from storage.values.redaction import RedactionReason
from storage.write.redaction.plan import RedactionTarget
from storage.write.redaction.redact_articles import redact_passage
from storage.write.submissions import Submission, store_submission
from storage.write.undo import undo
from tests.capabilities.unconfirmed.pages import WALLS
from tests.flow.driver import hour
from tests.tools.model.means import Means, blogs, texts
from tests.tools.model.oracle import FOREVER, Said
from tests.tools.model.texts import (
    ADDRESSES,
    FRONT,
    HEADLINES,
    LIVE,
    MARKET,
    MOVING,
    NOISY,
    PASSAGE,
    QUIET,
    REWRITTEN,
    WITHOUT,
    blog_page,
    front_page,
    order_of,
    page_of,
    web_page,
)
from tests.tools.model.told import DIGESTS, ERASED, hours_of
from tests.warcs import answer
from worker.cli.redactions import prepare_reading

ELSEWHERE = "eins"
"""Name of the archive that copies pages."""
shown = st.lists(
    st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(HEADLINES)),
    min_size=1, max_size=2, unique_by=lambda each: each[0],
)  # fmt: skip


class Walls(Means):
    """A server that shows a wall in place of an article: for every reader, nothing happens."""

    @rule(address=st.sampled_from([*ADDRESSES, *MOVING]), wall=st.sampled_from([*WALLS]))
    def block(self, address: str, wall: str) -> None:
        """Store a wall that a browser sent."""
        self._tick()
        raw = f"{WALLS[wall]}<!-- {next(self.serial)} -->".encode()
        if address not in self.oracle.erased:
            sent = Submission(address, address, raw, "ada")
            self.room.worked(store_submission(self.room.archive, sent))

    @rule(chance=st.integers(0, 99))
    def dismiss(self, chance: int) -> None:
        """Say of a wall that it is none of the texts of its article, or withdraw that."""
        self._tick()
        rows = self.room.rows("SELECT article, wording, decision, decided_by FROM unconfirmed")
        if rows:
            chosen = rows[chance % len(rows)]
            article = self._article_of(chosen["article"])
            held = self.room.archive.read(unconfirmed.find_reading, article, chosen["wording"])
            if chosen["decided_by"] is None:
                self.room.archive.transact(unconfirmed.settle, held, "dismissed", "ada")
            else:
                self.room.archive.transact(unconfirmed.undo_decision, held, "ada")

    def _article_of(self, name: str) -> int:
        return int(self.room.one("SELECT id FROM article WHERE public_id = :name", name=name)["id"])


class FrontPages(Means):
    """A front page that another crawler captured."""

    @rule(shown=shown, back=st.integers(1, 8))
    def show(self, shown: list[Said], back: int) -> None:
        """Import a front page of an earlier time."""
        self._tick()
        at = self.clock - back - 0.125
        while at in dict(self.oracle.answers[FRONT]):  # `teasers` has one list of a moment
            at -= 1.0
        content = front_page(shown, next(self.serial))
        self._ingest(self._crawled(f"{FRONT}/", at, answer(content)), type="front")
        self.oracle.hear(FRONT, at, shown)


class LiveBlogs(Means):
    """A live blog that other archives captured."""

    @rule(text=blogs, back=st.integers(0, 8))
    def blog(self, text: int, back: int) -> None:
        """Import a live blog of an earlier time."""
        self._tick()
        content = blog_page(text, next(self.serial))
        self._import(LIVE, text, self.clock - back - 0.5, content, "html")


class Moves(Means):
    """Addresses of which is said that they are one article, and the undoing of that.

    They have no files, and an address without a text is not compared. What joins them is told as one
    archive tells it another; that fetched pages say the same by redirects, canonical links and feeds
    is tested in `tests/collect/test_lineage.py`.
    """

    @rule(
        ends=st.permutations(MOVING), kind=st.sampled_from(["redirect", "guid", "canonical"]),
        text=texts | st.just(REWRITTEN), back=st.integers(1, 8),
    )  # fmt: skip
    def move(self, ends: list[str], kind: str, text: int, back: int) -> None:
        """Import the answer of an address with what joins it to another one elsewhere."""
        address, other, _ = ends
        self._tick()
        if other in self.oracle.erased:
            return
        at, content = self.clock - back - 0.375, web_page(text, next(self.serial))
        answered = answer(content.encode())
        self._ingest(self._crawled(address, at, answered, [(kind, other)]))
        self.oracle.move(address, other, kind, text)
        self.oracle.see(address, text, at, order_of(text, content), self.clock)
        self.oracle.hear(address, at, [])

    @precondition(lambda self: self.oracle.lineages)
    @rule(chance=st.integers(0, 99))
    def part(self, chance: int) -> None:
        pair = self._undo("lineage", ("origin_id", "to_origin_id"), chance, self.oracle.parted)
        if pair is not None:
            self.oracle.regroup({o for each in pair for o in self.oracle.of(each).origins})


class Noise(Means):
    """An address of which some captures differ by noise, until that decision is undone."""

    @rule(text=st.integers(QUIET, QUIET + len(MARKET) - 1), back=st.integers(0, 8))
    def murmur(self, text: int, back: int) -> None:
        """Import a capture of an earlier time."""
        self._tick()
        content = page_of(text, next(self.serial))
        self._import(NOISY, text, self.clock - back - 0.5, content, "md")

    @precondition(lambda self: FOREVER in self.oracle.noise.values())
    @rule(chance=st.integers(0, 9))
    def undo_noise(self, chance: int) -> None:
        """Undo the decision on one step, and so on all between its texts."""
        self._tick()
        rows = self.room.rows(
            "SELECT n.id FROM noise_step n LEFT JOIN noise_step_undone u ON u.noise_step_id = n.id "
            "WHERE u.id IS NULL ORDER BY n.id"
        )
        self.room.archive.transact(undo, rows[chance % len(rows)]["id"], "Zufall")
        self.oracle.noise = dict.fromkeys(self.oracle.noise, self.clock)


class Passages(Means):
    """A passage that one text has, redacted in an article and its copies."""

    @precondition(lambda self: not self.upgrades and self.oracle.origins())
    @rule(origin=st.sampled_from([*ADDRESSES, *MOVING]))
    def redact_a_passage(self, origin: str) -> None:
        if origin not in self.oracle.origins():
            return
        self._tick()
        act = redact_passage(
            self.room.archive, [RedactionTarget(self._article(origin))], Passage.parse(PASSAGE),
            RedactionReason.GDPR_OBJECTION, "ada", prepare_reading, with_copies=True,
        )  # fmt: skip
        article = self.oracle.of(origin)
        has_it = 0 in self.oracle.texts(article) - self.oracle.redacted
        assert (act is not None) == has_it
        if has_it:
            self.oracle.redact_passage(0, WITHOUT, order_of(WITHOUT, "")[0])


class OutsideCopies(Means):
    """Another archive that answers that it copied a page; the rest is tested with a real one."""

    @precondition(lambda self: self.oracle.origins())
    @rule(chance=st.integers(0, 99))
    def copy_elsewhere(self, chance: int) -> None:
        self._tick()
        pages = self.room.rows(
            "SELECT s.observation_id, s.source_id, r.origin, s.observed_at, w.digest FROM snapshot s "
            "JOIN transfer t ON t.observation_id = s.observation_id "
            "JOIN origin r ON r.id = s.origin_id JOIN wording w ON w.id = s.wording_id "
            "LEFT JOIN copy_request c ON c.observation_id = s.observation_id "
            f"WHERE c.id IS NULL AND w.text IS NOT NULL AND r.origin NOT LIKE '{ERASED}%' "
            "ORDER BY s.observation_id"
        )
        if not pages:
            return
        page = pages[chance % len(pages)]
        self.room.archive.transact(_ask_for_copy, page["observation_id"], page["source_id"])
        asked = store.claim(self.room.archive.engine, ELSEWHERE)
        assert asked is not None
        address, at = f"https://archiv.example/{asked.id}", hour(self.clock)
        is_stored = self.room.archive.transact(store.store_copy, asked, address, at)
        assert is_stored != self.oracle.is_restricted(self.oracle.of(page["origin"]))
        if is_stored:
            text = DIGESTS.index(bytes(page["digest"]).hex())
            self.oracle.copies.append((page["origin"], hours_of(page["observed_at"]), text))


def _ask_for_copy(unit: Unit, observation: int, source: int) -> None:
    unit.add(COPY_REQUEST, {
        "id": unit.number(), "observation_id": observation, "archive": ELSEWHERE, "source_id": source,
        "state": "waiting", "job": None, "attempts": 0, "next_at": database_epoch(unit.connection),
        "lease_until": None, "token": None, "note": None, "made_at": unit.now,
    })  # fmt: skip
