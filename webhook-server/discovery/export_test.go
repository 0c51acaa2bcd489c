package discovery

import "github.com/d1gateway/d1gateway/webhook-server/serving"

// Cached answers a document as the handler keeps it.
func (h *Handler) Cached(s *serving.Snapshot, g *serving.Gateway, d Document) ([]byte, error) {
	return h.cache.document(s, g, d)
}
