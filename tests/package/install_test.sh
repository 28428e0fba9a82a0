#!/usr/bin/env bash
# The packages through their life, with dpkg itself, on a throw-away copy of this system: install,
# start, run a job, upgrade while it runs, remove while one runs, install again, purge; then once more
# where no service manager runs.
#
# Usage: install_test.sh SOURCE_ROOT BUILD_FOLDER
#
# The copy is an overlay in name spaces of its own, so nothing outside changes and nothing is left.
# Ends with 77 (skipped) where it may not make one; that takes root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ ${1:-} != --inside ]]; then
  if ! unshare --mount --pid --net --fork true 2>/dev/null; then
    printf 'skipped: no name spaces of our own here (root?)\n'
    exit 77
  fi
  exec unshare --mount --pid --net --fork --kill-child --propagation private "$0" --inside "$@"
fi
shift

say() { printf '== %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  cat "$folder/dpkg.log" "$root/run/systemctl.log" >&2 || true
  tail -n 30 "$root/run/distilld.log" >&2 || true
  exit 1
}

# The copy. Its upper layer lies in memory, since it must not lie inside the lower one.
folder=$(mktemp -d)
trap 'umount --lazy --recursive "$folder" 2>/dev/null; rmdir "$folder" 2>/dev/null' EXIT
mount -t tmpfs tmpfs "$folder"
root=$folder/root
mkdir "$folder/upper" "$folder/work" "$root"
if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root" 2>/dev/null; then
  printf 'skipped: no overlay file system here\n'
  exit 77
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
# Loopback is down in a new name space: IFF_UP by SIOCSIFFLAGS.
python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))'

