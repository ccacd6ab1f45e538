"""The program that verifies a bundle knows the rows that a bundle contains."""

from storage.capabilities.bundles.bundle_log import CONTENTS
from storage.database.table_facts import RECORD_TABLES, STATE_TABLES


def test_the_program_of_a_bundle_repeats_the_salted_columns():
    """It imports nothing of ours, so it has a copy, also of the tables of deleted capabilities."""
    known = {table.name for table in (*RECORD_TABLES, *STATE_TABLES)}
    assert {
        table.name: table.log.salted for table in RECORD_TABLES if table.in_bundle and table.log
    } == {name: salted for name, salted in CONTENTS.items() if name in known}
