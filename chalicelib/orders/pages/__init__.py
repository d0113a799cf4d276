"""What a payer sees on our side, and the signatures that let somebody see and do it."""
