#!/usr/bin/env bash
# Builds every `tool` of one module below hack/ into a cache outside the checkout, once, and prints the directory that holds the programs.
#
#   hack/build-tools.sh controlplane|tools|lint
#
# The cache is ${XDG_CACHE_HOME:-~/.cache}/d1gateway/MODULE/KEY; KEY changes with the module's go.mod and go.sum and with the Go version.
set -euo pipefail

module=${1:?usage: hack/build-tools.sh controlplane|tools|lint}
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/$module"

key=$({ cat go.mod go.sum; go version; } | git hash-object --stdin | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/d1gateway/$module
if [ -d "$cache/$key" ]; then
	echo "$cache/$key"
	exit 0
fi

ldflags="-s -w"
case $module in
controlplane)
	# The version is stamped as a release build does it; without it kube-apiserver reports v0.0.0 and clients warn.
	version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
	minor=${version#v*.}
	minor=${minor%%.*}
	v=k8s.io/component-base/version
	ldflags="$ldflags -X $v.gitVersion=$version -X $v.gitMajor=1 -X $v.gitMinor=$minor"
	echo "Building kube-apiserver $version and etcd from source: once, about 10 minutes on two cores." >&2
	;;
lint) echo "Building golangci-lint with kube-api-linter from source: once, about 5 minutes on two cores." >&2 ;;
*) echo "Building the tools of hack/$module: once, about a minute." >&2 ;;
esac

mkdir -p "$cache"
work=$(mktemp -d "$cache/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
for tool in $(go list -f '{{.ImportPath}}' tool); do
	name=$(basename "$tool")
	case $tool in
	go.etcd.io/etcd/server/*) name=etcd ;;
	esac
	echo "  $name ($tool)" >&2
	CGO_ENABLED=0 go build -trimpath -ldflags "$ldflags" -o "$work/$name" "$tool" >&2
done
# Where two builds ran at once, the first to finish wins; both hold the same programs.
[ -d "$cache/$key" ] || mv "$work" "$cache/$key"
echo "$cache/$key"
