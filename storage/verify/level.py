"""The level of proof of an archive, and its limits."""

from collections.abc import Mapping, Sequence

from storage.proof.note import Note
from storage.proof.policy import Policy

DOES_NOT_PROVE = {
    "self-recorded": "whoever can write to the database can change it and leave no trace",
    "logged": "whoever can write to the database can make the whole log anew",
    "signed": "whoever has the key can sign another history: check --against a checkpoint that "
    "is kept elsewhere",
    "cosigned": "it does not say who published a text, only that this archive held these bytes",
    "stamped": "it does not say who published a text, nor that nobody was shown another history: "
    "witnesses find that",
    "checked against a copy outside": "it does not say who published a text, only that this "
    "archive held these bytes",
}
"""The limits of each level."""


def level(
    facts: Mapping[str, int | str | None], policy: Policy | None, *, is_checked_outside: bool
) -> str:
    """Return the highest level that holds for the entries in the log.

    Cosignatures count only if a policy names their witnesses, because the database could name
    anyone.

    >>> level({"entries": 8, "signed": 8, "cosigned": 1}, None, is_checked_outside=False)
    'signed'
    """
    if is_checked_outside:
        return "checked against a copy outside"
    if facts.get("stamped") is not None and facts["stamped"] == facts["signed"]:
        return "stamped"
    if policy is not None and policy.quorum != "none" and facts.get("note"):
        cosigners = policy.cosigners(Note.parse(str(facts["note"])))
        if policy.is_met(cosigners):
            return "cosigned"
    if facts.get("signed") is not None:
        return "signed"
    return "logged" if facts.get("entries") else "self-recorded"


def sentences(
    facts: Mapping[str, int | str | None],
    against: Sequence[str],
    policy: Policy | None,
    *,
    is_broken: bool,
    is_verbose: bool,
) -> list[str]:
    """Return the sentences about the log after a verification."""
    if not facts:
        return []
    found = level(facts, policy, is_checked_outside=bool(against) and not is_broken)
    lines = [f"the log has {facts['entries']} entries; {facts['waiting']} rows are not in it yet"]
    if facts["signed"] is not None:
        by = f", cosigned by {facts['cosigned']}" if facts["cosigned"] else ""
        lines.append(f"its newest checkpoint covers {facts['signed']}, {facts['signed_at']}{by}")
    if facts.get("stamped") is not None:
        by = f"{facts['stamped_by']} stamped at {facts['stamped_at']}"
        lines.append(f"its first {facts['stamped']} entries were there by then: {by}")
    if is_broken:
        return [*lines, "no level holds: something is broken"]
    limits = f"what that does not prove: {DOES_NOT_PROVE[found]}"
    return [*lines, f"level: {found}; {limits if is_verbose else '--verbose states its limits'}"]
