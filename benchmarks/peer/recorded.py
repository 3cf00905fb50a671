"""The recorded run that both sides replay: commands as an agent gives them, on the demo's sample repository."""

from __future__ import annotations

COMMANDS: tuple[str, ...] = (
    "ls -la",
    "git log --oneline | head -5 && git status --short",
    "cat README.md 2>/dev/null | head -40; ls",
    "find . -name '*.py' -not -path './.git/*' | sort | head -50",
    "grep -rn 'def ' --include='*.py' . | head -60",
    "grep -rn 'class ' --include='*.py' . | head -20",
    "sed -n 1,60p $(find . -name '*.py' -not -path './.git/*' | sort | head -1)",
    "sed -n 1,80p $(find . -name '*.py' -not -path './.git/*' | sort | sed -n 2p)",
    "wc -l $(find . -name '*.py' -not -path './.git/*')",
    "mkdir -p notes && cat > notes/reproduce.py <<'EOF'\nprint('what the issue says')\nfor number in range(3):\n"
    "    print(number)\nEOF",
    "cat notes/reproduce.py",
    "sed -i 's/range(3)/range(4)/' notes/reproduce.py && cat notes/reproduce.py",
    "grep -rn 'import' --include='*.py' . | head -30",
    "git diff | head -40; git status --short",
    "sed -n 20,60p $(find . -name '*.py' -not -path './.git/*' | sort | tail -1)",
    "cat > notes/plan.txt <<'EOF'\nFirst the test, then the change, then the suite.\nEOF",
    "head -c 400 notes/plan.txt && ls notes",
    "rm notes/plan.txt && ls -la notes",
    "find . -newer README.md -type f -not -path './.git/*' | head -20",
    "git status --short && git diff --stat",
)
THOUGHT = "I look at this next, because the result before does not yet say where the fault is."
DONE = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""How mini-swe-agent's model ends a run; ours calls `submit`."""
ISSUE_TITLE = "Bookings that touch are refused"
ISSUE_BODY = (
    "A booking that begins in the minute in which another one ends is refused, although the two do not overlap.\n\n"
    "Steps: book 9:00 to 10:00, then 10:00 to 11:00 in the same room. Expected: both are accepted. Seen: the second "
    "one is refused with `SlotTaken`.\n"
)
