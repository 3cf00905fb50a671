"""The warm worker: a program that runs inside the sandbox, shipped as one source text. Standard library only.

Its modules are ordinary modules here (typed, linted, tested) and travel as strings: the sandbox's interpreter knows
nothing of redgreen. They run on Python 3.9 and later (`collections.abc.Callable[...]`): no repair with older ones.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_MODULES = ("tracing", "observing", "patching", "serving", "failing", "watching", "running", "entry")
"""In the order in which they import each other."""

_PACKAGE = "_redgreen_repair"
"""Their name in the sandbox: no repository has a package of this name."""

_BOOT = """\
import sys, types
package = types.ModuleType({package!r})
package.__path__ = []
sys.modules[{package!r}] = package
for name, text in {sources!r}:
    module = types.ModuleType({package!r} + "." + name)
    module.__package__ = {package!r}
    sys.modules[module.__name__] = module
    setattr(package, name, module)
    exec(compile(text, "<" + module.__name__ + ">", "exec"), module.__dict__)
sys.modules[{package!r} + ".entry"].main()
"""


@cache
def bundle() -> str:
    """The whole program as one Python source text, for `Environment.open_lines`."""
    folder = files(__name__)
    sources = [(name, folder.joinpath(f"{name}.py").read_text(encoding="utf-8")) for name in _MODULES]
    return _BOOT.format(package=_PACKAGE, sources=sources)
