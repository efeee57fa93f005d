"""WatchState: all that a screen shows, as it is now and as it changes."""
