#!/bin/sh
# unit_file_test.sh BINARY TEMPLATE: systemd-analyze must have nothing to say about the unit when it starts BINARY.
set -eu

binary=$1
template=$2

if ! command -v systemd-analyze >/dev/null; then
  echo "systemd-analyze is not here (Debian: systemd)"
  exit 77
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
trap 'exit 1' HUP INT TERM
unit=$place/statefund.service

grep -q '^ExecStart=@STATEFUND_BINDIR@/statefund$' "$template" || {
  echo "$template: no line ExecStart=@STATEFUND_BINDIR@/statefund"
  exit 1
}
sed -e "s|^ExecStart=.*|ExecStart=$binary|" -e "s|@STATEFUND_BINDIR@|${binary%/*}|" "$template" >"$unit"

# Of the units that are already on this machine it may complain as it likes.
said=$(systemd-analyze verify --man=no "$unit" 2>&1) || {
  echo "$said"
  exit 1
}
if echo "$said" | grep -F statefund; then
  exit 1
fi

# What the daemon relies on.
for line in Type=notify RestartPreventExitStatus=78 RuntimeDirectory=statefun StateDirectory=statefun; do
  grep -qx "$line" "$unit" || {
    echo "the unit has no line $line"
    exit 1
  }
done
grep -q '^LimitNOFILE=' "$unit"
