"""Convert the bytes of a capture into a draft, in named steps and without side effects."""
