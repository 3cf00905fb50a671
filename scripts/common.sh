# shellcheck shell=bash
# Shared by the set-up scripts: sourced, never run. Bash; expects the checkout as the current directory.

say() { printf 'set-up: %s\n' "$*" >&2; }

fail() {
  printf 'set-up: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '        %s\n' "$line" >&2; done
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# Run a command with its output in the log; on failure show the end of it.
quietly() {
  if ! "$@" </dev/null >>var/setup.log 2>&1; then
    printf 'set-up: failed: %s\n' "$*" >&2
    tail -n 15 var/setup.log >&2
    return 1
  fi
}

# apt_install PACKAGE...: as root on Debian; package lists are fetched once a run.
apt_install() {
  is_root && have apt-get || return 1
  say "installing $* with apt-get"
  if [ -z "${apt_updated:-}" ]; then
    quietly apt-get update -q || say "apt-get update failed; trying with the lists there are"
    apt_updated=1
  fi
  quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# The machine's own certificate authorities for tools that would bring their own.
use_machine_certificates() {
  local bundle=${SSL_CERT_FILE:-${REQUESTS_CA_BUNDLE:-/etc/ssl/certs/ca-certificates.crt}}
  [ -f "$bundle" ] || return 0
  export SSL_CERT_FILE="$bundle" PIP_CERT="${PIP_CERT:-$bundle}"
}
