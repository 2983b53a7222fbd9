#cloud-boothook
#!/bin/sh
# Switches the machine off at its deadline, even if nobody ever comes back for it: it was launched so that
# switching itself off ends it, disk and all.
end='@END@'
[ -n "$end" ] || exit 0
left=$((end - $(date +%s)))
[ "$left" -gt 0 ] || left=0
setsid sh -c 'sleep "$1"; shutdown -P now; sleep 60; poweroff -f' deadline "$left" >/dev/null 2>&1 </dev/null &
