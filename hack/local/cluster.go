package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/hack/buildtools"
)

// cluster is a Kubernetes API server of our own.
type cluster struct {
	environment *envtest.Environment
	client      client.WithWatch
	kubeconfig  string
}

// startCluster starts etcd and kube-apiserver, installs the resources, makes the namespaces and writes a kubeconfig.
func startCluster(ctx context.Context, crds, kubeconfig string) (*cluster, error) {
	assets, err := buildtools.ControlPlane(ctx)
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory:    assets,
		CRDDirectoryPaths:        []string{crds},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  30 * time.Second,
	}
	config, err := environment.Start()
	if err != nil {
		_ = environment.Stop()
		return nil, fmt.Errorf("starting the API server: %w", err)
	}
	c := &cluster{environment: environment, kubeconfig: kubeconfig}
	if err := c.prepare(ctx, config, kubeconfig); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) prepare(ctx context.Context, config *rest.Config, kubeconfig string) (err error) {
	types := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(types), v1alpha1.AddToScheme(types)); err != nil {
		return fmt.Errorf("registering the resources: %w", err)
	}
	if c.client, err = client.NewWithWatch(config, client.Options{Scheme: types}); err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	for _, name := range []string{"d1gateway-system", "payments"} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := c.client.Create(ctx, namespace); err != nil {
			return fmt.Errorf("creating namespace %s: %w", name, err)
		}
	}
	if err := os.WriteFile(kubeconfig, c.environment.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

func (c *cluster) stop() { _ = c.environment.Stop() }

// apply applies manifests as a user would: with kubectl where it is installed, else through the API.
func (c *cluster) apply(ctx context.Context, path string, objects ...client.Object) error {
	if kubectl, err := exec.LookPath("kubectl"); err == nil {
		command := exec.CommandContext(ctx, kubectl, "--kubeconfig", c.kubeconfig, "apply", "-f", path)
		// Its discovery cache must not outlive the run.
		command.Env = append(os.Environ(), "KUBECACHEDIR="+filepath.Join(filepath.Dir(c.kubeconfig), "kubectl"))
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("kubectl apply -f %s: %w: %s", path, err, out)
		}
		return nil
	}
	for _, o := range objects {
		if err := c.client.Create(ctx, o.DeepCopyObject().(client.Object)); err != nil {
			return fmt.Errorf("applying %s: %w", path, err)
		}
	}
	return nil
}
