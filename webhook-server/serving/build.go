package serving

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// build makes the look-up tables of gateways. Those that claim one merchantGatewayId are an operator's fault; the first by name is served.
func (s *State) build() *Snapshot {
	next := &Snapshot{
		gateways:   make(map[string]*Gateway, len(s.compiled)),
		byHost:     map[string][]*Gateway{},
		tokenPaths: map[string]hosts{},
	}
	s.answering = make(map[string]*Gateway, len(s.compiled))
	conflicts := map[string]error{}
	for _, resource := range slices.Sorted(maps.Keys(s.compiled)) {
		g := s.compiled[resource]
		switch {
		case g.Draining:
			next.draining = append(next.draining, g)
		case next.gateways[g.GatewayID] != nil:
			conflicts[g.ObjectName()] = fmt.Errorf("gatewayID %s is served for another gateway", g.GatewayID)
		default:
			next.gateways[g.GatewayID] = g
			s.answering[resource] = g
		}
	}
	s.noteConflicts(conflicts)
	next.index()
	next.handshakes = newHandshakes(next)
	return next
}

// refile answers the clients of the current Snapshot with those in place that changed. before holds those by resource as they were, nil for
// none, and answering the gateways that they were filed by.
func (s *State) refile(before map[string]*Client, answering map[string]*Gateway) clientTable {
	edit := s.current.Load().clients.edit()
	for resource, old := range before {
		if filed := fileBy(answering, old); filed != nil {
			edit.remove(filed)
		}
		if filed := fileBy(s.answering, s.clients[resource]); filed != nil {
			edit.add(filed)
		}
	}
	return edit.next
}

// touchClientsOf adds the clients whose gateway is another one now.
func (s *State) touchClientsOf(answering map[string]*Gateway, t *touched) {
	for resource, c := range s.clients {
		if _, known := t.clients[resource]; !known && gatewayOf(c, answering) != gatewayOf(c, s.answering) {
			t.clients[resource] = c
		}
	}
}

// fileBy answers the client with its gateway. A client whose gateway has not arrived yet, or has gone, is not served; it is no fault of the
// document's.
func fileBy(answering map[string]*Gateway, c *Client) *Client {
	if c == nil {
		return nil
	}
	g := gatewayOf(c, answering)
	if g == nil {
		return nil
	}
	return &Client{Client: c.Client, Gateway: g, Keys: c.Keys}
}

func gatewayOf(c *Client, answering map[string]*Gateway) *Gateway {
	return answering[c.Namespace+"/"+c.Client.Gateway]
}

// noteConflicts takes over what the look at all gateways has found, and logs what is new.
func (s *State) noteConflicts(found map[string]error) {
	for object, err := range found {
		if s.problems.conflicts[object] == nil {
			s.logger.Error("gateway is not served", "object", object, "error", err)
		}
	}
	s.problems.conflicts = found
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
