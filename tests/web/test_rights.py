"""What a site says about the use of a text is kept as it was seen, and nothing is made up."""

import pytest

from worker.web.rights import rights_of

HEADERS = {
    "noai": ([("X-Robots-Tag", "noai")], {"x_robots_tag": ["noai"]}),
    "several": ([("X-Robots-Tag", "noai"), ("x-robots-tag", "noarchive")], {"x_robots_tag": ["noai", "noarchive"]}),
    "a reservation": ([("TDM-Reservation", "1"), ("TDM-Policy", "https://a.example/p")],
                      {"tdm_reservation": ["1"], "tdm_policy": ["https://a.example/p"]}),
    "a licence": ([("Link", '<https://cc.example/by>; rel="license", </b>; rel=next')], {"licence": ["https://cc.example/by"]}),
    "nothing": ([("Content-Type", "text/html"), ("Link", "</b>; rel=next")], {}),
}  # fmt: skip
PAGES = {
    "meta robots": ('<meta name="robots" content="noarchive, noai">', {"meta_robots": ["noarchive, noai"]}),
    "content first": ("<META content='1' NAME='tdm-reservation'/>", {"tdm_reservation": ["1"]}),
    "a licence below": ('<p>a</p><a rel="license nofollow" href="/lizenz">CC</a>', {"licence": ["/lizenz"]}),
    "a licence in the head": ('<link rel=license href="https://cc.example/by?a=1&amp;b=2">', {"licence": ["https://cc.example/by?a=1&b=2"]}),
    "a name in Dublin Core": ('<meta name="DCTERMS.license" content="CC BY">', {"dcterms_license": ["CC BY"]}),
    "said twice": ("<meta name=robots content=noai><meta name=robots content=noai>", {"meta_robots": ["noai"]}),
    "words in a text": ("<p>License plates and robots, right: <a href='/license'>more</a></p><style>a{right:0}</style>", {}),
    "an element without an end": ('<meta name="robots" content="noai"', {}),
    "an empty one": ('<meta name="robots" content="">', {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", HEADERS)
def test_headers_are_kept(kind):
    headers, told = HEADERS[kind]
    assert rights_of(headers, None, None) == told


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_may_say_it_itself(kind):
    text, told = PAGES[kind]
    assert rights_of([], f"<html><head><title>A</title>{text}".encode(), None) == told


def test_the_rule_of_robots_txt_stands_beside_them():
    rule = {"allowed": True, "rule": None, "reason": "robots.txt says nothing against it"}
    assert rights_of([], None, rule) == {"robots": rule}
