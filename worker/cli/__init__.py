"""The commands that write to the archive or run services."""

import gc

gc.set_threshold(20_000, 20, 20)  # collecting garbage takes a tenth of the loading time otherwise
