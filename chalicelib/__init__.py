"""The payment side of an online school; docs/architecture.md is the map."""