mkdir -p "$root/packages/next"
"$1/deploy/package.sh" --build "$2" --output "$folder/built" >/dev/null
cp "$folder"/built/distilld_*.deb "$root/packages/distilld.deb"
cp "$folder"/built/distillctl_*.deb "$root/packages/distillctl.deb"
server=/packages/distilld.deb
client=/packages/distillctl.deb
"$2/deploy/distill_demo_data" "$root/images" 24 >/dev/null
chmod -R a+rX "$root/images"
# The same package under a later version.
dpkg-deb -R "$root$server" "$folder/next"
sed -i 's/^Version: .*/&+next/' "$folder/next/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -b "$folder/next" "$root/packages/next/distilld.deb" >/dev/null
rm -f "$root/usr/sbin/policy-rc.d"  # it would forbid to start services

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "$@"; }
package() { inside dpkg "$@" >>"$folder/dpkg.log" 2>&1 || { cat "$folder/dpkg.log" >&2; fail "dpkg $*"; }; }
ctl() { inside distillctl --timeout 60s "$@"; }
field() { ctl -o json show "$1" | python3 -c 'import json, sys
job = json.load(sys.stdin)
job = job.get("job", job)
attempts = job.get("attempts", [])
print({"state": job["state"], "epoch": job.get("progress", {}).get("epoch", 0), "attempts": len(attempts),
       "pid": attempts[-1].get("pid", 0) if attempts else 0}[sys.argv[1]])' "$2"; }
# await TEXT COMMAND...: until the command succeeds.
await() {
  local what=$1 i
  shift
  for ((i = 0; i < 600; ++i)); do
    ! "$@" || return 0
    sleep 0.1
  done
  fail "waited in vain: $what"
}
has_epoch() { (($(field "$1" epoch) >= $2)); }
programs() { inside sh -c 'for p in /proc/[0-9]*; do readlink "$p/exe"; done 2>/dev/null' | grep -c "/usr/bin/$1" || true; }
daemon_pid() { cat "$root/run/distilld.pid"; }
train() {
  ctl train --name "$1" --dataset shapes --model mobilenetv2 --epochs 100000 --patience 0 --image-size 32 --batch-size 16 >/dev/null
}

say 'install, with a service manager'
install -m 0755 "$here/fake_systemctl.sh" "$root/usr/bin/systemctl"
mkdir -p "$root/run/systemd/system"
package -i "$server" "$client"
[[ $(stat -c '%U %a' "$root/var/lib/distilld") == *' 750' ]] || fail 'the state folder is not private'
inside getent passwd distilld >/dev/null || fail 'there is no user distilld'
[[ $(inside ps -o user= -p "$(daemon_pid)") == distilld ]] || fail 'the daemon runs as somebody else'
ctl version >/dev/null || fail 'the daemon does not answer'

say 'the administrator changes the configuration'
sed -i -e 's|^dataset_roots = .*|dataset_roots = ["/images"]|' -e 's|^devices = .*|devices = ["cpu"]|' \
  "$root/etc/distilld/distilld.toml"
inside systemctl restart distilld
ctl dataset add shapes /images --val 0.2 --test 0.2 >/dev/null

say 'upgrade with a job running'
train first
await 'an epoch of the first job' has_epoch first 1
worker=$(field first pid)
before=$(daemon_pid)
: >"$root/run/systemctl.log"
package -i /packages/next/distilld.deb
[[ $(inside dpkg-query -W -f '${Version}' distilld) == *+next ]] || fail 'it is the old version still'
[[ $(daemon_pid) != "$before" ]] || fail 'the old daemon runs on'
! grep -qx 'stop' "$root/run/systemctl.log" || fail 'the upgrade stops the service'
grep -q '"/images"' "$root/etc/distilld/distilld.toml" || fail 'the configuration was overwritten'
[[ $(field first pid) == "$worker" && $(field first attempts) == 1 ]] || fail 'the worker did not survive'
await 'more epochs of the same worker' has_epoch first "$(($(field first epoch) + 2))"
[[ $(field first pid) == "$worker" && $(field first attempts) == 1 ]] || fail 'the worker did not survive'

say 'remove with a job running'
package -r distilld
(($(programs distilld) == 0)) || fail 'a daemon is left'
(($(programs distill_worker) == 0)) || fail 'a worker is left'
[[ ! -e $root/usr/bin/distilld && ! -e $root/lib/systemd/system/distilld.service ]] || fail 'files are left'
[[ -e $root/etc/distilld/distilld.toml && -e $root/var/lib/distilld/control.db ]] || fail 'state or configuration is gone'

say 'install again: the job goes on'
package -i "$server"
ctl version >/dev/null || fail 'the daemon does not answer'
[[ $(field first state) != JOB_STATE_FAILED ]] || fail 'the job failed'
ctl cancel first >/dev/null
ctl wait --timeout 60s first >/dev/null 2>&1 || true
[[ $(field first state) == JOB_STATE_CANCELLED ]] || fail "the job is $(field first state)"

say 'purge'
package -P distilld distillctl
left=$(cd "$folder/upper" && find . \( -iname '*distill*' -o -path './etc/systemd/*distill*' \) -not -path './packages*' \
  -not -path './tmp/*' -not -type c | grep -v '/var/lib/systemd/deb-systemd-helper' || true)
[[ -z $left ]] || fail "left behind: $left"

say 'no service manager'
rm -rf "$root/run/systemd" "$root/usr/bin/systemctl"
package -i "$server" "$client"
(($(programs distilld) == 0)) || fail 'a daemon was started'
inside setpriv --reuid distilld --regid distilld --init-groups distilld --state-dir /var/lib/distilld \
  --dataset-roots /images --devices cpu >>"$root/run/distilld.log" 2>&1 &
await 'the daemon' test -s "$root/var/lib/distilld/distilld.address"
ctl dataset add shapes /images --val 0.2 --test 0.2 >/dev/null
train second
await 'an epoch of the second job' has_epoch second 1
package -i /packages/next/distilld.deb
ctl version >/dev/null || fail 'the upgrade stopped a daemon that it cannot start'
package -P distilld
(($(programs distilld) + $(programs distill_worker) == 0)) || fail 'processes are left'
[[ ! -e $root/var/lib/distilld ]] || fail 'state is left'
say 'passed'
