"""The parts of `lesart ingest`: standard input, and captures of web archives."""
