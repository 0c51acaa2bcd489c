package serving

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// build makes the look-up tables. Gateways that claim one merchantGatewayId are an operator's fault; the first by name is served.
func (s *State) build() *Snapshot {
	byResource := make(map[string]*Gateway, len(s.compiled)) // by namespace/name of the MerchantGateway
	next := &Snapshot{
		gateways:   make(map[string]*Gateway, len(s.compiled)),
		byHost:     map[string][]*Gateway{},
		tokenPaths: map[string]hosts{},
		clients:    make(map[hostedID][]*Client, len(s.clients)),
		ofGateway:  make(map[ownID]*Client, len(s.clients)),
	}
	for _, resource := range slices.Sorted(maps.Keys(s.compiled)) {
		g := s.compiled[resource]
		if next.gateways[g.GatewayID] != nil {
			s.refuse(g.ObjectName(), fmt.Errorf("gatewayID %s is served for another gateway", g.GatewayID))
			continue
		}
		next.gateways[g.GatewayID] = g
		byResource[resource] = g
	}
	next.index()
	next.handshakes = newHandshakes(next)
	for _, resource := range slices.Sorted(maps.Keys(s.clients)) {
		c := s.clients[resource]
		// A client whose gateway has not arrived yet, or has gone, is not served; it is no fault of the document's.
		if g := byResource[c.Namespace+"/"+c.Client.Gateway]; g != nil {
			next.add(&Client{Client: c.Client, Gateway: g, Keys: c.Keys})
		}
	}
	for object := range s.problems {
		if !s.isServed(object) {
			next.incomplete = true
		}
	}
	return next
}

// add files a client under each host that its gateway answers on.
func (s *Snapshot) add(c *Client) {
	hosts := c.Gateway.Hostnames
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	for _, host := range hosts {
		key := hostedID{host, c.ClientID}
		s.clients[key] = append(s.clients[key], c)
	}
	// Of two clients with one id at one gateway, which is an operator's fault, the first by name is served.
	if key := (ownID{c.Gateway, c.ClientID}); s.ofGateway[key] == nil {
		s.ofGateway[key] = c
	}
}

// index makes what finds gateways by host and token endpoints by path.
func (s *Snapshot) index() {
	s.ordered = slices.SortedFunc(maps.Values(s.gateways), func(a, b *Gateway) int { return strings.Compare(a.GatewayID, b.GatewayID) })
	for _, g := range s.ordered {
		for _, host := range g.Hostnames {
			s.byHost[host] = append(s.byHost[host], g)
		}
		if len(g.Hostnames) == 0 {
			s.anyHost = append(s.anyHost, g)
		}
		for _, e := range g.TokenEndpoints {
			h := s.tokenPaths[e.Path]
			h.any = h.any || len(g.Hostnames) == 0
			for _, host := range g.Hostnames {
				if h.named == nil {
					h.named = map[string]bool{}
				}
				h.named[host] = true
			}
			s.tokenPaths[e.Path] = h
		}
	}
}
