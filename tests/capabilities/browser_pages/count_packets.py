"""Count the packets of a network namespace: `python count_packets.py PORT`, until its input ends.

Prints one number each: packets of the relay at this port of 127.0.0.1, and all others.
"""

import select
import socket
import sys

ALL = 3


def main() -> None:
    """Print `ready`, and then the two numbers at the end of the input."""
    relay, counts = int(sys.argv[1]), [0, 0]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as packets:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while packets in select.select([packets, sys.stdin], [], [])[0]:
            raw = packets.recv(65535)[14:]
            is_tcp = raw[:1] == b"\x45" and raw[9] == 6
            ports = {int.from_bytes(raw[20:22]), int.from_bytes(raw[22:24])} if is_tcp else set()
            is_local = raw[12:20] == b"\x7f\0\0\1" * 2
            counts[not (is_local and relay in ports)] += 1
    sys.stdout.write("{} {}\n".format(*counts))


if __name__ == "__main__":
    main()
