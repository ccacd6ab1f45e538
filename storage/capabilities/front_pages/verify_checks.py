"""The check of `lesart verify` for front pages."""

from sqlalchemy import Connection

from storage.database.rows import stream
from storage.verify.finding import PASSED, BrokenObject, Findings, Scope
from storage.verify.record import NOTHING, judge_emptied, redacted_rows


def check_fronts(connection: Connection, scope: Scope) -> Findings:
    """Check that every teaser has a headline, and that the lists contain teasers of their front."""
    taken = redacted_rows(connection, "teaser")
    known: dict[int, int] = {}
    for row in stream(connection, "SELECT id, front_id, headline FROM teaser", NOTHING):
        known[row["id"]] = row["front_id"]
        if row["headline"] is None:
            yield judge_emptied("teaser", row["id"], taken)
    query = (
        "SELECT f.id, f.origin_id, f.teasers AS detail, same.teasers AS hints FROM front f "
        "LEFT JOIN front same ON same.id = f.same_as_id AND same.origin_id = f.origin_id "
        f"WHERE {scope.where('f.id')} ORDER BY f.id"
    )
    for row in stream(connection, query, NOTHING):
        scope.reached = row["id"]
        listed = row["hints"] if row["detail"] is None else row["detail"]
        if listed is not None and all(known.get(each[0]) == row["origin_id"] for each in listed):
            yield PASSED
        else:
            message = "its list contains teasers that are not stored for its front page"
            yield BrokenObject("front", row["id"], "list_wrong", message)


CHECKS = (("fronts", check_fronts),)
