"""Items of a news agency for the tests, in NewsML-G2 and ninjs."""

import json

TITLE = "Deich hält: Entwarnung am Hafen"
BODY = (
    "Der Deich am Hafen hält dem Hochwasser stand, sagt die Leiterin des Amtes am Dienstag.",
    "Die Fähre bleibt bis zum Abend im Hafen, teilt die Reederei mit. Danach fährt sie wieder.",
)
GUID = "urn:newsml:agentur.example:20240618:deich"


def nitf(*paragraphs: str, more: str = "") -> str:
    texts = "".join(f"<p>{each}</p>" for each in paragraphs)
    return (
        '<inlineXML contenttype="application/nitf+xml"><nitf xmlns="http://iptc.org/std/NITF/2006-10-18/">'
        f"<body><body.head><hedline><hl1>{TITLE}</hl1></hedline><byline>Von Ada Kern, dpa</byline>"
        f"</body.head><body.content>{texts}{more}</body.content></body></nitf></inlineXML>"
    )


def news_item(
    content: str, *, version: int = 1, created: str = "2024-06-18T10:00:00+02:00", meta: str = "",
    guid: str = GUID, name: str = "newsItem",
) -> str:  # fmt: skip
    return (
        f'<{name} xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{guid}" version="{version}"'
        ' standard="NewsML-G2" standardversion="2.35" xml:lang="de-DE"><rightsInfo><usageTerms>Nur online'
        '</usageTerms></rightsInfo><itemMeta><itemClass qcode="ninat:text"/><provider literal="agentur">'
        f"<name>Agentur Beispiel</name></provider><versionCreated>{created}</versionCreated>"
        "<firstCreated>2024-06-18T09:00:00+02:00</firstCreated>"
        "<embargoed>2024-06-18T12:00:00+02:00</embargoed>"
        f'<pubStatus qcode="stat:usable"/><edNote>Achtung</edNote></itemMeta><contentMeta>{meta}'
        "<subject qcode='a:1'><name>Hochwasser</name></subject><subject qcode='a:2'><name>Hafen</name></subject>"
        f"<slugline>Deich/Hafen</slugline><headline> {TITLE}\n</headline></contentMeta>"
        f"<contentSet>{content}</contentSet></{name}>"
    )


def newsml(*paragraphs: str, **changes) -> bytes:
    item = news_item(nitf(*(paragraphs or BODY)), **changes)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- Dienst -->\n{item}'.encode()


def ninjs(*paragraphs: str, **changes) -> bytes:
    """Return an item in ninjs 3; `changes` replace its values, None removes one."""
    html = "".join(f"<p>{each}</p>" for each in paragraphs or BODY)
    values = {
        "uri": GUID, "type": "text", "version": "1", "versionCreated": "2024-06-18T10:00:00+02:00",
        "firstCreated": "2024-06-18T09:00:00+02:00", "pubStatus": "usable",
        "embargoed": "2024-06-18T12:00:00+02:00", "language": "de", "by": "Von Ada Kern, dpa",
        "infoSources": [{"name": "Agentur Beispiel"}], "subjects": [{"name": "Hochwasser"}, {"name": "Hafen"}],
        "headlines": [{"role": "short", "value": "Deich hält"}, {"role": "main", "value": TITLE}],
        "bodies": [
            {"role": "plain", "contentType": "text/plain", "value": "Nur Text."},
            {"role": "main", "contentType": "text/html", "value": html},
        ],
    }  # fmt: skip
    kept = {name: value for name, value in (values | changes).items() if value is not None}
    return json.dumps(kept, ensure_ascii=False).encode()


def message(*items: str) -> bytes:
    """Return a news message with these items."""
    start = '<?xml version="1.0"?>\n<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/">'
    return f"{start}<header/><itemSet>{''.join(items)}</itemSet></newsMessage>".encode()


TEXTS = (
    news_item(nitf(*BODY), guid="urn:a:1"),
    news_item(nitf(*BODY), guid="urn:a:2"),
    news_item(nitf(BODY[0]), guid="urn:a:2", version=2, created="2024-06-18T11:00:00+02:00"),
)
"""Two texts, one of them in two versions."""
