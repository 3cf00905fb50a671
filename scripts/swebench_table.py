"""The table of recorded and own verdicts in docs/swebench.md, from the output of a run of `redgreen eval`.

    python scripts/swebench_table.py OUT/report.json PREDICTIONS.jsonl.gz --write

Predictions whose record has a `resolved` (the verdict that was published with the patch) are listed; without `--write`
the table is printed.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.swebench.records import entries

PAGE = Path(__file__).parents[1] / "docs" / "swebench.md"
_PLACE = re.compile(r"(<!-- verdicts: generated -->\n).*?(<!-- end -->)", re.DOTALL)


def table(report: Mapping[str, Any], recorded: Mapping[tuple[str, str], bool]) -> str:
    """One line a prediction, in the report's order, and a sentence that counts."""
    rows = ["| instance | submitted by | recorded | redgreen | why not resolved |", "| --- | --- | --- | --- | --- |"]
    same = 0
    listed = [line for line in report["predictions"] if (line["instance_id"], line["model_name_or_path"]) in recorded]
    for line in listed:
        was, is_ = recorded[line["instance_id"], line["model_name_or_path"]], line["resolved"]
        same += was is is_
        verdict = _word(is_) if was is is_ else f"**{_word(is_)}**"
        cells = (line["instance_id"], line["model_name_or_path"], _word(was), verdict, line["why"])
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([f"{same} of {len(listed)} verdicts are the recorded ones.", "", *rows])


def recorded_in(data: bytes) -> dict[tuple[str, str], bool]:
    return {
        (value["instance_id"], value["model_name_or_path"]): value["resolved"]
        for _, value in entries(data)
        if isinstance(value, dict) and isinstance(value.get("resolved"), bool)
    }


def _word(resolved: bool) -> str:
    return "resolved" if resolved else "unresolved"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--write", action="store_true", help="put it into docs/swebench.md")
    words = parser.parse_args()
    made = table(json.loads(words.report.read_text(encoding="utf-8")), recorded_in(words.predictions.read_bytes()))
    if not words.write:
        print(made)
        return
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_PLACE.sub(lambda match: f"{match[1]}{made}\n{match[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
