#!/usr/bin/env bash
# The checks of `make test`, alone or together.
#
#   scripts/check.sh all | lint | types | contracts | docs | tests [PYTEST-ARGUMENT...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin
# shellcheck source=scripts/common.sh
. scripts/common.sh

lint() {
  "$bin/ruff" check . && "$bin/ruff" format --check .
}

types() { "$bin/mypy"; }

contracts() { "$bin/lint-imports" --no-logo; }

docs() { "$bin/python" scripts/docs_tables.py --check; }

static() {
  local check failed=0
  for check in lint types contracts docs; do
    if "$check" >"var/check-$check.log" 2>&1; then
      printf '%-9s ok\n' "$check"
    else
      failed=1
      printf '%-9s FAILED\n' "$check"
      cat "var/check-$check.log"
    fi
  done
  return "$failed"
}

tests() {
  "$bin/python" -m pytest "$@"
}

# The tests that need an engine are the longer half, and wait for containers at times: two workers, with the processor
# first. The others fill what is left. Of them the branches of the deciding modules are counted (their list: pyproject.toml,
# tool.coverage): those are pure, so pure tests take them.
measured_tests() {
  local result=0
  rm -f .coverage
  local spread=(-p no:cacheprovider -n 2 --dist loadfile)
  "$bin/python" -m pytest "${spread[@]}" -m docker >var/check-docker.log 2>&1 &
  local containers=$!
  # shellcheck disable=SC2064  # now, not then
  trap "kill $containers 2>/dev/null || true" EXIT
  nice -n 5 "$bin/python" -m pytest "${spread[@]}" --cov --cov-report= --cov-fail-under=0 -m 'not docker' || result=1
  printf 'The tests that need an engine:\n'
  wait "$containers" || result=1
  trap - EXIT
  cat var/check-docker.log
  "$bin/coverage" report || result=1
  return "$result"
}

# The static checks need one core for a minute and no engine, so they run beside the tests.
all() {
  local result=0
  mkdir -p var
  static >var/check-static.log 2>&1 &
  local beside=$!
  # shellcheck disable=SC2064  # now, not then
  trap "kill $beside 2>/dev/null || true" EXIT
  measured_tests 2>&1 | tee var/check-tests.log || result=1
  wait "$beside" || result=1
  trap - EXIT
  cat var/check-static.log
  grep -E '^(=+ )?[0-9]+ (passed|failed|skipped|error)|^=+ .*(passed|failed|error).* in ' var/check-tests.log || true
  return "$result"
}

# The store is tested on SQLite and on PostgreSQL. Only the server's programs are needed: the tests start their own.
prepare_postgres() {
  [ "${REDGREEN_TEST_POSTGRES:-1}" != 0 ] || return 0
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return 0
  if ! apt_install postgresql; then
    printf 'No PostgreSQL here and no right to install it: its tests are skipped (REDGREEN_TEST_POSTGRES=0)\n'
    export REDGREEN_TEST_POSTGRES=0
  fi
}

prepare() {
  case ${1:-} in
    all | tests)
      mkdir -p var
      prepare_postgres
      if [ "${REDGREEN_TEST_DOCKER:-1}" = 0 ]; then
        printf 'REDGREEN_TEST_DOCKER=0: everything that needs a Docker engine is skipped\n'
        scripts/setup.sh --no-engine
      else
        scripts/setup.sh
      fi
      ;;
    lint | types | contracts | docs) scripts/setup.sh --no-engine ;;
    *)
      sed -n '4p' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
}

prepare "$@"
"$@"
