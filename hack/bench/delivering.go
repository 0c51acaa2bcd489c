package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/directory"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// deadMerchant has the destination that never answers.
	deadMerchant = 0
	// deadTimeout is how long an attempt waits for it.
	deadTimeout = time.Second
	// circuitPatience bounds how long its circuit may take to open, and roundPatience how long the last notifications of a round may take.
	circuitPatience, roundPatience = time.Minute, 30 * time.Second
)

// delivering is a store and a dispatcher with a backend for the healthy destinations.
type delivering struct {
	store      store.Store
	dispatcher *delivery.Dispatcher
	arrivals   *arrivals
	lanes      []string      // of the healthy destinations
	opened     chan struct{} // closed when a circuit opens
	once       sync.Once
}

// startDelivering starts everything, with so many notifications waiting for a destination that takes connections and answers nothing, and waits until it is
// known to be down.
func startDelivering(ctx context.Context, s *session, open openStore, waiting int) (*delivering, error) {
	dir, err := os.MkdirTemp(s.dir, "delivering-")
	if err != nil {
		return nil, err
	}
	w := &delivering{arrivals: newArrivals(), opened: make(chan struct{})}
	if w.store, err = open(ctx, s, dir); err != nil {
		return nil, err
	}
	s.cleanup(w.store.Close)
	state, err := w.destinations(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	if err := w.pileUp(ctx, waiting); err != nil {
		return nil, err
	}
	logger, err := newLogger()
	if err != nil {
		return nil, err
	}
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	w.dispatcher = delivery.New(delivery.Options{
		Store: w.store, Snapshot: state.Snapshot, Logger: logger, Observer: w,
		Attempter: delivery.NewSender(outbound.NewTransports(outbound.Options{Guard: outbound.NewGuard([]netip.Prefix{loopback})}), nil),
	})
	w.dispatcher.Start()
	s.cleanup(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*deadTimeout)
		defer cancel()
		return w.dispatcher.Stop(ctx)
	})
	if waiting == 0 {
		return w, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, circuitPatience, errors.New("the dead destination's circuit does not open"))
	defer cancel()
	select {
	case <-w.opened:
		return w, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// destinations serves the backends and writes the documents that lead to them.
func (w *delivering) destinations(ctx context.Context, s *session, dir string) (*serving.State, error) {
	healthy, err := listenAndServe(ctx, w.arrivals, func() error { return nil })
	if err != nil {
		return nil, err
	}
	s.cleanup(healthy.stop)
	dead, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0") // nobody accepts: the kernel does, and nothing answers
	if err != nil {
		return nil, err
	}
	s.cleanup(dead.Close)
	documents, err := newDocuments(time.Now().UTC().Truncate(time.Second).Add(-24 * time.Hour))
	if err != nil {
		return nil, err
	}
	gateway, ok := documents[0].(*api.Gateway)
	if !ok {
		return nil, errors.New("the first document is no Gateway")
	}
	gateway.Merchants = nil
	for i := range isolationHealthy + 1 {
		own := *gateway.Delivery
		own.URL = fmt.Sprintf("http://%s/%d", healthy.address, i)
		if i == deadMerchant {
			own.URL, own.TimeoutSeconds = "http://"+dead.Addr().String(), int(deadTimeout.Seconds())
		} else {
			w.lanes = append(w.lanes, laneOf(gateway, i))
		}
		gateway.Merchants = append(gateway.Merchants, api.Merchant{ID: isolationMerchant(i), Delivery: &own})
	}
	stateDir, err := writeDocuments(dir, documents)
	if err != nil {
		return nil, err
	}
	logger, err := newLogger()
	if err != nil {
		return nil, err
	}
	state := serving.NewState(logger)
	_, err = directory.New(stateDir, state, logger)
	if err == nil && len(state.Problems()) > 0 {
		err = state.Problems()[0].Err
	}
	return state, err
}

func isolationMerchant(i int) string { return fmt.Sprintf("4001%07d", i) }

func laneOf(g *api.Gateway, merchant int) string {
	return g.Namespace + "/" + g.Name + "/" + g.GatewayID + "/" + isolationMerchant(merchant)
}

// pileUp stores what waits for the dead destination.
func (w *delivering) pileUp(ctx context.Context, waiting int) error {
	lane := w.lanes[0][:len(w.lanes[0])-len(isolationMerchant(1))] + isolationMerchant(deadMerchant)
	return inParallel(ctx, 0, waiting, producers, func(ctx context.Context, _ int) error {
		_, err := w.store.Append(ctx, isolationNotification(lane))
		return err
	})
}

func isolationNotification(lane string) store.Notification {
	id := uuid.NewString()
	return store.Notification{
		ID: id, GatewayID: gatewayID, MerchantID: lane[len(lane)-len(isolationMerchant(0)):], TokenID: id, UpdateType: "TOKEN_STATE_CHANGE",
		CorrelationID: id, ReceivedAt: time.Now(), Lane: lane,
	}
}

// round stores notifications for the healthy destinations in turn, evenly over the window, and answers how long each took from being stored to its arrival.
func (w *delivering) round(ctx context.Context, window time.Duration) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, window+roundPatience, errors.New("notifications are not delivered"))
	defer cancel()
	total := max(1, int(window.Seconds()*isolationRate))
	sent := make([]sending, total)
	pace := time.NewTicker(time.Second / isolationRate)
	defer pace.Stop()
	var storing sync.WaitGroup
	failed := make(chan error, total)
	for i := range total {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		storing.Go(func() {
			n := isolationNotification(w.lanes[i%len(w.lanes)])
			sent[i].arrived = w.arrivals.expect(n.ID)
			if _, err := w.store.Append(ctx, n); err != nil {
				failed <- err
				return
			}
			sent[i].stored = time.Now()
			w.dispatcher.Wake(n.Lane)
		})
	}
	storing.Wait()
	if len(failed) > 0 {
		return nil, <-failed
	}
	taken := make([]time.Duration, total)
	for i, s := range sent {
		select {
		case at := <-s.arrived:
			taken[i] = max(0, at.Sub(s.stored))
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return taken, nil
}

type sending struct {
	stored  time.Time
	arrived <-chan time.Time
}

// CircuitChanged notes that the dead destination is known to be down.
func (w *delivering) CircuitChanged(_ string, open bool) {
	if open {
		w.once.Do(func() { close(w.opened) })
	}
}

// The rest of delivery.Observer: nothing is counted here.
func (w *delivering) AttemptEnded(delivery.AttemptReport)                         {}
func (w *delivering) ForwardEnded(string, string, delivery.Reason, time.Duration) {}
func (w *delivering) PauseChanged(string, bool, bool)                             {}
func (w *delivering) ProxyChanged(bool)                                           {}
func (w *delivering) LeaseLost(string)                                            {}
func (w *delivering) StoreFailed(string)                                          {}
