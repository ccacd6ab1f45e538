"""External confirmations of checkpoints: cosignatures of witnesses, stamps of authorities."""
