"""An editor sees a reading that is held back beside its article, and decides over HTTP."""

from tests.capabilities.unconfirmed.pages import ADDRESS, FIRST, NIGHT
from tests.capabilities.unconfirmed.test_unconfirmed import seen, titles
from tests.serve.test_orders import desk as served_desk
from tests.web.conftest import desk  # noqa: F401 -- fixture

HTML = {"accept": "text/html"}


def test_an_editor_reads_both_texts_and_decides(desk):  # noqa: F811
    seen(desk, (1, FIRST), (2, NIGHT))
    with served_desk(desk.url, "decide") as (client, _token):
        (held,) = client.get("/api/unconfirmed", params={"open": True}).json()["items"]
        assert (held["decision"], held["grade"]) == (None, "wall")
        page = client.get(f"/a/{held['article']}", headers=HTML).text
        assert "nobody was alerted" in page
        assert "Techniker" in page
        assert "Bürgermeisterin Jule Tamm" in page
        assert 'data-send="/api/unconfirmed"' in page
        german = client.get(f"/a/{held['article']}", params={"lang": "de"}, headers=HTML).text
        assert "niemand wurde benachrichtigt" in german
        assert "wenige Wörter mit dem Text davor gemeinsam" in german
        assert "Heute Nacht bauen wir um" in client.get("/unconfirmed", headers=HTML).text
        assert "1 text is held back" in client.get("/", headers=HTML).text
        assert 'lesart_unconfirmed{decision="open"} 1.0' in client.get("/metrics").text
        body = {"article": ADDRESS, "wording": held["wording"], "decision": "dismissed"}
        made = client.post("/api/unconfirmed", json=body)
        assert made.status_code == 201, made.text
        assert client.get("/api/unconfirmed", params={"open": True}).json()["items"] == []
        (held,) = client.get("/api/unconfirmed").json()["items"]
        assert (held["decision"], held["decided_by"]) == ("dismissed", made.json()["decided_by"])
        gone = client.delete("/api/unconfirmed", params={"article": ADDRESS})
        assert gone.status_code == 204, gone.text
        made = client.post("/api/unconfirmed", json={"article": ADDRESS, "decision": "confirmed"})
        assert made.status_code == 201
        assert len(titles(desk)) == 2
        wrong = client.post("/api/unconfirmed", json={"article": ADDRESS, "decision": "perhaps"})
        assert wrong.status_code == 400
        client.headers.pop("Authorization")
        assert client.post("/api/unconfirmed", json=body).status_code == 401
    with served_desk(desk.url, "review") as (client, _token):
        assert client.post("/api/unconfirmed", json=body).json()["code"] == "token_scope"
