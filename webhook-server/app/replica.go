package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/metrics"
	"github.com/d1gateway/d1gateway/webhook-server/replica"
	"github.com/d1gateway/d1gateway/webhook-server/replica/cluster"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store/engine"
)

// lastReportTimeout bounds what is told at the end: a server that stops does not wait long for an API server that is away.
const lastReportTimeout = 5 * time.Second

// report makes what tells the operator of this replica. With a state directory there is nobody to tell.
func (s *Server) report() error {
	o := s.options
	if o.StateDir != "" {
		return nil
	}
	c, err := cluster.New(cluster.Options{
		Config: o.Cluster, Namespace: o.SystemNamespace, Replica: o.ReplicaName, LeaseDuration: replica.LeaseDuration,
		Now: time.Now, // that a Lease is renewed is seen by other processes' clocks
	})
	if err != nil {
		return fmt.Errorf("reporting to the operator: %w", err)
	}
	if engine.IsEmbedded(o.Store) {
		if err := s.checkAlone(c); err != nil {
			return err
		}
	}
	s.uses = replica.NewUses()
	s.reporter = replica.New(replica.Options{
		Replica: o.ReplicaName, Documents: s.state, Uses: s.uses, StoreID: s.store.ID(), Lanes: s.store.Lanes,
		Settle:  2 * acceptTimeout, // to read the body, and to take the notification in
		Cluster: c, Observer: metrics.Replica{Metrics: s.metrics}, Logger: o.Logger, Now: o.Now,
	})
	s.health.reported, s.health.unheard = s.reporter.Ready(), s.reporter.IsUnheard
	metrics.Reporting(s.registry, s.reporter, o.Now)
	return nil
}

// checkAlone answers an error when another live replica has a store of its own: the embedded store is for one. Its file is locked against a second process, but
// two replicas may have a volume each. A cluster that does not answer keeps nobody from serving.
func (s *Server) checkAlone(c *cluster.Cluster) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	strangers, err := c.Strangers(ctx, s.store.ID())
	if err != nil {
		s.options.Logger.Warn("not known whether another replica has a store of its own", "error", err)
		return nil
	}
	if len(strangers) > 0 {
		return fmt.Errorf("--store: replica %s is live and has a store of its own: the embedded store is for one replica, which would know nothing of the other's revoked tokens, pauses and order; use --store postgres://… for several", strings.Join(strangers, ", "))
	}
	return nil
}

// stopReporting tells what has not been told. No request of D1 is under way any more.
func (s *Server) stopReporting(ctx context.Context) {
	if s.reporter == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastReportTimeout)
	defer cancel()
	s.reporter.Stop(ctx)
}

// clientUses notes which credentials are used, beside what the metrics count.
type clientUses struct {
	metrics.Clients
	uses *replica.Uses
}

// Authenticated notes the use.
func (o clientUses) Authenticated(client *serving.Client, credentialID string, at time.Time) {
	o.Clients.Authenticated(client, credentialID, at)
	if o.uses != nil {
		o.uses.Used(&client.Header, credentialID, at)
	}
}

// keyUses notes which signing keys are used.
type keyUses struct {
	metrics.Token
	uses *replica.Uses
}

// Signed notes the use.
func (o keyUses) Signed(client *serving.Client, keyID string, at time.Time) {
	o.Token.Signed(client, keyID, at)
	if o.uses != nil {
		o.uses.Used(&client.Gateway.Header, keyID, at)
	}
}
