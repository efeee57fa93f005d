"""Markets that are made up: seeded underlyings, and quotes, books and trades that follow from them."""
