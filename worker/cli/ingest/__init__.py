"""`lesart ingest`: the command, standard input, and captures of web archives."""
