"""Operator commands as plain functions; infra/ops puts them on a command line."""
