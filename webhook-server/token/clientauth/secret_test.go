package clientauth_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// allowing is a door where the client's secret is good for these methods.
func allowing(t *testing.T, methods ...api.AuthMethod) *door {
	t.Helper()
	d := newDoor(t)
	d.Gateway.AuthMethods = methods
	d.Publish()
	return d
}

func TestClientSecretPost(t *testing.T) {
	for name, c := range map[string]struct {
		secret, body string
		reason       clientauth.Reason // empty when it is good
	}{
		"plain":                              {"123", "client_id=is_tbank01&client_secret=123", ""},
		"the secret first":                   {"123", "client_secret=123&grant_type=client_credentials&client_id=is_tbank01", ""},
		"with escapes":                       {"a:b c%41&=+\u00e8", "client_id=is%5Ftbank01&client_secret=a%3Ab+c%2541%26%3D%2B%C3%A8", ""},
		"escapes are decoded once only":      {"a%41", "client_id=is_tbank01&client_secret=a%41", clientauth.WrongSecret},
		"a plus means a space":               {"a+b", "client_id=is_tbank01&client_secret=a+b", clientauth.WrongSecret},
		"an empty assertion is none":         {"123", "client_id=is_tbank01&client_secret=123&client_assertion=&client_assertion_type=", ""},
		"a wrong secret":                     {"123", "client_id=is_tbank01&client_secret=124", clientauth.WrongSecret},
		"another letter case":                {"abc", "client_id=is_tbank01&client_secret=ABC", clientauth.WrongSecret},
		"an unknown client":                  {"123", "client_id=nobody&client_secret=123", clientauth.UnknownClient},
		"client_id missing":                  {"123", "client_secret=123", clientauth.UnknownClient},
		"client_id empty":                    {"123", "client_id=&client_secret=123", clientauth.UnknownClient},
		"an empty secret":                    {"123", "client_id=is_tbank01&client_secret=", clientauth.MethodNotAllowed},
		"no credentials":                     {"123", "grant_type=client_credentials", clientauth.NoCredentials},
		"an empty body":                      {"123", " ", clientauth.NoCredentials},
		"a secret repeated":                  {"123", "client_id=is_tbank01&client_secret=123&client_secret=123", clientauth.NoCredentials},
		"a secret repeated without a value":  {"123", "client_id=is_tbank01&client_secret=123&client_secret=", clientauth.NoCredentials},
		"client_id repeated":                 {"123", "client_id=is_tbank01&client_id=is_tbank01&client_secret=123", clientauth.NoCredentials},
		"names in another letter case":       {"123", "Client_Id=is_tbank01&Client_Secret=123", clientauth.NoCredentials},
		"malformed, the rest would be right": {"123", "client_id=is_tbank01&client_secret=123&x=%zz", clientauth.NoCredentials},
		"over 8 KiB, the rest would be right": {
			"123", "client_id=is_tbank01&client_secret=123&x=" + strings.Repeat("y", clientauth.MaxBodyBytes), clientauth.NoCredentials,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			d.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretPost}
			d.Client.Credentials[0] = fixture.Credential("first", c.secret, fixture.Now())
			d.Publish()
			if r := (request{body: c.body}); c.reason == "" {
				d.wantIn(r, api.ClientSecretPost)
			} else {
				d.wantRefused(r, clientauth.BadClient, c.reason)
			}
		})
	}
}

func TestClientSecretPostInTheQueryOrOfAnotherMediaTypeIsNone(t *testing.T) {
	d := allowing(t, api.ClientSecretPost)
	const right = "client_id=is_tbank01&client_secret=123"
	for name, r := range map[string]request{
		"in the query": {path: fixture.TokenPath + "?" + right},
		"as text":      {body: right, contentType: "text/plain"},
		"as JSON":      {body: `{"client_id":"is_tbank01","client_secret":"123"}`, contentType: "application/json"},
	} {
		d.run(name, func(*testing.T) { d.wantRefused(r, clientauth.BadClient, clientauth.NoCredentials) })
	}
	d.wantIn(request{body: right, path: fixture.TokenPath + "?client_secret=other&client_id=other"}, api.ClientSecretPost)
}

func TestARotatedSecretIsGoodUntilItExpires(t *testing.T) {
	d := newDoor(t)
	old := d.Client.Credentials[0]
	old.ExpiresAt = fixture.Now().Add(time.Hour)
	d.Client.Credentials = append([]api.Credential{fixture.Credential("second", "new", fixture.Now())}, old)
	d.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost}
	d.Publish()
	oldPost := post("client_id", fixture.ClientID, "client_secret", fixture.ClientSecret)
	d.wantIn(basic(fixture.ClientID, "new"), api.ClientSecretBasic)
	d.wantIn(basic(fixture.ClientID, fixture.ClientSecret), api.ClientSecretBasic)
	d.now = old.ExpiresAt.Add(-time.Second)
	d.wantIn(oldPost, api.ClientSecretPost)
	if !slices.Equal(d.authenticated, []string{"second", "first", "first"}) {
		t.Errorf("credentials used: %v", d.authenticated)
	}
	d.now = old.ExpiresAt
	d.wantRefused(oldPost, clientauth.BadClient, clientauth.ExpiredSecret)
	d.wantRefused(basic(fixture.ClientID, fixture.ClientSecret), clientauth.BadClient, clientauth.ExpiredSecret)
	d.wantIn(basic(fixture.ClientID, "new"), api.ClientSecretBasic)
}

