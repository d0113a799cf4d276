"""The command line of chalicelib.ops."""
