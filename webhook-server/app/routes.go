package app

import (
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// retryAfter is what a 503 asks of D1.
const retryAfter = 2 * time.Second

// routes sends a request to its endpoint. It is written out because http.ServeMux redirects unclean paths and decodes %2F.
type routes struct {
	state        *serving.State
	token        http.Handler
	notification http.Handler
}

// ServeHTTP serves one of D1's requests.
func (s *routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, ok := notification.ParsePath(r.URL.EscapedPath()); ok {
		s.notification.ServeHTTP(w, r)
		return
	}
	// Until the documents have been read every path may be a token endpoint: the token handler answers 503.
	path, ok := httpx.PlainPath(r.URL)
	if ok && (!s.state.Synced() || s.state.Snapshot().IsTokenPath(r.Host, path)) {
		s.token.ServeHTTP(w, r)
		return
	}
	if s.state.Snapshot().Incomplete() && r.Method == http.MethodPost {
		httpx.Unavailable(w, retryAfter) // it may be the token endpoint of a document that cannot be served yet
		return
	}
	httpx.WriteEmpty(w, http.StatusNotFound)
}
