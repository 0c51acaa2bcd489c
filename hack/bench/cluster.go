package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/hack/buildtools"
)

const (
	systemNamespace = "d1gateway-system"
	tenants         = 10
	// apiServerStart and apiServerStop bound how long the API server may take for either.
	apiServerStart = time.Minute
	apiServerStop  = 30 * time.Second
)

// tenant is the namespace of a gateway and its clients. All have names of the same length: see replay.
func tenant(i int) string { return fmt.Sprintf("shop-%d", i%tenants) }

// cluster is a Kubernetes API server of our own: etcd and kube-apiserver, nothing else. etcd does not flush to the disk, as always in
// tests: what is compared is the work of the API server, not of a disk.
type cluster struct {
	dir        string
	kubeconfig string
	// config has no limit on requests.
	config *rest.Config
	client client.WithWatch
}

// startCluster starts one with the project's resources and empty namespaces. It ends with the session.
func startCluster(ctx context.Context, s *session, name string) (*cluster, error) {
	ctrl.SetLogger(logr.Discard())
	root, err := buildtools.Root()
	if err != nil {
		return nil, err
	}
	assets, err := buildtools.ControlPlane(ctx)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: filepath.Join(s.dir, name)}
	for _, dir := range []string{c.dir, c.path("etcd"), c.path("certificates")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making a directory for the API server: %w", err)
		}
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: assets, ControlPlaneStartTimeout: apiServerStart, ControlPlaneStopTimeout: apiServerStop,
		CRDDirectoryPaths: []string{filepath.Join(root, "config", "crd", "bases")}, ErrorIfCRDPathMissing: true,
		ControlPlane: envtest.ControlPlane{Etcd: &envtest.Etcd{DataDir: c.path("etcd")}, APIServer: &envtest.APIServer{CertDir: c.path("certificates")}},
	}
	config, err := environment.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the API server: %w", err), environment.Stop())
	}
	s.cleanup(environment.Stop)
	return c, c.prepare(ctx, config, environment.KubeConfig)
}

func (c *cluster) prepare(ctx context.Context, config *rest.Config, kubeconfig []byte) error {
	types := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(types), v1alpha1.AddToScheme(types)); err != nil {
		return fmt.Errorf("registering the resources: %w", err)
	}
	c.config = rest.CopyConfig(config)
	c.config.QPS = -1
	var err error
	if c.client, err = client.NewWithWatch(c.config, client.Options{Scheme: types}); err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	names := []string{systemNamespace}
	for i := range tenants {
		names = append(names, tenant(i))
	}
	for _, name := range names {
		if err := c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return fmt.Errorf("creating namespace %s: %w", name, err)
		}
	}
	c.kubeconfig = c.path("kubeconfig")
	if err := os.WriteFile(c.kubeconfig, kubeconfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

func (c *cluster) path(name string) string { return filepath.Join(c.dir, name) }
