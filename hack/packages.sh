#!/usr/bin/env bash
# Sees to it that Debian packages are installed: as root it installs those that are missing, otherwise it says which they are and fails.
# Where there is no dpkg it does nothing; the tests then say what they miss.
#
#   hack/packages.sh PACKAGE...
set -euo pipefail

command -v dpkg-query >/dev/null || exit 0

# A package counts when another one provides it, as the nodejs of some other source provides npm.
installed=$(dpkg-query -W -f '${db:Status-Status}, ${Package}, ${Provides}\n' |
	awk -F ', *' '$1 == "installed" { for (i = 2; i <= NF; i++) { sub(/ .*/, "", $i); print $i } }')

missing=()
for package in "$@"; do
	grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
	cat >&2 <<-END
		The tests need Debian packages that are not installed: ${missing[*]}
		Run as root: apt-get install --no-install-recommends ${missing[*]}
		Where the programs come from elsewhere: make test DEBIAN_PACKAGES=
	END
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
echo "Installing Debian packages for the tests: ${missing[*]}" >&2
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
