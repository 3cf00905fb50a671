"""The forward proxy that builds reach the package registries through. It runs inside a container of its own.

`policy`, `requests` and `tls` decide and are pure; `server` acts. All of it is the standard library of Python 3.8 or
later, because it is laid into whatever base image the operator has. The host's side is `sandbox.access`.
"""
