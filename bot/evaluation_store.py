"""Where the results of an evaluation are: the harness's layout below one directory, written whole or not at all.

OUT/report.json                                             all models together
OUT/MODEL.RUN_ID.json                                       one model
OUT/logs/run_evaluation/RUN_ID/MODEL/INSTANCE/report.json   one prediction; beside it test_output.txt, patch.diff
                                                            and redgreen.json, by which it is known to be done
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sandbox.cache import RunCache
from sandbox.swebench.environments import Environments
from sandbox.swebench.records import Instance, Prediction
from sandbox.swebench.report import Graded, Outcome, file_name, instance_report, is_final

_GRADED: TypeAdapter[Graded] = TypeAdapter(Graded)


@dataclass(frozen=True, kw_only=True)
class EvaluationStore:
    directory: Path
    run_id: str
    environments: Environments
    setting: str
    """All else that decides a grade besides instance and prediction, in any words."""

    def done(self, instance: Instance, prediction: Prediction) -> Graded | None:
        """The grade of an earlier run over the same contents; None where there is none that is final."""
        try:
            stored = json.loads((self.place(prediction) / "redgreen.json").read_bytes())
            if stored["key"] != self._key(instance, prediction):
                return None
            graded = _GRADED.validate_python(stored["graded"], strict=False)
        except (OSError, ValueError, KeyError, TypeError, ValidationError):
            return None
        return graded if is_final(graded) else None

    def put(self, instance: Instance, graded: Graded, output: str) -> None:
        """Its files; the one that says that it is done comes last."""
        prediction = graded.prediction
        if graded.outcome is Outcome.EMPTY_PATCH:
            return  # as the harness: nothing was run, so there is nothing to show
        place = self.place(prediction)
        place.mkdir(parents=True, exist_ok=True)
        write(place / "patch.diff", prediction.patch or "")
        write(place / "test_output.txt", output)
        if graded.outcome is Outcome.ERROR:
            # As the harness: no report of what was not graded. Why, the run's own report says.
            (place / "report.json").unlink(missing_ok=True)
        else:
            write_json(place / "report.json", instance_report(graded))
        key = self._key(instance, prediction)
        write_json(place / "redgreen.json", {"key": key, "graded": _GRADED.dump_python(graded, mode="json")})

    def place(self, prediction: Prediction) -> Path:
        model = file_name(prediction.model)
        return self.directory / "logs" / "run_evaluation" / self.run_id / model / prediction.instance_id

    def model_file(self, model: str) -> str:
        """Relative to the directory."""
        return f"{file_name(model)}.{self.run_id}.json"

    def _key(self, instance: Instance, prediction: Prediction) -> str:
        return RunCache.key(
            [instance.repo, instance.base_commit, instance.test_patch, instance.fail_to_pass, instance.pass_to_pass],
            [
                instance.version,
                instance.environment_setup_commit,
                prediction.instance_id,
                prediction.model,
                prediction.patch,
            ],
            repr(self.environments.of(instance)),
            self.setting,
        )


def write_json(path: Path, value: Any) -> None:
    write(path, json.dumps(value, indent=4) + "\n")


def write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", errors="surrogateescape")
    partial.replace(path)
