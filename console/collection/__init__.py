"""What people do with collection: look at it, and at the files it leaves."""
