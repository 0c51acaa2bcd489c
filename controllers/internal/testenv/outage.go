package testenv

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// StopAPIServer ends the API server of a cluster; etcd runs on. While somebody watches, kube-apiserver takes more than its time to stop: then it is killed.
func (c *Cluster) StopAPIServer(t *testing.T) {
	t.Helper()
	if err := c.environment.ControlPlane.APIServer.Stop(); err != nil {
		t.Logf("stopping the API server: %v", err)
	}
	Eventually(t, func() error {
		if err := c.Client.List(t.Context(), &corev1.NamespaceList{}); err == nil {
			return errors.New("the API server still answers")
		}
		return nil
	})
}

// StartAPIServer starts the API server again, at the same address and with the same certificates.
func (c *Cluster) StartAPIServer(t *testing.T) {
	t.Helper()
	if err := c.environment.ControlPlane.APIServer.Start(); err != nil {
		t.Fatalf("starting the API server again: %v", err)
	}
}

// definitions answers the CustomResourceDefinitions of the kinds with these plural names, with none all of this project.
func definitions(plurals []string) []client.Object {
	if len(plurals) == 0 {
		plurals = []string{"merchantgateways", "oauthclients", "replicareports"}
	}
	var all []client.Object
	for _, plural := range plurals {
		d := &unstructured.Unstructured{}
		d.SetAPIVersion("apiextensions.k8s.io/v1")
		d.SetKind("CustomResourceDefinition")
		d.SetName(plural + ".d1gateway.io")
		all = append(all, d)
	}
	return all
}

// RemoveDefinitions deletes the project's CustomResourceDefinitions, or those of the kinds named, without waiting for their end.
func (c *Cluster) RemoveDefinitions(t *testing.T, plurals ...string) {
	t.Helper()
	c.Delete(t, definitions(plurals)...)
}

// WaitNoDefinitions waits until the project's CustomResourceDefinitions, or those of the kinds named, are gone.
func (c *Cluster) WaitNoDefinitions(t *testing.T, plurals ...string) {
	t.Helper()
	for _, d := range definitions(plurals) {
		c.WaitGone(t, d)
	}
}

// RestoreDefinitions creates the project's CustomResourceDefinitions anew.
func (c *Cluster) RestoreDefinitions(t *testing.T) {
	t.Helper()
	if _, err := envtest.InstallCRDs(c.Config, envtest.CRDInstallOptions{Paths: c.environment.CRDDirectoryPaths}); err != nil {
		t.Fatalf("creating the definitions again: %v", err)
	}
}
