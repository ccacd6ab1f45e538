"""The parts of capabilities that write; `storage.capabilities` lists the capabilities."""
