"""One file that holds many documents: JSON lines, tables, tar, zip, gzip."""
