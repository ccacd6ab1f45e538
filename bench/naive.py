"""The naive reference that `bench.seeds` measures against: what one writes on the first day.

One Celery task a file over Redis, a SQLModel session and a commit each, SHA-256, a MinHash by
datasketch's `update` loop. It keeps article, version and signature; no bytes, no evidence, no
full text. The worker is `celery --app bench.naive worker`, `python -m bench.naive FOLDER` sends.
"""

import hashlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from celery import Celery
from datasketch import MinHash
from sqlalchemy import Engine, event
from sqlmodel import Field, Session, SQLModel, create_engine, select

DATABASE = os.environ.get("NAIVE_DATABASE_URL", "sqlite:///naive.sqlite3")
BROKER = os.environ.get("NAIVE_BROKER_URL", "redis://127.0.0.1:6379/0")
HEADER = re.compile(r" ?date (?P<date>\d{4}-\d{2}(?:-\d{2})?) (?P<title>.+)")
PERMUTATIONS = 128
SHINGLE_WORDS = 3

app = Celery("naive", broker=BROKER)
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=4, worker_hijack_root_logger=False
)


class NaiveArticle(SQLModel, table=True):
    """One article by the path it was found at."""

    id: int | None = Field(default=None, primary_key=True)
    origin: str = Field(unique=True)
    title: str
    published: str | None = None
    first_seen: datetime


class NaiveVersion(SQLModel, table=True):
    """One wording of an article."""

    id: int | None = Field(default=None, primary_key=True)
    article_id: int = Field(foreign_key="naivearticle.id", index=True)
    number: int
    digest: str = Field(index=True)
    text: str
    word_count: int
    seen: datetime


class NaiveSignature(SQLModel, table=True):
    """The MinHash of a version."""

    id: int | None = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="naiveversion.id", index=True)
    signature: bytes


def open_database() -> Engine:
    """Return the engine; SQLite in WAL mode, so that two processes do not stop each other."""
    engine = create_engine(DATABASE)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _settle(connection: object, _record: object) -> None:
            connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[attr-defined]
            connection.execute("PRAGMA busy_timeout = 60000")  # type: ignore[attr-defined]

    return engine


_engines: dict[int, Engine] = {}  # one a process: prefork must not share connections


@app.task(name="naive.keep")
def keep(path: str) -> None:
    """Read one file and keep it: a new article, a new version, or nothing new."""
    engine = _engines.get(os.getpid()) or _engines.setdefault(os.getpid(), open_database())
    title, published, body = parse(Path(path).read_bytes().decode())
    digest = hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()
    now = datetime.now(UTC)
    with Session(engine) as session:
        article = session.exec(select(NaiveArticle).where(NaiveArticle.origin == path)).first()
        if article is None:
            article = NaiveArticle(origin=path, title=title, published=published, first_seen=now)
            session.add(article)
            session.flush()
        query = select(NaiveVersion).where(NaiveVersion.article_id == article.id)
        versions = session.exec(query.order_by(NaiveVersion.number)).all()  # type: ignore[arg-type]
        if versions and versions[-1].digest == digest:
            return
        assert article.id is not None
        version = NaiveVersion(
            article_id=article.id,
            number=len(versions) + 1,
            digest=digest,
            text=body,
            word_count=len(body.split()),
            seen=now,
        )
        session.add(version)
        session.flush()
        assert version.id is not None
        session.add(NaiveSignature(version_id=version.id, signature=signature(body)))
        session.commit()


def parse(content: str) -> tuple[str, str | None, str]:
    """Return title, date and the cleaned body of a seed."""
    head, _line, rest = unicodedata.normalize("NFC", content).partition("\n")
    match = HEADER.fullmatch(head)
    paragraphs = (re.sub(r"\s+", " ", each).strip() for each in rest.split("\n\n"))
    body = "\n\n".join(each for each in paragraphs if each)
    return (match["title"], match["date"], body) if match else (head.strip(), None, body)


def signature(body: str) -> bytes:
    """Return the MinHash over runs of three words."""
    words = body.casefold().split()
    sketch = MinHash(num_perm=PERMUTATIONS)
    for start in range(max(1, len(words) - SHINGLE_WORDS + 1)):
        sketch.update(" ".join(words[start : start + SHINGLE_WORDS]).encode())
    values: bytes = sketch.hashvalues.tobytes()
    return values


def send(folder: Path) -> int:
    """Send a task for each file; return how many."""
    sent = 0
    print("sending", flush=True)  # the clock starts here
    for path in _files(folder):
        keep.delay(str(path))
        sent += 1
    return sent


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.txt")) if path.is_file())


if __name__ == "__main__":
    if sys.argv[1] == "--tables":
        SQLModel.metadata.create_all(open_database())
    else:
        print(send(Path(sys.argv[1])))
