package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/cluster"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// refreshTimeout bounds how long the answer to a change waits for it to hold in this process.
const refreshTimeout = 2 * time.Second

// administration makes the administration API. On a loopback address nobody is asked who they are unless it is said how.
func (s *Server) administration() (http.Handler, error) {
	o := admin.Options{
		Store: s.store, Lanes: func() []string { return lanesOf(s.state.Snapshot()) }, Logger: s.options.Logger, Now: s.options.Now,
		Changed: s.adminChanged,
		Open:    s.options.AdminTokenFile == "" && !s.options.AdminKubernetes,
	}
	if s.options.AdminTokenFile != "" {
		o.TokenFiles = []string{s.options.AdminTokenFile}
	}
	if s.options.AdminKubernetes {
		access, err := cluster.New(cluster.Options{Config: s.options.Cluster, Audiences: s.options.AdminAudiences})
		if err != nil {
			return nil, fmt.Errorf("--admin-authentication: %w", err)
		}
		o.Access = access
	}
	handler, err := admin.NewHandler(o)
	if err != nil {
		return nil, fmt.Errorf("--admin-token-file: %w", err)
	}
	return handler, nil
}

// adminChanged has what somebody has paused, resumed or replayed hold in this process at once. Other replicas see it by themselves within seconds.
func (s *Server) adminChanged() {
	ctx, cancel := context.WithTimeout(context.Background(), refreshTimeout)
	defer cancel()
	_ = s.dispatcher.RefreshPauses(ctx) // it has told the log; what was known last holds on
	s.dispatcher.Look()
}

// lanesOf answers the lane of every destination that is configured.
func lanesOf(snapshot *serving.Snapshot) []string {
	var lanes []string
	for _, g := range slices.Concat(snapshot.Gateways(), snapshot.Draining()) {
		own := g.Namespace + "/" + g.Name + "/" + g.GatewayID
		if g.Delivery != nil {
			lanes = append(lanes, own)
		}
		for _, m := range g.Merchants {
			if m.Delivery != nil {
				lanes = append(lanes, own+"/"+m.ID)
			}
		}
	}
	return lanes
}
