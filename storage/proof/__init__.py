"""The log of all that is added to the record, in formats that foreign programs check."""
