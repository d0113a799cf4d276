"""Everything around the Lambda code: the local stack, the operator command line."""
