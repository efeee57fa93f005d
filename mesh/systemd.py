"""What a daemon tells systemd: the datagrams of sd_notify(3), over the standard socket.

Away from systemd, on a Mac or in a terminal, NOTIFY_SOCKET is not set and nothing happens.
"""

import os
import socket

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"

_SEND_TIMEOUT_SECONDS = 1.0  # systemd always reads; a receiver that does not may cost us this much, not the process


def status(text: str) -> str:
    """Give the assignment that shows `text` in `systemctl status`."""
    return f"STATUS={text}"


def notify(*assignments: str) -> bool:
    """Send assignments in one datagram; tells whether somebody received them. Never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # Linux's abstract namespace
        address = "\0" + address[1:]
    message = "\n".join(" ".join(assignment.splitlines()) for assignment in assignments)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_SEND_TIMEOUT_SECONDS)
            sender.sendto(message.encode(), address)
    except OSError:
        return False
    return True


def watchdog_interval() -> float | None:
    """Give the seconds between two WATCHDOG=1: half of what systemd allows; None where it does not watch us."""
    allowed, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not allowed.isascii() or not allowed.isdigit() or int(allowed) == 0 or pid not in {"", str(os.getpid())}:
        return None
    return int(allowed) / 1_000_000 / 2
