"""The WebSocket: typed events, exact order books, gaps said aloud."""
