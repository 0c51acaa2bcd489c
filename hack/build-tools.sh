#!/usr/bin/env bash
# Puts the tools of one folder below hack/ into a cache outside the checkout, once, and prints the directory that holds them:
# the programs of a Go module's `tool` lines, or for npm the directory with node_modules.
#
#   hack/build-tools.sh controlplane|tools|lint|toxiproxy|npm
#
# The cache is ${XDG_CACHE_HOME:-~/.cache}/d1gateway/MODULE/KEY; KEY changes with the files that pin the versions and with the version of Go or Node.js.
set -euo pipefail

module=${1:?usage: hack/build-tools.sh controlplane|tools|lint|toxiproxy|npm}
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/$module"

pins() {
	if [ "$module" != npm ]; then
		cat go.mod go.sum
		go version
		return
	fi
	cat package.json package-lock.json
	node --version
}

if [ "$module" = npm ] && ! { command -v node && command -v npm; } >/dev/null; then
	echo "node or npm is not installed: run 'make packages'" >&2
	exit 1
fi
key=$(pins | git hash-object --stdin | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/d1gateway/$module
if [ -d "$cache/$key" ]; then
	echo "$cache/$key"
	exit 0
fi

build_go() {
	local ldflags="-s -w" version minor v tool name
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
	for tool in $(go list -f '{{.ImportPath}}' tool); do
		name=$(basename "$tool")
		case $tool in
		go.etcd.io/etcd/server/*) name=etcd ;;
		*/toxiproxy/*) name=toxiproxy ;;
		esac
		echo "  $name ($tool)" >&2
		CGO_ENABLED=0 go build -trimpath -ldflags "$ldflags" -o "$1/$name" "$tool" >&2
	done
}

install_npm() {
	echo "Installing the npm packages of hack/npm: once, some seconds." >&2
	cp package.json package-lock.json "$1"
	(cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2)
}

mkdir -p "$cache"
work=$(mktemp -d "$cache/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
case $module in
npm) install_npm "$work" ;;
*) build_go "$work" ;;
esac
# Where two builds ran at once, the first to finish wins; both hold the same programs.
[ -d "$cache/$key" ] || mv "$work" "$cache/$key"
echo "$cache/$key"
