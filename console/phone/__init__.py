"""`foremesh-phone`: the page for a phone, and the gateway between it and the trader. It has no power of its own."""
