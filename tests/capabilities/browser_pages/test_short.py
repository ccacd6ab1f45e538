"""A page of scripts with one edit, which reaches nothing but its site: the short version of the others."""

from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.capabilities.browser_pages.test_closed_room import VECTORS, listening
from tests.capabilities.browser_pages.test_pages import SHELL, TEXT, shown
from tests.flow.processes import lesart, rows
from tests.web.desk import HIGHER, PEGEL, A
from tests.web.site import Reply, simulated_web
from worker.capabilities.browser_pages.browser import PROGRAM


@pytest.mark.skipif(not Path(PROGRAM).exists(), reason="there is no Chromium")
def test_an_edit_of_a_page_of_scripts_is_found_and_nothing_else_is_reached(tmp_path: Path) -> None:
    with simulated_web(tmp_path, lambda: datetime.now(UTC)) as web, listening() as found:
        ways = "".join(VECTORS.values()).replace("@udp", "9")
        ways = ways.replace(":@", f":{found.silent.server_port}")
        web.put(A, Reply(SHELL.replace(b"</body>", ways.encode() + b"</body>")))
        for paragraphs in (PEGEL, HIGHER):
            web.put(TEXT, shown(paragraphs))
            done = lesart(
                tmp_path, "ingest", A, "--browser", pace="0.01",
                allow_hosts=web.allow_hosts(), ca_file=str(web.ca_file),
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        assert found.hits == set()
        assert "/text.html" in {each.path for each in web.requests}
    assert len(rows(tmp_path, "changes")) == 1
    assert "{+36+} Zentimeter" in lesart(tmp_path, "diff", A).stdout
    left = psutil.Process().children(recursive=True)
    assert [each for each in left if each.name() == "chromium"] == []
