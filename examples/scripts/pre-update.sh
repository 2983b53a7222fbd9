#!/bin/sh
# Runs before the package update: makes sure that there is something sound to update.
# Works on a mounted disk (chroot) and in a running machine alike.
set -eu

. /etc/os-release
if [ "$ID" != debian ] || [ "$VERSION_ID" != 12 ]; then
  echo "this pipeline is for Debian 12, the source is $PRETTY_NAME" >&2
  exit 1
fi

# An interrupted installation in the source would fail later and less clearly.
broken=$(dpkg --audit)
if [ -n "$broken" ]; then
  echo "the source has packages that are not fully installed:" >&2
  echo "$broken" >&2
  exit 1
fi

if ! grep -rqs -- "-security" /etc/apt/sources.list /etc/apt/sources.list.d; then
  echo "warning: no security suite is configured, the image will miss security updates" >&2
fi

# A machine's own settings survive an update; new files come as the packages have them.
cat > /etc/dpkg/dpkg.cfg.d/50golden-image <<'CONF'
force-confdef
force-confold
CONF

echo "source: $PRETTY_NAME, $(dpkg-query -W -f='${db:Status-Status}\n' | grep -c '^installed$') packages"
