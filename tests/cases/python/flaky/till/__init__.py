"""A shop's till."""
