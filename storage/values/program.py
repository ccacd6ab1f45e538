"""The name and version of the installed program."""

from typing import TYPE_CHECKING

from storage.values.lazy import LazyModule

if TYPE_CHECKING:
    from importlib import metadata
else:
    metadata = LazyModule("importlib.metadata")


def program_version() -> str:
    """Return the version that the installed package states, such as `1.2.0`."""
    try:
        return metadata.version("lesart")
    except metadata.PackageNotFoundError:  # a checkout without installation
        return "(not installed)"


def program() -> str:
    """Return the name and version of the program."""
    return f"lesart {program_version()}"
