"""In-memory stand-ins for our own ports; the contract suites keep them honest."""
