"""How long a person waits for payment platforms inside one request."""

SECONDS_ON_PLATFORMS = 8
"""The longest in all; then the answer is 处理中, and what was begun goes on by itself."""
