package serving

import (
	"fmt"
	"maps"
	"slices"
)

// build makes the look-up tables. Gateways that claim one merchantGatewayId are an operator's fault; the first by name is served.
func (s *State) build() *Snapshot {
	byResource := make(map[string]*Gateway, len(s.compiled)) // by namespace/name of the MerchantGateway
	next := &Snapshot{
		gateways:   make(map[string]*Gateway, len(s.compiled)),
		tokenPaths: map[string][]*Gateway{},
		clients:    make(map[string][]*Client, len(s.clients)),
	}
	for _, resource := range slices.Sorted(maps.Keys(s.compiled)) {
		g := s.compiled[resource]
		if next.gateways[g.GatewayID] != nil {
			s.refuse(g.ObjectName(), fmt.Errorf("gatewayID %s is served for another gateway", g.GatewayID))
			continue
		}
		next.gateways[g.GatewayID] = g
		byResource[resource] = g
		for _, e := range g.TokenEndpoints {
			next.tokenPaths[e.Path] = append(next.tokenPaths[e.Path], g)
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(s.clients)) {
		c := s.clients[resource]
		// A client whose gateway has not arrived yet, or has gone, is not served; it is no fault of the document's.
		if g := byResource[c.Namespace+"/"+c.Gateway]; g != nil {
			next.clients[c.ClientID] = append(next.clients[c.ClientID], &Client{Client: c, Gateway: g})
		}
	}
	for object := range s.problems {
		if !s.isServed(object) {
			next.incomplete = true
		}
	}
	return next
}