// One method for each request (RFC 6749 section 2.3); a client_id beside Basic is none.
func TestABasicClientAndWhatStandsInItsBody(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want clientauth.Outcome
	}{
		"the client's own id":                            {"grant_type=client_credentials&client_id=is_tbank01", ""},
		"an empty id":                                    {"grant_type=client_credentials&client_id=", ""},
		"another client's id":                            {"grant_type=client_credentials&client_id=other", clientauth.BadRequest},
		"client_id repeated":                             {"grant_type=client_credentials&client_id=is_tbank01&client_id=is_tbank01", clientauth.BadRequest},
		"both Basic and body credentials":                {"grant_type=client_credentials&client_id=is_tbank01&client_secret=123", clientauth.BadRequest},
		"both Basic and a secret alone":                  {"grant_type=client_credentials&client_secret=123", clientauth.BadRequest},
		"both Basic and a wrong secret":                  {"grant_type=client_credentials&client_secret=x", clientauth.BadRequest},
		"both Basic and an assertion":                    {"grant_type=client_credentials&client_assertion=x", clientauth.BadRequest},
		"both Basic and an assertion type":               {"grant_type=client_credentials&client_assertion_type=x", clientauth.BadRequest},
		"a secret without a value is none":               {"grant_type=client_credentials&client_secret=", ""},
		"a secret repeated, the first without a value":   {"grant_type=client_credentials&client_secret=&client_secret=123", clientauth.BadRequest},
		"a secret repeated, both without a value":        {"grant_type=client_credentials&client_secret=&client_secret=", clientauth.BadRequest},
		"a malformed form":                               {"grant_type=client_credentials&x=%zz", clientauth.BadRequest},
		"an assertion repeated, first without its value": {"client_assertion=&client_assertion=x", clientauth.BadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			r := basic(fixture.ClientID, fixture.ClientSecret)
			r.body = c.body
			who, refusal := d.knock(r)
			if refusal != c.want || who.Client == nil || len(d.authenticated) != 1 || len(d.reasons) != 0 {
				t.Errorf("got %q, client %v, counted %v", refusal, who.Client, d.reasons)
			}
		})
	}
}

func TestWhoUsesTwoMethodsInTheBodyIsToldSo(t *testing.T) {
	d := allowing(t, api.ClientSecretBasic, api.ClientSecretPost, api.PrivateKeyJWT)
	for name, r := range map[string]request{
		"a secret and an assertion":       post("client_id", fixture.ClientID, "client_secret", "123", "client_assertion", "x", "client_assertion_type", assertionType),
		"a secret and an assertion alone": post("client_id", fixture.ClientID, "client_secret", "123", "client_assertion", "x"),
		"a secret and an assertion type":  post("client_id", fixture.ClientID, "client_secret", "123", "client_assertion_type", assertionType),
	} {
		d.run(name, func(*testing.T) { d.wantRefused(r, clientauth.BadRequest, "") })
	}
}

func TestAuthenticationComesBeforeTheRest(t *testing.T) {
	d := allowing(t, api.ClientSecretBasic, api.ClientSecretPost)
	for name, change := range map[string]func(*request){
		"a malformed body":         func(r *request) { r.body = "%zz" },
		"another media type":       func(r *request) { r.contentType = "text/plain" },
		"a body over 8 KiB":        func(r *request) { r.body = strings.Repeat("x", clientauth.MaxBodyBytes+1) },
		"credentials in the body":  func(r *request) { r.body = "client_id=is_tbank01&client_secret=123" },
		"another client's id":      func(r *request) { r.body = "client_id=other" },
		"repeated body parameters": func(r *request) { r.body = "client_secret=1&client_secret=2" },
	} {
		d.run("a wrong secret and "+name, func(*testing.T) {
			r := basic(fixture.ClientID, "wrong")
			change(&r)
			d.wantRefused(r, clientauth.BadClient, clientauth.WrongSecret)
		})
	}
	twice := basic(fixture.ClientID, fixture.ClientSecret)
	twice.authorization = append(twice.authorization, twice.authorization...)
	d.wantRefused(twice, clientauth.BadRequest, "")
}

// However unreadable the Authorization value is, a secret in the body does not stand in for it.
func TestAnAuthorizationThatCannotBeReadIsNotOverlooked(t *testing.T) {
	d := allowing(t, api.ClientSecretBasic, api.ClientSecretPost)
	for _, authorization := range []string{"", "Basic", "Basic !", "Bearer x", "Negotiate abc=", "is_tbank01:123"} {
		r := post("client_id", fixture.ClientID, "client_secret", fixture.ClientSecret)
		r.authorization = []string{authorization}
		d.wantRefused(r, clientauth.BadClient, clientauth.NoCredentials)
	}
}

func TestNotReadyOrIncompleteIsNoVerdict(t *testing.T) {
	ready := false
	d := newDoor(t, func(o *clientauth.Options) { o.Ready = func() bool { return ready } })
	d.wantRefused(basic(fixture.ClientID, fixture.ClientSecret), clientauth.NotReady, "")
	ready = true
	d.wantIn(basic(fixture.ClientID, fixture.ClientSecret), api.ClientSecretBasic)
	d.breakADocument()
	d.wantRefused(basic("nobody", "x"), clientauth.NotReady, clientauth.UnknownClient)
	d.wantRefused(basic(fixture.ClientID, "x"), clientauth.BadClient, clientauth.WrongSecret)
}
