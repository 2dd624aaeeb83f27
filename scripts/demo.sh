#!/usr/bin/env bash
# Two nodes with a proxy each and three pods in network namespaces, real traffic through the tunnel.
#   --keep   leave them running until Ctrl+C
#   --xds    run the proxies from a control plane instead of files, and change a policy under an open connection
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prepare.sh
source scripts/prepare.sh

require_root
require_sdk
install_missing "${build_packages[@]}" "${demo_packages[@]}"
publish >&2
arguments=()
for argument in "$@"; do
  arguments+=("$argument")
  if [[ $argument == --xds ]]; then
    build_control_plane >&2
    arguments+=("$control_plane")
  fi
done
exec artifacts/publish/ztunnel demo "${arguments[@]}"
