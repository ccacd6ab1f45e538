"""Insert into the record, the append-only part of the archive."""
