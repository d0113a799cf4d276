"""Order numbers: 63-bit Snowflake numbers from leased worker ids."""
