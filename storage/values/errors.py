"""What a look-up ends with where there is no such thing, or more than one."""

from collections.abc import Sequence


class NoSuchError(LookupError):
    """What was named is not in the archive; `hint` says where to look."""

    def __init__(self, what: str, given: str, hint: str) -> None:
        super().__init__(f"there is no {what} {given!r}: {hint}")
        self.what, self.given, self.hint = what, given, hint


class AmbiguousError(LookupError):
    """What was named fits several; `candidates` are the ways to name one of them."""

    def __init__(self, what: str, given: str, candidates: Sequence[str]) -> None:
        super().__init__(f"{given!r} names more than one {what}: {', '.join(candidates)}")
        self.what, self.given, self.candidates = what, given, tuple(candidates)


class AmbiguousPassageError(AmbiguousError):
    """A passage is in a text more than once; `candidates` are longer ones that are unique."""

    def __init__(self, given: str, times: int, candidates: Sequence[str]) -> None:
        LookupError.__init__(
            self,
            f"the passage {given!r} is in the text {times} times: quote more of it, such as "
            + " or ".join(map(repr, candidates)),
        )
        self.what, self.given, self.candidates = "passage", given, tuple(candidates)


class RedactedError(LookupError):
    """What was named was taken out of the archive; that it was there is still proven."""

    def __init__(self, what: str, given: str) -> None:
        super().__init__(
            f"{what} {given!r} was redacted here; `lesart redact --list` says when and why"
        )
        self.what, self.given = what, given


class RestrictedError(LookupError):
    """What was named is kept and shown to nobody until its restriction is lifted."""

    def __init__(self, article: str) -> None:
        super().__init__(f"{article} is restricted: it is kept, and shown to nobody for now")
        self.article = article


class AlertError(ValueError):
    """An alert cannot be made or changed as it was asked."""
