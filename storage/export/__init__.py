"""Export of texts and captures as streams."""
