"""Books on shelves."""
