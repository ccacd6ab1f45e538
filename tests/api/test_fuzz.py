"""Requests made up from the OpenAPI document: no server error, no answer that it does not tell.

Ten thousand calls on each database: pytest -m large tests/api/test_fuzz.py
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.test_orders import desk

pytestmark = [pytest.mark.slow, pytest.mark.starts_first]

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection"
)
CALLS, EXAMPLES = 10_000, 100
"""So many calls are answered, so many of each operation at a time."""
PEGEL = "seed:seeds/pegel.txt"


def fuzz(
    url: str, folder: Path, examples: int, phases: str = "fuzzing", *, is_known: bool, seed: int = 1
) -> int:
    """Send made-up requests, of known articles or of any; return how many passed."""
    names = {"rev": f"{PEGEL}@2", "article": PEGEL, "q": "Pegel"} if is_known else {}
    lines = "".join(f'{name} = "{value}"\n' for name, value in names.items())
    (folder / "schemathesis.toml").write_text(f"[parameters]\n{lines}", "utf-8")
    with desk(url, requests=10**6, wrong=10**6) as (client, token):
        client.get("/openapi.json", timeout=300)  # written now, for a client that waits ten seconds
        done = subprocess.run(
            [
                sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
                "run", str(client.base_url.join("/openapi.json")),
                "--max-examples", str(examples), "--phases", phases, "--seed", str(seed),
                "--header", f"Authorization: Bearer {token}", "--header", "Accept: */*",
                "--checks", CHECKS, "--continue-on-failure", "--workers", "1",
                "--generation-database", "none",
            ],
            cwd=folder, capture_output=True, text=True, timeout=3000,
        )  # fmt: skip
    shown = done.stdout[-6000:] + done.stderr[-2000:]
    assert done.returncode == 0, shown
    sys.stderr.write("".join(re.findall(r"\d+ generated.*\n", shown)))
    return int(re.search(r"generated, (\d+) passed", shown)[1])


@pytest.mark.postgresql("large")
def test_made_up_requests_are_answered_as_documented(archive_url, tmp_path):
    """Wrong values are answered before a database is asked: one database tries them all."""
    is_known = archive_url.startswith("sqlite")
    phases = "coverage,fuzzing" if is_known else "fuzzing"
    assert fuzz(archive_url, tmp_path, 4, phases, is_known=is_known) > 160


@pytest.mark.large
def test_ten_thousand_made_up_requests_are_answered_as_documented(archive_url, tmp_path):
    """Of articles that are there, and of any, by turns; the calls are counted."""
    calls = turn = 0
    while calls < CALLS:
        turn += 1
        calls += fuzz(archive_url, tmp_path, EXAMPLES, is_known=turn % 2 == 1, seed=turn)
        sys.stderr.write(f"{calls} calls answered\n")
