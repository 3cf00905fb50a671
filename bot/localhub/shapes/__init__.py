"""Records to GitHub's JSON. Pure: links and records in, JSON-ready values out. Held to GitHub's OpenAPI description in
the tests, so a missing or misspelt key fails there."""
