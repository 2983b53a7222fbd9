#!/bin/sh
# Shell scripts parse, and no file is huge or belongs to a build.
cd "$(dirname "$0")/../.." || exit 1
status=0
for script in demo test .ci/run $(find scripts src examples tests -name '*.sh') scripts/setup scripts/tidy; do
  case "$(head -n 1 "$script")" in
    *bash*) bash -n "$script" || status=1 ;;
    *) sh -n "$script" || status=1 ;;
  esac
done
# A text that a person writes is far below this; what is above is a disk, an archive or a core.
large=$(git ls-files -z 2>/dev/null | xargs -0 -r sh -c 'for f; do [ "$(stat -c %s "$f")" -le 300000 ] || echo "$f"; done' sh)
if [ -n "$large" ]; then
  echo "too large for the repository: $large"
  status=1
fi
exit $status
