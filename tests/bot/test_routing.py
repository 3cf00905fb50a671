"""(Event, RepoConfig) -> Decision: what is done, and that what stays undecided does nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.commands import Command, CommandError, Problem, Verb
from bot.events import parse
from bot.repo_config import ConfigProblem, RepoConfig
from bot.routing import Answer, Intent, Policy, decide, intent, opens_to
from bot.types import CancelJob, Event, Ignore, Ignored, JobKind, RecordOutcome, StartJob
from tests.support import github_events as gh

POLICY = Policy(models=frozenset({"repair", "sonnet"}), bots=frozenset({"helper[bot]"}))
CONFIG = RepoConfig()
BROKEN = ConfigProblem(line=4, message="There is no key 'labels'.")
OURS = f"check_run:octo/shop:8:{gh.HEAD}"


def event(name: str, payload: dict[str, Any]) -> Event:
    found = parse(gh.delivery(name, payload))
    assert not isinstance(found, Ignored)
    return found


def routed(found: Event, config: RepoConfig | ConfigProblem = CONFIG, policy: Policy = POLICY) -> object:
    wanted = intent(found, policy)
    return wanted if isinstance(wanted, Ignore) else decide(found, wanted, config, policy)


def label(name: str = "redgreen") -> Event:
    return event("issues", gh.labeled(name))


def comment(text: str, **more: Any) -> Event:
    return event("issue_comment", gh.commented(text, **more))


def changed(**more: Any) -> Event:
    return event("pull_request", gh.pull_request(**more))


def test_the_label_starts_a_fix_of_the_text_as_it_was() -> None:
    found = routed(label())
    assert isinstance(found, StartJob)
    assert (found.kind, found.number, found.requested_by, found.comment_id) == (JobKind.FIX, 3, "mona", None)
    assert found.issue is not None
    assert found.issue.body == "It crashes."


def test_the_repositorys_own_label_and_model_count() -> None:
    config = RepoConfig(label="autofix", model="sonnet")
    assert isinstance(routed(label(), config), Ignore)
    found = routed(label("autofix"), config)
    assert isinstance(found, StartJob)
    assert found.model == "sonnet"


def test_a_label_with_an_unknown_model_is_answered() -> None:
    assert routed(label(), RepoConfig(model="gpt-99")) == Answer(topic="unknown_model", number=3, word="gpt-99")


def test_a_broken_file_is_answered_where_somebody_asked() -> None:
    assert routed(label(), BROKEN) == Answer(topic="config_problem", number=3, config=BROKEN)
    assert isinstance(routed(label("bug"), BROKEN), Ignore)
    assert routed(comment("@redgreen fix"), BROKEN) == Answer(topic="config_problem", number=3, config=BROKEN)
    assert isinstance(routed(changed(), BROKEN), Ignore)
    assert isinstance(routed(event("check_run", gh.check_rerequested(OURS)), BROKEN), Ignore)


def test_commands_on_an_issue() -> None:
    found = routed(comment("@redgreen fix with sonnet"))
    assert isinstance(found, StartJob)
    assert (found.kind, found.model, found.comment_id) == (JobKind.FIX, "sonnet", 555)
    again = routed(comment("@redgreen retry"), RepoConfig(model="repair"))
    assert isinstance(again, StartJob)
    assert (again.kind, again.model) == (JobKind.FIX, "repair")
    assert routed(comment("@redgreen review")) == Answer(topic="not_on_issue", number=3, word="review")
    assert routed(comment("@redgreen help")) == Answer(topic="help", number=3)
    assert routed(comment("@redgreen fix with x")) == Answer(topic="unknown_model", number=3, word="x")
    stop = routed(comment("@redgreen stop"))
    assert isinstance(stop, CancelJob)
    assert (stop.number, stop.requested_by) == (3, "mona")


def test_help_and_stop_work_with_a_broken_file() -> None:
    assert routed(comment("@redgreen help"), BROKEN) == Answer(topic="help", number=3)
    assert isinstance(routed(comment("@redgreen stop"), BROKEN), CancelJob)


@pytest.mark.parametrize(("text", "findings"), [("review", True), ("verify", False), ("retry", True)])
def test_commands_on_a_pull_request_start_a_review(text: str, findings: bool) -> None:
    found = routed(comment(f"@redgreen {text}", pull=True))
    assert isinstance(found, StartJob)
    assert (found.kind, found.pull, found.findings) == (JobKind.REVIEW, None, findings)


def test_fix_does_not_work_on_a_pull_request() -> None:
    assert routed(comment("@redgreen fix", pull=True)) == Answer(topic="not_on_pull_request", number=3)


def test_a_comparison_starts_one_fix_with_its_models() -> None:
    found = routed(comment("@redgreen compare repair repair"))
    assert isinstance(found, StartJob)
    assert (found.kind, found.compare) == (JobKind.FIX, ("repair", "repair"))
    assert routed(comment("@redgreen compare repair gpt-0")) == Answer(topic="unknown_model", number=3, word="gpt-0")
    on_pull = routed(comment("@redgreen compare repair repair", pull=True))
    assert on_pull == Answer(topic="not_on_pull_request", number=3, word="compare")


def test_a_mistaken_command_is_answered_and_costs_no_more_than_help() -> None:
    error = CommandError(problem=Problem.UNKNOWN_COMMAND, word="fxi")
    assert intent(comment("@redgreen fxi"), POLICY) == Intent(verb=Verb.HELP, command=error)
    assert routed(comment("@redgreen fxi")) == Answer(topic="command_error", number=3, error=error)


def test_other_comments_and_other_bots_are_ignored_before_anything_is_asked() -> None:
    assert isinstance(intent(comment("nice"), POLICY), Ignore)
    assert isinstance(intent(comment("@redgreen fix", sender="x[bot]"), POLICY), Ignore)
    assert isinstance(intent(comment("@redgreen fix", sender="helper[bot]"), POLICY), Intent)


def test_an_intent_without_a_command_does_nothing_with_a_comment() -> None:
    assert isinstance(decide(comment("x"), Intent(verb=Verb.FIX), CONFIG, POLICY), Ignore)


def test_a_pull_request_is_reviewed_where_it_is_wanted() -> None:
    found = routed(changed())
    assert isinstance(found, StartJob)
    assert found.pull is not None
    assert (found.kind, found.number, found.pull.head_sha) == (JobKind.REVIEW, 8, gh.HEAD)
    assert isinstance(routed(changed(), RepoConfig(review=False)), Ignore)
    silent = replace(POLICY, review=False)
    assert isinstance(routed(changed(), CONFIG, silent), Ignore)
    assert isinstance(routed(changed(), RepoConfig(review=True), silent), StartJob)


def test_drafts_and_our_own_pull_requests_are_not_reviewed() -> None:
    assert isinstance(routed(changed(draft=True)), Ignore)
    assert isinstance(routed(changed(head_ref="redgreen/issue-3")), Ignore)
    assert isinstance(routed(changed(head_ref="redgreen/issue-3", head_repository="evil/shop")), StartJob)


def test_only_our_own_closed_pull_requests_are_outcomes() -> None:
    ours = changed(action="closed", head_ref="redgreen/issue-3", merged=True)
    wanted = intent(ours, POLICY)
    assert isinstance(wanted, Intent)
    assert not wanted.needs_role
    found = routed(ours, BROKEN)
    assert isinstance(found, RecordOutcome)
    assert (found.merged, found.merge_commit_sha) == (True, gh.SHA)
    assert isinstance(routed(changed(action="closed")), Ignore)
    assert isinstance(routed(changed(action="closed", head_ref="redgreen/x", head_repository="evil/shop")), Ignore)


def test_our_check_run_can_be_asked_for_again() -> None:
    found = routed(event("check_run", gh.check_rerequested(OURS)), RepoConfig(model="sonnet"))
    assert isinstance(found, StartJob)
    assert (found.kind, found.number, found.model) == (JobKind.REVIEW, 8, "sonnet")


@pytest.mark.parametrize(
    "external_id", ["", "other", OURS.replace("octo", "evil"), OURS.replace(":8:", ":0:"), OURS[:-1] + "a"]
)
def test_a_check_run_that_is_not_ours_is_ignored(external_id: str) -> None:
    found = event("check_run", gh.check_rerequested(external_id))
    assert isinstance(intent(found, POLICY), Ignore)
    assert isinstance(decide(found, Intent(verb=Verb.REVIEW), CONFIG, POLICY), Ignore)


def test_everyone_means_people_and_only_for_reviews() -> None:
    everyone = RepoConfig(review="everyone")
    assert opens_to(changed(), everyone)
    assert not opens_to(changed(sender="x[bot]"), everyone)
    assert not opens_to(changed(), CONFIG)
    assert not opens_to(changed(), BROKEN)
    assert not opens_to(comment("@redgreen review", pull=True), everyone)


def test_a_command_carries_its_words() -> None:
    wanted = intent(comment("@redgreen fix with sonnet"), POLICY)
    assert wanted == Intent(verb=Verb.FIX, command=Command(verb=Verb.FIX, model="sonnet"), answers_refusal=True)
