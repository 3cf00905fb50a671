"""Runs as a person looks at them: where one is read from, what is told of it, how it stands in a terminal."""
