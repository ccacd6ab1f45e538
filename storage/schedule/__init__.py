"""Jobs with their leases, watched addresses with their check intervals, and the pace of each
host.
"""
