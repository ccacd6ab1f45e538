"""Verify a bundle with the Python standard library alone: `python3 -I verify.py` in its folder.

`python3 -I verify.py proof.zip` verifies a zip that was not unpacked. Everything that this program
prints follows from rows of the record whose entries are in the signed log; other statements of the
bundle are compared with these rows or refused. The exit code is 0 if everything holds, otherwise 1.
A copy of this program from another source is more trustworthy than the one in the bundle.
"""

import argparse
import copy
import hashlib
import re
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

if __package__:
    from storage.capabilities.bundles import bundle_log as log
    from storage.capabilities.bundles import bundle_report as report
else:  # in a bundle, or started by its path: -I excludes the folder of a program from the path
    sys.dont_write_bytecode = True
    sys.path.append(str(Path(__file__).resolve().parent))
    import bundle_log as log  # type: ignore[import-not-found, no-redef]
    import bundle_report as report  # type: ignore[import-not-found, no-redef]

FORMAT = "lesart bundle v1"
PARTS: dict[str, tuple[type, ...]] = {
    "format": (str,), "key": (str,), "witnesses": (list,), "language": (str,),
    "passage": (str, type(None)), "stamps": (list,), "files": (dict,),
}  # fmt: skip
"""The parts of a manifest in their order, and the types of each."""
PROGRAMS = ("verify.py", "bundle_log.py", "bundle_report.py")
RETENTION = "retention"
"""The reason of redactions that empty the bytes of a capture and hide no column."""
MARK = "[redacted]"
TOLERANCE = timedelta(minutes=1)
_EARLIEST = datetime(1, 1, 2, tzinfo=timezone.utc)  # noqa: UP017  # older Pythons, too
_DIGEST = re.compile(r"[0-9a-f]{64}")
Facts = dict[str, Any]


