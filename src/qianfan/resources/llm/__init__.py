"""Module paths that code written for earlier SDKs imports from."""
