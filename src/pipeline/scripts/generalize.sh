#!/bin/sh
# The last script of every build: takes out of the image what belongs to one machine only.
set -eu
say() { echo "generalize: $*"; }

# systemd makes a new id at first boot when the file is there and empty.
[ ! -e /etc/machine-id ] || : >/etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret

# Machines of one image must not share host keys. They stay only where nothing would make new ones, because a
# machine that nobody can log into is worse; then they are said to be there.
if ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1; then
  if grep -rqs 'ssh-keygen' /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system \
    || command -v cloud-init >/dev/null; then
    rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
    say "removed the SSH host keys; new ones are made at first boot"
  else
    say "warning: the SSH host keys stay: nothing in this image would make new ones"
  fi
fi

command -v cloud-init >/dev/null && cloud-init clean --logs >/dev/null 2>&1 || true
rm -rf /tmp/* /var/tmp/* /root/.cache
# What somebody typed, in a shell or a database's prompt.
for home in /root /home/*; do
  rm -f "$home"/.*_history "$home/.lesshst" "$home/.viminfo"
done
rm -f /var/lib/dhcp/*.leases /var/lib/systemd/network/*.lease
# Logs of the build are in its run; an image starts with empty ones.
find /var/log -type f ! -path '/var/log/journal/*' -exec truncate -s 0 {} +
rm -rf /var/log/journal/*
say "done"
