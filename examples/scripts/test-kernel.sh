#!/bin/sh
# Tests in the booted candidate: the running kernel has the settings, and is the newest installed one.
set -u
failed=0

want() {
  is=$(cat "/proc/sys/$(printf '%s' "$1" | tr . /)" 2>/dev/null || echo missing)
  if [ "$is" = "$2" ]; then
    echo "ok      $1 = $2"
  else
    echo "FAILED  $1 is $is, not $2"
    failed=1
  fi
}

want kernel.dmesg_restrict 1
want kernel.kptr_restrict 2
want kernel.randomize_va_space 2
want kernel.unprivileged_bpf_disabled 1
want fs.suid_dumpable 0
want fs.protected_hardlinks 1
want fs.protected_symlinks 1
want net.ipv4.tcp_syncookies 1
want net.ipv4.conf.all.accept_redirects 0
want net.ipv4.conf.default.send_redirects 0
want net.ipv6.conf.all.accept_redirects 0

newest=$(ls -1 /boot/vmlinuz-* | sed 's,.*/vmlinuz-,,' | sort -V | tail -n 1)
if [ "$(uname -r)" = "$newest" ]; then
  echo "ok      kernel $newest"
else
  echo "FAILED  kernel $(uname -r) runs, $newest is installed"
  failed=1
fi

if modprobe -n -v cramfs 2>/dev/null | grep -q '/bin/false'; then
  echo "ok      cramfs cannot be loaded"
else
  echo "FAILED  cramfs can be loaded"
  failed=1
fi
exit $failed