class LoggedBundle:
    """The facts of a bundle, derived from its rows whose entries are in the log."""

    def __init__(self, files: Mapping[str, Any], manifest: Facts, witnesses: list[str]) -> None:
        self.files, self.manifest, self.witnesses = files, manifest, witnesses
        self.key, self.used = manifest["key"], set[str]()
        self.rows: dict[str, dict[int, log.LoggedRow]] = {table: {} for table in log.CONTENTS}
        self.indexes: list[int] = []

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises: Wrong.
        """
        if name not in self.files:
            raise log.Wrong(f"the file {name} is missing")
        self.used.add(name)
        content: bytes = self.files[name]()
        return content

    def facts(self) -> Facts:
        """Return all facts that follow from the rows.

        Raises: Wrong.
        """
        head = self._head()
        for name in sorted(self.files):
            if name.startswith("rows/"):
                self._row(name)
        self._require_redactions()
        self._require_order()
        captures = self._captures()
        return {
            **head, "rows": len(self.indexes), "passage": self.manifest["passage"],
            "places": self._places(), "relations": self._relations(),
            "redactions": self._redactions(),
            "captures": len(self.rows["capture"]), "captures_here": captures,
            "stamps": self._stamps(),
        }  # fmt: skip

    def _head(self) -> Facts:
        self.note = self.read("log/checkpoint").decode()
        found = log.signature_of(self.note, self.key)
        if found is None:
            raise log.Wrong("the checkpoint is not signed by the key of the archive")
        origin, self.size, self.root = log.head_of(found[0])
        own = log.key_of(self.key)
        if origin != own[0]:
            raise log.Wrong("the checkpoint is of another log than the key")
        return {"log": origin, "key": self.key, "size": self.size, "root": self.root.hex(),
                "witnesses": self._witnesses(own[2])}  # fmt: skip

    def _witnesses(self, own: bytes) -> list[Facts]:
        """Return who cosigned; a key counts once, and that of the log not at all."""
        listed = self.manifest["witnesses"]
        wanted = [*listed, *(each for each in self.witnesses if each not in listed)]
        keys, seen = {own}, []
        for vkey in wanted:
            name, kind, key = log.key_of(vkey)
            if key in keys:
                raise log.Wrong(f"the key of {name} is there twice, or is that of the log")
            keys.add(key)
            cosigned = log.signature_of(self.note, vkey) if kind == log.COSIGNATURE else None
            if cosigned is None:
                raise log.Wrong(f"the witness {name} did not sign the checkpoint")
            at = datetime.fromtimestamp(int.from_bytes(cosigned[1], "big"), timezone.utc)  # noqa: UP017  # older Pythons, too
            seen.append({"key": vkey, "at": at.isoformat(), "is_given": vkey in self.witnesses})
        return seen

    def _row(self, name: str) -> None:
        row = log.LoggedRow(self.read(name))
        stem = name[len("rows/") : -len(".json")]
        index, path = log.path_of(self.read(f"proofs/{stem}.tlog-proof").decode(), self.note)
        if (
            self.read(f"proofs/{stem}") != row.entry
            or name != f"rows/{index:08}-{row.table}-{row.seq}.json"
        ):
            raise log.Wrong(f"{row.table} {row.seq} is not the row that was logged")
        if log.root_of(row.entry, index, self.size, path) != self.root:
            raise log.Wrong(f"{row.table} {row.seq} is not in the log")
        if row["id"] in self.rows[row.table]:
            raise log.Wrong(f"{row.table} {row['id']} is there twice")
        self.rows[row.table][row["id"]], row.index = row, index
        self.indexes.append(index)

    def _one(self, table: str, number: int) -> log.LoggedRow:
        row = self.rows[table].get(number)
        if row is None:
            raise log.Wrong(f"{table} {number} is required but missing from the bundle")
        return row

    def _all(self, table: str, column: str, value: int) -> list[log.LoggedRow]:
        return [each for each in self.rows[table].values() if each[column] == value]

    def _require_redactions(self) -> None:
        """Refuse a row that hides a column which no redaction of the row in the log empties."""
        gone: dict[tuple[str, int], set[str]] = {}
        for each in self.rows["redaction"].values():
            if each.words("reason") != RETENTION:
                table = each["table_name"].removesuffix("_address")
                columns = log.REDACTABLE.get(each["table_name"], ())
                gone.setdefault((table, each["row_id"]), set()).update(columns)
        for table, rows in self.rows.items():
            for number, row in rows.items():
                if hidden := set(row.hidden_columns) - gone.get((table, number), set()):
                    raise log.Wrong(
                        f"{table} {row.seq} hides a column without a redaction: {min(hidden)}"
                    )

    def _require_order(self) -> None:
        """Refuse rows whose times run back without a correction of the clock in between.

        Rows are numbered and logged in the order in which they were written.
        """
        latest = _EARLIEST
        rows = [each for rows in self.rows.values() for each in rows.values()]
        rows.sort(key=lambda each: each.index)
        if [each.seq for each in rows] != sorted({each.seq for each in rows}):
            raise log.Wrong("the rows are not logged in the order of their numbers")
        for row in rows:
            moment = datetime.fromisoformat(row.written_at)
            if row.table == "clock_correction":
                at, was, since = (
                    datetime.fromisoformat(row[name]) for name in ("at", "was", "since")
                )
                if not since <= at <= was or was < latest - TOLERANCE:
                    raise log.Wrong(f"clock_correction {row.seq} does not fit the rows before it")
                latest = at
            elif moment < latest - TOLERANCE:
                raise log.Wrong(
                    f"{row.table} {row.seq} was logged later than rows with a later time, and no "
                    "correction of the clock between them is in the bundle"
                )
            latest = max(latest, moment)

    # ------------------------------------------------------------------- history of each place

    def _places(self) -> list[Facts]:
        """Return each place with its checks, and the texts that follow from these."""
        found: dict[str, list[Facts]] = {}
        places: dict[int, str] = {}
        for _id, row in sorted(self.rows["observation"].items()):
            check = self._check(row)
            known = places.get(row["locator_id"]) or self._origin(row["locator_id"])
            place = check.pop("place") or known
            if check["derivation"] is not None:
                places[row["locator_id"]] = place
            found.setdefault(place, []).append(check)
        if not found:
            raise log.Wrong("the bundle contains no checks")
        shown, count = [], 0
        for place in sorted(found):
            checks = sorted(found[place], key=lambda each: (each["at"], each["id"]))
            texts = self._texts(checks, count)
            count += len(texts)
            shown.append({"place": place, "checks": checks, "texts": texts})
        return shown

    def _check(self, row: log.LoggedRow) -> Facts:
        """Return one check: its time and outcome, and the text read from its bytes."""
        derivation, hints = self._reading(row), row.json("hints")
        detail = derivation.json("detail") if derivation is not None else {}
        place, at, submitter = (
            log.value_in(hints, name, str) for name in ("origin", "observed_at", "submitted_by")
        )
        if log.value_in(hints, "fetched", bool):
            detail = {}
        address = log.value_in(detail, "address", str)
        if not place and not at and address:
            at = log.value_in(detail, "observed_at", str)
        transfers = self._all("transfer", "observation_id", row["id"])
        foreign = any(each["is_foreign"] for each in transfers)
        is_stated, number = bool(at) or foreign, row["id"]
        is_file = derivation is not None and not is_stated
        return {
            "id": number,
            "at": _utc(at or row["observed_at"]) if is_stated
            else self._correct_time(number, row["observed_at"]), "is_stated": is_stated,
            "recorded_at": _utc(row["recorded_at"]), "entry": row.index,
            "outcome": row["outcome"], "status": row["http_status"],
            "place": place or address, "derivation": derivation,
            "submitted_by": submitter,
            "until": self._last_scan(row) if is_file else None,
            "refusals": [each["code"] for each in self._all("refusal", "observation_id", number)],
            "copies": [{"address": each.words("address") or "[redacted]", **{
                name: each[name] for name in ("archive", "captured_at", "recorded_at")}}
                for each in self._all("outside_copy", "observation_id", number)],
            "screenshots": [{"bytes": self._digest(each), **{
                name: each[name] for name in ("media_type", "width", "height")}}
                for each in self._all("article_picture", "observation_id", number)],
            "resources": [{"bytes": self._digest(each), "size": each["size"],
                "address": each.words("address") or "[redacted]"}
                for each in self._all("page_resource", "observation_id", number)
                if each["capture_id"] is not None],
            "rights": [one for each in transfers for one in log.declarations(each.json("rights"))],
        }  # fmt: skip

    def _reading(self, row: log.LoggedRow) -> log.LoggedRow | None:
        """Return the reading of an observation's bytes, according to its verdict.

        An observation that only confirms an earlier one has the reading of that one.
        """
        verdicts = self._all("verdict", "observation_id", row["id"])
        if len(verdicts) > 1:
            raise log.Wrong(f"observation {row.seq} has two verdicts")
        number = verdicts[0]["derivation_id"] if verdicts else None
        confirmed = log.value_in(row.json("hints"), "confirms", int)
        if number is None and confirmed is not None:
            return (
                self._reading(self._one("observation", confirmed))
                if confirmed < row["id"]
                else None
            )
        if number is None:
            return None
        found = self._one("derivation", number)
        if found["capture_id"] != row["capture_id"]:
            raise log.Wrong(f"observation {row.seq} does not have the bytes of its text")
        if found.hidden_columns:
            same = self._all("derivation", "capture_id", row["capture_id"])
            left = [each for each in same if not each.hidden_columns and each["id"] > found["id"]
                    and (each.words("context") or "").startswith("redacted ")]  # fmt: skip
            found = max(left, key=lambda each: int(each["id"]), default=found)
        return found if found["wording_id"] is not None else None

    def _last_scan(self, row: log.LoggedRow) -> str | None:
        """Return the last complete scan of the folder before the next observation of a file."""
        edge, source = row["scan_id"] or row["id"], row["source_id"]
        same = self._all("observation", "locator_id", row["locator_id"])
        later = [each["scan_id"] or each["id"] for each in same
                 if each["source_id"] == source and each["id"] > row["id"]]  # fmt: skip
        end = min(later, default=None)
        scans = [self._correct_time(each["id"], each["started_at"])
                 for each in self._all("scan", "source_id", source)
                 if each["complete"] and edge < each["id"]
                 and (end is None or each["id"] < end)]  # fmt: skip
        return max(scans, default=None)

    def _correct_time(self, number: int, moment: str) -> str:
        """Return when an own row was written, with corrections of clocks that ran ahead."""
        found = _utc(moment)
        for known, row in sorted(self.rows["clock_correction"].items()):
            if number < known and found > _utc(row["at"]):
                before = datetime.fromisoformat(_utc(row["at"]))
                earlier = (before - timedelta(microseconds=known - number)).isoformat()
                found = max(_utc(row["since"]), _utc(earlier))
        return found

    def _last_sight(self, at: str) -> str:
        """Return the earliest time of an own check whose corrected time is `at`: the leap."""
        corrections = [(_utc(row["since"]), _utc(row["at"]))
                       for row in self.rows["clock_correction"].values()]  # fmt: skip
        return min([at, *(since for since, until in corrections if since < at < until)])

    def _texts(self, checks: list[Facts], count: int) -> list[Facts]:
        """Return the runs of one wording in order of time, and set the text of each check."""
        points = [(at, each["id"], each) for each in checks if each["derivation"] is not None
                  for at in (each["at"], each["until"]) if at is not None]  # fmt: skip
        texts: list[Facts] = []
        last: tuple[Any, str | None, str | None] = (None, None, None)
        for at, _id, check in sorted(points, key=lambda each: each[:2]):
            wording = check["derivation"]["wording_id"]
            if wording != last[0]:
                texts.append(self._text(count + len(texts) + 1, check, last[1]))
                texts[-1]["older_before"] = last[2]
            texts[-1]["last"] = at
            last = (wording, at if check["is_stated"] else self._last_sight(at), at)
            check.setdefault("text", texts[-1]["number"])
        for check in checks:
            check.setdefault("text", None)
            del check["derivation"]
        return texts

    def _text(self, number: int, check: Facts, last_other: str | None) -> Facts:
        derivation = check["derivation"]
        wording, capture = (
            self._one(table, derivation[f"{table}_id"]) for table in ("wording", "capture")
        )
        title, text, passage = (
            wording.words("title"),
            wording.words("text"),
            self.manifest["passage"],
        )
        written = f"{title or ''}\n\n{text}\n" if text is not None else f"{MARK}\n"
        digest, named = capture.content("digest"), wording.content("digest")
        is_redacted = text is None or (derivation.words("context") or "").startswith("redacted ")
        parts = written.split(MARK) if is_redacted else [written]
        has_passage = passage is not None and any(_words(passage) in _words(each) for each in parts)
        held = digest.hex() if digest else "redacted"
        return {
            "number": number, "title": title, "text": written, "is_redacted": is_redacted,
            "has_passage": None if passage is None or (is_redacted and not has_passage)
            else has_passage,
            "wording": f"w1:{named.hex()}" if named else "redacted", "bytes": held,
            "has_bytes": f"captures/{held}" in self.used,
            "reader": f"{derivation['extractor']} {derivation['extractor_version']}",
            "before": last_other, "first": check["at"], "last": None,
            "is_stated": check["is_stated"], "recorded_at": check["recorded_at"],
            "submitted_by": check["submitted_by"], "entry": check["entry"],
        }  # fmt: skip

    # ------------------------------------------------------------------------------- other facts

    def _captures(self) -> int:
        """Check the stored bytes in the bundle and return the number of captures with bytes."""
        number = 0
        for row in self.rows["capture"].values():
            digest = (row.content("digest") or b"").hex()
            if f"captures/{digest}" in self.files:
                raw = self.read(f"captures/{digest}")
                if hashlib.sha256(raw).hexdigest() != digest or len(raw) != row["size"]:
                    raise log.Wrong(f"the bytes of capture {digest} differ from the stored bytes")
                number += 1
        return number

    def _digest(self, picture: log.LoggedRow) -> str:
        digest = self._one("capture", picture["capture_id"]).content("digest")
        return digest.hex() if digest else "redacted"

    def _origin(self, number: int) -> str:
        return self._one("origin", number).words("origin") or f"redacted:{number}"

    def _relations(self) -> list[Facts]:
        undone = {each["relation_id"]: each for each in self.rows["relation_undone"].values()}
        return [
            {
                "kind": row["kind"], "at": _utc(row["decided_at"]),
                "a": self._origin(row["a_origin_id"]), "b": self._origin(row["b_origin_id"]),
                "undone_at": _utc(undone[number]["undone_at"]) if number in undone else None,
            }
            for number, row in sorted(self.rows["relation"].items())
        ]  # fmt: skip

    def _redactions(self) -> list[Facts]:
        return [
            {"row": f"{row['table_name']} {row['row_id']}", "at": _utc(row["at"]),
             "reason": row.words("reason"), "is_expiry": row.words("reason") == RETENTION}
            for _id, row in sorted(self.rows["redaction"].items())
        ]  # fmt: skip

    def _stamps(self) -> list[Facts]:
        """Return what each stamp is on; each is there once, and they are numbered in order."""
        count = {"stamp": 0, "calendar": 0}
        found, contents = [], set[bytes]()
        for claim in self.manifest["stamps"]:
            kind = claim["name"].removeprefix("log/").partition("-")[0]
            count[kind] = count.get(kind, 0) + 1
            if kind not in {"stamp", "calendar"} or claim["name"] != f"log/{kind}-{count[kind]}":
                raise log.Wrong(f"the stamp {claim['name']} has an invalid description")
            found.append(self._stamp(claim, kind))
            contents.add(self.read(found[-1]["file"]))
        if len(contents) != len(found):
            raise log.Wrong("a stamp is there twice")
        return found

    def _stamp(self, claim: Facts, kind: str) -> Facts:
        """Check the checkpoint of a stamp; its signature and time are left to other programs."""
        name = claim["name"]
        note = self.read(f"{name}.note")
        stamp = f"{name}.tsr" if kind == "stamp" else f"{name}.note.ots"
        _origin, size, root = log.head_of(note.decode())
        path = [bytes.fromhex(each) for each in claim["path"]]
        if [each.hex() for each in path] != claim["path"] or set(claim) != {"name", "path"}:
            raise log.Wrong(f"the stamp {name} has an invalid description")
        roots = (root, root) if not path else (b"", b"")
        if 0 < size < self.size:
            roots = log.roots_of(size, self.size, root, path)
        if roots != (root, self.root) or size > self.size:
            raise log.Wrong(f"the checkpoint below the stamp {stamp} is of another history")
        if hashlib.sha256(note).digest() not in self.read(stamp):
            raise log.Wrong(f"the stamp {stamp} is on something else")
        has_roots = (
            kind == "stamp" and f"{name}.pem" in self.files and bool(self.read(f"{name}.pem"))
        )
        return {"name": name, "file": stamp, "size": size, "has_certificate": has_roots,
                "rows": sum(index < size for index in self.indexes)}  # fmt: skip


def _utc(moment: str) -> str:
    found = datetime.fromisoformat(moment)
    found = found if found.tzinfo else found.replace(tzinfo=timezone.utc)  # noqa: UP017  # the same
    return found.astimezone(timezone.utc).isoformat(timespec="microseconds")  # noqa: UP017


def _words(text: str) -> str:
    return " ".join(text.split())


def check(place: Path, key: str | None, witnesses: list[str], outside: str | None) -> list[str]:
    """Verify a bundle and return the proven facts as sentences.

    Raises: Wrong.
    """
    files, around = log.files_of_bundle(place)
    manifest = _manifest(files, key)
    listed = manifest["files"]
    ignored = [*_compare_files(files, listed), *around]
    bundle = LoggedBundle({name: files[name] for name in listed}, manifest, witnesses)
    facts = bundle.facts()
    for text in (each for place in facts["places"] for each in place["texts"]):
        if bundle.read(f"texts/{text['number']}.txt") != text["text"].encode():
            raise log.Wrong(f"texts/{text['number']}.txt is not the text in the log")
    older = _compare_report(bundle, facts)
    unused = sorted(set(listed) - bundle.used)
    if unused:
        raise log.Wrong(f"the file {unused[0]} belongs to no row")
    return [
        f"{len(listed)} files match the signed list. Not checked: {', '.join(ignored) or 'none'}.",
        *report.lines(facts), *older,
        *([_compare(facts, outside)] if outside else []),
        *([f"Of the WACZ only {log.WACZ_BUNDLE} was checked, no other file."] if around else []),
    ]  # fmt: skip


def _compare_report(bundle: LoggedBundle, facts: Facts) -> list[str]:
    """Compare the page, also with that of older programs.

    These called the end of a retention period a redaction. Still older ones wrote of redacted texts
    that they lack the passage, and ended an interval after a leap of the clock at its end.
    """
    written, language = bundle.read("report.html"), bundle.manifest["language"]
    if written == report.page(facts, language).encode():
        return []
    older = copy.deepcopy(facts)
    for each in older["redactions"]:
        each["is_expiry"] = False
    if written == report.page(older, language).encode():
        return []
    for text in (each for place in older["places"] for each in place["texts"]):
        text["before"] = text["older_before"]
        if facts["passage"] is not None:
            text["has_passage"] = bool(text["has_passage"])
    if written != report.page(older, language).encode():
        raise log.Wrong("report.html differs from the rows")
    return [
        "report.html is by an older program: whether a redacted text contained the passage is "
        "unknown, whatever it states, and an interval with a wrong clock may begin earlier."
    ]


def _manifest(files: Mapping[str, Any], key: str | None) -> Facts:
    """Return the signed list of files, with the questions that the report answers."""
    if not {"manifest.json", "manifest.note"} <= set(files):
        raise log.Wrong("this is not a bundle: manifest.json or manifest.note is missing")
    written, note = files["manifest.json"](), files["manifest.note"]().decode()
    manifest: Facts = log.read_json(written)
    if manifest.get("format") != FORMAT:
        raise log.Wrong("the format of the bundle is unknown to this program")
    if set(manifest) != set(PARTS):
        raise log.Wrong("the manifest contains fields that this program does not check")
    trusted = key or manifest["key"]
    if log.key_of(trusted)[1] != log.ED25519:
        raise log.Wrong("the key is not a key for signing logs")
    signed = log.signature_of(note, trusted)
    if signed is None or manifest["key"] != trusted:
        raise log.Wrong("the list of files is not signed by the key of the archive")
    if signed[0] != f"{FORMAT}\n{hashlib.sha256(written).hexdigest()}\n":
        raise log.Wrong("the list of files is not the signed one")
    _require_types(manifest)
    if log.write_json({name: manifest[name] for name in PARTS}) != written:
        raise log.Wrong("the manifest is not in its only form")
    return manifest


def _require_types(manifest: Facts) -> None:
    files, passage = manifest["files"], manifest["passage"]
    texts = [each for each in manifest["witnesses"] if type(each) is not str]
    is_typed = all(type(manifest[name]) in kinds for name, kinds in PARTS.items())
    if not is_typed or texts or manifest["language"] not in report.WORDS:
        raise log.Wrong("a field of the manifest has another type than it is defined with")
    if list(files) != sorted(files) or not all(map(_DIGEST.fullmatch, files.values())):
        raise log.Wrong("the list of files is not in its only form")
    if passage is not None and not passage.strip():
        raise log.Wrong("the passage is empty: every text contains it")


def _compare_files(files: Mapping[str, Any], digests: Mapping[str, str]) -> list[str]:
    """Compare all files with the list; return the others: programs, and files of a file manager."""
    additional = sorted(set(files) - {*digests, "manifest.json", "manifest.note"})
    for name in additional:
        if name not in PROGRAMS and not log.is_of_file_manager(name):
            raise log.Wrong(f"the file {name} does not belong to the bundle")
    for name, digest in digests.items():
        if name not in files:
            raise log.Wrong(f"the file {name} is missing")
        if hashlib.sha256(files[name]()).hexdigest() != digest:
            raise log.Wrong(f"the file {name} was changed")
    return additional


def _compare(facts: Facts, outside: str) -> str:
    found = log.signature_of(outside, facts["key"])
    if found is None:
        raise log.Wrong("the checkpoint from outside is not signed by this key")
    _origin, size, root = log.head_of(found[0])
    if size != facts["size"]:
        raise log.Wrong(
            f"the checkpoint from outside is of {size} entries, not of {facts['size']}: these two "
            "cannot be compared without the archive"
        )
    if root.hex() != facts["root"]:
        raise log.Wrong("the checkpoint from outside has another root: there are two histories")
    return "The checkpoint from outside is the same."


def main(arguments: list[str] | None = None) -> int:
    """Verify the bundle in the folder of this file, or a zip, and print the result."""
    parser = argparse.ArgumentParser(description="Check a bundle of Lesart.")
    parser.add_argument("place", nargs="?", help="a zip or folder (default: that of this program)")
    parser.add_argument("--key", metavar="VKEY", help="the key that the archive published")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint from somewhere else")
    parser.add_argument("--witness", metavar="VKEY", action="append", default=[],
                        help="the key of a witness, from the witness itself")  # fmt: skip
    options = parser.parse_args(arguments)
    key = options.key and options.key.strip()
    witnesses = list(dict.fromkeys(map(str.strip, options.witness)))
    place = Path(options.place) if options.place else Path(__file__).resolve().parent
    try:
        outside = Path(options.checkpoint).read_text("utf-8") if options.checkpoint else None
        proven = check(place, key, witnesses, outside)
    except log.Wrong as wrong:
        print(report.one_line(f"DOES NOT HOLD: {wrong}."))
        return 1
    except Exception as error:  # noqa: BLE001  # every bundle gets an answer
        print(
            report.one_line(
                f"DOES NOT HOLD: the bundle is malformed ({type(error).__name__}: {error})."
            )
        )
        return 1
    for line in (*proven, *report.limits(is_key_given=bool(options.key))):
        print(report.one_line(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
