"""The proof that a log holds an entry, as a text that is checked offline (C2SP tlog-proof)."""

import base64
from collections.abc import Sequence

HEADING = "c2sp.org/tlog-proof@v1\n"


def tlog_proof(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """Return the proof from the index of an entry, its path to the root, and a signed checkpoint.

    Without `HEADING` it has the format of litetlog's `spicy`.
    """
    lines = [f"index {index}", *(base64.b64encode(node).decode() for node in path)]
    return HEADING + "".join(f"{line}\n" for line in lines) + f"\n{checkpoint}"
