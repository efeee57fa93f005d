"""`foremesh terminal`: what the trader knows, on one screen that never looks more alive than it is."""
