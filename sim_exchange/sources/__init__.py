"""Where markets come from: generated or recorded."""
