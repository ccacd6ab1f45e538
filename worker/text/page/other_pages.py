"""Refuse pages that are no articles: front pages, interstitials, and pages without own text."""

from collections.abc import Sequence
from dataclasses import replace

from storage.values.draft import TEXT_ROLES, Paragraph
from storage.values.refusals import RefusalReason, refuse
from worker.text.page.fields.article_node import article_body, article_node
from worker.text.page.front_page import REASON, REMEDY, is_front_page
from worker.text.page.interstitials import interstitial_reason
from worker.text.page.layout.blocks import Block
from worker.text.page.no_article import no_article_reason
from worker.text.page.parsed_page import ParsedPage


def empty_page_refusal(title: str | None, blocks: Sequence[Block]) -> RefusalReason:
    """Return the refusal of a page without a body."""
    reason = interstitial_reason(title, [b.text for b in blocks if b.zone != "hidden"])
    return refuse("not_article", reason=reason) if reason else refuse("extraction_empty", reason="")


def front_page_refusal(
    page: ParsedPage,
    paragraphs: Sequence[Paragraph],
    title: str | None,
    address: str | None,
    *,
    has_authors: bool,
) -> RefusalReason | None:
    """Return the refusal of a front page; None for any other page."""
    if is_front_page(
        page.layout, paragraphs, title, page.json_ld, address, has_authors=has_authors
    ):
        return replace(refuse("not_article", reason=REASON), hint=REMEDY)
    return None


def other_page_refusal(
    page: ParsedPage,
    paragraphs: Sequence[Paragraph],
    title: str | None,
    leads: Sequence[str],
) -> RefusalReason | None:
    """Return the refusal of a page whose text is not that of an article; otherwise None."""
    running = [p.text for p in paragraphs if p.role in TEXT_ROLES]
    reason = interstitial_reason(title, running) or no_article_reason(
        paragraphs, page.blocks, title, leads, article_body(article_node(page.json_ld, None))
    )
    return refuse("not_article", reason=reason) if reason else None
