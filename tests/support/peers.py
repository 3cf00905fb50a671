"""mini-swe-agent and SWE-agent beside ours: their own agents, loaders and inspectors, in environments of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.harness import environment, made

MINI = "mini-swe-agent==2.4.6"
MINI_NEEDS = ("pydantic", "python-dotenv", "platformdirs", "rich", "jinja2", "textual", "typer", "pyyaml", "tenacity")
"""What its agents, its local environment and its inspector import; model clients are not used here."""
OLD_SWE_AGENT = "sweagent==0.0.1"
CHECKOUT = "REDGREEN_TEST_SWE_AGENT"
"""A checkout of SWE-agent: what is newer than its distribution is held to when this names one."""

_RUN = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from pathlib import Path
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models.test_models import (
    DeterministicModel, DeterministicToolcallModel, DeterministicResponseAPIToolcallModel,
    make_output, make_toolcall_output, make_response_api_output,
)

asked = json.load(sys.stdin)
outputs = []
for number, (said, commands) in enumerate(asked["turns"], 1):
    actions = [{"command": c, "tool_call_id": f"call_{number}_{n}"} for n, c in enumerate(commands)]
    if asked["kind"] == "text":
        outputs.append(make_output(said, [{"command": c} for c in commands], cost=0.25))
    elif asked["kind"] == "response":
        output = make_response_api_output(said, actions)
        for item, action in zip([i for i in output["output"] if i["type"] == "function_call"], actions):
            item["arguments"] = json.dumps({"command": action["command"]})
        outputs.append(output)
    else:
        calls = [
            {"id": a["tool_call_id"], "type": "function",
             "function": {"name": "bash", "arguments": json.dumps({"command": a["command"]})}}
            for a in actions
        ]
        outputs.append(make_toolcall_output(said, calls, actions))
kind = {
    "text": DeterministicModel, "tools": DeterministicToolcallModel, "response": DeterministicResponseAPIToolcallModel,
}
agent = DefaultAgent(
    kind[asked["kind"]](outputs=outputs), LocalEnvironment(cwd=asked["cwd"]),
    system_template="You are a helpful assistant that can interact with a computer.",
    instance_template="Please solve this issue: {{task}}", output_path=Path(asked["out"]), step_limit=asked["steps"],
    cost_limit=0,
)
json.dump(agent.run(asked["task"]), sys.stdout)
"""

_INSPECT = """
import asyncio, json, logging, sys
logging.disable(logging.CRITICAL)
from pathlib import Path
from minisweagent.run.utilities.inspector import TrajectoryInspector
from textual.widgets import Static

async def main():
    app = TrajectoryInspector([Path(sys.argv[1])])
    pages = []
    async with app.run_test(size=(200, 400)) as pilot:
        for number in range(app.n_steps):
            if number:
                await pilot.press("l")
            await pilot.pause()
            pages.append("\\n".join(str(widget.render()) for widget in app.query(Static)))
    print(json.dumps({"pages": pages, "messages": app.messages}))

asyncio.run(main())
"""

_OLD_INSPECT = """
import json, sys
from inspector.server import load_content
print(json.dumps(load_content(sys.argv[1], {}, {})))
"""

_NEW_INSPECT = """
import importlib.util, json, sys, types
from pathlib import Path

home = Path(sys.argv[1])

def load(name, path):
    spec = importlib.util.spec_from_file_location(name, home / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

types_ = load("swe_types", "sweagent/types.py")
server = load("swe_server", "sweagent/inspector/server.py")
data = json.loads(Path(sys.argv[2]).read_text())
result = types_.AgentRunResult.model_validate({"info": data["info"], "trajectory": data["trajectory"]}, strict=True)
from pydantic import TypeAdapter
# Calls are left out: what it writes itself (objects in objects) is not what its types say (texts).
TypeAdapter(types_.History).validate_python(
    [{k: v for k, v in item.items() if k != "tool_calls"} for item in data["history"] if item["role"] != "system"]
)
print(json.dumps({"content": server.load_content(sys.argv[2], {}, {}), "steps": len(result.trajectory)}))
"""


@dataclass(frozen=True, kw_only=True)
class MiniSweAgent:
    """Its own agent on its own deterministic model, and its own inspector."""

    python: Path
    home: Path

    @classmethod
    def installed(cls) -> MiniSweAgent:
        return cls(python=environment(*MINI_NEEDS), home=made(MINI, ("--no-deps", "--target"), "minisweagent"))

    def run(self, **asked: Any) -> dict[str, Any]:
        """A run of `turns` (what is said, commands) in `cwd`, written to `out`; the agent's own result."""
        return dict(json.loads(self._python(_RUN, stdin=json.dumps({"steps": 0, **asked}))))

    def inspect(self, file: Path) -> dict[str, Any]:
        """What its inspector shows: `pages` of text, and the `messages` that it loaded."""
        return dict(json.loads(self._python(_INSPECT, str(file))))

    def _python(self, code: str, *words: str, stdin: str = "") -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONPATH": str(self.home), "LANG": "C.UTF-8"}
        env |= {"MSWEA_SILENT_STARTUP": "1", "MSWEA_GLOBAL_CONFIG_DIR": str(self.home / "config")}
        return _said([str(self.python), "-c", code, *words], env, stdin)


def old_swe_agents_inspector(file: Path) -> dict[str, Any]:
    """What the inspector of its distribution serves for a trajectory."""
    home = made(OLD_SWE_AGENT, ("--no-deps", "--target"), "inspector")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(home)}
    with tempfile.TemporaryDirectory(dir=home) as directory:  # it serves what is beside itself
        here = shutil.copy(file, directory)
        return dict(json.loads(_said([str(environment("pyyaml")), "-c", _OLD_INSPECT, here], env)))


def swe_agents_inspector(checkout: Path, file: Path) -> dict[str, Any]:
    """`content` as the inspector of a checkout serves it, after its own models took it; the `steps` that these saw."""
    python = environment("pydantic", "pyyaml")
    env = {"PATH": os.environ["PATH"]}
    return dict(json.loads(_said([str(python), "-c", _NEW_INSPECT, str(checkout), str(file)], env)))


def _said(command: list[str], env: dict[str, str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=env, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.strip().splitlines()[-1]
