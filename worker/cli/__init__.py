"""The `lesart` command: what starts work."""

import gc

gc.set_threshold(20_000, 20, 20)  # loading makes objects that stay: looking for garbage is a tenth
