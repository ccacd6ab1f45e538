"""The bounds within which bytes are unpacked and decoded."""

MOST_BYTES = 64 * 1024 * 1024
"""Maximum number of bytes that are unpacked from one capture."""
MOST_PARTS = 20_000
MOST_CHARACTERS = 16
"""Maximum number of characters that are read for a byte, in addition to `MOST_BYTES`."""


class Budget:
    """The rest that may be unpacked and read of one capture."""

    def __init__(self, size: int) -> None:
        self._bytes = MOST_BYTES
        self._parts = MOST_PARTS
        self._characters = MOST_BYTES + MOST_CHARACTERS * size

    def take(self, data: bytes) -> bytes:
        """Count an unpacked part. Raises: ValueError if there are too many or too large ones."""
        self._parts -= 1
        self._bytes -= len(data)
        if self._parts < 0:
            raise ValueError(f"it has more than {MOST_PARTS:,} parts")
        if self._bytes < 0:
            raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
        return data

    def read(self, text: str) -> str:
        """Count a decoded text. Raises: ValueError if there are too many or too long ones."""
        self._characters -= len(text)
        if self._characters < 0:
            raise ValueError("it is written in more codes than are undone")
        return text

    @property
    def room(self) -> int:
        """The number of bytes that may still be unpacked, and one more that shows the excess."""
        return max(self._bytes, 0) + 1
