#!/bin/sh
# Updates the packages of the image under construction.
# HALLMARK_INCLUDE: "all", or names separated by spaces; HALLMARK_EXCLUDE: names never touched.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

say() { echo "update-packages: $*"; }
die() { echo "update-packages: error: $*" >&2; exit 1; }

# Local changes of configuration files win, as on a running machine; an update brings what its packages need and
# nothing that is merely recommended.
APT_OPTIONS="-o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 -o APT::Install-Recommends=false"

update_apt() {
  say "refreshing package lists"
  # Without this a mirror that cannot be reached is only a warning to apt-get.
  apt-get -q -o APT::Update::Error-Mode=any update \
    || die "the package lists could not be refreshed: is the mirror reachable from the machine?"
  held=
  trap '[ -z "$held" ] || apt-mark unhold $held >/dev/null' EXIT
  for name in $HALLMARK_EXCLUDE; do
    if dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii'; then
      # A package that the image itself holds must stay held afterwards.
      if ! apt-mark showhold | grep -qx "$name"; then held="$held $name"; fi
    else
      say "excluded package $name is not installed"
    fi
  done
  [ -z "$held" ] || apt-mark hold $held
  if [ "$HALLMARK_INCLUDE" = all ]; then
    say "upgrading all packages"
    apt-get -q -y $APT_OPTIONS dist-upgrade
  else
    for name in $HALLMARK_INCLUDE; do
      dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' \
        || die "package $name of updates.include is not installed in the image"
    done
    say "upgrading $HALLMARK_INCLUDE"
    # shellcheck disable=SC2086 # a list of package names
    apt-get -q -y $APT_OPTIONS install --only-upgrade $HALLMARK_INCLUDE
  fi
  # The image carries neither downloaded packages nor lists that are old tomorrow.
  apt-get -q clean
  rm -rf /var/lib/apt/lists/*
}

update_dnf() {
  tool=$1
  exclude=
  for name in $HALLMARK_EXCLUDE; do exclude="$exclude --exclude=$name"; done
  if [ "$HALLMARK_INCLUDE" = all ]; then
    # shellcheck disable=SC2086
    "$tool" -y $exclude upgrade
  else
    for name in $HALLMARK_INCLUDE; do
      rpm -q "$name" >/dev/null || die "package $name of updates.include is not installed in the image"
    done
    # shellcheck disable=SC2086
    "$tool" -y $exclude upgrade $HALLMARK_INCLUDE
  fi
  "$tool" clean all
}

if command -v apt-get >/dev/null; then
  update_apt
elif command -v dnf >/dev/null; then
  update_dnf dnf
elif command -v yum >/dev/null; then
  update_dnf yum
else
  die "no known package tool in the image (apt-get, dnf, yum)"
fi
say "done"
