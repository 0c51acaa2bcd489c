package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Run is one local run.
type Run struct {
	// Bin holds the built programs, Samples and CRDs the manifests.
	Bin, Samples, CRDs string
	// D1Address is where D1 calls.
	D1Address string
	// Out gets everything there is to read.
	Out io.Writer
	// Ready, when set, is called once everything has been shown and the run only waits.
	Ready func()

	dir       string // scratch: kubeconfig, certificates, store, logs
	cleanups  []func()
	d1, admin net.Addr
	processes processes
}

// Do starts everything, shows D1's calls and waits until ctx ends. It stops what it started in reverse order, whatever happened.
func (r *Run) Do(ctx context.Context) (err error) {
	began := time.Now()
	defer func() {
		r.say("\nStopping.")
		for i := len(r.cleanups) - 1; i >= 0; i-- {
			r.cleanups[i]()
		}
	}()
	if r.dir, err = os.MkdirTemp("", "d1gateway-run-"); err != nil {
		return fmt.Errorf("making a scratch directory: %w", err)
	}
	r.cleanups = append(r.cleanups, func() { _ = os.RemoveAll(r.dir) })

	r.say("Starting a Kubernetes API server (etcd and kube-apiserver, nothing else of a cluster).")
	cluster, err := startCluster(ctx, r.CRDs, r.path("kubeconfig"))
	if err != nil {
		return err
	}
	r.cleanups = append(r.cleanups, cluster.stop)

	backend, err := listenMerchant(ctx)
	if err != nil {
		return err
	}
	r.cleanups = append(r.cleanups, backend.stop)

	r.say("Starting the operator and the server.")
	ca, err := r.startPrograms(ctx)
	if err != nil {
		return err
	}
	shown, err := r.show(ctx, cluster, backend, ca)
	if err != nil {
		return errors.Join(err, r.processes.tail())
	}
	r.sayHowToLook(shown, time.Since(began))
	if r.Ready != nil {
		r.Ready()
	}
	select {
	case <-ctx.Done():
		return nil
	case name := <-r.processes.ended:
		return errors.Join(fmt.Errorf("%s ended by itself", name), r.processes.tail())
	}
}

// startPrograms starts the operator and the server as a user would, with a certificate for localhost, and answers the certificate.
func (r *Run) startPrograms(ctx context.Context) (ca []byte, err error) {
	certificate, key, err := localhostCertificate()
	if err != nil {
		return nil, err
	}
	for path, content := range map[string][]byte{"tls.crt": certificate, "tls.key": key} {
		if err := os.WriteFile(r.path(path), content, 0o600); err != nil {
			return nil, fmt.Errorf("writing the server certificate: %w", err)
		}
	}
	d1, err := freeAddress(ctx, r.D1Address)
	if err != nil {
		return nil, err
	}
	metrics, err := freeAddress(ctx, "127.0.0.1:9090")
	if err != nil {
		return nil, err
	}
	if r.admin, err = freeAddress(ctx, "127.0.0.1:9091"); err != nil {
		return nil, err
	}
	r.d1 = d1
	r.processes = newProcesses(r.dir)
	r.cleanups = append(r.cleanups, r.processes.stop)
	if err := r.processes.start(ctx, filepath.Join(r.Bin, "controllers"),
		"--kubeconfig", r.path("kubeconfig"), "--leader-elect=false",
		"--external-url", "https://"+r.url(d1),
		"--metrics-bind-address", "127.0.0.1:0", "--health-probe-bind-address", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	err = r.processes.start(ctx, filepath.Join(r.Bin, "webhook-server"),
		"--kubeconfig", r.path("kubeconfig"),
		"--store", "sqlite:"+r.path("store.db"),
		"--d1-bind-address", d1.String(), "--metrics-bind-address", metrics.String(), "--admin-bind-address", r.admin.String(),
		"--tls-cert-file", r.path("tls.crt"), "--tls-private-key-file", r.path("tls.key"),
		"--delivery-allow-cidr", "127.0.0.0/8")
	if err != nil {
		return nil, err
	}
	return certificate, waitReady(ctx, "http://"+metrics.String()+"/readyz")
}

func (r *Run) path(name string) string { return filepath.Join(r.dir, name) }

func (r *Run) say(format string, args ...any) { _, _ = fmt.Fprintf(r.Out, format+"\n", args...) }

// url is host and port as they stand in the certificate.
func (r *Run) url(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return net.JoinHostPort("localhost", port)
}
