#!/usr/bin/env bash
# Two nodes and three pods in network namespaces, real traffic through the tunnel. Arguments go to 'ztunnel demo'.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prepare.sh
source scripts/prepare.sh

require_root
require_sdk
install_missing "${build_packages[@]}" "${demo_packages[@]}"
publish >&2
exec artifacts/publish/ztunnel demo "$@"
