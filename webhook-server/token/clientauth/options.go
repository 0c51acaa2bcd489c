package clientauth

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Observer learns of authentications, for metrics, the audit line and the time a credential was last used. Its methods are called
// on the request's goroutine and must not block.
type Observer interface {
	// Authenticated is called for each client that has proved who it is, also when the rest of the request is refused afterwards.
	Authenticated(client *serving.Client, credentialID string, at time.Time)
	// AuthenticationFailed is called for each request that has not. The client is nil when none of that id exists, and for TooMany.
	AuthenticationFailed(client *serving.Client, reason Reason)
}

// Options is what an Authenticator needs. All fields must be set, except that zero durations have the meaning given.
type Options struct {
	Snapshot func() *serving.Snapshot
	// Ready says whether the serving documents have been read in full: before that an unknown client may only be unknown yet.
	Ready func() bool
	// Source answers the key that limits count a request's source by: two requests have the same key when they come from one source, so
	// that of IPv6 it is not the whole address (peer.SourceKey of peer.Resolver.Source). It is asked once for each request, and logged.
	Source func(*http.Request) netip.Addr
	// Certificate answers the request's client certificate when the gateway accepts it, else an error that may be logged.
	Certificate func(*http.Request, *serving.Gateway) (*x509.Certificate, error)
	// Matches answers nil when the rules mean the certificate.
	Matches func(*x509.Certificate, api.CertificateRules) error
	// Anonymous has a slot for each request at once whose body is read and looked at before anybody is known to have sent it: those
	// that the function Anonymous means. They are shared out by Source; a request that finds none is Overloaded.
	Anonymous *httpx.Fair[netip.Addr]
	Now       func() time.Time
	Observer  Observer
	Logger    *slog.Logger
	// BodyTimeout bounds the reading of the body of a client that has authenticated, AnonymousBodyTimeout that of an anonymous request;
	// 0 leaves it to the server's deadlines.
	BodyTimeout, AnonymousBodyTimeout time.Duration
}

// Anonymous says whether a request presents nothing before its body: who sends it can only be told when that has been read.
func Anonymous(r *http.Request) bool { return len(r.Header["Authorization"]) == 0 }
