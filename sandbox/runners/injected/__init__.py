"""Programs that run inside the sandbox, next to the tenant's code: standard library (and the tree's own pytest) only,
and no syntax newer than Python 3.7, because the tree chooses the interpreter. Never imported on the host but by tests.
"""
