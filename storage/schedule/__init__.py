"""What is to be done, when, and by whom: jobs, leases, watches, intervals, hosts."""
