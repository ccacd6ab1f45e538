"""Mementos: versions by address and time, for web archive tools (RFC 7089)."""

from storage.capabilities.hooks import Capability

MEMENTOS = Capability(name="mementos", document="mementos.md", parts=("version_headers", "pages"))
