// Package buildtools finds the programs that hack/build-tools.sh builds, for tests and for the local run.
package buildtools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Root is the directory of the project's source.
func Root() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return "", errors.New("the project's source is not known: build without -trimpath, from a checkout")
	}
	return filepath.Join(filepath.Dir(file), "..", ".."), nil
}

// ControlPlane is the directory with etcd and kube-apiserver: $KUBEBUILDER_ASSETS, else what the script builds, which takes minutes the first time.
func ControlPlane(ctx context.Context) (string, error) {
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" {
		return assets, nil
	}
	return build(ctx, "controlplane")
}

// NPM is the directory whose node_modules holds the packages of hack/npm, which the script installs the first time. It needs node and npm on the PATH.
func NPM(ctx context.Context) (string, error) {
	return build(ctx, "npm")
}

// Toxiproxy is the directory with toxiproxy, a proxy that cuts, hangs and slows connections; the script builds it the first time.
func Toxiproxy(ctx context.Context) (string, error) {
	return build(ctx, "toxiproxy")
}

// build runs the script, which does nothing when the module is in its cache.
func build(ctx context.Context, module string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	script := exec.CommandContext(ctx, filepath.Join(root, "hack", "build-tools.sh"), module)
	script.Stderr = os.Stderr
	out, err := script.Output()
	if err != nil {
		return "", fmt.Errorf("running hack/build-tools.sh %s: %w", module, err)
	}
	return strings.TrimSpace(string(out)), nil
}
