"""The log of the record, in formats that other programs can check."""
