"""What a record's shell lines and package lists become in a build."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox.layout import VENV
from sandbox.swebench import installs
from tests.support.cases import FilesView


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("python -m pip install .", "python -m pip install -e ."),
        ("pip3 install --no-deps '.[test]' --verbose", "pip3 install --no-deps -e '.[test]' --verbose"),
        ("pip install -v --no-build-isolation ./", "pip install -v --no-build-isolation -e ./"),
        ("pip install -r r.txt . && pip install x", "pip install -r r.txt -e . && pip install x"),
        ("cd sub && pip install -c ../c.txt .", "cd sub && pip install -c ../c.txt -e ."),
        ("python setup.py install", "python setup.py develop"),
        ("pip install -e .", "pip install -e ."),
        ("pip install -v --editable .[dev]", "pip install -v --editable .[dev]"),
        ("pip install ./plugins/one", "pip install ./plugins/one"),
        ("pip install pytest", "pip install pytest"),
        ("python setup.py build_ext --inplace", "python setup.py build_ext --inplace"),
    ],
)
def test_the_tree_is_installed_itself_and_not_a_copy_that_no_patch_would_reach(said: str, done: str) -> None:
    assert installs.of_tree(said) == ("/bin/bash", "-c", done)


def test_only_the_distributions_packages_are_taken_out_of_a_line_and_nothing_is_upgraded() -> None:
    line = "apt-get -y update && apt-get -y upgrade && apt-get install -y imagemagick ffmpeg && make"
    assert installs.without_apt(line) == ("make", ["imagemagick", "ffmpeg"])


@pytest.fixture
def pip(tmp_path: Path) -> Path:
    """Says what it is asked to install, and refuses whatever is asked for with `esmf`."""
    program = tmp_path / "python"
    program.write_text(
        f"#!/bin/sh\nshift 4\n"
        '[ "$1" = --prefer-binary ] && shift\n[ "$1" = -r ] && set -- $(grep -v "^#" "$2")\n'
        f'echo "$@" >> {tmp_path}/asked\n'
        'case " $* " in *" pylib.mc>1 "*) echo "  ERROR: Failed building wheel for pylib-mc"; exit 1;; esac\n'
        'case " $* " in *" esmf "*) exit 1;; *" missing==1 "*) exit 1;; esac\n'
    )
    program.chmod(0o755)
    return program


def run(step: tuple[str, ...], pip: Path) -> tuple[int, list[str]]:
    argv = [word.replace(f"{VENV}/bin/python", str(pip)) for word in step]
    done = subprocess.run(argv, stdout=subprocess.PIPE, cwd=pip.parent)
    return done.returncode, (pip.parent / "asked").read_text().splitlines()


def test_what_pip_cannot_install_of_a_conda_file_is_left_out_and_the_pins_hold_for_the_rest(pip: Path) -> None:
    view = FilesView({"environment.yml": "dependencies: [numpy>=1.17, esmf, six]"})
    (step,) = installs.packages(("environment.yml", "numpy==1.23.*", "dask"), view)
    code, asked = run(step, pip)
    assert code == 0
    assert asked == [
        "numpy==1.23.* dask numpy>=1.17 esmf six",
        "numpy==1.23.* dask",
        "numpy>=1.17 numpy==1.23.* dask",
        "esmf numpy==1.23.* dask",
        "six numpy==1.23.* dask",
    ]


def test_a_pin_that_cannot_be_had_fails_the_build(pip: Path) -> None:
    view = FilesView({"environment.yml": "dependencies: [six]"})
    (step,) = installs.packages(("environment.yml", "missing==1"), view)
    assert run(step, pip)[0] != 0


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        (["six", "attrs"], ["six attrs"]),
        (["six", "pylib.mc>1", "pylib", "attrs"], ["six pylib.mc>1 pylib attrs", "six pylib attrs"]),
        (["six", "esmf", "attrs"], ["six esmf attrs", "six", "esmf", "attrs"]),
        (["pylib.mc>1", "esmf", "six"], ["pylib.mc>1 esmf six", "esmf six", "pylib.mc>1", "esmf", "six"]),
        (["pylib.mc>1"], ["pylib.mc>1", ""]),
    ],
)
def test_of_a_requirements_file_what_pip_names_is_left_out_and_then_each_is_tried(
    lines: list[str], asked: list[str], pip: Path
) -> None:
    text = "\n".join(["# for the tests", *lines, ""])
    (pip.parent / "requirements.txt").write_text(text)
    (step,) = installs.packages(("requirements.txt",), FilesView({"requirements.txt": text}))
    code, said = run(step, pip)
    assert (code, said) == (0, asked)
    assert sorted(path.name for path in pip.parent.iterdir()) == ["asked", "python", "requirements.txt"]
