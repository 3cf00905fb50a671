#!/usr/bin/env bash
# Everything a fresh checkout needs: uv in .tools/, the environment of uv.lock in .venv/, a Docker engine.
#
#   scripts/setup.sh [--no-engine]
#
# Safe to run again: what is there is left alone, and a second run says nothing. Logs are in var/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

uv_version=0.13.9
uv_minimum=0.13.0

main() {
  mkdir -p var .tools
  take_turn
  use_machine_certificates
  have git || apt_install git || fail "git is needed: install it with your package manager"
  install_environment
  [ "${1:-}" = --no-engine ] || bash scripts/engine.sh 9>&- # a daemon that it starts must not keep our turn
}

# Two set-ups at once would install into the same places: the second waits.
take_turn() {
  have flock || return 0
  exec 9>var/setup.lock
  flock -n 9 && return 0
  say "waiting for another set-up of this checkout"
  flock 9
}

install_environment() {
  local python wanted
  python=$(find_python) || fail "Python 3.11 or newer is needed and was not found" "Debian: apt-get install python3"
  wanted=$(sha256sum uv.lock pyproject.toml; printf '%s %s compiled\n' "$python" "$PWD")
  if [ -x .venv/bin/redgreen ] && [ "$(cat .venv/.set-up 2>/dev/null)" = "$wanted" ]; then
    return 0
  fi
  local uv
  uv=$(find_uv) || { install_uv "$python"; uv=$(find_uv); } || fail "uv could not be installed; see var/setup.log"
  say "installing the locked dependencies into .venv"
  # Compiled once, here: uv leaves that to the first import, and where the environment forbids Python to keep what it
  # compiles (PYTHONDONTWRITEBYTECODE, as in many images), every start of `redgreen` would do it again, for seconds.
  export UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv UV_COMPILE_BYTECODE=1
  sync_from_lock "$uv" "$python" || fail "the dependencies could not be installed; see var/setup.log"
  printf '%s\n' "$wanted" >.venv/.set-up
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

# The first uv that is new enough for the lock: ours, then one on the path.
find_uv() {
  local candidate version
  for candidate in .tools/venv/bin/uv .tools/lib/bin/uv uv; do
    version=$("$candidate" --version 2>/dev/null | awk '{print $2}') || continue
    if [ -n "$version" ] && [ "$(printf '%s\n%s\n' "$uv_minimum" "$version" | sort -V | head -n 1)" = "$uv_minimum" ]; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# pip comes with Python in three shapes: inside venv, in a package of its own on Debian, or not at all.
install_uv() {
  local python=$1
  say "installing uv $uv_version into .tools"
  if ! make_tool_venv "$python" && ! "$python" -m pip --version >/dev/null 2>&1; then
    apt_install python3-venv || fail "this Python has neither venv nor pip, so uv cannot be installed" \
      "Debian: apt-get install python3-venv (as root), or put uv $uv_minimum or newer on the path"
    make_tool_venv "$python" || true
  fi
  if [ -x .tools/venv/bin/pip ]; then
    quietly .tools/venv/bin/pip install --disable-pip-version-check "uv==$uv_version"
  else
    quietly "$python" -m pip install --disable-pip-version-check --target .tools/lib "uv==$uv_version"
  fi
}

make_tool_venv() {
  rm -rf .tools/venv
  "$1" -m venv .tools/venv >>var/setup.log 2>&1 && [ -x .tools/venv/bin/pip ] && return 0
  rm -rf .tools/venv
  return 1
}

# The lock names the public index's files. Behind a mirror the same versions and hashes are asked of the mirror.
sync_from_lock() {
  local uv=$1 python=$2 mirror=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-}}}
  if [ -z "$mirror" ]; then
    quietly "$uv" sync --frozen --python "$python"
    return
  fi
  say "asking the mirror that the environment names"
  [ -d .venv ] || quietly "$uv" venv --python "$python" .venv
  "$uv" export --frozen --no-emit-project --output-file var/requirements.txt >>var/setup.log 2>&1
  quietly env UV_DEFAULT_INDEX="$mirror" "$uv" pip sync --python .venv --require-hashes var/requirements.txt
  quietly env UV_DEFAULT_INDEX="$mirror" "$uv" pip install --python .venv --no-deps --editable .
}

main "$@"
