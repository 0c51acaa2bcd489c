package clientauth_test

import (
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestNothingThatWasPresentedIsLoggedOrAnswered(t *testing.T) {
	const planted = "planted-s3cret"
	key, another := fixture.NewClientKey(t, "key", "ES256"), fixture.NewClientKey(t, "other", "ES256")
	d := newDoor(t)
	d.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost}
	d.Client.Credentials[0] = fixture.Credential("first", planted, fixture.Now())
	d.Publish()
	byKey, byCertificate := d.Another("globex", "MGW_000002", "is_tbank02"), d.Another("initech", "MGW_000003", "is_tbank03")
	byKey.UseKeys(key)
	byCertificate.UseCertificate(api.CertificateRules{Subjects: []string{"CN=d1-out"}})
	byKey.Publish()
	byCertificate.Publish()

	var presented []string
	assert := func(with fixture.ClientKey, change func(*fixture.JWT)) request {
		a := byKey.GenuineAssertion(with)
		a.Header["kid"], a.Claims["jti"], a.Claims["x"] = planted, planted, planted
		change(a)
		raw := a.Sign(t)
		presented = append(presented, strings.Split(raw, ".")...)
		return asserting(raw)
	}
	same := func(*fixture.JWT) {}
	requests := []request{
		basic(fixture.ClientID, planted), basic(fixture.ClientID, planted+"x"), basic(planted, planted), basic("is_tbank02", planted), basic("is_tbank03", planted),
		post("client_id", fixture.ClientID, "client_secret", planted), post("client_id", fixture.ClientID, "client_secret", planted+"x"),
		post("client_id", planted, "client_secret", planted), post("client_id", planted), post("client_secret", planted), post("client_secret", planted, "client_secret", planted),
		post("client_id", "is_tbank02", "client_secret", planted), post("client_id", "is_tbank03", "client_secret", planted), post("client_id", "is_tbank03"),
		post("client_secret", planted, "client_assertion", planted), post("client_assertion_type", planted), asserting(planted), asserting(planted + "." + planted + "." + planted),
		asserting("", "client_id", planted), {body: planted + "=%zz"}, {body: planted, contentType: planted},
		assert(key, same), assert(key, same), assert(another, same),
		assert(key, func(a *fixture.JWT) { a.Claims["aud"] = planted }),
		assert(key, func(a *fixture.JWT) { a.Claims["iss"], a.Claims["sub"] = planted, planted }),
		assert(key, func(a *fixture.JWT) { a.Claims["sub"] = planted }),
		assert(key, func(a *fixture.JWT) { a.Claims["exp"] = planted }),
		assert(key, func(a *fixture.JWT) { a.Claims["exp"] = 1 }),
		assert(key, func(a *fixture.JWT) { a.Header["crit"] = []string{planted} }),
		assert(key, func(a *fixture.JWT) { a.Header["alg"] = planted }),
	}
	for _, authorization := range []string{planted, "Basic " + planted, "Bearer " + planted, "Basic " + base64.StdEncoding.EncodeToString([]byte(planted))} {
		requests = append(requests, request{authorization: []string{authorization}, form: url.Values{"client_secret": {planted}}})
	}
	var in int
	for _, r := range requests {
		for range clientauth.FailureBurst / 10 {
			if _, refusal := d.knock(r); refusal == "" {
				in++
			}
		}
	}
	d.certificate = new(x509.Certificate)
	d.knock(post("client_id", "is_tbank03"))
	d.refusals(basic(fixture.ClientID, planted+"y"), 2*clientauth.FailureBurst)

	told := d.log.String() + d.answers.String()
	for _, expected := range []string{"client authentication failed", "WARN", "it was used before", "invalid_request"} {
		if !strings.Contains(told, expected) {
			t.Errorf("%q is missing: not every path was tried", expected)
		}
	}
	if in == 0 {
		t.Error("nothing was right: not every path was tried")
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(fixture.ClientID + ":" + planted))
	for _, unwanted := range append(presented, planted, "PLANTED", encoded[:24], base64.StdEncoding.EncodeToString([]byte(planted))) {
		if unwanted != "" && strings.Contains(told, unwanted) {
			t.Errorf("%q is told again", unwanted)
		}
	}
}
