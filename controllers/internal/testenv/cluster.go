// Package testenv runs a real API server for tests, and operators against it.
package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/d1gateway/d1gateway/controllers/operator"
	"github.com/d1gateway/d1gateway/hack/buildtools"
)

// Cluster is an API server with the project's CustomResourceDefinitions. Nothing else runs in it: no garbage collector and no namespace
// controller, so tests delete what these would.
type Cluster struct {
	Config *rest.Config
	// Client reads and writes without a cache.
	Client client.WithWatch

	environment *envtest.Environment
}

// stopTimeout is what a kube-apiserver gets to stop that is to be started again.
const stopTimeout = 3 * time.Second

// Main starts a cluster, runs the tests of a package and stops the cluster; use is given the cluster before the tests run.
// It answers the exit status.
func Main(m *testing.M, use func(*Cluster)) int {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	cluster, err := Start("")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	use(cluster)
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Start starts etcd and kube-apiserver from $KUBEBUILDER_ASSETS, or from those that hack/build-tools.sh has built. certificates is the directory of
// the API server's certificates; with none it cannot be started again after StopAPIServer.
func Start(certificates string) (*Cluster, error) {
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
	c := &Cluster{environment: &envtest.Environment{
		Scheme:                scheme,
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}}
	if certificates != "" {
		c.environment.ControlPlane.APIServer = &envtest.APIServer{CertDir: certificates, StopTimeout: stopTimeout}
	}
	if c.Config, err = c.environment.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the API server: %w", err), c.environment.Stop())
	}
	if c.Client, err = client.NewWithWatch(c.Config, client.Options{Scheme: scheme}); err != nil {
		return nil, errors.Join(fmt.Errorf("creating a client: %w", err), c.environment.Stop())
	}
	return c, nil
}

// Stop ends the API server and etcd.
func (c *Cluster) Stop() error {
	if err := c.environment.Stop(); err != nil {
		return fmt.Errorf("stopping the API server: %w", err)
	}
	return nil
}

// Namespace creates a namespace that only this test uses.
func (c *Cluster) Namespace(t *testing.T, prefix string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-"}}
	if err := c.Client.Create(t.Context(), namespace); err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	return namespace.Name
}

// Root answers the directory of the project.
func Root(t *testing.T) string {
	t.Helper()
	root, err := buildtools.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// Kubeconfig writes a kubeconfig for a user without any rights but those that roles give them by this name, and answers its path.
func (c *Cluster) Kubeconfig(t *testing.T, user string) string {
	t.Helper()
	added, err := c.environment.AddUser(envtest.User{Name: user}, nil)
	if err != nil {
		t.Fatalf("adding a user: %v", err)
	}
	kubeconfig, err := added.KubeConfig()
	if err != nil {
		t.Fatalf("making a kubeconfig: %v", err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
