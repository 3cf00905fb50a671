"""Models tried on SWE-bench's instances: solved, graded, judged, and compared on the same instances.

One trial is one sample of one model on one instance. `statistics`, `records`, `summary`, `report`, `manifest` decide;
`store`, `solving`, `run`, `commands` act.
"""
