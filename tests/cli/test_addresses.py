"""An address in the path of another one stays whole from the file to the list."""

import pytest

from tests.cli.test_noise import TEXTS
from tests.flow.processes import rows

pytestmark = [pytest.mark.postgresql("fast"), pytest.mark.traced_children]

PAGE = """<html lang="de"><head><title>{0}</title><link rel="canonical" href="{2}"></head>
<body><article><h1>{0}</h1><p>{1}</p></article></body></html>"""


@pytest.mark.few_cases
@pytest.mark.parametrize(
    "address",
    [
        "https://web.archive.org/web/20200101000000/http://example.org/x",
        "https://archive.example/2020/https://example.org/x?galerie=3",
    ],
)
def test_a_page_of_a_web_archive_has_the_address_of_its_capture(tmp_path, address):
    (tmp_path / "page.html").write_text(PAGE.format(*TEXTS[0], address), "utf-8")
    rows(tmp_path, "ingest", "page.html")
    (article,) = rows(tmp_path, "list")
    assert article["origin"] == address
    assert len(rows(tmp_path, "history", address)) == 1
