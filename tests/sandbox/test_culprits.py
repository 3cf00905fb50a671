"""Whom pip names."""

from __future__ import annotations

import pytest

from sandbox.culprits import parted

WANTED = ["argon2-cffi >= 16.1.0", "pylibmc; sys.platform != 'win32'", "PyYAML", "numpy==1.19.2"]


@pytest.mark.parametrize(
    ("output", "guilty"),
    [
        ("  ERROR: Failed building wheel for pylibmc\n", WANTED[1:2]),
        ("ERROR: Could not build wheels for pylibmc, which is required to install pyproject.toml\n", WANTED[1:2]),
        (
            "ERROR: Could not build wheels for numpy, pylibmc, which is required to install",
            [WANTED[1], WANTED[3]],
        ),
        ("Failed to build installable wheels for some pyproject.toml based projects (pyyaml, numpy)\n", WANTED[2:]),
        ("ERROR: No matching distribution found for argon2_cffi>=16.1.0\n", WANTED[:1]),
        ("ERROR: Failed to build 'numpy' when getting requirements to build wheel\n", WANTED[3:]),
        ("× Encountered error while trying to install package.\n╰─> PyYAML\n", WANTED[2:3]),
        ("× Encountered error while generating package metadata.\n╰─> See above for output.\n", []),
        ("ERROR: Failed building wheel for cffi\n", []),
        ("ERROR: ResolutionImpossible\n", []),
    ],
)
def test_only_what_pip_names_and_was_asked_for_is_passed_over(output: str, guilty: list[str]) -> None:
    found, rest = parted(WANTED, output)
    assert list(found) == guilty
    assert sorted([*found, *rest]) == sorted(WANTED)
