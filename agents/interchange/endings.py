"""How runs end, in the words of each format. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from agents.types import Ending, Trajectory

MINI: Mapping[Ending, str] = {
    Ending.SUBMITTED: "Submitted",
    Ending.LIMIT: "LimitsExceeded",
    Ending.FORMAT_ERRORS: "RepeatedFormatError",
    Ending.STOPPED: "UserInterruption",
}
SWE_AGENT: Mapping[Ending, str] = {
    Ending.SUBMITTED: "submitted",
    Ending.LIMIT: "exit_cost",
    Ending.FORMAT_ERRORS: "exit_format",
    Ending.MODEL_FAILED: "exit_api",
    Ending.GAVE_UP: "exit_forfeit",
}
_OTHERS: Mapping[str, Ending] = {
    "TimeExceeded": Ending.LIMIT,
    "exit_context": Ending.LIMIT,
    "exit_total_execution_time": Ending.LIMIT,
    "exit_command_timeout": Ending.LIMIT,
}
_READ: Mapping[str, Ending] = {
    **{ending.value: ending for ending in Ending},
    **{word: ending for words in (SWE_AGENT, MINI) for ending, word in words.items()},
    **_OTHERS,
}


def ending_of(status: str) -> Ending | None:
    """None for no status. What ended by an exception, or in words that nobody knows, is the model's failure: there is
    no patch that it stands for. `submitted (exit_cost)` and the like are what was there when a limit struck."""
    if not status:
        return None
    if status.startswith("submitted ("):
        return Ending.LIMIT
    return _READ.get(status, Ending.MODEL_FAILED)


def status_of(trajectory: Trajectory, words: Mapping[Ending, str]) -> str:
    """The word of the format's own where it has one, else ours; "" while the run goes on."""
    ending = trajectory.ending
    return "" if ending is None else words.get(ending, ending.value)
