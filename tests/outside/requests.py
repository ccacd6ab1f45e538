"""A row for each route of the OpenAPI document, and for each tool of assistants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.outside.press import BRIDGE, GATE, HEADLINE, SITE, bridge


@dataclass(frozen=True)
class Request:
    """A request with its status, and what its answer contains; a `{word}` is a value of the place."""

    method: str
    path: str
    says: str
    asked: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    status: int = 200
    route: str = ""
    """The path in the OpenAPI document, if it has parameters."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _get(path: str, says: str, route: str = "", **asked: str) -> Request:
    return Request("get", path, says, asked, route=route or path)


REQUESTS = (
    _get("/api/articles", "Kanalbrücke"),
    _get("/api/history", '"version":2', article="{hall}"),
    _get("/api/blame", "36 Millionen", rev="{hall}"),
    _get("/api/sentences", "36 Millionen", rev="{hall}", contains="36 Millionen"),
    _get("/api/observations", '"items"', article="{hall}"),
    _get("/api/entries", "Wehr 7", article=f"{SITE}/liveblog-sturmflut"),
    _get("/api/front", HEADLINE, front=f"{SITE}/"),
    _get("/api/fronts", HEADLINE),
    _get("/api/rights", "noai"),
    _get("/api/articles/{hall}@2", "Kanalbrücke wird", "/api/articles/{rev}"),
    _get("/api/version", "Kanalbrücke wird", rev="{hall}"),
    _get("/api/diff", '"operations"', rev="{hall}@1..@2"),
    _get("/api/cite", "Kanalbrücke", rev="{hall}"),
    _get("/api/raw", "36 Millionen", rev="{hall}"),
    _get("/api/search", "Pegel", q="Pegel"),
    _get("/api/quotes", "Ada Kern", changed="false"),
    _get("/api/statements", "36 Millionen"),
    _get("/api/persons", "Ada Kern"),
    _get("/api/person", "36 Millionen", name="Ada Kern"),
    _get("/api/identities", '"items"', name="Ada Kern"),
    _get("/api/facets", '"source"', q="Brücke"),
    _get("/api/unconfirmed", '"wall"'),
    Request("post", "/api/unconfirmed", '"decided_by":"eva"', body={"article": GATE, "decision": "dismissed"}, status=201),
    Request("delete", "/api/unconfirmed", "", {"article": GATE}, status=204),
    _get("/api/noise", '"items"'),
    Request("post", "/api/reviews", '"reviewer":"eva"', body={"change": "{hall}@2", "label": "important"}, status=201),
    _get("/api/reviews", "important"),
    Request("delete", "/api/reviews", "", {"change": "{hall}@2", "label": "important"}, status=204),
    _get("/api/pictures", "items"),
    _get("/api/resources", "items"),
    _get("/api/changes", "3,6", **{"class": "number"}),
    _get("/api/lineages", '"items"'),
    _get("/api/relations", "exact_copy"),
    _get("/api/clusters/{cluster}", '"articles"', "/api/clusters/{cluster}"),
    _get("/api/refusals", "empty"),
    _get("/api/jobs", '"job"'),
    Request("post", "/api/sources", "hafen", body={"locator": f"{SITE}/nachrichten", "name": "hafen", "every": "15m"}, status=201),
    _get("/api/sources", "hafen"),
    Request("patch", "/api/sources", "hafen", body={"name": "hafen", "paused": True}),
    Request("delete", "/api/sources", "", {"name": "hafen"}, status=204),
    _get("/api/coverage", '"items"'),
    _get("/api/stats", '"articles"'),
    _get("/api/statistics/edits", '"edits"'),
    _get("/api/statistics/edits/hours", '"items"'),
    _get("/api/alerts", "pegel"),
    _get("/api/alerts/deliveries", '"items"'),
    _get("/feed.atom", "Kanalbrücke"),
    _get("/feed.json", "Kanalbrücke"),
    _get("/healthz", "ok"),
    _get("/readyz", "ok"),
    _get("/log/checkpoint", "lesart"),
    _get("/log/tile/0/000.p/1", "", "/log/tile/{path}"),
    _get("/metrics", "lesart_"),
    Request("post", "/api/ingest", '"job"', body={"locators": [BRIDGE]}, status=202),
    Request("post", "/api/captures", '"raw_digest"', body={"url": f"{SITE}/plus/pegel", "html": bridge("36").decode()}, status=201),
)  # fmt: skip

LINES = {
    'curl -sI -H "Accept-Datetime': "302 Found",
    'curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json"': '"job"',
    'curl -H "Authorization: Bearer $TOKEN" -F url=': '"raw_digest"',
}
"""What the examples with curl answer, by how they begin."""

TOOLS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "show": ({"rev": "{hall}"}, "Kanalbrücke wird"),
    "diff": ({"rev": "{hall}@1..@2"}, "operations"),
    "list": ({}, "Kanalbrücke"),
    "search": ({"q": "Pegel"}, "Pegel"),
    "blame": ({"rev": "{hall}"}, "36 Millionen"),
    "changes": ({}, "3,6"),
    "relations": ({}, "exact_copy"),
    "quotes": ({}, "Ada Kern"),
    "statements": ({}, "36 Millionen"),
    "persons": ({}, "Ada Kern"),
    "person": ({"name": "Ada Kern"}, "36 Millionen"),
    "identities": ({"name": "Ada Kern"}, "items"),
    "sql": ({"query": "SELECT title FROM articles"}, "Kanalbrücke"),
}
"""Arguments of each tool of assistants, and what its answer contains."""
