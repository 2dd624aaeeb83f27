#!/usr/bin/env bash
# Puts the root of the proxy's image together: the binary, the libraries it loads, what they and the proxy read, the licences, and a
# list of all parts (CycloneDX 1.5 JSON in /usr/share/doc/ztunnel/sbom.cdx.json). Usage: image-root.sh BINARY FOLDER [PARTS], where the
# folder does not exist or is empty, and PARTS is what image-parts.sh made; without it that is done here.
# The libraries are those of the machine it runs on, which must be of the binary's architecture. Needs jq.
set -euo pipefail

usage() {
  printf 'usage: %s BINARY FOLDER [PARTS]\n' "$0" >&2
  exit 2
}

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit 1
}

[[ $# -eq 2 || $# -eq 3 ]] || usage
binary=$1
root=$2
parts=${3:-}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[[ -x $binary ]] || fail "there is no program at $binary"
if [[ -d $root && -n $(ls -A "$root") ]]; then
  fail "$root is not empty"
fi

# OpenSSL is opened by name when the proxy starts, so ldd does not list it.
opened_libraries=(libssl.so.3 libcrypto.so.3)
# Where certificates of public authorities are, for a control plane that has one of theirs.
authorities=/etc/ssl/certs/ca-certificates.crt

# By the name it is opened with.
find_library() {
  local found
  found=$(ldconfig -p | sed -n "s|^[[:space:]]*$1 (libc6,.*) => ||p" | head -n 1)
  [[ -n $found ]] || fail "$1 is not installed"
  printf '%s\n' "$found"
}

# Absolute paths of the libraries that a file needs, its loader included.
libraries_of() {
  local listed
  listed=$(ldd "$1") || fail "ldd cannot read $1"
  if grep -q 'not found' <<<"$listed"; then
    fail "$1 misses libraries: $(grep 'not found' <<<"$listed" | tr -s '[:space:]' ' ')"
  fi

  sed -nE 's|^.* => (/[^ ]+) .*|\1|p; s|^[[:space:]]*(/[^ ]+) .*|\1|p' <<<"$listed"
}

# Under its own name, with what a link leads to: the loader's path is written into the binary.
copy() {
  local source=$1 target=$root${2:-$1}
  [[ ! -e $target ]] || return 0
  install -D -m "$(stat -L -c %a "$source")" "$(readlink -f "$source")" "$target"
}

mkdir -p "$root"
chmod 755 "$root"
umask 022
mkdir -p "$root"/{dev,etc,proc,run,sys,tmp,var/run/ztunnel,var/run/secrets}
chmod 1777 "$root/tmp"
copy "$binary" /usr/local/bin/ztunnel

for library in "${opened_libraries[@]}"; do
  path=$(find_library "$library")
  printf '%s\n' "$path"
  libraries_of "$path"
done >"$root/.libraries"
libraries_of "$binary" >>"$root/.libraries"
while IFS= read -r library; do
  copy "$library"
done < <(sort -u "$root/.libraries")

# What the loader and the C library look at.
sort -u "$root/.libraries" | grep -v '/ld-linux' | xargs -n 1 dirname | sort -u >"$root/etc/ld.so.conf"
printf 'root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nztunnel:x:1337:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
: >"$root/etc/hosts" # these two are mounted by whoever starts it
: >"$root/etc/resolv.conf"
[[ -e $authorities ]] || fail "$authorities is missing: install ca-certificates"
copy "$authorities"
ldconfig -r "$root"

# Licences: ours, of what is compiled in, and of the packages whose files are in it.
install -D -m 644 "$repository/LICENSE" "$root/usr/share/doc/ztunnel/LICENSE"
if [[ -z $parts ]]; then
  made=$(mktemp -d)
  trap 'rm -rf "$made"' EXIT
  "$repository/scripts/image-parts.sh" "$made"
  parts=$made
fi

cp -r "$parts/doc/." "$root/usr/share/doc/"
printf 'ca-certificates\n' >"$root/.packages"
while IFS= read -r library; do
  # Where /lib is a link to /usr/lib, packages know a file by either name.
  resolved=$(readlink -f "$library")
  package=$(dpkg-query -S "$library" "$resolved" "${resolved#/usr}" 2>/dev/null | head -n 1 | cut -d: -f1) || true
  [[ -n $package ]] || fail "no package owns $library, so its licence is not known"
  printf '%s\n' "$package" >>"$root/.packages"
done < <(sort -u "$root/.libraries")
sort -u -o "$root/.packages" "$root/.packages"
while IFS= read -r package; do
  copy "/usr/share/doc/$package/copyright"
done <"$root/.packages"

# What scanners look versions up by.
distribution=$(sed -nE 's/^ID=//p' /etc/os-release)
release=$(sed -nE 's/^VERSION_ID="?([^"]*)"?$/\1/p' /etc/os-release)
architecture=$(dpkg --print-architecture)
xargs -n 1 dpkg-query -W -f '${Package}\t${Version}\t${source:Package}\n' <"$root/.packages" | sort -u \
  | jq -R -s --arg id "$distribution" --arg release "$release" --arg arch "$architecture" '
  [split("\n")[] | select(length > 0) | split("\t") | {
    type: "library", name: .[0], version: .[1],
    purl: "pkg:deb/\($id)/\(.[0])@\(.[1] | @uri)?arch=\($arch)&distro=\($id)-\($release)",
    properties: [{name: "source", value: .[2]}, {name: "licence", value: "/usr/share/doc/\(.[0])/copyright"}]}]' >"$root/.debian"
jq -n --slurpfile debian "$root/.debian" --slurpfile nuget "$parts/components.json" \
  --arg version "$(sed -nE 's|.*<Version>(.*)</Version>.*|\1|p' "$repository/Directory.Build.props" | head -n 1)" '
  {bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
   metadata: {component: {type: "application", name: "ztunnel", version: $version, licenses: [{license: {id: "Apache-2.0"}}]}},
   components: ($nuget[0] + $debian[0])}' >"$root/usr/share/doc/ztunnel/sbom.cdx.json"
rm "$root/.libraries" "$root/.packages" "$root/.debian"
