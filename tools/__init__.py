"""Scripts that make targets and tests share."""
