"""The history of articles computed from the record: snapshots, versions, noise decisions,
lineages.
"""
