#!/usr/bin/env bash
# Makes a manual page: the lines @VERSION@, @OPTIONS@ and @VERBS@ of the template give way to what the
# program says with --help, for itself and for each of its verbs.
#
# Usage: make_page.sh PROGRAM TEMPLATE PAGE.gz
set -euo pipefail

program=$1
template=$2
page=$3

# Quotes what would be a request or an escape.
escape() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"; }
block() { printf '.nf\n'; escape; printf '.fi\n'; }

# help ARGUMENT...: the options and positionals, without what every page repeats.
help() { "$program" "$@" --help | sed -e '/^Subcommands:/,/^$/d' -e '/VERB --help tells/d' -e '/-h,--help/d'; }

# verbs [VERB]: the names of the verbs of the program, or of a verb.
verbs() { "$program" "$@" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'; }

describe_verbs() {
  local verb inner
  while IFS= read -r verb; do
    printf '.SS %s\n' "$verb" | sed 's/-/\\-/g'
    help "$verb" | block
    while IFS= read -r inner; do
      printf '.SS %s %s\n' "$verb" "$inner" | sed 's/-/\\-/g'
      help "$verb" "$inner" | block
    done < <(verbs "$verb")
  done < <(verbs)
}

while IFS= read -r line; do
  case $line in
    @OPTIONS@) help | sed -n '/^Options:/,$p' | sed 1d | block ;;
    @VERBS@) describe_verbs ;;
    *) printf '%s\n' "${line//@VERSION@/$("$program" --version | cut -d' ' -f2)}" ;;
  esac
done <"$template" | gzip -9n >"$page.part"
mv "$page.part" "$page"
