"""The simulators of the outside world speak its protocols, and refuse as it does."""
