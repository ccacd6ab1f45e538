"""PURE: values of network access: addresses, hosts, transfers, sites, tokens."""
