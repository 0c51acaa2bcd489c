package app

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/discovery"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
	"github.com/d1gateway/d1gateway/webhook-server/token/introspection"
	"github.com/d1gateway/d1gateway/webhook-server/token/revocation"
)

// retryAfter is what a 503 asks of D1.
const retryAfter = 2 * time.Second

// routes sends a request to its endpoint, and sheds it when its sender has too many under way. It is written out because http.ServeMux
// redirects unclean paths and decodes %2F.
type routes struct {
	state *serving.State
	peers *peer.Resolver
	slots *httpx.Fair[sender]
	shed  func()

	token, notification, introspection, revocation, discovery http.Handler
}

// sender is who shares the slots for requests under way: a place, and for notifications the gateway too, so that neither a flood from
// one place nor one platform whose look-up hangs takes them all.
type sender struct {
	source    netip.Addr
	gatewayID string
}

// target is where a request goes.
type target struct {
	http.Handler
	// gatewayID is a notification's gateway, when there is one.
	gatewayID string
	// authenticates: it takes a slot of its own for a request whose sender shows only in the body, which may be slow to come.
	authenticates bool
}

// ServeHTTP serves one request on the D1 address.
func (s *routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := s.find(r)
	if to.authenticates && clientauth.Anonymous(r) {
		to.ServeHTTP(w, r)
		return
	}
	slot, ok := s.slots.Acquire(sender{peer.SourceKey(s.peers.Source(r)), to.gatewayID})
	if !ok {
		s.shed()
		httpx.Unavailable(w, retryAfter)
		return
	}
	defer slot.Release()
	to.ServeHTTP(w, r)
}

func (s *routes) find(r *http.Request) target {
	snapshot := s.state.Snapshot()
	hasHost := httpx.HasHost(r)
	if path, ok := notification.ParsePath(r.URL.EscapedPath()); ok {
		if !hasHost {
			return target{Handler: badHost}
		}
		if g := snapshot.Gateway(r.Host, path.GatewayID); g != nil {
			return target{Handler: s.notification, gatewayID: g.GatewayID}
		}
		return target{Handler: s.notification}
	}
	path, ok := httpx.PlainPath(r.URL)
	switch {
	case !hasHost:
		return target{Handler: badRequest}
	case !ok:
		return target{Handler: nowhere}
	case snapshot.IsTokenPath(r.Host, path):
		return target{Handler: s.token, authenticates: true}
	case discovery.IsPath(path):
		return target{Handler: s.discovery}
	case introspection.IsPath(path):
		return target{Handler: s.introspection, authenticates: true}
	case revocation.IsPath(path):
		return target{Handler: s.revocation, authenticates: true}
	case !s.state.Synced() || snapshot.Incomplete() && r.Method == http.MethodPost:
		return target{Handler: notYet} // it may be the token endpoint of a document that is not served yet
	default:
		return target{Handler: nowhere}
	}
}

var (
	// badHost and badRequest refuse a host that is none (RFC 9112 section 3.2), in the words of each endpoint.
	badHost    = refusal(`{"errorCode":"FIELD_INVALID_FORMAT","error":"host"}`)
	badRequest = refusal(`{"error":"invalid_request","errorCode":"FIELD_INVALID_FORMAT"}`)

	nowhere = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { httpx.WriteEmpty(w, http.StatusNotFound) })
	notYet  = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { httpx.Unavailable(w, retryAfter) })
)

func refusal(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		httpx.NoStore(w.Header())
		httpx.WriteJSON(w, http.StatusBadRequest, []byte(body))
	})
}
