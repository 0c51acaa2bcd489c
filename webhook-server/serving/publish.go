package serving

import (
	"maps"
	"slices"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// publish makes the next Snapshot, which shares with the one before what did not change.
func (s *State) publish(t *touched) {
	anew := t.dropped
	for _, resource := range slices.Sorted(maps.Keys(t.gateways)) {
		anew = s.compile(resource) || anew
	}
	before, next := s.answering, *s.current.Load()
	if anew {
		s.authorities.retain(s.compiled)
		next = *s.build()
		s.touchClientsOf(before, t)
	}
	next.clients = s.refile(t.clients, before)
	next.incomplete = s.isIncomplete()
	s.current.Store(&next)
}

// compile makes a gateway from its two documents, or leaves the one that is there and answers false. The documents are the last that could
// be read, which need not be the newest: compiling them ends no problem but its own.
func (s *State) compile(resource string) bool {
	doc := s.gateways[resource]
	if doc == nil {
		return false
	}
	secrets := s.secrets[resource]
	if secrets == nil {
		secrets = &api.GatewaySecrets{}
	}
	g, err := compileGateway(doc, secrets, s.authorities)
	if err != nil {
		s.refuse(s.problems.uncompiled, doc.ObjectName(), err)
		return false
	}
	delete(s.problems.uncompiled, doc.ObjectName())
	s.compiled[resource] = g
	return true
}
