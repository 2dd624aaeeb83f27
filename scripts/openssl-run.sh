#!/usr/bin/env bash
# Starts a program that sees the OpenSSL (and C library) of another Debian in place of this machine's, and nothing else changed.
# Usage: openssl-run.sh FOLDER PROGRAM [ARGUMENT...], with FOLDER from install_openssl in prepare.sh. Needs root and overlayfs.
set -euo pipefail
export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

if [[ ${1:-} != --mounted ]]; then
  [[ $# -ge 2 && -d $1/usr ]] || {
    printf 'usage: %s FOLDER PROGRAM [ARGUMENT...]\n' "$0" >&2
    exit 2
  }
  exec unshare --mount --propagation private -- "$0" --mounted "$@"
fi

mount -t overlay overlay -o "lowerdir=$2/usr:/usr" /usr
shift 2
exec "$@"
