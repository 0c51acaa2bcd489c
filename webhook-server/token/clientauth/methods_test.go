package clientauth_test

import (
	"crypto/x509"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// methodCase is a client that could authenticate by a method, and a request that does.
type methodCase struct {
	method  api.AuthMethod
	prepare func(t *testing.T, d *door)
	request func(t *testing.T, d *door) request
}

func methodCases(t *testing.T) []methodCase {
	key := fixture.NewClientKey(t, "key", "ES256")
	withSecret := func(*testing.T, *door) {}
	return []methodCase{
		{api.ClientSecretBasic, withSecret, func(*testing.T, *door) request { return basic(fixture.ClientID, fixture.ClientSecret) }},
		{api.ClientSecretPost, withSecret, func(*testing.T, *door) request {
			return post("client_id", fixture.ClientID, "client_secret", fixture.ClientSecret)
		}},
		{api.PrivateKeyJWT, func(_ *testing.T, d *door) { d.UseKeys(key) }, func(t *testing.T, d *door) request {
			return asserting(d.GenuineAssertion(key).Sign(t))
		}},
		{api.TLSClientAuth, func(_ *testing.T, d *door) { d.UseCertificate(api.CertificateRules{Subjects: []string{"CN=d1-out"}}) },
			func(_ *testing.T, d *door) request {
				d.certificate = new(x509.Certificate)
				return post("client_id", fixture.ClientID)
			}},
	}
}

func TestEachMethodWorksWhereTheGatewayAllowsItAndTheClientHasIt(t *testing.T) {
	all := methodCases(t)
	for _, c := range all {
		for _, path := range []string{fixture.TokenPath, fixture.IssuerTokenPath} {
			t.Run(string(c.method)+" at "+path, func(t *testing.T) {
				d := newDoor(t)
				c.prepare(t, d)
				d.Gateway.AuthMethods = []api.AuthMethod{c.method}
				d.Publish()
				r := c.request(t, d)
				r.path = path
				who := d.wantIn(r, c.method)
				if grant, count := who.Form.Get("grant_type"); grant != "client_credentials" || count != 1 {
					t.Errorf("the form is %v", who.Form)
				}
			})
		}
	}
}

func TestAMethodThatTheGatewayDoesNotAllowIsRefusedWithTheRightCredentialsToo(t *testing.T) {
	all := methodCases(t)
	for _, c := range all {
		t.Run(string(c.method), func(t *testing.T) {
			d := newDoor(t)
			c.prepare(t, d)
			d.RequireClientCertificate()
			d.Gateway.AuthMethods = nil
			for _, other := range all {
				if other.method != c.method {
					d.Gateway.AuthMethods = append(d.Gateway.AuthMethods, other.method)
				}
			}
			d.Publish()
			d.wantRefused(c.request(t, d), clientauth.BadClient, clientauth.MethodNotAllowed)
		})
	}
}

func TestAMethodThatIsNotTheClientsOwnIsRefusedThoughTheGatewayAllowsAll(t *testing.T) {
	all := methodCases(t)
	for _, own := range all {
		for _, used := range all {
			bothSecrets := own.method == api.ClientSecretBasic || own.method == api.ClientSecretPost
			if own.method == used.method || bothSecrets && (used.method == api.ClientSecretBasic || used.method == api.ClientSecretPost) {
				continue // a secret is good for either
			}
			t.Run(string(used.method)+" of a client with "+string(own.method), func(t *testing.T) {
				d := newDoor(t)
				own.prepare(t, d)
				d.RequireClientCertificate()
				d.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost, api.PrivateKeyJWT, api.TLSClientAuth}
				d.Publish()
				d.wantRefused(used.request(t, d), clientauth.BadClient, clientauth.MethodNotAllowed)
			})
		}
	}
}

func TestASuspendedClientIsRefusedByEveryMethod(t *testing.T) {
	for _, c := range methodCases(t) {
		t.Run(string(c.method), func(t *testing.T) {
			d := newDoor(t)
			c.prepare(t, d)
			d.Gateway.AuthMethods = []api.AuthMethod{c.method}
			d.Client.Suspended = true
			d.Publish()
			d.wantRefused(c.request(t, d), clientauth.BadClient, clientauth.Suspended)
		})
	}
}

func TestAnUnknownClientIsRefusedByEveryMethod(t *testing.T) {
	for _, c := range methodCases(t) {
		t.Run(string(c.method), func(t *testing.T) {
			d := newDoor(t)
			c.prepare(t, d)
			d.Gateway.AuthMethods = []api.AuthMethod{c.method}
			d.Publish()
			r := c.request(t, d)
			d.Delete(d.Client)
			d.wantRefused(r, clientauth.BadClient, clientauth.UnknownClient)
		})
	}
}

func TestTwoGatewaysOnOneHostWithClientsOfDifferentMethods(t *testing.T) {
	d := newDoor(t)
	other := d.Another("globex", "MGW_000002", "is_tbank02")
	key := fixture.NewClientKey(t, "key", "ES256")
	other.UseKeys(key)
	other.Publish()

	d.wantIn(basic(fixture.ClientID, fixture.ClientSecret), api.ClientSecretBasic)
	assertion := other.GenuineAssertion(key)
	who, refusal := d.knock(asserting(assertion.Sign(t)))
	if refusal != "" || who.Client.ClientID != "is_tbank02" || who.Client.Gateway.GatewayID != "MGW_000002" || who.Method != api.PrivateKeyJWT {
		t.Fatalf("got %q, %+v", refusal, who)
	}
	// What one gateway allows is of no use at the other.
	d.wantRefused(basic("is_tbank02", fixture.ClientSecret), clientauth.BadClient, clientauth.MethodNotAllowed)
	crossed := d.GenuineAssertion(key)
	d.wantRefused(asserting(crossed.Sign(t)), clientauth.BadClient, clientauth.MethodNotAllowed)
	// An assertion for the other gateway is for that one only.
	misdirected := other.GenuineAssertion(key)
	misdirected.Claims["aud"] = d.Gateway.Issuer
	d.wantRefused(asserting(misdirected.Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
}
