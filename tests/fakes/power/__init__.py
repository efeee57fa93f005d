"""What a power cut may leave of files: every write and sync of a run, and the disks that follow from them."""
