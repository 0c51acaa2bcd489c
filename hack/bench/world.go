package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// allReady bounds how long all resources of a fleet may take to be Ready.
	allReady = 15 * time.Minute
	// settled is for how long nothing must have been written for what went before to be over. A server replica tells what it serves
	// a quarter of a second after it has told something else.
	settled = 2 * time.Second
)

// world is the real operator and the real server with an API server of their own.
type world struct {
	fleet    fleet
	session  *session
	cluster  *cluster
	operator *program
	server   *program
	d1       string // the address that D1 calls
	gateways *readiness
	clients  *readiness

	sample   *v1alpha1.OAuthClient // a client as it was created
	recorded []request             // what the operator has asked of the API server for it
}

// startWorld starts everything and makes the gateways of the fleet. On the way it records what the operator does for one client.
func startWorld(ctx context.Context, s *session, f fleet) (*world, error) {
	bin, err := buildPrograms(ctx, s)
	if err != nil {
		return nil, err
	}
	w := &world{fleet: f, session: s}
	if w.cluster, err = startCluster(ctx, s, "cluster"); err != nil {
		return nil, err
	}
	if w.gateways, err = w.cluster.follow(ctx, s, &v1alpha1.MerchantGatewayList{}); err != nil {
		return nil, err
	}
	if w.clients, err = w.cluster.follow(ctx, s, &v1alpha1.OAuthClientList{}); err != nil {
		return nil, err
	}
	if err := w.startServer(ctx, filepath.Join(bin, "webhook-server")); err != nil {
		return nil, err
	}
	operator := filepath.Join(bin, "controllers")
	if err := w.recordSample(ctx, operator); err != nil {
		return nil, err
	}
	return w, w.startOperator(ctx, operator, w.cluster.kubeconfig)
}

func (w *world) startServer(ctx context.Context, path string) (err error) {
	if w.d1, err = freeAddress(ctx); err != nil {
		return err
	}
	w.server, err = startProgram(ctx, w.session, path, "--kubeconfig", w.cluster.kubeconfig, "--store", "sqlite:"+w.cluster.path("store.db"),
		"--d1-bind-address", w.d1, "--insecure-http", "--admin-bind-address", "", "--replica-name", "bench")
	if err != nil {
		return err
	}
	return w.server.answers(ctx, "http://"+w.server.metrics+"/readyz")
}

func (w *world) startOperator(ctx context.Context, path, kubeconfig string) error {
	probes, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	w.operator, err = startProgram(ctx, w.session, path, "--kubeconfig", kubeconfig, "--leader-elect=false", "--health-probe-bind-address", probes)
	if err != nil {
		return err
	}
	return w.operator.answers(ctx, "http://"+probes+"/readyz")
}

// recordSample makes the gateways and one client, with an operator whose requests are recorded and which ends then: the one that is measured
// talks to the API server itself.
func (w *world) recordSample(ctx context.Context, path string) error {
	recorder, err := record(ctx, w.session, w.cluster)
	if err != nil {
		return err
	}
	if err := w.startOperator(ctx, path, recorder.kubeconfig); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, allReady, errors.New("it takes too long"))
	defer cancel()
	err = inParallel(ctx, 0, w.fleet.gateways, creators, func(ctx context.Context, i int) error { return w.cluster.client.Create(ctx, newGateway(i)) })
	if err != nil {
		return fmt.Errorf("creating the gateways: %w", err)
	}
	if err := w.gateways.wait(ctx, w.fleet.gateways); err != nil {
		return w.explain(fmt.Errorf("waiting for the gateways: %w", err))
	}
	if _, err := w.cluster.quiet(ctx, settled); err != nil {
		return err
	}
	recorder.take()
	w.sample = newClient(sampleNumber, w.fleet.gateways)
	if err := w.create(ctx, w.sample); err != nil {
		return err
	}
	if _, err := w.cluster.quiet(ctx, settled); err != nil {
		return err
	}
	w.recorded = recorder.take()
	return w.operator.stop()
}

// create creates a client and waits until it is Ready.
func (w *world) create(ctx context.Context, c *v1alpha1.OAuthClient) error {
	if err := w.cluster.client.Create(ctx, c); err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	if err := w.clients.waitFor(ctx, client.ObjectKeyFromObject(c), false); err != nil {
		return w.explain(fmt.Errorf("waiting for a client: %w", err))
	}
	return nil
}

// batch is what came of making many clients at once.
type batch struct {
	took     time.Duration
	requests counts
	// apiServer is the CPU time of the API server, in seconds.
	apiServer float64
}

// fill makes the clients with the numbers from begin up to end at once and waits until all of them are Ready.
func (w *world) fill(ctx context.Context, begin, end int) (batch, error) {
	before, err := w.cluster.quiet(ctx, settled)
	if err != nil {
		return batch{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, allReady, errors.New("it takes too long"))
	defer cancel()
	target := w.clients.number() + end - begin
	used, err := w.cluster.usage(ctx)
	if err != nil {
		return batch{}, err
	}
	began := time.Now()
	err = inParallel(ctx, begin, end, creators, func(ctx context.Context, i int) error {
		return w.cluster.client.Create(ctx, newClient(i, w.fleet.gateways))
	})
	if err != nil {
		return batch{}, fmt.Errorf("creating the clients: %w", err)
	}
	if err := w.clients.wait(ctx, target); err != nil {
		return batch{}, w.explain(fmt.Errorf("waiting for the clients: %w", err))
	}
	took := time.Since(began)
	after, err := w.cluster.requests(ctx)
	if err != nil {
		return batch{}, err
	}
	usedThen, err := w.cluster.usage(ctx)
	return batch{took, after.since(before), round(usedThen.CPUSeconds-used.CPUSeconds, 1)}, err
}

// explain adds what the programs have said to an error.
func (w *world) explain(err error) error { return w.server.explain(w.operator.explain(err)) }
