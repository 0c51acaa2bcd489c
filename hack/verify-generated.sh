#!/usr/bin/env bash
# Fails when a generated file is not what its source makes: hack/verify-generated.sh DIRECTORY_OF_TOOLS
set -euo pipefail

tools=${1:?usage: hack/verify-generated.sh DIRECTORY_OF_TOOLS}
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

"$tools/controller-gen" crd paths=./api/v1alpha1/ output:crd:dir="$fresh/crd"
"$tools/controller-gen" rbac:roleName=d1gateway-controllers paths=./controllers/... output:rbac:dir="$fresh/rbac"
"$tools/controller-gen" object paths=./api/v1alpha1/ output:object:dir="$fresh/object"
diff -r --exclude='*.go' config/crd/bases "$fresh/crd" || { echo "run 'make manifests'" >&2; exit 1; }
diff config/rbac/role.yaml "$fresh/rbac/role.yaml" || { echo "run 'make manifests'" >&2; exit 1; }
diff api/v1alpha1/zz_generated.deepcopy.go "$fresh/object/zz_generated.deepcopy.go" || { echo "run 'make generate'" >&2; exit 1; }
