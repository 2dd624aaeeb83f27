#!/usr/bin/env bash
# Our proxy pair beside an HAProxy pair on this machine: see BENCHMARKS.md. Arguments go to bench/Node.Bench; --help
# lists them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/prepare.sh
source scripts/prepare.sh

bench_packages=(
  haproxy:haproxy
  iperf3:iperf3
  ip:iproute2
  nft:nftables
  sysctl:procps
  setpriv:util-linux
  nsenter:util-linux
)

# Publishing takes a minute, so not for a comparison without us, nor when a binary is given.
needs_publish() {
  local previous='' argument
  [[ -z ${ZTUNNEL_BINARY:-} ]] || return 1
  for argument in "$@"; do
    if [[ $argument == --help || $argument == --binary || ($previous == --peers && $argument != *ztunnel*) ]]; then
      return 1
    fi

    previous=$argument
  done
}

require_root
require_sdk
if needs_publish "$@"; then
  install_missing "${build_packages[@]}" "${bench_packages[@]}"
  publish >&2
else
  install_missing "${bench_packages[@]}"
fi

dotnet build bench/Node.Bench -c Release -v quiet -warnaserror >&2 </dev/null
exec bench/Node.Bench/bin/Release/net10.0/Node.Bench "$@"
