"""PURE: which IP addresses are public."""

import ipaddress

from storage.values.messages import message_text
from storage.values.net.private_hosts import parse_ip

_SPECIAL = (
    ("64:ff9b::/96", "nat64"),
    ("64:ff9b:1::/48", "nat64"),
    ("2002::/16", "six_to_four"),
    ("2001::/32", "teredo"),
    ("::/96", "ipv4"),
    ("::ffff:0:0:0/96", "ipv4"),
    ("fec0::/10", "local_to_site"),
    ("192.0.0.0/24", "set_aside"),
    ("192.88.99.0/24", "set_aside"),
    ("3fff::/20", "set_aside"),
    ("5f00::/16", "set_aside"),
)
SPECIAL = tuple((ipaddress.ip_network(network), name) for network, name in _SPECIAL)
"""Networks that Python reports as public, or does not classify precisely enough, each with the name
of its message.
"""


def non_public_reason(text: str) -> str | None:
    """Return why the IP address `text` is not public; None if it is.

    >>> non_public_reason("127.0.0.1"), non_public_reason("2002:7f00:1::")
    ('127.0.0.1 is a loopback address', '2002:7f00:1:: stands for an IPv4 address (6to4)')
    >>> non_public_reason("93.184.215.14") is None
    True
    """
    address = parse_ip(text.partition("%")[0])
    if address is None:
        return message_text("no_ip_address", address=text[:60])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return non_public_reason(str(address.ipv4_mapped))
    reasons = (
        (address.is_loopback, "loopback"),
        *((address in network, name) for network, name in SPECIAL),
        (address.is_multicast, "multicast"),
        (not address.is_global, "not_public"),
    )
    return next((message_text(name, address=text) for is_so, name in reasons if is_so), None)


LOCAL_DOMAINS = frozenset({"localhost", "local", "internal", "lan", "intranet", "home", "corp"})
"""Last labels of names that are not registered in the public DNS."""


def local_name_reason(host: str) -> str | None:
    """Return why a host name or IP address is not public, without a query; None if it may be.

    >>> local_name_reason("wiki.internal"), local_name_reason("10.1.2.3")
    ('wiki.internal is a local name', '10.1.2.3 is not public')
    >>> local_name_reason("zeitung.example"), local_name_reason("93.184.215.14")
    (None, None)
    """
    if (address := parse_ip(host)) is not None:
        return non_public_reason(str(address))
    parent, _, label = host.rpartition(".")
    is_local = not parent or label in LOCAL_DOMAINS or label.isdigit()
    return message_text("local_name", host=host) if is_local else None
