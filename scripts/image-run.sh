#!/usr/bin/env bash
# Starts a root made by image-root.sh with the rights that daemonset/kustomize/base/ztunnel.yaml gives, without a container runtime: read-only
# but for /tmp and /var/run/ztunnel, UID 0, GID 1337, three capabilities. Usage: image-run.sh ROOT SOCKET_FOLDER [ARGUMENT...]
# The environment is passed on, the network is the caller's. Needs root, and capsh (libcap2-bin).
set -euo pipefail
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

if [[ ${1:-} != --mounted ]]; then
  [[ $# -ge 2 ]] || {
    printf 'usage: %s ROOT SOCKET_FOLDER [ARGUMENT...]\n' "$0" >&2
    exit 2
  }
  exec unshare --mount --propagation private -- "$0" --mounted "$@"
fi

root=$2
socket_folder=$3
shift 3
kept=' cap_net_admin cap_sys_admin cap_net_raw '

mount --bind "$root" "$root" # so that it is a mount, which can be read-only
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount --bind "$socket_folder" "$root/var/run/ztunnel"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
for device in null zero full random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro,mode=755,nosuid "$root/dev"
mount -o remount,bind,ro "$root"

dropped=
IFS=, read -r -a present <<<"$(capsh --print | sed -n 's/^Bounding set =//p')"
for capability in "${present[@]}"; do
  [[ $kept == *" $capability "* ]] || dropped+=${dropped:+,}$capability
done

# The image has no shell; capsh takes the program for one, and says so by the two dashes.
exec setpriv --regid 1337 --clear-groups -- \
  capsh --chroot="$root" --drop="$dropped" --shell=/usr/local/bin/ztunnel -- "$@"
