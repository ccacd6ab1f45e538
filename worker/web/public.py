"""PURE: which IP addresses are public."""

import ipaddress

_SPECIAL = (
    ("64:ff9b::/96", "stands for an IPv4 address (NAT64)"),
    ("64:ff9b:1::/48", "stands for an IPv4 address (NAT64)"),
    ("2002::/16", "stands for an IPv4 address (6to4)"),
    ("2001::/32", "stands for an IPv4 address (Teredo)"),
    ("::/96", "stands for an IPv4 address"),
    ("::ffff:0:0:0/96", "stands for an IPv4 address"),
    ("fec0::/10", "is local to a site"),
    ("192.0.0.0/24", "is set aside for protocols"),
    ("192.88.99.0/24", "is set aside for protocols"),
)
SPECIAL = tuple((ipaddress.ip_network(network), reason) for network, reason in _SPECIAL)
"""Networks that Python reports as public, or does not classify precisely enough."""


def non_public_reason(text: str) -> str | None:
    """Return why the IP address `text` is not public; None if it is.

    >>> non_public_reason("127.0.0.1"), non_public_reason("2002:7f00:1::")
    ('127.0.0.1 is a loopback address', '2002:7f00:1:: stands for an IPv4 address (6to4)')
    >>> non_public_reason("93.184.215.14") is None
    True
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return f"{text[:60]} is no address"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return non_public_reason(str(address.ipv4_mapped))
    reasons = (
        (address.is_loopback, "is a loopback address"),
        *((address in network, reason) for network, reason in SPECIAL),
        (address.is_multicast, "is a multicast address"),
        (not address.is_global, "is not public"),
    )
    return next((f"{text} {reason}" for is_so, reason in reasons if is_so), None)


LOCAL_DOMAINS = frozenset({"localhost", "local", "internal", "lan", "intranet", "home", "corp"})
"""Last labels of names that are not registered in the public DNS."""


def local_name_reason(host: str) -> str | None:
    """Return why a host name or IP address is not public, without a query; None if it may be.

    >>> local_name_reason("wiki.internal"), local_name_reason("10.1.2.3")
    ('wiki.internal is a local name', '10.1.2.3 is not public')
    >>> local_name_reason("zeitung.example"), local_name_reason("93.184.215.14")
    (None, None)
    """
    try:
        return non_public_reason(str(ipaddress.ip_address(host)))
    except ValueError:
        parent, _, label = host.rpartition(".")
        is_local = not parent or label in LOCAL_DOMAINS or label.isdigit()
        return f"{host} is a local name" if is_local else None
