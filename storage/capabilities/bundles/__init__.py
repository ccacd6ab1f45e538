"""Proof bundles: zip and WACZ files that prove versions, verified without this program.

They contain rows of other capabilities, too. The program that verifies them needs no other, so it
names the tables of these rows, in forms that are permanent.
"""

from storage.capabilities.hooks import Capability

BUNDLES = Capability(name="bundles", document="bundles.md", parts=("write_command",))
