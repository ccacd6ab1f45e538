"""The visible paragraphs of a piece of HTML that is an article, such as the HTML part of a mail."""

from storage.values.draft import Role
from storage.values.refusals import RefusalReason
from worker.text.page.layout.blocks import Layout
from worker.text.page.layout.tree import parse_page, prepare_tree, replace_surrogates

_ROLES: dict[str, Role] = {
    "h2": "subheading", "h3": "subheading", "h4": "subheading", "li": "list",
    "blockquote": "quote", "figcaption": "caption",
}  # fmt: skip


def fragment_blocks(html: str) -> list[tuple[str, Role | None]] | RefusalReason:
    """Return the paragraphs of `html` with the roles that its tags declare.

    >>> fragment_blocks("<h2>Lage</h2><p>Es hält.</p><script>1</script>")
    [('Lage', 'subheading'), ('Es hält.', None)]
    """
    tree = parse_page(replace_surrogates(html)[0])
    if isinstance(tree, RefusalReason):
        return tree
    prepare_tree(tree)
    visible = [block for block in Layout(tree).blocks if block.zone != "hidden"]
    return [(block.text, _ROLES.get(block.tag)) for block in visible]
