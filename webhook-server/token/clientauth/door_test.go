package clientauth_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// door is an Authenticator for the token endpoints of a world, with a clock, a source and a client certificate that a test sets.
type door struct {
	*fixture.World
	t   *testing.T
	now time.Time
	// source is where requests come from, asked how often the Authenticator has asked for it.
	source string
	asked  int
	// certificate is that of the connection when the gateway accepts it; nil when there is none.
	certificate *x509.Certificate
	// askedOf is the gateway that was asked last whether it accepts the certificate.
	askedOf string
	// matching is the rule that means the certificate.
	matching string
	log      *bytes.Buffer
	answers  *bytes.Buffer // all that was answered
	// What the Authenticator told its observer.
	authenticated []string // credential ids
	reasons       []clientauth.Reason
	blamed        []*serving.Client

	clients *clientauth.Authenticator
}

func newDoor(t *testing.T, change ...func(*clientauth.Options)) *door {
	t.Helper()
	d := &door{World: fixture.New(t), t: t, now: fixture.Now(), source: "192.0.2.1", matching: "CN=d1-out", log: new(bytes.Buffer), answers: new(bytes.Buffer)}
	d.clients = d.Authenticator(append([]func(*clientauth.Options){func(o *clientauth.Options) {
		o.Now = func() time.Time { return d.now }
		o.Source = func(*http.Request) netip.Addr {
			d.asked++
			return netip.MustParseAddr(d.source)
		}
		o.Certificate = func(_ *http.Request, g *serving.Gateway) (*x509.Certificate, error) {
			d.askedOf = g.GatewayID
			if d.certificate == nil {
				return nil, errors.New("the connection has no client certificate")
			}
			return d.certificate, nil
		}
		o.Matches = func(c *x509.Certificate, rules api.CertificateRules) error {
			if c != d.certificate || len(rules.Subjects) != 1 || rules.Subjects[0] != d.matching {
				return errors.New("its subject is not listed")
			}
			return nil
		}
		o.Observer = d
		o.Logger = slog.New(slog.NewJSONHandler(d.log, nil))
	}}, change...)...)
	return d
}

// run is a subtest that goes on with the same door.
func (d *door) run(name string, test func(t *testing.T)) {
	outer := d.t
	defer func() { d.t = outer }()
	outer.Run(name, func(t *testing.T) {
		d.t = t
		test(t)
	})
}

// Authenticated keeps what it is told.
func (d *door) Authenticated(_ *serving.Client, credentialID string, _ time.Time) {
	d.authenticated = append(d.authenticated, credentialID)
}

// AuthenticationFailed keeps what it is told.
func (d *door) AuthenticationFailed(client *serving.Client, reason clientauth.Reason) {
	d.reasons, d.blamed = append(d.reasons, reason), append(d.blamed, client)
}

// request is what a client sends; the zero values mean any host, the Ecom path, no Authorization and a form.
type request struct {
	host          string
	path          string
	authorization []string
	contentType   string
	form          url.Values
	body          string // instead of form
}

// basic is a request of a client that sends id and secret as they are.
func basic(id, secret string) request {
	return request{authorization: []string{fixture.BasicAuthorization(id, secret)}, form: url.Values{"grant_type": {"client_credentials"}}}
}

// post is a request with these form parameters, names and values in turn.
func post(parameters ...string) request {
	form := url.Values{"grant_type": {"client_credentials"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Add(parameters[i], parameters[i+1])
	}
	return request{form: form}
}

func (r request) build() *http.Request {
	if r.path == "" {
		r.path = fixture.TokenPath
	}
	if r.contentType == "" {
		r.contentType = "application/x-www-form-urlencoded"
	}
	if r.body == "" {
		r.body = r.form.Encode()
	}
	out := httptest.NewRequest(http.MethodPost, r.path, strings.NewReader(r.body))
	if r.host != "" {
		out.Host = r.host
	}
	out.Header.Set("Content-Type", r.contentType)
	if r.authorization != nil {
		out.Header["Authorization"] = r.authorization
	}
	return out
}

// find answers the client at a token endpoint, as the token endpoint's handler does.
func find(r *http.Request) clientauth.Finder {
	path, _ := httpx.PlainPath(r.URL)
	return func(s *serving.Snapshot, id string) *serving.Client {
		return s.Client(r.Host, path, id)
	}
}

// knock authenticates a request.
func (d *door) knock(r request) (clientauth.Authenticated, clientauth.Outcome) {
	d.t.Helper()
	in, w := r.build(), httptest.NewRecorder()
	who, refusal := d.clients.Authenticate(w, in, find(in))
	if refusal != "" {
		clientauth.WriteRefusal(w, refusal, 2*time.Second)
		_ = w.Header().Write(d.answers)
		d.answers.Write(w.Body.Bytes())
	}
	return who, refusal
}

// wantIn expects the client of the world to have authenticated by that method.
func (d *door) wantIn(r request, method api.AuthMethod) clientauth.Authenticated {
	d.t.Helper()
	who, refusal := d.knock(r)
	if refusal != "" || who.Client == nil || who.Client.ClientID != d.Client.ClientID || who.Method != method {
		d.t.Fatalf("refused with %q (%v) or another client: %+v\n%s", refusal, d.reasons, who, d.log)
	}
	if who.Snapshot != d.Snapshot() || !who.At.Equal(d.now) || who.CredentialID != d.authenticated[len(d.authenticated)-1] {
		d.t.Errorf("authenticated as %+v", who)
	}
	return who
}

// wantRefused expects a refusal without anybody having authenticated; the reason is the one that is counted last, empty for none.
func (d *door) wantRefused(r request, want clientauth.Outcome, reason clientauth.Reason) {
	d.t.Helper()
	before, counted := len(d.authenticated), len(d.reasons)
	who, refusal := d.knock(r)
	if refusal != want || who.Client != nil || len(d.authenticated) != before {
		d.t.Fatalf("got %q and %+v, want %q", refusal, who, want)
	}
	switch {
	case reason == "" && len(d.reasons) != counted:
		d.t.Errorf("counted %q", d.reasons[counted:])
	case reason != "" && (len(d.reasons) != counted+1 || d.reasons[counted] != reason):
		d.t.Errorf("counted %q, want %q", d.reasons[counted:], reason)
	}
}

// breakADocument leaves a document that cannot be served: the client that nobody knows may be in it.
func (d *door) breakADocument() {
	d.State.Apply([]serving.Update{{Object: "client." + fixture.Namespace + ".broken", Data: []byte("{")}})
}
