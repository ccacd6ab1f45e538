"""Who speaks beside a quotation, by evidence: candidates, their features, one fitted sum."""
