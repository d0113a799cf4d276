"""The servers beside the functions: broker, database engine, identity provider."""
