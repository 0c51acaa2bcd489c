package clientauth

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// MaxBodyBytes bounds the form body of every endpoint; a body of exactly this size passes.
const MaxBodyBytes = 8 << 10

// Observer learns of authentications, for metrics, the audit line and the time a credential was last used. Its methods are called
// on the request's goroutine and must not block.
type Observer interface {
	// Authenticated is called for each client that has proved who it is, also when the rest of the request is refused afterwards.
	Authenticated(client *serving.Client, credentialID string, at time.Time)
	// AuthenticationFailed is called for each request that has not. The client is nil when none of that id exists.
	AuthenticationFailed(client *serving.Client, reason Reason)
}

// Options is what an Authenticator needs. All fields must be set, except that zero durations have the meaning given.
type Options struct {
	Snapshot func() *serving.Snapshot
	// Ready says whether the serving documents have been read in full: before that an unknown client may only be unknown yet.
	Ready func() bool
	// Source answers where a request comes from, for the limit of failures.
	Source func(*http.Request) netip.Addr
	// Certificate answers the request's client certificate when the gateway accepts it, else an error that may be logged.
	Certificate func(*http.Request, *serving.Gateway) (*x509.Certificate, error)
	// Matches answers nil when the rules mean the certificate.
	Matches  func(*x509.Certificate, api.CertificateRules) error
	Now      func() time.Time
	Observer Observer
	Logger   *slog.Logger
	// BodyTimeout bounds the reading of a body; 0 leaves it to the server's deadlines.
	BodyTimeout time.Duration
}

// Authenticator authenticates clients. It may be used by many goroutines at once.
type Authenticator struct {
	Options
	decoy    decoy
	parser   *jwt.Parser // of assertions
	failures *failures
	replays  *replays
}

// New makes an Authenticator.
func New(o Options) *Authenticator {
	return &Authenticator{Options: o, decoy: newDecoy(), parser: newAssertionParser(), failures: newFailures(rememberedFailures), replays: newReplays(rememberedAssertions)}
}

// Finder answers the client with an id at the endpoint that was called, or nil.
type Finder func(s *serving.Snapshot, clientID string) *serving.Client

// Authenticated is a client that has proved who it is, and the rest of what it sent.
type Authenticated struct {
	Client       *serving.Client
	CredentialID string
	Method       api.AuthMethod
	// Form is the whole body.
	Form httpx.Form
	// Snapshot is the one that the client is of, At the time by which it was live.
	Snapshot *serving.Snapshot
	At       time.Time
}

// attempt is one request on its way.
type attempt struct {
	request  *http.Request
	find     Finder
	snapshot *serving.Snapshot
	now      time.Time
}

// Authenticate answers the client of a request, or the refusal. Who the client is comes before any look at the rest of what it sent, as
// far as the method of authentication allows: Basic is checked with the body unread.
func (a *Authenticator) Authenticate(w http.ResponseWriter, r *http.Request, find Finder) (Authenticated, Refusal) {
	if !a.Ready() {
		return Authenticated{}, NotReady
	}
	authorization, lines := httpx.Single(r.Header, "Authorization")
	if lines > 1 {
		return Authenticated{}, BadRequest
	}
	t := attempt{request: r, find: find, snapshot: a.Snapshot(), now: a.Now()}
	if lines == 0 {
		return a.byForm(w, t)
	}
	who, refusal := a.bySecret(t, api.ClientSecretBasic, parseBasic(authorization))
	if refusal != "" {
		return who, refusal
	}
	who.Form, refusal = a.readForm(w, r)
	if refusal == "" && !loneMethod(who.Form, who.Client.ClientID) {
		refusal = BadRequest
	}
	return who, refusal
}

// byForm authenticates by what stands in the body: a secret, an assertion, or a client_id alone that goes with the connection's certificate.
func (a *Authenticator) byForm(w http.ResponseWriter, t attempt) (Authenticated, Refusal) {
	form, refusal := a.readForm(w, t.request)
	if refusal == BadRequest {
		return a.refuse(t, failure{reason: NoCredentials}) // nobody has authenticated, whatever else is wrong
	}
	if refusal != "" {
		return Authenticated{}, refusal
	}
	who, refusal := a.byParameters(t, form)
	who.Form = form
	return who, refusal
}

func (a *Authenticator) byParameters(t attempt, form httpx.Form) (Authenticated, Refusal) {
	id, ids := form.Get("client_id")
	secret, secrets := form.Get("client_secret")
	assertion, assertions := form.Get("client_assertion")
	kind, kinds := form.Get("client_assertion_type")
	switch {
	case ids > 1 || secrets > 1 || assertions > 1 || kinds > 1:
		return a.refuse(t, failure{reason: NoCredentials})
	case secret != "" && (assertion != "" || kind != ""):
		return Authenticated{}, BadRequest // more than one method (RFC 6749 section 5.2)
	case secret != "":
		return a.bySecret(t, api.ClientSecretPost, []pair{{id, secret}})
	case assertion != "" || kind != "":
		return a.byAssertion(t, id, kind, assertion)
	case id != "":
		return a.byCertificate(t, id)
	default:
		return a.refuse(t, failure{reason: NoCredentials})
	}
}

// refuse answers a failure that no client is blamed for.
func (a *Authenticator) refuse(t attempt, why failure) (Authenticated, Refusal) {
	a.Observer.AuthenticationFailed(why.client, why.reason)
	var client, gateway string
	if why.client != nil {
		client, gateway = why.client.ClientID, why.client.Gateway.GatewayID
	}
	// The client is named only when there is one: an id that nobody knows may be a secret in the wrong place. The line has the same
	// attributes either way, so that writing it does not take longer for one.
	a.Logger.LogAttrs(t.request.Context(), slog.LevelInfo, "client authentication failed",
		slog.String("reason", string(why.reason)), slog.String("client", client), slog.String("gateway", gateway), slog.String("detail", why.detail),
		slog.Any("source", a.Source(t.request)))
	return Authenticated{}, BadClient
}

// fail answers a failure and counts it against the client id and the source.
func (a *Authenticator) fail(t attempt, suspect suspect, why failure) (Authenticated, Refusal) {
	if a.failures.add(suspect, t.now) {
		a.Logger.LogAttrs(t.request.Context(), slog.LevelWarn, "too many failed authentications of one client from one source, answering 503 for a while",
			slog.Any("source", a.Source(t.request)))
	}
	_, refusal := a.refuse(t, why)
	if why.client == nil && t.snapshot.Incomplete() {
		return Authenticated{}, NotReady // it may be the client of a document that cannot be served yet
	}
	return Authenticated{}, refusal
}

// suspect answers whom failures of the id are counted against, and false when there have been too many.
func (a *Authenticator) suspect(t attempt, clientID string) (suspect, bool) {
	s := a.failures.suspect(clientID, a.Source(t.request))
	if a.failures.tooMany(s, t.now) {
		a.Observer.AuthenticationFailed(nil, TooMany)
		return s, false
	}
	return s, true
}

func (a *Authenticator) succeed(t attempt, client *serving.Client, method api.AuthMethod, credentialID string) (Authenticated, Refusal) {
	a.Observer.Authenticated(client, credentialID, t.now)
	a.Logger.LogAttrs(t.request.Context(), slog.LevelInfo, "client authenticated", slog.String("client", client.ClientID),
		slog.String("gateway", client.Gateway.GatewayID), slog.String("credential", credentialID), slog.String("method", string(method)), slog.Any("source", a.Source(t.request)))
	return Authenticated{Client: client, CredentialID: credentialID, Method: method, Snapshot: t.snapshot, At: t.now}, ""
}
