"""What `foremesh install` puts on a host: who runs there, what is planned, what is written."""
