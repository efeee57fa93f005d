"""The pure rules of trading: no I/O, no clock, no protobuf."""
