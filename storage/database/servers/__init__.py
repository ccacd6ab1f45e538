"""Several PostgreSQL servers of one archive: a primary and its replicas."""
