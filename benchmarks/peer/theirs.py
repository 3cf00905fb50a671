"""mini-swe-agent as a program: `python theirs.py IMAGE ADDRESS ATTEMPTS TREE`, in an environment that has it. As its
batch runs have it: one process, one thread and one container an attempt, its own configuration for repositories
(`swebench.yaml`), the model through litellm, the trajectory saved after each step.

Prints its containers when all are ready, begins when a line comes, and prints its results as JSON.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

logging.disable(logging.CRITICAL)
import litellm  # noqa: F401, E402
from minisweagent import package_dir  # noqa: E402
from minisweagent.agents.default import DefaultAgent  # noqa: E402
from minisweagent.environments.docker import DockerEnvironment  # noqa: E402
from minisweagent.models.litellm_model import LitellmModel  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent))

from peer.recorded import ISSUE_BODY, ISSUE_TITLE  # noqa: E402


def main() -> None:
    image, address, attempts, tree = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    config = yaml.safe_load((package_dir / "config/benchmarks/swebench.yaml").read_text())
    environment = {key: value for key, value in config["environment"].items() if key != "environment_class"}
    environment["env"].pop("BASH_ENV", None)  # of images that this one is not
    model = {key: value for key, value in config["model"].items() if key not in ("model_name", "model_kwargs")}

    def prepared(_number: int) -> DockerEnvironment:
        made = DockerEnvironment(image=image, **environment)
        subprocess.run(["docker", "cp", f"{tree}/.", f"{made.container_id}:/testbed"], check=True, capture_output=True)
        made.execute({"command": "git config --global --add safe.directory /testbed"})
        return made

    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=attempts) as pool, tempfile.TemporaryDirectory() as scratch:
        environments = list(pool.map(prepared, range(attempts)))
        started = time.monotonic() - began
        print(json.dumps([each.container_id for each in environments]), flush=True)
        sys.stdin.readline()

        def attempt(number: int) -> dict:
            kwargs = {
                "api_base": f"{address}/theirs-{number}/v1",
                "api_key": "sk-none",
                **config["model"]["model_kwargs"],
            }
            endpoint = LitellmModel(
                model_name="openai/stub", model_kwargs=kwargs, cost_tracking="ignore_errors", **model
            )
            agent = DefaultAgent(
                endpoint, environments[number], output_path=Path(scratch) / f"{number}.traj.json", **config["agent"]
            )
            made = agent.run(f"{ISSUE_TITLE}\n\n{ISSUE_BODY}")
            return {"ending": made["exit_status"], "steps": agent.n_calls, "reason": str(made)[:200]}

        try:
            began = time.monotonic()
            results = list(pool.map(attempt, range(attempts)))
            print(json.dumps({"started": started, "wall": time.monotonic() - began, "results": results}), flush=True)
            sys.stdin.readline()
        finally:
            for each in environments:
                subprocess.run(["docker", "rm", "-f", each.container_id], check=False, capture_output=True)


if __name__ == "__main__":
    main()
