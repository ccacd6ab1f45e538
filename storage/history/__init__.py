"""What the record of an article amounts to: snapshots, versions, noise decisions, addresses."""
