"""Trajectories of mini-swe-agent and SWE-agent: read, written, and back without a loss."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.errors import ReplayDeparted, TrajectoryError
from agents.interchange import FORMATS, Format, exported, imported, mini, read, replaying, swe_agent
from agents.interchange.endings import ending_of
from agents.interchange.replaying import OWN_COMMANDS, relocated
from agents.interchange.rest import completed, rest
from agents.models.replay import ReplayModel
from agents.tools import problem
from agents.trajectory import from_json, to_json
from agents.types import (
    Ending,
    Message,
    Origin,
    Reasoning,
    Role,
    Step,
    Text,
    ToolCall,
    ToolResult,
    Trajectory,
    Usage,
)
from sandbox.layout import TREE
from tests.agents.test_trajectory import JSON, TRAJECTORIES

each_format = pytest.mark.parametrize("chosen", FORMATS.values(), ids=lambda chosen: chosen.name)


# --- what is left over -------------------------------------------------------------------------------------------


@given(JSON, JSON)
def test_what_is_left_over_completes_any_value_to_any_other(wanted: Any, made: Any) -> None:
    left = rest(wanted, made)
    again = completed(made, json.loads(json.dumps(left)))
    assert json.dumps(again, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def test_nothing_is_left_over_of_equal_values_and_little_of_alike_ones() -> None:
    assert rest({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) is None
    assert rest({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3, "c": 4}], "d": 5}) == {
        "keys": {"a": {"items": {"1": {"keys": {"b": {"is": 2}}, "without": ["c"]}}}},
        "without": ["d"],
    }
    assert rest(1, True) == {"is": 1}


def test_what_does_not_fit_any_more_is_left_out() -> None:
    assert completed("text", {"keys": {"a": {"is": 1}}}) == "text"
    assert completed([1], {"items": {"7": {"is": 2}}}) == [1]
    assert completed({"a": 1}, "odd") == {"a": 1}


# --- ours, there and back ----------------------------------------------------------------------------------------


@each_format
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(run=TRAJECTORIES)
def test_any_run_of_ours_comes_back_from_their_file(chosen: Format, run: Trajectory) -> None:
    if run.origin is not None and run.origin.format.startswith(chosen.name):
        return
    text = json.dumps(exported(run, chosen))
    again, whole = read(text.encode("ascii"))
    assert (again, whole) == (run, True)


STEPS = (
    Step(
        index=0,
        messages=(
            Message(role=Role.SYSTEM, parts=(Text(text="You repair."),)),
            Message(role=Role.USER, parts=(Text(text="It is broken."),)),
            Message(
                role=Role.ASSISTANT,
                parts=(
                    Reasoning(text="Hm.", opaque={"type": "thinking", "thinking": "Hm.", "signature": "s"}),
                    Text(text="I look."),
                    ToolCall(id="c1", name="shell", arguments={"command": "cat a.py"}),
                    ToolCall(id="c2", name="read", arguments={"path": "b.py"}),
                ),
            ),
            Message(
                role=Role.USER,
                parts=(ToolResult(call_id="c1", text="1"), ToolResult(call_id="c2", text="gone", is_error=True)),
            ),
        ),
        usage=Usage(input_tokens=100, output_tokens=10, cache_read_tokens=50),
        cost_usd=0.5,
        seconds=2.0,
        note="shell cat a.py",
    ),
    Step(
        index=1,
        messages=(
            Message(role=Role.ASSISTANT, parts=(ToolCall(id="c3", name="submit", arguments={"summary": "x"}),)),
            Message(role=Role.USER, parts=(ToolResult(call_id="c3", text="Accepted."),)),
        ),
        cost_usd=None,
        diff="diff --git a/a.py b/a.py\n",
    ),
)
RUN = Trajectory(
    task_id="owner__name-1",
    model="under-test",
    strategy="loop",
    prompt_version="loop-1",
    steps=STEPS,
    ending=Ending.SUBMITTED,
    reason="The model submitted a change.",
    summary="Mended.",
)


def test_ours_in_mini_swe_agents_words() -> None:
    document = exported(RUN, FORMATS["mini-swe-agent"])
    assert document["trajectory_format"] == "mini-swe-agent-1.1"
    assert document["instance_id"] == "owner__name-1"
    info = document["info"]
    assert (info["exit_status"], info["submission"]) == ("Submitted", "diff --git a/a.py b/a.py\n")
    assert info["model_stats"] == {"instance_cost": 0.0, "api_calls": 2}
    roles = [message["role"] for message in document["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "tool", "exit"]
    spoken = document["messages"][2]
    assert spoken["extra"]["actions"] == [{"command": "cat a.py", "tool_call_id": "c1"}]
    assert spoken["extra"]["cost"] == 0.5
    assert "cost" not in document["messages"][5]["extra"], "an unknown price is not written as one"
    assert spoken["tool_calls"][1]["function"] == {"name": "read", "arguments": '{"path": "b.py"}'}
    assert document["messages"][4]["extra"]["exception_info"] == "gone"


def test_ours_in_swe_agents_words() -> None:
    document = exported(RUN, FORMATS["swe-agent"])
    assert [turn["action"] for turn in document["trajectory"]] == ['cat a.py\nread path="b.py"', 'submit summary="x"']
    assert document["trajectory"][0]["observation"] == "1\ngone"
    assert document["info"]["exit_status"] == "submitted"
    assert document["info"]["model_stats"]["tokens_sent"] == 100
    kinds = [item["message_type"] for item in document["history"]]
    assert kinds == ["system_prompt", "observation", "action", "observation", "observation", "action", "observation"]


@each_format
def test_a_run_that_goes_on_or_has_no_conversation_is_written_too(chosen: Format) -> None:
    for run in (
        replace(RUN, ending=None, reason="", summary=""),
        replace(RUN, steps=()),
        replace(RUN, steps=(Step(index=0, messages=(), note="120 candidates"),)),
        replace(RUN, ending=Ending.CANNOT_REPRODUCE),
        replace(RUN, origin=Origin(format="another", rest=[1])),
    ):
        assert read(json.dumps(exported(run, chosen)).encode())[0] == run


# --- theirs, there and back --------------------------------------------------------------------------------------


def bash(number: int, command: str) -> dict[str, Any]:
    function = {"name": "bash", "arguments": json.dumps({"command": command})}
    return {"id": f"call_{number}", "type": "function", "function": function}


def mini_document(**changes: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 900, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 800}}
    submission = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n"
    return {
        "info": {
            "model_stats": {"instance_cost": 0.75, "api_calls": 3},
            "config": {
                "agent": {"step_limit": 0},
                "model": {"model_name": "vendor/model-1"},
                "environment": {"cwd": "/testbed", "timeout": 60},
            },
            "mini_version": "2.4.6",
            "exit_status": "Submitted",
            "submission": submission,
        },
        "messages": [
            {"role": "system", "content": "You are helpful."},
            {"role": "user", "content": [{"type": "text", "text": "Solve it."}]},
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "Think.",
                "tool_calls": [bash(1, "cat /testbed/a.py"), bash(2, "ls")],
                "extra": {"cost": 0.25, "timestamp": 100.0, "response": {"usage": usage}, "actions": []},
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "1", "extra": {"timestamp": 101.0, "returncode": 0}},
            {
                "role": "tool",
                "tool_call_id": "call_2",
                "content": "no",
                "extra": {"timestamp": 102.5, "exception_info": "timed out"},
            },
            {
                "role": "user",
                "content": "No tool calls found.",
                "extra": {"interrupt_type": "FormatError", "cost": 0.25},
            },
            {
                "role": "assistant",
                "content": "Done.",
                "tool_calls": [bash(3, "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt")],
                "extra": {"cost": 0.25, "timestamp": 110.0},
            },
            {"role": "exit", "content": submission, "extra": {"exit_status": "Submitted", "submission": submission}},
        ],
        "trajectory_format": "mini-swe-agent-1.1",
        **changes,
    }


def test_mini_swe_agents_run_in_our_words() -> None:
    run, _ = read(json.dumps(mini_document()).encode(), name="owner__name-7.traj.json")
    assert (run.task_id, run.model, run.strategy) == ("owner__name-7", "vendor/model-1", "mini-swe-agent")
    assert (run.ending, run.origin.root if run.origin else "") == (Ending.SUBMITTED, "/testbed")
    first, second = run.steps
    assert first.usage == Usage(input_tokens=900, output_tokens=30, cache_read_tokens=800)
    assert (first.cost_usd, second.cost_usd, run.cost_usd) == (0.5, 0.25, 0.75), "what was refused was paid, too"
    assert (first.seconds, second.seconds) == (2.5, 7.5)
    assert [message.role for message in first.messages] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    assert first.messages[2].parts[0] == Reasoning(text="Think.")
    assert first.messages[2].tool_calls[0].arguments == {"command": "cat /testbed/a.py"}
    assert first.messages[3].parts == (
        ToolResult(call_id="call_1", text="1"),
        ToolResult(call_id="call_2", text="no", is_error=True),
        Text(text="No tool calls found."),
    )
    assert second.diff.startswith("diff --git")


TEXT_RUN = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": "u"},
    {"role": "assistant", "content": "Look:\n\n```bash\nls -la\n```"},
    {"role": "user", "content": "<returncode>0</returncode>"},
    {"role": "assistant", "content": "End.\n```mswea_bash_command\necho COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT\n```"},
    {"role": "user", "content": "the answer"},
]
RESPONSES = [
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "s"}]},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "u"}]},
    {
        "object": "response",
        "output": [
            {"type": "reasoning", "summary": [{"text": "why"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Look."}]},
            {"type": "function_call", "call_id": "f1", "name": "bash", "arguments": '{"command": "ls"}'},
            {"type": "web_search_call", "id": "w"},
        ],
        "usage": {"input_tokens": 5, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1}},
        "extra": {"actions": [{"command": "ls", "tool_call_id": "f1"}], "cost": 1.0},
    },
    {"type": "function_call_output", "call_id": "f1", "output": "a.py", "extra": {"returncode": 0}},
]
BLOCKS = [
    {"role": "user", "content": "u"},
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "t", "signature": "x"},
            {"type": "text", "text": ""},
            {"type": "text", "text": "Look."},
            {"type": "tool_use", "id": "u1", "name": "bash", "input": {"command": "ls"}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "u1", "content": "a.py", "is_error": True}]},
]


def test_the_first_versions_list_is_a_run() -> None:
    run, _ = read(json.dumps(TEXT_RUN).encode(), name="x.traj.json")
    assert (run.ending, run.summary, run.cost_usd) == (Ending.SUBMITTED, "the answer", None)
    (call,) = run.steps[0].messages[2].tool_calls
    assert call.arguments == {"command": "ls -la"}
    assert run.steps[0].messages[3].parts == (ToolResult(call_id=call.id, text="<returncode>0</returncode>"),)


@pytest.mark.parametrize("messages", [RESPONSES, BLOCKS], ids=["responses", "blocks"])
def test_other_shapes_of_messages_are_understood(messages: list[dict[str, Any]]) -> None:
    run, _ = read(json.dumps({"info": {}, "messages": messages}).encode())
    (step,) = run.steps
    spoken = next(message for message in step.messages if message.role is Role.ASSISTANT)
    assert [call.arguments for call in spoken.tool_calls] == [{"command": "ls"}]
    assert spoken.text == "Look."
    assert isinstance(spoken.parts[0], Reasoning)
    assert isinstance(result := step.messages[-1].parts[-1], ToolResult)
    assert result.text == "a.py"


def swe_document(**changes: Any) -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}
    return {
        "environment": "main",
        "trajectory": [
            {"action": "ls", "observation": "a", "response": "Look.", "thought": "Look.", "execution_time": 0.5},
            {"action": "ill", "observation": "", "response": "odd", "thought": "", "execution_time": 0.25},
            {"action": "submit", "observation": "", "response": "End.", "thought": "End.", "execution_time": 1.0},
        ],
        "history": [
            {"role": "system", "content": "s", "message_type": "system_prompt"},
            {"role": "assistant", "content": "demo", "is_demo": True, "action": "rm -r /", "tool_calls": [call]},
            {"role": "tool", "content": "demo", "is_demo": True, "tool_call_ids": ["call_1"]},
            {"role": "user", "content": "u", "message_type": "observation"},
            {"role": "assistant", "content": "Look.", "action": "ls", "tool_calls": [call], "message_type": "action"},
            {"role": "tool", "content": "a", "tool_call_ids": ["call_1"], "message_type": "observation"},
            {"role": "assistant", "content": "End.", "action": "submit\n", "tool_calls": None},
            {"role": "user", "content": ""},
        ],
        "info": {
            "exit_status": "submitted",
            "submission": "\ndiff --git a/a b/a\n",
            "model_stats": {"instance_cost": 1},
        },
        "replay_config": json.dumps(
            {"env": {"repo": {"repo_name": "testbed"}}, "agent": {"model": {"name": "vendor/model-2"}}}
        ),
        **changes,
    }


def test_swe_agents_run_in_our_words() -> None:
    run, _ = read(json.dumps(swe_document()).encode(), name="owner__name-9.traj")
    assert (run.task_id, run.model, run.ending) == ("owner__name-9", "vendor/model-2", Ending.SUBMITTED)
    assert run.origin is not None
    assert run.origin.root == "/testbed"
    first, second = run.steps
    assert (first.seconds, second.seconds) == (0.5, 1.25), "an answer that was asked for again took its time, too"
    assert [call.name for message in first.messages for call in message.tool_calls] == ["bash"]
    assert second.messages[0].tool_calls[0].arguments == {"command": "submit\n"}
    assert run.cost_usd is None, "it tells no step's price"
    assert second.diff == "\ndiff --git a/a b/a\n"


@pytest.mark.parametrize(
    ("config", "root"),
    [
        ({"env": {"repo": {"github_url": "https://github.com/SWE-agent/test-repo"}}}, "/SWE-agent__test-repo"),
        ({"env": {"repo": {"path": "/srv/code/shop/"}}}, "/shop"),
        ({}, ""),
        ("{broken", ""),
        (None, ""),
    ],
)
def test_where_swe_agent_worked_is_read_from_its_configuration(config: Any, root: str) -> None:
    run, _ = read(json.dumps(swe_document(replay_config=config)).encode())
    assert run.origin is not None
    assert run.origin.root == root


def test_a_file_of_steps_alone_is_a_run() -> None:
    document = {key: value for key, value in swe_document().items() if key != "history"}
    document["trajectory"].append({"action": "", "thought": "", "observation": "nothing"})
    run, _ = read(json.dumps(document).encode())
    assert [len(step.messages[0].tool_calls) for step in run.steps] == [1, 1, 1, 0]
    one = {"trajectory": document["trajectory"][:1], "info": document["info"]}
    assert read(json.dumps(one).encode())[0].cost_usd == 1.0


THEIRS: tuple[Any, ...] = (
    mini_document(),
    mini_document(info={}),
    mini_document(messages=[]),
    mini_document(messages=RESPONSES, trajectory_format="mini-swe-agent-1.9", more={"a": [1.5, None]}),
    TEXT_RUN,
    BLOCKS,
    swe_document(),
    swe_document(trajectory=[], info={"exit_status": None, "submission": None}),
    {"history": swe_document()["history"]},
    {"trajectory": swe_document()["trajectory"], "info": {}},
)


@pytest.mark.parametrize("document", THEIRS)
def test_their_file_is_written_again_as_it_was(document: Any) -> None:
    run, _ = read(json.dumps(document).encode(), name="run")
    kept = from_json(to_json(run))
    assert kept == run
    assert run.origin is not None
    own = next(each for each in FORMATS.values() if run.origin.format.startswith(each.name))
    again = exported(kept, own)
    assert json.dumps(again, sort_keys=True) == json.dumps(document, sort_keys=True)
    (other,) = (each for each in FORMATS.values() if each is not own)
    assert read(json.dumps(exported(kept, other)).encode())[0] == run, "and through the other's file"


KEYS = (
    *("role", "content", "extra", "tool_calls", "function", "arguments", "actions", "output", "type", "redgreen"),
    *("usage", "step", "thinking_blocks", "tool_call_ids", "response", "cost", "timestamp", "is_demo", "action"),
)
HOSTILE_MINI = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner | st.sampled_from(["assistant", "tool", "system", "exit", "reasoning", "function_call", "text"]),
            max_size=6,
        )
    ),
    max_leaves=30,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(messages=st.lists(HOSTILE_MINI, max_size=5), info=HOSTILE_MINI)
def test_whatever_is_in_their_keys_is_read_or_refused(messages: list[Any], info: Any) -> None:
    for document in ({"info": info, "messages": messages}, {"info": info, "history": messages, "trajectory": messages}):
        try:
            run, _ = read(json.dumps(document).encode())
        except TrajectoryError:
            continue
        if run.origin is not None:
            own = next(each for each in FORMATS.values() if run.origin.format.startswith(each.name))
            assert json.dumps(exported(run, own), sort_keys=True) == json.dumps(document, sort_keys=True)
            ReplayModel("r", run)


def test_arguments_that_are_no_object_are_told() -> None:
    odd = [{"id": "1", "function": {"name": "bash", "arguments": text}} for text in ("{broken", "[1]", {"a": 1}, None)]
    run, _ = read(json.dumps(mini_document(messages=[{"role": "assistant", "tool_calls": odd}])).encode())
    calls = run.steps[0].messages[0].tool_calls
    assert [bool(call.problem) for call in calls] == [True, True, False, False]
    assert calls[2].arguments == {"a": 1}


@pytest.mark.parametrize(
    ("data", "format", "told"),
    [
        (json.dumps(mini_document()), "swe-agent", "not a file of swe-agent"),
        (json.dumps(mini_document()), "codex", "There is no format 'codex'"),
        ('{"a": 1}', "auto", "its keys are not theirs"),
        ("[]", "auto", "its keys are not theirs"),
        ("3", "auto", "its keys are not theirs"),
        ("", "auto", "not JSON"),
        ('"text', "auto", "not JSON"),
        ('{"messages": ' + "[" * 50_000 + "]" * 50_000 + "}", "auto", "not JSON"),
    ],
)
def test_what_is_nobodys_is_refused(data: str, format: str, told: str) -> None:
    with pytest.raises(TrajectoryError, match=told):
        read(data.encode(), format=format)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(TrajectoryError, match="nested more than 150 deep"):
        imported(mini_document(odd=nested(151)), FORMATS["mini-swe-agent"])


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        ("", None),
        ("Submitted", Ending.SUBMITTED),
        ("submitted", Ending.SUBMITTED),
        ("submitted (exit_cost)", Ending.LIMIT),
        ("exit_context", Ending.LIMIT),
        ("LimitsExceeded", Ending.LIMIT),
        ("RepeatedFormatError", Ending.FORMAT_ERRORS),
        ("exit_forfeit", Ending.GAVE_UP),
        ("CalledProcessError", Ending.MODEL_FAILED),
        ("cannot_reproduce", Ending.CANNOT_REPRODUCE),
    ],
)
def test_how_a_run_ended_is_understood(status: str, ending: Ending | None) -> None:
    assert ending_of(status) is ending


# --- done again --------------------------------------------------------------------------------------------------


def replayed(document: Any, root: str = "") -> list[Message]:
    run, _ = read(json.dumps(document).encode(), root=root)
    model = ReplayModel("again", run)
    said: list[Message] = []
    conversation: list[Message] = [Message(role=Role.USER, parts=(Text(text="other words than recorded"),))]
    for _ in range(len(run.steps)):
        reply = model.query(conversation, (), max_output_tokens=100)
        said.append(reply.message)
        conversation += [reply.message, Message(role=Role.USER, parts=(Text(text="other results"),))]
    return said


def test_the_tree_is_where_the_environment_has_it() -> None:
    assert replaying.TREE == TREE


def test_shell_commands_are_done_again_in_the_tree_and_the_end_is_submit() -> None:
    first, second = replayed(mini_document())
    assert [call.arguments["command"] for call in first.tool_calls] == [f"cat {TREE}/a.py", "ls"]
    assert [call.name for call in second.tool_calls] == ["shell", "shell", "submit"]
    assert second.tool_calls[1].arguments["command"].endswith("|| rm -f patch.txt")
    assert second.tool_calls[2].arguments == {"summary": "Done."}
    assert all(problem(call) == "" for message in (first, second) for call in message.tool_calls)


def test_a_recording_that_did_not_submit_just_ends() -> None:
    document = mini_document(info={"exit_status": "LimitsExceeded"})
    run, _ = read(json.dumps(document).encode())
    said = replayed(document)
    assert "submit" not in [call.name for message in said for call in message.tool_calls]
    with pytest.raises(ReplayDeparted, match="ends after the model's answer 2"):
        ReplayModel("again", run).query(said, (), max_output_tokens=1)


def editor(**arguments: Any) -> dict[str, Any]:
    function = {"name": "str_replace_editor", "arguments": json.dumps(arguments)}
    return {"id": "e", "type": "function", "function": function}


def swe_run(*calls: dict[str, Any]) -> dict[str, Any]:
    history = [{"role": "assistant", "content": f"{n}", "tool_calls": [call]} for n, call in enumerate(calls)]
    return swe_document(history=history, trajectory=[])


def test_a_format_can_be_named() -> None:
    for document, name in ((mini_document(), "mini-swe-agent"), (swe_document(), "swe-agent")):
        data = json.dumps(document).encode()
        assert read(data, format=name) == read(data)


def test_its_editor_becomes_our_tools() -> None:
    said = replayed(
        swe_run(
            editor(command="view", path="/testbed/a.py", view_range=[3, 9]),
            editor(command="view", path="/testbed/a.py", view_range=[3, -1]),
            editor(command="view", path="/testbed"),
            editor(command="create", path="/testbed/new/b.py", file_text="it's\n"),
            editor(command="str_replace", path="/testbed/a.py", old_str="1", new_str="2"),
            editor(command="insert", path="a.py", insert_line=2, new_str="x"),
            {"id": "s", "function": {"name": "submit", "arguments": "{}"}},
        )
    )
    calls = [call for message in said for call in message.tool_calls]
    assert all(problem(call) == "" for call in calls)
    assert [(call.name, dict(call.arguments)) for call in calls[:2]] == [
        ("read", {"path": "a.py", "first_line": 3, "last_line": 9}),
        ("read", {"path": "a.py", "first_line": 3}),
    ]
    assert calls[2].arguments["command"] == "ls -A"
    assert calls[3].arguments["command"] == "mkdir -p new && printf %s 'it'\"'\"'s\n' > new/b.py"
    assert calls[4].arguments == {"path": "a.py", "old": "1", "new": "2"}
    assert "head -n 2 a.py" in calls[5].arguments["command"]
    assert [call.name for call in calls] == ["read", "read", "shell", "shell", "edit", "shell", "submit"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (editor(command="undo_edit", path="/testbed/a.py"), "`str_replace_editor undo_edit`"),
        (editor(command="view", path="/etc/passwd"), "`str_replace_editor view`"),
        (editor(command="view", path="../x"), "`str_replace_editor view`"),
        (editor(command="str_replace", path="a.py", old_str="", new_str="2"), "`str_replace_editor str_replace`"),
        (editor(command="insert", path="a.py", insert_line="2"), "`str_replace_editor insert`"),
        ({"id": "o", "function": {"name": "find_file", "arguments": '{"file_name": "a"}'}}, "`find_file`"),
        ({"id": "o", "function": {"name": "bash", "arguments": '{"command": 3}'}}, "`bash`"),
        *((bash(1, f"{name} a.py"), f"`{name}`") for name in OWN_COMMANDS),
    ],
)
def test_what_there_is_no_tool_for_is_told_not_guessed(call: dict[str, Any], told: str) -> None:
    with pytest.raises(ReplayDeparted, match="redgreen has nothing like") as caught:
        replayed(swe_run(call))
    assert told in str(caught.value)


def test_a_path_is_known_only_where_its_root_is() -> None:
    with pytest.raises(ReplayDeparted):
        replayed(swe_document(**{**swe_run(editor(command="view", path="/testbed/a.py")), "replay_config": None}))


@pytest.mark.parametrize(
    ("command", "root", "expected"),
    [
        ("cd /testbed && ls", "/testbed", f"cd {TREE} && ls"),
        ("cat '/testbed/a.py'", "/testbed/", f"cat '{TREE}/a.py'"),
        ("cat /testbed2 /x/testbed /testbed-1", "/testbed", "cat /testbed2 /x/testbed /testbed-1"),
        ("cat /a", "", "cat /a"),
        ("cat /a", "/", "cat /a"),
    ],
)
def test_paths_of_the_recorded_tree_become_paths_of_ours(command: str, root: str, expected: str) -> None:
    assert relocated(command, root) == expected


def test_both_formats_are_told_apart() -> None:
    assert [mini.recognises(mini_document()), swe_agent.recognises(mini_document())] == [True, False]
    assert [mini.recognises(swe_document()), swe_agent.recognises(swe_document())] == [False, True]
    assert not any((mini.recognises([]), mini.recognises("x"), swe_agent.recognises([])))


def ours_with(**fields: Any) -> str:
    step = {"index": 0, "messages": [], "usage": {}, "cost_usd": 0, "seconds": 0, "diff": "", "note": "", **fields}
    head = {"version": 1, "task_id": "t", "model": "m", "strategy": "s", "prompt_version": ""}
    return json.dumps({**head, "steps": [step]})


@pytest.mark.parametrize(
    "data",
    [
        ours_with(usage=[]),
        ours_with(condensed=[]),
        ours_with(index=float("inf")),
        ours_with(cost_usd=10**400),
        ours_with(usage={"input_tokens": 10**400}),
        *(
            json.dumps(mini_document(info={"redgreen": {"rest": rest}}))
            for rest in ({"is": 5}, {"keys": {"steps": {"is": 3}}}, {"keys": {"steps": {"is": [[]]}}})
        ),
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(data: str) -> None:
    with pytest.raises(TrajectoryError):
        read(data.encode())


@pytest.mark.parametrize("left", [{"keys": 5}, {"keys": []}, {"without": 5}, {"keys": {"steps": {"items": []}}}])
def test_what_is_kept_for_the_way_home_and_makes_no_sense_changes_nothing(left: Any) -> None:
    run, _ = read(json.dumps(mini_document(info={"redgreen": {"rest": left}})).encode())
    plain, _ = read(json.dumps(mini_document(info={"redgreen": {"rest": {}}})).encode())
    assert run == plain


def test_a_number_without_bounds_is_no_number() -> None:
    (spoken,) = [{"role": "assistant", "content": "x", "extra": {"cost": 10**400}}]
    run, _ = read(json.dumps(mini_document(messages=[spoken])).encode())
    assert run.steps[0].cost_usd is None
