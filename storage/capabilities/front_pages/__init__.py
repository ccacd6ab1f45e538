"""Front pages: which articles a page showed, under which headlines, where and how long."""

from storage.capabilities.hooks import Capability, PageKind

FRONT_PAGES = Capability(
    name="front_pages",
    document="front-pages.md",
    parts=("view_sql", "answers", "doors", "pages", "page_list", "page_reader", "verify_checks"),
    views=("teasers", "fronts"),
    page_kinds=(PageKind("front", "front pages", every_seconds=900.0),),
    tabs={"fronts": "Front pages"},
    menu={"/front": "Front pages"},
    without={
        "orders": "a headline is removed with its article",
        "transfer": "another archive reads the captured page again",
    },
)  # fmt: skip
