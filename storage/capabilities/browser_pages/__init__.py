"""Pages that a browser reads: their text exists only after scripts have run."""

from storage.capabilities.hooks import Capability, SourceOption

BROWSER_PAGES = Capability(
    name="browser_pages",
    document="browser.md",
    parts=("source_options", "check", "renderer"),
    source_options=(
        SourceOption(
            "browser", "--browser", "[auto|off]",
            "Read its pages by a browser: always, with auto only pages without a text, or off.",
            bare="always",
        ),
    ),
)  # fmt: skip
