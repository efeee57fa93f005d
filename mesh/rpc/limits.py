"""Numbers that both ends of a connection must agree on, in one place."""

MESSAGE_BYTES = 4 * 1024 * 1024
"""Largest message either side accepts. Senders aim at 1 MiB: bigger messages gain nothing and hold the loop longer."""

RETRY_BUFFER_BYTES = 16 * 1024 * 1024
"""What a call may keep for a retry. gRPC's default is 256 KiB, above which retries silently switch themselves off."""

KEEPALIVE_PING_SECONDS = 30
"""A client pings a silent connection this often, so that a dead peer is noticed within a minute."""

KEEPALIVE_ACK_SECONDS = 10
"""A ping unanswered for this long ends the connection."""

KEEPALIVE_FLOOR_SECONDS = 20
"""The server tolerates pings no more frequent than this. Its default, five minutes, would cut our own clients off with
ENHANCE_YOUR_CALM; it must stay below KEEPALIVE_PING_SECONDS."""

CONNECTION_AGE_SECONDS = 600
"""A server ends a connection at this age, give or take a tenth, so that a certificate which expired, or whose authority
was taken away, does not stay in. Calls after that go over a new one, which gRPC makes by itself."""

CONNECTION_GRACE_SECONDS = 300
"""What calls in progress get to finish on a connection that has reached its age; longer than any scan takes. A stream
that lasts for ever is best ended and asked for again within CONNECTION_AGE_SECONDS."""

HANDSHAKE_SECONDS = 10
"""A connection that has not finished its TLS handshake by then is closed (the default is two minutes)."""

METADATA_BYTES = 16 * 1024
"""Headers a call may bring. Error details travel in trailers, so this also bounds them."""

DEADLINE_MARGIN_SECONDS = 0.05
"""What a nested call leaves its caller of the remaining time, to answer in."""

Options = list[tuple[str, str | int]]


def common_options() -> Options:
    """Channel arguments of both sides."""
    return [
        ("grpc.max_receive_message_length", MESSAGE_BYTES),
        ("grpc.max_send_message_length", MESSAGE_BYTES),
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_PING_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_ACK_SECONDS * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.lookahead_bytes", 1024 * 1024),
    ]
