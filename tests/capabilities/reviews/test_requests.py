"""A reader labels changes over HTTP, with a token, and sees the labels on the page of the change."""

import pytest

from tests.serve.test_orders import desk

PEGEL = "seed:seeds/pegel.txt"


def test_a_label_is_posted_shown_listed_and_withdrawn(archive_url):
    with desk(archive_url, "review") as (client, _token):
        body = {"change": f"{PEGEL}@2", "label": "important", "note": "36 statt <b>3,6</b>"}
        made = client.post("/api/reviews", json=body)
        assert made.status_code == 201, made.text
        (listed,) = client.get("/api/reviews", params={"article": PEGEL}).json()["items"]
        assert (listed["version"], listed["label"], listed["reviewer"]) == (
            2,
            "important",
            made.json()["reviewer"],
        )
        assert len(client.get("/api/changes", params={"label": "important"}).json()["items"]) == 1
        page = client.get(f"/a/{listed['article']}/1..2", headers={"accept": "text/html"}).text
        assert "36 statt &lt;b&gt;3,6" in page
        assert 'data-send="/api/reviews"' in page
        gone = client.delete("/api/reviews", params={"change": f"{PEGEL}@2", "label": "important"})
        assert gone.status_code == 204
        assert client.get("/api/changes", params={"label": "important"}).json()["items"] == []


@pytest.mark.parametrize(("scope", "body", "status", "code"), [
    ("ingest", {"change": f"{PEGEL}@2", "label": "x"}, 403, "token_scope"),
    ("review", {"change": f"{PEGEL}@1", "label": "x"}, 400, "parameter_invalid"),
    ("review", {"change": f"{PEGEL}@9", "label": "x"}, 404, "no_such"),
    ("review", {"change": f"{PEGEL}@2", "label": "zwei wörter"}, 400, "parameter_invalid"),
    ("review", {"change": f"{PEGEL}@2", "own": ""}, 400, "parameter_invalid"),
    ("review", {"change": f"{PEGEL}@2", "label": "x", "note": "n" * 2001}, 400, "parameter_invalid"),
    ("review", {"change": f"{PEGEL}@2", "label": "x", "note": "a\0b"}, 400, "parameter_invalid"),
    ("review", {"change": f"{PEGEL}@2", "label": "x", "note": "a\x1bb"}, 400, "parameter_invalid"),
    ("review", {"change": f"{PEGEL}@2\0", "label": "x"}, 400, "parameter_invalid"),
])  # fmt: skip
def test_a_wrong_label_is_refused_with_a_code(archive_url, scope, body, status, code):
    with desk(archive_url, scope) as (client, _token):
        answer = client.post("/api/reviews", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert client.get("/api/reviews", params={"current": True}).json()["items"] == []
        client.headers.pop("Authorization")
        assert client.post("/api/reviews", json=body).status_code == 401
