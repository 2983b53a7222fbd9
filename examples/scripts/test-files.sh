#!/bin/sh
# Tests in the booted candidate: permissions, accounts, and nothing that should not be there.
set -u
failed=0

ok() { echo "ok      $*"; }
bad() { echo "FAILED  $*"; failed=1; }

mode() {
  is=$(stat -c '%a %U' "$1" 2>/dev/null || echo missing)
  [ "$is" = "$2" ] && ok "$1 is $2" || bad "$1 is $is, not $2"
}

mode /etc/passwd "644 root"
mode /etc/shadow "640 root"
mode /etc/ssh/sshd_config "600 root"
mode /boot/grub/grub.cfg "600 root"
mode /root "700 root"
mode /tmp "1777 root"

[ "$(passwd -S root | cut -d' ' -f2)" = L ] && ok "root is locked" || bad "root has a password"
empty=$(awk -F: '$2 == "" { print $1 }' /etc/shadow)
[ -z "$empty" ] && ok "no empty passwords" || bad "empty passwords: $empty"
roots=$(awk -F: '$3 == 0 { print $1 }' /etc/passwd)
[ "$roots" = root ] && ok "only root has uid 0" || bad "uid 0: $roots"

open=$(find / -xdev -type f -perm -0002 2>/dev/null | head -n 5)
[ -z "$open" ] && ok "no files that everybody may write" || bad "everybody may write: $open"
loose=$(find / -xdev -type d -perm -0002 ! -perm -1000 2>/dev/null | head -n 5)
[ -z "$loose" ] && ok "shared directories are sticky" || bad "not sticky: $loose"

for program in gcc cc make telnet rsh; do
  ! command -v "$program" >/dev/null 2>&1 || bad "$program is installed"
done
[ -s /etc/issue.net ] && ok "there is a login banner" || bad "no login banner"
[ "$(sh -lc umask)" = 0027 ] && ok "umask is 0027" || bad "umask is $(sh -lc umask)"
[ "$(sh -c 'ulimit -H -c')" = 0 ] && ok "no core dumps" || bad "core dumps are on"
[ ! -e /etc/dpkg/dpkg.cfg.d/50golden-image ] && ok "clean dpkg" || bad "a build's dpkg setting is left"
exit $failed
