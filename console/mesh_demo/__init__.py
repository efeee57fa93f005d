"""The whole mesh on one machine, for a few minutes: what `foremesh demo` starts, shows and takes down again."""
