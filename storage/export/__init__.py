"""Export of texts and captures as streams, and of proofs as bundles."""
