"""How a request gets its credential."""
