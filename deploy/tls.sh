#!/usr/bin/env bash
# Makes a private certificate authority and a server certificate for distilld; run again, it keeps the
# authority and the server's key and renews the certificate.
# Usage: deploy/tls.sh [--days N] [--client NAME] FOLDER NAME_OR_ADDRESS...
#   FOLDER/ca.pem              goes to every client (distillctl --ca, distillctl login)
#   FOLDER/ca.key              signs; keep it away from the server if you can
#   FOLDER/server.pem, .key    the daemon's tls_certificate and tls_key
#   NAME_OR_ADDRESS            what clients write before the port: box.lab.example 192.168.1.7
#   --client NAME              also client-NAME.pem and .key, for daemons with tls_client_ca
#   --days N                   how long certificates hold (825); the authority holds ten years
set -euo pipefail
umask 077

fail() { printf 'tls.sh: %s\n' "$1" >&2; exit 2; }

days=825
client=
while [[ ${1-} == --* ]]; do
  case $1 in
    --days) days=${2-}; shift 2 || fail '--days takes a number' ;;
    --client) client=${2-}; shift 2 || fail '--client takes a name' ;;
    --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown option: $1" ;;
  esac
done
(($# >= 2)) || fail 'usage: tls.sh [--days N] [--client NAME] FOLDER NAME_OR_ADDRESS...'
[[ $days =~ ^[0-9]+$ ]] || fail "--days takes a number: $days"
[[ -z $client || $client =~ ^[A-Za-z0-9._-]+$ ]] || fail "no such name for a client: $client"
command -v openssl >/dev/null || fail 'openssl is missing (apt install openssl)'
folder=$1
shift
names=
for name in "$@"; do
  if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then names+=",IP:$name"
  elif [[ $name =~ ^[A-Za-z0-9.*-]+$ ]]; then names+=",DNS:$name"
  else fail "neither a name nor an address: $name"; fi
done
[[ -d $folder ]] || install -d -m 0755 "$folder"  # the daemon, which may be another user, reads in it
cd "$folder"

work=$(mktemp -d ./.tls.XXXXXX)
trap 'rm -rf "$work"' EXIT

# make_key FILE: unless it is there.
make_key() { [[ -e $1 ]] || openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# sign STEM SUBJECT EXTENSIONS: STEM.key's certificate becomes STEM.pem in one step.
sign() {
  make_key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" -out "$work/request" 2>/dev/null
  printf '%s\n' "$3" >"$work/extensions"
  openssl x509 -req -in "$work/request" -CA ca.pem -CAkey ca.key -CAcreateserial -CAserial "$work/serial" \
    -days "$days" -sha256 -extfile "$work/extensions" -out "$work/certificate" 2>/dev/null
  chmod 644 "$work/certificate"
  mv "$work/certificate" "$1.pem"
}

if [[ ! -e ca.pem ]]; then
  make_key ca.key
  openssl req -x509 -new -key ca.key -subj '/CN=distilld authority' -days 3650 -sha256 \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
    -out "$work/ca.pem" 2>/dev/null
  chmod 644 "$work/ca.pem"
  mv "$work/ca.pem" ca.pem
fi
usage=$'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n'
sign server "$1" "${usage}extendedKeyUsage=serverAuth"$'\n'"subjectAltName=${names#,}"
if [[ -n $client ]]; then sign "client-$client" "$client" "${usage}extendedKeyUsage=clientAuth"; fi
printf 'made in %s; tls_certificate and tls_key of distilld.toml: server.pem, server.key; for clients: ca.pem\n' "$PWD"
