#!/usr/bin/env bash
# A Docker engine that answers: the one there is, else one installed and started here, where we may (root on Debian).
# An engine that answers is never touched. Without systemd (containers, CI) the daemon is started by hand, detached:
# it outlives the command that started it, and writes to var/dockerd.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

main() {
  mkdir -p var
  use_machine_certificates
  local host
  host=$(engine_address)
  if ! answers "$host"; then
    may_start "$host" || refuse "$host"
    install_engine
    start_engine
    wait_for_engine "$host"
  fi
  install_debootstrap
}

# As redgreen itself will look for it: the setting, else Docker's own variable, else the machine's socket.
engine_address() {
  local configured=${REDGREEN_SANDBOX__DOCKER_HOST:-}
  if [ -z "$configured" ] && [ -f "${REDGREEN_CONFIG:-redgreen.toml}" ]; then
    configured=$(.venv/bin/python -c 'from config.settings import load; print(load().sandbox.docker_host)') ||
      fail "the settings cannot be read (above)"
  fi
  printf '%s\n' "${configured:-${DOCKER_HOST:-unix:///var/run/docker.sock}}"
}

answers() {
  case $1 in
    unix://*) python3 -I -S scripts/ping_socket.py "${1#unix://}" ;;
    *) .venv/bin/python -c 'import docker, sys; docker.DockerClient(base_url=sys.argv[1], timeout=5).ping()' "$1" ;;
  esac 2>/dev/null
}

may_start() { is_root && [ "$1" = unix:///var/run/docker.sock ] && { have dockerd || have apt-get; }; }

refuse() {
  local socket
  for socket in "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"/{docker.sock,podman/podman.sock}; do
    if [ -S "$socket" ] && answers "unix://$socket"; then
      fail "no engine answers at $1, but one does at $socket; use it:" \
        "export REDGREEN_SANDBOX__DOCKER_HOST=unix://$socket"
    fi
  done
  if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
    fail "the Docker engine's socket may not be used by $(id -un)" \
      "let an administrator add you: usermod -aG docker $(id -un), then log in again"
  fi
  fail "no Docker engine answers at $1, and this user may not install one" \
    "Debian: run this as root once, or apt-get install docker.io and join the group docker;" \
    "rootless Docker or Podman: export REDGREEN_SANDBOX__DOCKER_HOST=unix:///run/user/$(id -u)/podman/podman.sock;" \
    "a remote engine: export REDGREEN_SANDBOX__DOCKER_HOST=ssh://user@host;" \
    "tests without an engine: REDGREEN_TEST_DOCKER=0 make test"
}

install_engine() {
  have dockerd && return 0
  apt_install docker.io iptables cgroupfs-mount || fail "the Docker engine could not be installed; see var/setup.log"
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    say "starting the Docker engine (systemd)"
    quietly systemctl start docker || fail "systemd could not start docker; see: journalctl -u docker"
    return 0
  fi
  say "starting the Docker engine; its log is var/dockerd.log"
  mount_cgroups
  if another_is_starting; then return 0; fi
  rm -f /var/run/docker.pid
  launch_daemon
}

launch_daemon() {
  (
    # Neither this terminal nor a pipe of make or of our lock may keep hold of the daemon, nor it of them.
    for descriptor in /proc/self/fd/*; do
      descriptor=${descriptor##*/}
      if [ "$descriptor" -gt 2 ]; then eval "exec $descriptor>&-"; fi
    done
    exec setsid nohup dockerd "$@" </dev/null >>var/dockerd.log 2>&1
  ) &
  daemon=$!
}

mount_cgroups() {
  if ! grep -q ' /sys/fs/cgroup' /proc/mounts && have cgroupfs-mount; then
    quietly cgroupfs-mount || say "control groups could not be mounted; memory and process limits may not hold"
  fi
}

# A daemon that was killed leaves its number behind, and another process may have it by now.
another_is_starting() {
  local pid
  pid=$(cat /var/run/docker.pid 2>/dev/null) || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]
}

wait_for_engine() {
  local host=$1 tries
  for tries in $(seq 1 240); do
    answers "$host" && return 0
    if [ -n "${daemon:-}" ] && ! kill -0 "$daemon" 2>/dev/null && ! another_is_starting; then
      retry_without_iptables || { tail -n 15 var/dockerd.log >&2; fail "the Docker engine ended (log above)"; }
    fi
    sleep 0.25
  done
  fail "the Docker engine was started and does not answer after ${tries} tries; see var/dockerd.log"
}

# Some containers and kernels have no packet filter. Test runs need no network at all; builds then need the host's.
retry_without_iptables() {
  [ -z "${retried:-}" ] && tail -n 30 var/dockerd.log | grep -qi 'iptables\|nat chain' || return 1
  retried=1
  say "the kernel refuses packet filter rules; starting the engine without them"
  say "image builds will need the host's network, without a list of what they may reach (docs/sandbox.md):"
  say "  export REDGREEN_SANDBOX__BUILD_NETWORK=host REDGREEN_SANDBOX__BUILD_PROXY=false"
  rm -f /var/run/docker.pid
  launch_daemon --iptables=false --ip6tables=false
}

# Where no registry answers the base image is built from the distribution's archive, with debootstrap, by root.
install_debootstrap() {
  if is_root && have apt-get && ! have debootstrap; then
    apt_install debootstrap || say "debootstrap is missing: base images can only be pulled"
  fi
}

main "$@"
