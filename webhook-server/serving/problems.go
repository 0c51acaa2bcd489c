package serving

import (
	"errors"
	"maps"
	"slices"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// Problem is a document that is not served, and why.
type Problem struct {
	Object string
	// Err repeats no secret.
	Err error
	// Replaced says whether its last good version is served in its place.
	Replaced bool
}

// problems are why documents are not served, by object. They are kept by who finds them, so that each takes back its own only.
type problems struct {
	unread     map[string]error // the newest version cannot be read
	uncompiled map[string]error // the last that could be read cannot be compiled
	conflicts  map[string]error // compiled, but not answering
}

func newProblems() problems {
	return problems{unread: map[string]error{}, uncompiled: map[string]error{}, conflicts: map[string]error{}}
}

// forget takes up that an object is gone. Conflicts are found anew each time.
func (p problems) forget(object string) {
	delete(p.unread, object)
	delete(p.uncompiled, object)
}

// Problems lists the documents that are not served, ordered by object.
func (s *State) Problems() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

func (s *State) list() []Problem {
	all := maps.Clone(s.problems.conflicts)
	maps.Copy(all, s.problems.uncompiled)
	maps.Copy(all, s.problems.unread) // what is wrong with the newest version is what helps
	list := make([]Problem, 0, len(all))
	for _, object := range slices.Sorted(maps.Keys(all)) {
		list = append(list, Problem{object, all[object], s.isServed(object)})
	}
	return list
}

// isServed says whether some version of the object's document is served.
func (s *State) isServed(object string) bool {
	kind, resource := split(object)
	switch kind {
	case api.KindGateway, api.KindGatewaySecrets:
		return s.compiled[resource] != nil
	case api.KindClient:
		return s.clients[resource] != nil
	default:
		return false
	}
}

// isIncomplete says whether D1 may ask for what is not served but should be. A copy on disk knows nothing of what came after it.
func (s *State) isIncomplete() bool {
	if s.stale {
		return true
	}
	for _, found := range []map[string]error{s.problems.unread, s.problems.uncompiled} {
		for object := range found {
			if !s.isServed(object) {
				return true
			}
		}
	}
	return false
}

// refuse notes a problem among those of its kind.
func (s *State) refuse(among map[string]error, object string, err error) {
	among[object] = err
	if errors.Is(err, errMaterialMissing) {
		// A Gateway is often seen before its GatewaySecrets; what stays so shows in readiness and metrics.
		s.logger.Info("serving document waits for its secrets", "object", object, "error", err, "lastGoodServes", s.isServed(object))
		return
	}
	s.logger.Error("serving document refused", "object", object, "error", err, "lastGoodServes", s.isServed(object))
}
