"""What can be asked over REST: typed records and one group of calls per subject."""
