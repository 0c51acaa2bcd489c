// Package system tests the operator and servers together, on a real API server: what is true only of both.
package system

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/d1gateway/d1gateway/controllers/operator"
	"github.com/d1gateway/d1gateway/hack/buildtools"
	"github.com/d1gateway/d1gateway/webhook-server/store/postgres/pgtest"
)

// control is the API server of this package's tests.
var control struct {
	config *rest.Config
	client client.WithWatch
}

// database is the PostgreSQL server of this package's tests: the servers of one test share a database.
var database *pgtest.Server

func TestMain(m *testing.M) {
	os.Exit(withPostgres(m))
}

func withPostgres(m *testing.M) int {
	var err error
	if database, err = pgtest.New(context.Background(), pgtest.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := withAPIServer(m)
	if err := database.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func withAPIServer(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	environment, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := environment.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func start() (*envtest.Environment, error) {
	root, err := buildtools.Root()
	if err != nil {
		return nil, err
	}
	assets, err := buildtools.ControlPlane(context.Background())
	if err != nil {
		return nil, err
	}
	scheme, err := operator.NewScheme()
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		Scheme: scheme, BinaryAssetsDirectory: assets, ErrorIfCRDPathMissing: true,
		CRDDirectoryPaths: []string{filepath.Join(root, "config", "crd", "bases")},
	}
	if control.config, err = environment.Start(); err != nil {
		return nil, fmt.Errorf("starting the API server: %w", err)
	}
	control.client, err = client.NewWithWatch(control.config, client.Options{Scheme: scheme})
	if err != nil {
		return environment, fmt.Errorf("creating a client: %w", err)
	}
	return environment, nil
}
