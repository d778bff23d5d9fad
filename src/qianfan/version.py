"""The version of this package, the one place where it is written."""

VERSION = "1.0.0"
