"""TraderService: the trader from outside."""
