"""Everything the sandbox raises. An expected result (a red test, a refused patch) is a value, not one of these.

SandboxError
├── EngineUnavailable      no Docker engine answers; the text says how to get one
├── ImageBuildFailed       the environment could not be built; carries the log's end
├── ContainerLost          the container or the engine went away under a command
├── SetupError             a tree, a base image or a registry setting cannot be used
│   └── ToolchainUnavailable   a version of a language that is to be had nowhere; the text says what to set
├── PatchRefused           the diff breaks the policy (symlink, absolute path, size, binary ...)
└── PatchDoesNotApply      the diff does not fit the tree
"""

from __future__ import annotations


class SandboxError(Exception):
    """Root of the tree: `str(error)` is a sentence for the user."""


class EngineUnavailable(SandboxError):
    pass


class ImageBuildFailed(SandboxError):
    def __init__(self, message: str, *, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail


class ContainerLost(SandboxError):
    pass


class SetupError(SandboxError):
    pass


class ToolchainUnavailable(SetupError):
    pass


class PatchRefused(SandboxError):
    pass


class PatchDoesNotApply(SandboxError):
    pass
