package app

import (
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

const (
	// bodyTimeout bounds the reading of a form.
	bodyTimeout = 10 * time.Second
	// drainBytes and drainTimeout bound the reading of a body that is not looked at.
	drainBytes   = 1 << 20
	drainTimeout = time.Second
)

// d1Handler joins all that is called on the D1 address.
func (s *Server) d1Handler() http.Handler {
	clients := s.clientAuthenticator()
	return httpx.Drain(drainBytes, drainTimeout, &routes{
		state:         s.state,
		peers:         s.peers,
		slots:         httpx.NewFair[sender](s.options.MaxConcurrentRequests),
		shed:          s.metrics.Shed,
		token:         s.tokenHandler(clients),
		notification:  s.notificationHandler(),
		introspection: s.introspectionHandler(clients),
		revocation:    s.revocationHandler(clients),
		discovery:     s.discoveryHandler(),
	})
}
