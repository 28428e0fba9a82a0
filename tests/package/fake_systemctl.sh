#!/usr/bin/env bash
# Stands in for systemctl where no systemd runs: does with distilld.service what its unit says, as far
# as the maintainer scripts depend on it. The daemon gets the unit's user, no privileges, a read-only
# system and a /tmp of its own; stopping it leaves its workers alone (KillMode=process).
set -euo pipefail

unit=/lib/systemd/system/distilld.service
pid_file=/run/distilld.pid
state=/var/lib/distilld
wanted=/etc/systemd/system/$(sed -n 's/^WantedBy=//p' "$unit" 2>/dev/null).wants
words=()
for argument in "$@"; do [[ $argument == -* ]] || words+=("$argument"); done
verb=${words[0]:-}
printf '%s\n' "$verb" >>/run/systemctl.log

value() { sed -n "s/^$1=//p" "$unit"; }
is_active() { [[ -s $pid_file ]] && kill -0 "$(<"$pid_file")" 2>/dev/null; }

start() {
  ! is_active || return 0
  [[ $(value KillMode) == process && $(value ProtectSystem) == strict && $(value PrivateTmp) == true ]]
  local command
  command=$(value ExecStart)
  mkdir -p "$state"
  rm -f "$state/distilld.address"
  # shellcheck disable=SC2016  # expanded by the inner shell
  setsid unshare --mount --propagation private bash -c '
    set -e
    mount --bind "$STATE_DIRECTORY" "$STATE_DIRECTORY"
    mount -t tmpfs tmpfs /tmp
    mount -o remount,bind,ro /
    echo $$ >"$PID_FILE"
    exec setpriv --reuid "$0" --regid "$0" --init-groups --no-new-privs --bounding-set=-all "$@"
  ' "$(value User)" env -u PID_FILE $command </dev/null >>/run/distilld.log 2>&1 9>&- &
  for ((i = 0; i < 300; ++i)); do
    [[ ! -s $state/distilld.address ]] || return 0
    sleep 0.1
  done
  cat /run/distilld.log >&2
  return 1
}

stop() {
  is_active || return 0
  local pid
  pid=$(<"$pid_file")
  kill -TERM "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  rm -f "$pid_file"
}

export STATE_DIRECTORY=$state PID_FILE=$pid_file
case $verb in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  try-restart) if is_active; then stop; start; fi ;;
  is-active) is_active ;;
  is-enabled) [[ -e $wanted/distilld.service ]] && echo enabled ;;
  preset | enable)
    # Debian enables by default.
    mkdir -p "$wanted"
    ln -sf "$unit" "$wanted/distilld.service"
    ;;
esac
