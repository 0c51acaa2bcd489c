// Package apiserver runs a package's tests with a real API server that has the project's CustomResourceDefinitions.
package apiserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/d1gateway/d1gateway/hack/buildtools"
)

// Main starts an API server, hands it to prepare with the connection of one who may do anything, runs the tests, stops it, and answers the exit status:
//
//	func TestMain(m *testing.M) { os.Exit(apiserver.Main(m, prepare)) }
func Main(m *testing.M, prepare func(context.Context, *envtest.Environment, *rest.Config) error) int {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	code, err := run(context.Background(), m, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func run(ctx context.Context, m *testing.M, prepare func(context.Context, *envtest.Environment, *rest.Config) error) (code int, err error) {
	root, err := buildtools.Root()
	if err != nil {
		return 0, err
	}
	assets, err := buildtools.ControlPlane(ctx)
	if err != nil {
		return 0, err
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	admin, err := environment.Start()
	if err != nil {
		return 0, errors.Join(fmt.Errorf("starting the API server: %w", err), environment.Stop())
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	if err := prepare(ctx, environment, admin); err != nil {
		return 0, err
	}
	return m.Run(), nil
}
