"""What the benchmarks beside mini-swe-agent share: the recorded run, its endpoint, and both sides as programs."""
