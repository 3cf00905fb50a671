"""SWE-bench: its records in, its grades and its reports out. Decides only: values in, values out; nothing is run here.

The harness that this agrees with is the `swebench` distribution 5.0.2 (`tests/sandbox/swebench/test_against_harness.py`
holds the two side by side); what differs on purpose, `docs/swebench.md` says.
"""
