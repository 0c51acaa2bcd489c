#!/usr/bin/env bash
# Copies what `make fuzz` has found interesting from Go's cache into testdata/fuzz, where every `go test` tries it: for each target the 48
# smallest inputs of at most 4 KiB.
set -euo pipefail
cd "$(dirname "$0")/.."

module=$(go list -m)
cache=$(go env GOCACHE)/fuzz/$module
grep -rl --include='*_test.go' '^func Fuzz' api config controllers hack webhook-server | xargs -n1 dirname | sort -u | while read -r package; do
	grep -ho '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //' | while read -r target; do
		[ -d "$cache/$package/$target" ] || continue
		mkdir -p "$package/testdata/fuzz/$target"
		find "$cache/$package/$target" -type f -size -9 -printf '%s %p\n' | sort -n | awk 'NR <= 48 {print $2}' | xargs -I{} cp {} "$package/testdata/fuzz/$target/"
	done
done
