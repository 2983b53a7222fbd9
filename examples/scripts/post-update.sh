#!/bin/sh
# Hardens Debian 12 after the package update. Runs on a mounted disk (chroot) and in a running machine
# alike: it writes files and never needs a service to be up. Running it twice changes nothing.
set -eu

say() { printf 'harden: %s\n' "$*"; }

# put MODE FILE: writes standard input to the file.
put() {
  mkdir -p "$(dirname "$2")"
  cat > "$2.new"
  chmod "$1" "$2.new"
  mv "$2.new" "$2"
}

say "ssh: keys only, no root, short time to log in"
put 0600 /etc/ssh/sshd_config.d/50-hardening.conf <<'CONF'
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
X11Forwarding no
AllowAgentForwarding no
AllowTcpForwarding no
MaxAuthTries 3
MaxSessions 4
LoginGraceTime 30
ClientAliveInterval 300
ClientAliveCountMax 2
LogLevel VERBOSE
Banner /etc/issue.net
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
CONF
# Packages' sshd_config reads that directory first, and what is read first counts.
grep -q '^Include /etc/ssh/sshd_config.d/' /etc/ssh/sshd_config ||
  sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
chmod 0600 /etc/ssh/sshd_config

say "login banner"
printf '%s\n' "${BANNER:-Authorised use only.}" | put 0644 /etc/issue.net
printf '%s\n' "${BANNER:-Authorised use only.}" | put 0644 /etc/issue
: | put 0644 /etc/motd

say "kernel settings"
put 0644 /etc/sysctl.d/90-hardening.conf <<'CONF'
kernel.dmesg_restrict = 1
kernel.kptr_restrict = 2
kernel.yama.ptrace_scope = 1
kernel.unprivileged_bpf_disabled = 1
kernel.randomize_va_space = 2
net.core.bpf_jit_harden = 2
fs.suid_dumpable = 0
fs.protected_hardlinks = 1
fs.protected_symlinks = 1
fs.protected_fifos = 2
fs.protected_regular = 2
net.ipv4.tcp_syncookies = 1
net.ipv4.conf.all.rp_filter = 1
net.ipv4.conf.default.rp_filter = 1
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.default.accept_redirects = 0
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.send_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
net.ipv4.conf.all.log_martians = 1
net.ipv4.icmp_echo_ignore_broadcasts = 1
net.ipv6.conf.all.accept_redirects = 0
net.ipv6.conf.default.accept_redirects = 0
net.ipv6.conf.all.accept_source_route = 0
CONF

say "rare file systems and protocols cannot be loaded"
for module in cramfs freevxfs hfs hfsplus jffs2 udf dccp sctp rds tipc; do
  printf 'install %s /bin/false\n' "$module"
done | put 0644 /etc/modprobe.d/hardening.conf

say "no core dumps"
printf '* hard core 0\n' | put 0644 /etc/security/limits.d/50-no-core.conf
put 0644 /etc/systemd/coredump.conf.d/50-off.conf <<'CONF'
[Coredump]
Storage=none
ProcessSizeMax=0
CONF
put 0644 /etc/systemd/system.conf.d/50-no-core.conf <<'CONF'
[Manager]
DefaultLimitCORE=0
CONF

say "accounts: umask, password age, no logins for system accounts"
sed -i -e 's/^UMASK[[:space:]].*/UMASK\t\t027/' \
  -e 's/^PASS_MAX_DAYS[[:space:]].*/PASS_MAX_DAYS\t365/' \
  -e 's/^PASS_MIN_DAYS[[:space:]].*/PASS_MIN_DAYS\t1/' /etc/login.defs
printf 'umask 027\n' | put 0644 /etc/profile.d/50-umask.sh
passwd --quiet --lock root
awk -F: '$3 > 0 && $3 < 1000 && $7 !~ /(nologin|false|sync)$/ { print $1 }' /etc/passwd |
  while read -r account; do usermod --shell /usr/sbin/nologin "$account"; done

say "file permissions"
chmod 0600 /boot/grub/grub.cfg 2>/dev/null || true
chmod 0640 /etc/shadow /etc/gshadow
chmod 0644 /etc/passwd /etc/group
chmod 0700 /root
for directory in /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly; do
  [ ! -d "$directory" ] || chmod 0700 "$directory"
done
# Nobody mounts or changes another's login by hand in a golden image.
for program in chfn chsh newgrp; do
  [ ! -e "/usr/bin/$program" ] || chmod u-s "/usr/bin/$program"
done
# Everybody may write there, but only to what is theirs.
find / -xdev -type d -perm -0002 ! -perm -1000 -exec chmod +t {} +

say "no compilers, no clear-text clients"
unwanted=
for package in gcc g++ make clang telnet rsh-client nis talk; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" != installed ] || unwanted="$unwanted $package"
done
if [ -n "$unwanted" ]; then
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get purge -q -y --autoremove $unwanted
fi

say "nothing left of the build"
rm -f /etc/dpkg/dpkg.cfg.d/50golden-image
apt-get clean
find /var/log -type f \( -name '*.gz' -o -name '*.1' -o -name '*.old' \) -delete
rm -f /root/.bash_history
# An update of openssh-server makes host keys, and a machine that ran has an id: what every machine has
# of its own must not come from the image. Each makes its own at its first boot.
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /var/lib/systemd/random-seed
: > /etc/machine-id

# A configuration that sshd refuses would lock everybody out: better no image. The check wants host keys
# and its own directory, which an image that never ran does not have.
mkdir -p /run/sshd
key=$(mktemp -u)
ssh-keygen -q -t ed25519 -N '' -f "$key"
/usr/sbin/sshd -t -h "$key"
rm -f "$key" "$key.pub"
say "done"
