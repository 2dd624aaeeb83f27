#!/usr/bin/env bash
# Lists the NuGet packages whose code is in the proxy's binary, as CycloneDX components, and collects their licences.
# Usage: image-parts.sh FOLDER, where the folder does not exist or is empty; writes FOLDER/components.json and FOLDER/doc/.
# Reads what the last restore for publishing left in src/Ztunnel/obj, and the packages it names. Needs jq.
set -euo pipefail

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit 1
}

[[ $# -eq 1 ]] || fail 'usage: image-parts.sh FOLDER'
folder=$1
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
assets=$repository/src/Ztunnel/obj/project.assets.json
[[ -e $assets ]] || fail "$assets is missing: publish first"
[[ ! -d $folder || -z $(ls -A "$folder") ]] || fail "$folder is not empty"
packages=$(jq -r '.packageFolders | keys[0]' "$assets")

# Packages with files for run time, and the packs of the framework, which are compiled in. Not the pack for the just-in-time compiler.
parts() {
  jq -r '
    ([.targets | to_entries[] | select(.key | contains("/")) | .value | to_entries[]
      | select(.value.type == "package" and ((.value.runtime // {}) | keys | any(endswith(".dll")))) | .key | split("/")]
    + [.project.frameworks[].downloadDependencies[]?
      | select(.name | test("^Microsoft\\.NETCore\\.App\\.Runtime\\.(?!NativeAOT)") | not)
      | [.name, (.version | ltrimstr("[") | split(",")[0])]])
    | unique[] | @tsv' "$assets"
}

element() {
  sed -nE "s|.*<$1[^>]*>([^<]*)</$1>.*|\\1|p" "$2" | head -n 1
}

mkdir -p "$folder/doc"
umask 022
while IFS=$'\t' read -r name version; do
  lower=${name,,}
  content=$packages/$lower/$version
  nuspec=$content/$lower.nuspec
  [[ -e $nuspec ]] || fail "package $name $version is not in $packages"
  licence=$(sed -nE 's|.*<license type="expression">([^<]*)</license>.*|\1|p' "$nuspec")
  [[ -n $licence ]] || fail "package $name $version does not say its licence"
  target=$folder/doc/$lower
  mkdir -p "$target"
  printf '%s %s\n%s\nLicence: %s\n' "$name" "$version" "$(element copyright "$nuspec")" "$licence" >"$target/copyright"
  case $licence in
    Apache-2.0) printf 'The text is in ../ztunnel/LICENSE.\n' >>"$target/copyright" ;;
    *)
      [[ -e $repository/scripts/licences/$licence ]] || fail "scripts/licences has no text of $licence, the licence of $name"
      { printf '\n'; cat "$repository/scripts/licences/$licence"; } >>"$target/copyright"
      ;;
  esac
  for notice in "$content"/LICENSE* "$content"/THIRD-PARTY-NOTICES*; do
    [[ ! -e $notice ]] || install -m 644 "$notice" "$target/"
  done
  jq -n --arg name "$name" --arg version "$version" --arg licence "$licence" \
    --arg hash "$(base64 -d <"$content/$lower.$version.nupkg.sha512" | od -An -v -tx1 | tr -d ' \n')" '
    {type: "library", name: $name, version: $version, purl: "pkg:nuget/\($name)@\($version)",
     hashes: [{alg: "SHA-512", content: $hash}], licenses: [{license: {id: $licence}}]}'
done < <(parts) | jq -s '.' >"$folder/components.json"
[[ $(jq length "$folder/components.json") -gt 0 ]] || fail "$assets names no package"
