"""What an endpoint can do, asked once and kept; how a model is used is chosen by it."""
