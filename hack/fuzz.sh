#!/usr/bin/env bash
# Fuzzes every fuzz target of the project for the given time, or number of inputs, each: hack/fuzz.sh 10s, hack/fuzz.sh 2000x. A number does not
# depend on how busy the machine is.
set -euo pipefail

duration=${1:?usage: hack/fuzz.sh 10s|2000x}
cd "$(dirname "$0")/.."

grep -rl --include='*_test.go' '^func Fuzz' api config controllers hack webhook-server | xargs -n1 dirname | sort -u | while read -r package; do
	grep -ho '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //' | while read -r target; do
		echo "== ./$package $target"
		go test "./$package" -run '^$' -fuzz "^$target\$" -fuzztime "$duration"
	done
done
