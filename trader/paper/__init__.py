"""The paper account: an exchange of which only the quotes are real. Nothing is sent."""
