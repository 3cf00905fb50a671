"""What changes the hub's state: each act stores, then tells the Apps. Routes, git pushes and the demo's people all act
through here, so an event cannot be forgotten."""
