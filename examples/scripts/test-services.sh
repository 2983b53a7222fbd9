#!/bin/sh
# Tests in the booted candidate: it comes up whole, with a network and an identity of its own.
set -u
failed=0

# The agent that runs this test is up before the last services are.
state=$(timeout 240 systemctl is-system-running --wait)
if [ "$state" = running ]; then
  echo "ok      the system is running"
else
  echo "FAILED  the system is $state"
  systemctl --failed --no-legend --plain
  failed=1
fi

for unit in ssh systemd-networkd systemd-resolved; do
  if systemctl is-active --quiet "$unit"; then
    echo "ok      $unit runs"
  else
    echo "FAILED  $unit does not run"
    failed=1
  fi
done

[ "$(wc -c < /etc/machine-id)" -eq 33 ] || { echo "FAILED  no machine id"; failed=1; }
broken=$(dpkg --audit)
[ -z "$broken" ] || { echo "FAILED  packages not fully installed: $broken"; failed=1; }
exit $failed
