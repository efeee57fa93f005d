"""What people touch: the foremesh command."""
