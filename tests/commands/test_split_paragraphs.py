"""A paragraph that was split, moved or edited is shown as such by each output of a command."""

import json

import pytest

from storage.diff.operation import Operation
from tests.diff.applied import apply
from tests.flow.driver import seed
from tests.flow.processes import lesart, rows

FIRST = "Am Montag brannte ein Lager am Hafen, verletzt wurde niemand."
SECOND = "Die Feuerwehr war mit 40 Leuten und zwei Booten vor Ort."
THIRD = "Warum das Feuer ausbrach, will die Polizei von Osterwedel nun klären."
LEAD = "In Osterwedel hat es in der Nacht an zwei Stellen gebrannt."
LAST = "Der Schaden beträgt nach ersten Schätzungen rund drei Millionen Euro."


@pytest.mark.slow
def test_a_split_paragraph_and_a_moved_one_keep_their_words(tmp_path):
    (tmp_path / "seeds").mkdir()
    settings = {"home": str(tmp_path / "home"), "seeds": str(tmp_path / "seeds")}
    before = (LEAD, f"{FIRST} {SECOND}", LAST, THIRD)
    after = (LEAD, THIRD.replace("nun", "jetzt"), FIRST, SECOND.replace("40", "50"), LAST)
    for paragraphs in (before, after):
        path = tmp_path / "seeds" / "brand.txt"
        path.write_text(seed("Brand am Hafen", "\n\n".join(paragraphs)), "utf-8")
        process = lesart(tmp_path, "up", "--once", **settings)
        assert process.returncode == 0, process.stderr

    def diff(form):
        process = lesart(tmp_path, "diff", "seed:seeds/brand.txt", "--format", form, **settings)
        assert process.returncode == 1, process.stderr
        return process.stdout

    assert diff("text").splitlines()[2:] == [
        "  … 2 paragraphs unchanged",
        f"> {THIRD.replace('nun', '[-nun-]{+jetzt+}')}",
        f"~ [split] {FIRST}{{+¶+}} {SECOND.replace('40', '[-40-]{+50+}')}",
        "  … 1 paragraph unchanged",
    ]
    record = json.loads(diff("json"))
    operations = [Operation(**each) for each in record["operations"]]
    whole = ("\n\n".join(("Brand am Hafen", *paragraphs)) for paragraphs in (before, after))
    assert apply(next(whole), operations) == next(whole)
    assert {op.op for op in operations} == {"equal", "insert", "delete", "move"}
    assert [each["op"] for each in record["breaks"]] == ["split"]
    page = diff("html")
    assert "<small>(split)</small>" in page
    assert "<small>(moved)</small>" in page
    assert ">split</tspan>" in diff("svg")
    (step,) = rows(tmp_path, "changes", **settings)
    assert step["changes"] == ["number", "wording", "moved"]
    assert (step["removed"], step["added"]) == (["nun", "40"], ["jetzt", "50"])
    assert lesart(tmp_path, "verify", **settings).returncode == 0
