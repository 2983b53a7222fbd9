#!/bin/sh
# Tests in the booted candidate: sshd runs with the hardened settings.
set -u
failed=0
settings=$(/usr/sbin/sshd -T) || exit 1

want() {
  if printf '%s\n' "$settings" | grep -qix -- "$1"; then
    echo "ok      $1"
  else
    echo "FAILED  $1 (is: $(printf '%s\n' "$settings" | grep -i "^${1%% *} " | head -n 1))"
    failed=1
  fi
}

want "permitrootlogin no"
want "passwordauthentication no"
want "kbdinteractiveauthentication no"
want "permitemptypasswords no"
want "x11forwarding no"
want "allowtcpforwarding no"
want "maxauthtries 3"
want "logingracetime 30"
want "banner /etc/issue.net"

if printf '%s\n' "$settings" | grep -Eq '^(ciphers|macs) .*(cbc|3des|md5|sha1)'; then
  echo "FAILED  weak ciphers or digests are offered"
  failed=1
fi
systemctl is-active --quiet ssh || { echo "FAILED  ssh does not run"; failed=1; }
[ -s /etc/ssh/ssh_host_ed25519_key ] || { echo "FAILED  no host key was made"; failed=1; }
exit $failed
