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

// Problems lists the documents that are not served, ordered by object.
func (s *State) Problems() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

func (s *State) list() []Problem {
	all := maps.Clone(s.conflicts)
	maps.Copy(all, s.problems)
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
	for object := range s.problems {
		if !s.isServed(object) {
			return true
		}
	}
	return false
}

func (s *State) refuse(object string, err error) {
	s.problems[object] = err
	if errors.Is(err, errMaterialMissing) {
		// A Gateway is often seen before its GatewaySecrets; what stays so shows in readiness and metrics.
		s.logger.Info("serving document waits for its secrets", "object", object, "error", err, "lastGoodServes", s.isServed(object))
		return
	}
	s.logger.Error("serving document refused", "object", object, "error", err, "lastGoodServes", s.isServed(object))
}
