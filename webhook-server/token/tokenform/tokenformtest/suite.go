package tokenformtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform"
)

// Run tests that the endpoint authenticates and refuses as the token endpoint does. A good request about no token must be answered 200.
func Run(t *testing.T, path string, newHandler Make) {
	t.Run("it answers a client of the gateway", func(t *testing.T) { answers(t, path, newHandler) })
	t.Run("what it refuses", func(t *testing.T) { refuses(t, path, newHandler) })
	t.Run("what may be there later", func(t *testing.T) { waits(t, path, newHandler) })
	t.Run("a panic is answered 503", func(t *testing.T) { panics(t, path, newHandler) })
	t.Run("a client that asks too often with a wrong secret is answered 503", func(t *testing.T) {
		e := New(t, path, newHandler)
		r := e.Asking("x")
		r.Authorization = []string{fixture.BasicAuthorization(fixture.ClientID, "wrong")}
		for range 200 {
			if e.Send(r).Status == http.StatusServiceUnavailable {
				e.wantObserved(clientauth.TooManyFailures, "")
				return
			}
		}
		t.Error("200 wrong secrets were looked at")
	})
}

// answers tests what lies around a token that is none.
func answers(t *testing.T, path string, newHandler Make) {
	for name, change := range map[string]func(*Endpoint, *Request){
		"Basic":                                     func(*Endpoint, *Request) {},
		"a token that is no text":                   func(_ *Endpoint, r *Request) { r.Body = "token=%00%ff" },
		"a token that is longer than any":           func(_ *Endpoint, r *Request) { r.Body = "token=" + strings.Repeat("a", 8000) },
		"a token_type_hint":                         func(_ *Endpoint, r *Request) { r.Body += "&token_type_hint=access_token" },
		"a token_type_hint nobody knows":            func(_ *Endpoint, r *Request) { r.Body += "&token_type_hint=pacs008" },
		"unknown parameters":                        func(_ *Endpoint, r *Request) { r.Body += "&foo=bar&foo=baz" },
		"the client's id beside Basic":              func(_ *Endpoint, r *Request) { r.Body += "&client_id=" + fixture.ClientID },
		"a query":                                   func(_ *Endpoint, r *Request) { r.Path += "?token=y&client_secret=z" },
		"an escaped letter in the path":             func(_ *Endpoint, r *Request) { r.Path = strings.Replace(r.Path, "oauth2", "o%61uth2", 1) },
		"one of the gateway's hosts, and a port":    func(e *Endpoint, r *Request) { e.hosts("d1.acme.example"); r.Host = "D1.acme.example:8443" },
		"a secret in the body, where it is allowed": withSecretInTheBody,
	} {
		t.Run(name, func(t *testing.T) {
			e := New(t, path, newHandler)
			r := e.Asking("x")
			change(e, &r)
			if got := e.Send(r); got.Status != http.StatusOK {
				t.Errorf("answered %d %s", got.Status, got.Body)
			}
			if _, client := e.Observer.Last(); client != fixture.ClientID {
				t.Errorf("observed client %q", client)
			}
		})
	}
}

func withSecretInTheBody(e *Endpoint, r *Request) {
	e.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost}
	e.Publish()
	r.Authorization = nil
	r.Body += "&client_id=" + fixture.ClientID + "&client_secret=" + fixture.ClientSecret
}

func (e *Endpoint) hosts(names ...string) {
	e.Gateway.Hostnames = names
	e.Publish()
}

const (
	invalidClient  = `{"error":"invalid_client"}`
	invalidRequest = `{"error":"invalid_request","errorCode":"FIELD_INVALID_FORMAT"}`
)

