"""A purchase seen from outside: the payer, the listener and the nine steps."""
