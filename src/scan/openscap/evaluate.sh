# Evaluates the machine that it runs in with OpenSCAP and prints the results. Lines that set mark, content, content_path,
# tailoring, profile, install, remote and room come before this text. Every line that counts begins with the mark; a part
# is a gzip file in base64 between two of them.
set -u
umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
directory=

say() { printf '%s %s\n' "$mark" "$*"; }
give_up() {
  say problem "$*"
  [ -z "$directory" ] || print_messages
  say finished
  exit 1
}
clean_up() { [ -z "$directory" ] || rm -rf "$directory"; }
trap clean_up EXIT
# PIPE: whoever reads the output may be gone.
trap 'exit 143' HUP INT TERM PIPE

# print_part NAME FILE: false if it does not fit any more.
print_part() {
  gzip -9 -n -c "$2" >"$directory/packed.gz" && base64 <"$directory/packed.gz" >"$directory/packed" || return 1
  size=$(wc -c <"$directory/packed")
  [ "$size" -le "$room" ] || return 1
  room=$((room - size))
  say part "$1" "$(wc -c <"$directory/packed.gz")" "$(sha256sum <"$directory/packed.gz" | cut -d ' ' -f 1)"
  cat "$directory/packed"
  say end "$1"
}

# Of endless messages, each error once and the last ones.
print_messages() {
  [ -e "$directory/messages" ] || return 0
  {
    grep '^E: ' "$directory/messages" | sort -u | head -n 200
    tail -c 200000 "$directory/messages"
  } >"$directory/last_messages"
  rm -f "$directory/messages"
  print_part messages "$directory/last_messages"
}

install_scanner() {
  if command -v apt-get; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q -o DPkg::Lock::Timeout=300 update
    # Older releases have the program in the package of the library.
    apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install openscap-scanner ||
      apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install libopenscap8
  elif command -v dnf; then
    dnf -q -y install openscap-scanner
  elif command -v yum; then
    yum -q -y install openscap-scanner
  elif command -v zypper; then
    zypper -n install --no-recommends openscap-utils
  else
    echo 'E: no package manager that is known'
  fi
}

# Nothing of the environment reaches it: OSCAP_PROBE_ROOT, OSCAP_PROBE_IGNORE_PATHS and others turn findings into none.
run_oscap() {
  env -i PATH="$PATH" HOME="$directory" TMPDIR="$directory" LC_ALL=C \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    ${no_proxy:+no_proxy="$no_proxy"} oscap "$@" </dev/null
}

say begin
say fact started "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
say fact user "$(id -u)"
say fact system "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null | tr -d '"' | head -n 1)"
for tool in base64 gzip sha256sum mktemp; do
  command -v "$tool" >/dev/null || give_up "the machine has no $tool"
done
directory=$(mktemp -d "${TMPDIR:-/var/tmp}/hallmark-openscap.XXXXXX") || give_up "the machine has no room for a directory"
: >"$directory/messages"

if ! command -v oscap >/dev/null; then
  [ "$install" = yes ] || give_up "the machine has no oscap, and it is not to be installed"
  install_scanner >"$directory/messages" 2>&1
  command -v oscap >/dev/null || give_up "oscap could not be installed in the machine"
fi
say fact version "$(run_oscap --version 2>/dev/null | sed -n '1s/.* //p')"

if [ -z "$content_path" ]; then
  content_path=$directory/content.xml
  printf %s "$content" | base64 -d | gzip -dc >"$content_path" || give_up "the content could not be written"
elif [ ! -r "$content_path" ]; then
  give_up "the machine has no $content_path"
fi
set --
[ -z "$profile" ] || set -- --profile "$profile"
if [ -n "$tailoring" ]; then
  printf %s "$tailoring" | base64 -d | gzip -dc >"$directory/tailoring.xml" || give_up "the tailoring could not be written"
  set -- "$@" --tailoring-file "$directory/tailoring.xml"
fi
[ "$remote" = no ] || set -- "$@" --fetch-remote-resources

run_oscap xccdf eval "$@" --results "$directory/results.xml" --results-arf "$directory/arf.xml" "$content_path" \
  >"$directory/progress" 2>"$directory/messages"
say fact exit $?
grep '^WARNING' "$directory/progress" >>"$directory/messages"
rm -f "$directory/progress"
print_messages || say fact left_out messages
if [ -s "$directory/results.xml" ]; then
  print_part results "$directory/results.xml" || give_up "the results do not fit into the output of a command"
fi
if [ -s "$directory/arf.xml" ]; then
  print_part arf "$directory/arf.xml" || say fact left_out "arf.xml, $(wc -c <"$directory/arf.xml") bytes"
fi
say finished
