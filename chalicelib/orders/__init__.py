"""Orders and payments: what is bought, how it is paid, what the platforms say of it."""
