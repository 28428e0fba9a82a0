#!/usr/bin/env bash
# Builds the packages from a build folder and checks what is in them: files, owners, control data,
# scripts, unit, manual pages. Seconds; install_test.sh is the long one.
#
# Usage: content_test.sh SOURCE_ROOT BUILD_FOLDER
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
check() { local what=$1; shift; "$@" || { printf 'FAILED: %s\n' "$what" >&2; failed=1; }; }

mapfile -t packages < <("$1/deploy/package.sh" --build "$2" --output "$work/out")
check 'two packages' test "${#packages[@]}" = 2
cat >"$work/expected" <<'FILES'
/etc/distilld/distilld.toml
/lib/systemd/system/distilld.service
/usr/bin/distill_worker
/usr/bin/distillctl
/usr/bin/distilld
/usr/share/bash-completion/completions/distillctl
/usr/share/distilld/tls.sh
/usr/share/doc/distillctl/NEWS.gz
/usr/share/doc/distillctl/copyright
/usr/share/doc/distilld/NEWS.gz
/usr/share/doc/distilld/copyright
/usr/share/fish/vendor_completions.d/distillctl.fish
/usr/share/man/man1/distillctl.1.gz
/usr/share/man/man8/distill_worker.8.gz
/usr/share/man/man8/distilld.8.gz
/usr/share/zsh/vendor-completions/_distillctl
FILES
for package in "${packages[@]}"; do
  check "all of ${package##*/} belongs to root" \
    test -z "$(dpkg-deb -c "$package" | grep -v ' root/root ')"
  dpkg-deb -c "$package" | awk '$1 ~ /^-/ {sub(/^\./, "", $6); print $6}'
done | sort >"$work/found"
check 'the files' diff "$work/expected" "$work/found"

# Unpacked by dpkg into an empty system.
mkdir -p "$work/root/var/lib/dpkg/"{info,updates,triggers}
touch "$work/root/var/lib/dpkg/status"
check 'dpkg --unpack' dpkg --root="$work/root" --force-not-root --force-depends --force-script-chrootless --unpack "${packages[@]}" \
  >"$work/unpack.log" 2>&1
field() { dpkg-query --admindir="$work/root/var/lib/dpkg" -W -f "\${$2}" "$1"; }
check 'the worker needs LibTorch' grep -q 'libtorch' <<<"$(field distilld Depends)"
check 'the client does not' grep -vq 'libtorch\|libopencv\|libsqlite' <<<"$(field distillctl Depends)"
check 'the configuration is a conffile' grep -q '/etc/distilld/distilld.toml' <<<"$(field distilld Conffiles)"
check 'version' test "$(field distilld Version)" = "$("$work/root/usr/bin/distilld" --version | cut -d' ' -f2)"
for script in postinst prerm postrm; do
  check "$script is no POSIX shell" sh -n "$work/root/var/lib/dpkg/info/distilld.$script"
  ! command -v shellcheck >/dev/null || check "$script" shellcheck "$work/root/var/lib/dpkg/info/distilld.$script"
done
check 'bash completion' bash -n "$work/root/usr/share/bash-completion/completions/distillctl"
for page in man1/distillctl.1 man8/distilld.8 man8/distill_worker.8; do
  text=$(zcat "$work/root/usr/share/man/$page.gz")
  check "$page has no name" grep -q '^\.SH NAME' <<<"$text"
  check "$page has blanks in its template" test -z "$(grep '@[A-Z]*@' <<<"$text")"
done
check 'the manual knows the verbs' grep -q '^\.SS get..model' <<<"$(zcat "$work/root/usr/share/man/man1/distillctl.1.gz")"
if command -v systemd-analyze >/dev/null && systemd-analyze --version | grep -q '^systemd 25[2-9]'; then
  check 'the unit is exposed' systemd-analyze security --offline=true --threshold=40 --no-pager \
    "$work/root/lib/systemd/system/distilld.service" >"$work/security.log"
fi
exit "$failed"
