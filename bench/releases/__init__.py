"""Invented press releases: families of one template each, filled with new facts for every issue.

The texts lie beside this file: `tuned*` were looked at while the rules were made, `held*` were
not. A template is text with `{slots}`, `[one|or the other]` and `<3-5:repeated lines>`; how slots
are named stands in `bench.releases.facts`.
"""
