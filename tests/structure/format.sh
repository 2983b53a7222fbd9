#!/bin/sh
# Every C++ file is formatted as .clang-format says.
cd "$(dirname "$0")/../.." || exit 1
if ! find src bench fuzz tests -name '*.h' -o -name '*.cc' | xargs clang-format --dry-run --Werror; then
  echo "format them: clang-format -i FILE"
  exit 1
fi
