"""What others say of our checkpoints: witnesses that cosign, authorities that stamp."""