func refuses(t *testing.T, path string, newHandler Make) {
	other := "/merchant-gateways/MGW_000002" + path
	for name, c := range map[string]struct {
		status  int
		body    string
		outcome tokenform.Outcome
		client  string
		change  func(*Endpoint, *Request)
	}{
		"no token":                {400, invalidRequest, clientauth.BadRequest, fixture.ClientID, func(_ *Endpoint, r *Request) { r.Body = "x=y" }},
		"an empty token":          {400, invalidRequest, clientauth.BadRequest, fixture.ClientID, func(_ *Endpoint, r *Request) { r.Body = "token=" }},
		"a repeated token":        {400, invalidRequest, clientauth.BadRequest, fixture.ClientID, func(_ *Endpoint, r *Request) { r.Body += "&" + r.Body }},
		"a token in the query":    {400, invalidRequest, clientauth.BadRequest, fixture.ClientID, func(_ *Endpoint, r *Request) { r.Path += "?" + r.Body; r.Body = "" }},
		"a malformed form":        {400, invalidRequest, clientauth.BadRequest, fixture.ClientID, func(_ *Endpoint, r *Request) { r.Body += "&x=%" }},
		"wrong media type":        {400, invalidRequest, clientauth.BadRequest, fixture.ClientID, func(_ *Endpoint, r *Request) { r.ContentType = "application/json" }},
		"two Authorization lines": {400, invalidRequest, clientauth.BadRequest, "", func(_ *Endpoint, r *Request) { r.Authorization = []string{fixture.Basic, fixture.Basic} }},
		"no Authorization":        {401, invalidClient, clientauth.BadClient, "", func(_ *Endpoint, r *Request) { r.Authorization = nil }},
		"a bearer token":          {401, invalidClient, clientauth.BadClient, "", func(e *Endpoint, r *Request) { r.Authorization = []string{"Bearer " + e.Issue(e.World, "")} }},
		"a wrong secret": {401, invalidClient, clientauth.BadClient, "", func(_ *Endpoint, r *Request) {
			r.Authorization = []string{fixture.BasicAuthorization(fixture.ClientID, "x")}
		}},
		"an unknown client":                 {401, invalidClient, clientauth.BadClient, "", func(_ *Endpoint, r *Request) { r.Authorization = []string{fixture.BasicAuthorization("nobody", "x")} }},
		"a suspended client":                {401, invalidClient, clientauth.BadClient, "", func(e *Endpoint, _ *Request) { e.Client.Suspended = true; e.Publish() }},
		"another gateway's client":          {401, invalidClient, clientauth.BadClient, "", func(e *Endpoint, r *Request) { e.Another("globex", "MGW_000002", "is_tbank02"); r.Path = other }},
		"GET":                               {405, "", tokenform.MethodNotAllowed, "", func(_ *Endpoint, r *Request) { r.Method = "GET"; r.Body = "" }},
		"HEAD":                              {405, "", tokenform.MethodNotAllowed, "", func(_ *Endpoint, r *Request) { r.Method = "HEAD"; r.Body = "" }},
		"a method in lower case":            {405, "", tokenform.MethodNotAllowed, "", func(_ *Endpoint, r *Request) { r.Method = "post" }},
		"an unknown gateway":                {404, "", tokenform.NotFound, "", func(_ *Endpoint, r *Request) { r.Path = other }},
		"another host":                      {404, "", tokenform.NotFound, "", func(e *Endpoint, r *Request) { e.hosts("d1.acme.example"); r.Host = "d1.globex.example" }},
		"a slash at the end":                {404, "", tokenform.NotFound, "", func(_ *Endpoint, r *Request) { r.Path += "/" }},
		"an escaped slash":                  {404, "", tokenform.NotFound, "", func(_ *Endpoint, r *Request) { r.Path = strings.Replace(r.Path, "/oauth2/", "/oauth2%2F", 1) }},
		"a prefix that is not the issuer's": {404, "", tokenform.NotFound, "", func(_ *Endpoint, r *Request) { r.Path = "/d1" + r.Path }},
		"a gateway without OAuth":           {404, "", tokenform.NotFound, "", withoutOAuth},
		"a gateway without OAuth, while another document cannot be served": {404, "", tokenform.NotFound, "", func(e *Endpoint, r *Request) {
			withoutOAuth(e, r)
			e.State.Apply([]serving.Update{{Object: "client." + fixture.Namespace + ".broken", Data: []byte("{")}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := New(t, path, newHandler)
			r := e.Asking("x")
			c.change(e, &r)
			got := e.Send(r)
			if got.Status != c.status || got.Body != c.body {
				t.Errorf("answered %d %q, want %d %q", got.Status, got.Body, c.status, c.body)
			}
			if challenge := got.Header.Get("WWW-Authenticate"); (challenge == `Basic realm="d1", charset="UTF-8"`) != (c.status == 401) {
				t.Errorf("WWW-Authenticate is %q with %d", challenge, c.status)
			}
			if allow := got.Header.Get("Allow"); (allow == "POST") != (c.status == 405) {
				t.Errorf("Allow is %q with %d", allow, c.status)
			}
			e.wantObserved(c.outcome, c.client)
		})
	}
}

func withoutOAuth(e *Endpoint, _ *Request) {
	e.Secrets.CABundles = []api.CABundle{{ID: "ca-1", PEM: fixture.CABundle(e.T)}}
	e.Gateway.ClientCertificate = &api.ClientCertificate{CABundle: "ca-1"}
	e.Gateway.OAuthDisabled = true
	e.Publish()
}

func waits(t *testing.T, path string, newHandler Make) {
	for name, change := range map[string]func(*Endpoint){
		"nothing has been read": func(e *Endpoint) {
			s := new(serving.Snapshot)
			e.Clients.Snapshot, e.Clients.Ready = func() *serving.Snapshot { return s }, func() bool { return false }
		},
		"it is still being read": func(e *Endpoint) { e.Clients.Ready = func() bool { return false } },
		"the gateway is in a document that cannot be served": func(e *Endpoint) {
			e.Delete(e.Gateway)
			e.State.Apply([]serving.Update{{Object: e.Gateway.ObjectName(), Data: []byte("{")}})
		},
		"the client is in a document that cannot be served": func(e *Endpoint) {
			e.Delete(e.Client)
			e.State.Apply([]serving.Update{{Object: e.Client.ObjectName(), Data: []byte("{")}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := New(t, path, newHandler, change)
			e.WantUnavailable(e.Send(e.Asking("x")))
			e.wantObserved(clientauth.NotReady, "")
		})
	}
}

func panics(t *testing.T, path string, newHandler Make) {
	e := New(t, path, newHandler, func(e *Endpoint) { e.Clients.Now = func() time.Time { panic("a secret value") } })
	e.WantUnavailable(e.Send(e.Asking("x")))
	e.wantObserved(tokenform.Failed, "")
	if logged := e.Log.String(); !strings.Contains(logged, `"level":"ERROR"`) || strings.Contains(logged, "a secret value") {
		t.Errorf("logged %s", logged)
	}
}

// WantUnavailable expects S.
func (e *Endpoint) WantUnavailable(got Answer) {
	e.T.Helper()
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "2" || got.Body != "" {
		e.T.Errorf("answered %d %v %q", got.Status, got.Header, got.Body)
	}
}

func (e *Endpoint) wantObserved(outcome tokenform.Outcome, client string) {
	e.T.Helper()
	if o, c := e.Observer.Last(); o != outcome || c != client {
		e.T.Errorf("observed %q of %q, want %q of %q", o, c, outcome, client)
	}
}
