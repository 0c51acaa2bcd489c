package clientauth

import (
	"net/http"
	"net/netip"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Authenticator authenticates clients. It may be used by many goroutines at once.
type Authenticator struct {
	options  Options
	decoy    decoy
	failures *failures
	replays  *replays
}

// New makes an Authenticator.
func New(o Options) *Authenticator {
	return &Authenticator{options: o, decoy: newDecoy(), failures: newFailures(rememberedFailures), replays: newReplays(rememberedAssertions, keptAssertions)}
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
	source   netip.Addr
	snapshot *serving.Snapshot
	finder   Finder
	now      time.Time
}

func (t attempt) find(clientID string) *serving.Client { return t.finder(t.snapshot, clientID) }

// Authenticate answers the client of a request, or the refusal (one of Refusals). Who the client is comes before any look at the rest of
// what it sent, as far as the method of authentication allows: Basic is checked with the body unread.
func (a *Authenticator) Authenticate(w http.ResponseWriter, r *http.Request, find Finder) (Authenticated, Outcome) {
	// Ready comes before Snapshot: else the last documents could come between the two, and an old Snapshot be taken for complete.
	if !a.options.Ready() {
		return Authenticated{}, NotReady
	}
	authorization, lines := httpx.Single(r.Header, "Authorization")
	if lines > 1 {
		return Authenticated{}, BadRequest
	}
	t := attempt{request: r, source: a.options.Source(r), snapshot: a.options.Snapshot(), finder: find, now: a.options.Now()}
	if Anonymous(r) {
		return a.byForm(w, t)
	}
	who, refusal := a.bySecret(t, api.ClientSecretBasic, parseBasic(authorization))
	if refusal != "" {
		return who, refusal
	}
	who.Form, refusal = readForm(w, r, a.options.BodyTimeout)
	if refusal == "" && !loneMethod(who.Form, who.Client.ClientID) {
		refusal = BadRequest
	}
	return who, refusal
}

// byForm authenticates by what stands in the body: a secret, an assertion, or a client_id alone that goes with the connection's certificate.
func (a *Authenticator) byForm(w http.ResponseWriter, t attempt) (Authenticated, Outcome) {
	slot, ok := a.options.Anonymous.Acquire(t.source)
	if !ok {
		return Authenticated{}, Overloaded
	}
	defer slot.Release()
	form, refusal := readForm(w, t.request, a.options.AnonymousBodyTimeout)
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

func (a *Authenticator) byParameters(t attempt, form httpx.Form) (Authenticated, Outcome) {
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
