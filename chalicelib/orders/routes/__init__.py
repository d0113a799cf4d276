"""The order service over HTTP: JSON for the frontends, pages for payers, webhooks for platforms."""
