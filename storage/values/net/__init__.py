"""PURE: values of the net: addresses, hosts, transfers, sites, tokens."""
