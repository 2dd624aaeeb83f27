#!/usr/bin/env bash
# Every check of this repository: format, build, all test levels, the shipped binary.
# The last line is 'N passed, M failed'.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=scripts/prepare.sh
source scripts/prepare.sh

passed=0
failed=0
finished=
smoke_namespace="ztsmoke-$$"
smoke_process=
smoke_folder=$(mktemp -d)

# Runs on every way out, so that the last line is always there and an early end is never a success.
finish() {
  [[ -z $smoke_process ]] || kill -KILL "$smoke_process" 2>/dev/null
  ip netns delete "$smoke_namespace" 2>/dev/null
  rm -rf "$smoke_folder"
  if [[ -z $finished ]]; then
    failed=$((failed + 1))
  fi

  printf '%d passed, %d failed\n' "$passed" "$failed"
  exit $((failed > 0))
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

heading() {
  printf '\n== %s\n' "$*"
}

# One check that is one command.
check() {
  local name=$1
  shift
  heading "$name"
  if "$@" </dev/null; then
    passed=$((passed + 1))
  else
    printf 'FAILED: %s\n' "$name"
    failed=$((failed + 1))
    return 1
  fi
}

# A test project: its executable prints 'Total: T, Errors: E, Failed: F, Skipped: S, Not Run: N'. A level that ran
# nothing, skipped something, or ended without a summary has failed.
test_level() {
  local project=$1 limit=$2 output exit_code summary total errors failures skipped not_run bad
  local executable=tests/$project/bin/Release/net10.0/$project
  heading "tests: $project"
  output=$(mktemp)
  timeout --kill-after=30 "$limit" "$executable" \
    -noLogo -noColor -noAutoReporters -failSkips </dev/null 2>&1 | tee "$output"
  exit_code=${PIPESTATUS[0]}
  summary=$(sed -nE 's/^ .* Total: ([0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+, Not Run: [0-9]+),.*/\1/p' \
    "$output" | tail -n 1 | tr -cd '0-9 ')
  rm -f "$output"
  if [[ -z $summary ]]; then
    printf 'FAILED: %s ended with %d and ran no test, or did not end within %s\n' "$project" "$exit_code" "$limit"
    failed=$((failed + 1))
    return
  fi

  read -r total errors failures skipped not_run <<<"$summary"
  bad=$((errors + failures + skipped + not_run))
  if [[ $bad -eq 0 && $exit_code -ne 0 ]]; then
    printf 'FAILED: %s ended with %d although no test failed\n' "$project" "$exit_code"
    bad=1
    total=$((total + 1))
  fi

  failed=$((failed + bad))
  passed=$((passed + (total - bad > 0 ? total - bad : 0)))
}

binary=$PWD/artifacts/publish/ztunnel

smoke_version() {
  "$binary" version | grep -q .
}

smoke_help() {
  "$binary" help | grep -q proxy
}

smoke_unknown_command() {
  local exit_code=0
  "$binary" no-such-command || exit_code=$?
  [[ $exit_code -eq 1 ]]
}

# As a pod would: starts, becomes ready, drains on SIGTERM.
smoke_start() {
  local status exit_code=0
  ip netns add "$smoke_namespace" || return
  ip -n "$smoke_namespace" link set lo up || return
  PROXY_MODE=dedicated PROXY_WORKLOAD_INFO=default/local/default NODE_NAME=local CLUSTER_ID=Kubernetes XDS_ADDRESS='' \
    FAKE_CA=true LOCAL_CA_DIR="$smoke_folder" ISTIO_META_DNS_CAPTURE=false LOCAL_XDS='workloads:
- uid: cluster1//v1/Pod/default/local
  name: local
  namespace: default
  serviceAccount: default
  workloadIps: ["127.0.0.1"]
  protocol: HBONE
  node: local
  network: ""
  services: {}
' ip netns exec "$smoke_namespace" "$binary" proxy ztunnel &
  smoke_process=$!
  for _ in {1..150}; do
    status=$(ip netns exec "$smoke_namespace" \
      curl -s -o /dev/null -w '%{http_code}' --max-time 2 http://127.0.0.1:15021/healthz/ready)
    if [[ $status == 200 ]] || ! kill -0 "$smoke_process" 2>/dev/null; then
      break
    fi

    sleep 0.1
  done

  kill -TERM "$smoke_process" 2>/dev/null
  for _ in {1..300}; do
    kill -0 "$smoke_process" 2>/dev/null || break
    sleep 0.1
  done

  kill -KILL "$smoke_process" 2>/dev/null
  wait "$smoke_process" || exit_code=$?
  smoke_process=
  printf 'readiness answered %s, exit code after SIGTERM %d\n' "$status" "$exit_code"
  [[ $status == 200 && $exit_code -eq 0 ]]
}

# Whole proxies against a control plane: XDS, CA and a policy that is pushed at an open connection.
smoke_control_plane() {
  timeout --kill-after=30 3m "$binary" demo --xds "$control_plane"
}

publish_anew() {
  rm -f "$binary"
  publish
}

require_sdk
install_missing "${build_packages[@]}" "${demo_packages[@]}" "${peer_packages[@]}"

check 'format' dotnet format Ztunnel.slnx --verify-no-changes
check 'Helm and kubectl are here' install_chart_tools
check 'an OpenSSL with post-quantum key exchange is here' install_openssl
if check 'build, Release, warnings are errors' dotnet build Ztunnel.slnx -c Release -v quiet -warnaserror; then
  check 'fuzz, 60 seconds' timeout --kill-after=30 3m tests/Hbone.Fuzz/bin/Release/net10.0/Hbone.Fuzz --seconds 60
  check 'NativeAOT publish, warnings are errors' publish_anew
  export ZTUNNEL_BINARY=$binary
  check 'shipped binary: version' smoke_version
  check 'shipped binary: help' smoke_help
  check 'shipped binary: unknown command exits 1' smoke_unknown_command
  check 'shipped binary: starts, ready, SIGTERM exits 0' smoke_start
  check 'shipped binary: demo from a control plane' smoke_control_plane
  for project in Deployment.Tests Hbone.Tests Redirection.Tests Ztunnel.Tests Hbone.Conformance Node.Tests; do
    test_level "$project" 10m
  done
fi

finished=1
