"""Requests made up from the OpenAPI document: no server error, no answer that it does not tell.

More calls: LESART_TEST_FUZZ=400 pytest -m slow tests/serve/test_fuzz.py
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.test_orders import desk

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection"
)
PEGEL = "seed:seeds/pegel.txt"


def fuzz(url: str, folder: Path, examples: int, phases: str, *, is_known: bool) -> int:
    """Send made-up requests, of known articles or of any; return how many passed."""
    names = {"rev": f"{PEGEL}@2", "article": PEGEL, "q": "Pegel"} if is_known else {}
    lines = "".join(f'{name} = "{value}"\n' for name, value in names.items())
    (folder / "schemathesis.toml").write_text(f"[parameters]\n{lines}", "utf-8")
    with desk(url, orders=10**6, wrong=10**6) as (client, token):
        done = subprocess.run(
            [
                sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
                "run", str(client.base_url.join("/openapi.json")),
                "--max-examples", str(examples), "--phases", phases, "--seed", "1",
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


def test_a_few_made_up_requests_are_answered_as_documented(archive_url, tmp_path):
    assert fuzz(archive_url, tmp_path, 1, "fuzzing", is_known=True) > 20


@pytest.mark.slow
@pytest.mark.parametrize("is_known", [True, False], ids=["known articles", "any"])
def test_many_made_up_requests_are_answered_as_documented(archive_url, tmp_path, is_known):
    examples = int(os.environ.get("LESART_TEST_FUZZ", "8"))
    # wrong values are answered before a database is asked: one database, and one set of names, will do
    is_enough = archive_url.startswith("sqlite") and is_known
    phases = "coverage,fuzzing" if is_enough else "fuzzing"
    passed = fuzz(archive_url, tmp_path, examples, phases, is_known=is_known)
    assert passed > examples * 20
