package clientauth_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestAnAssertionWorksOnce(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	a := d.GenuineAssertion(key)
	a.Claims["jti"] = "the-one"
	raw := a.Sign(t)
	d.wantIn(asserting(raw), api.PrivateKeyJWT)
	d.wantRefused(asserting(raw), clientauth.BadClient, clientauth.BadAssertion)
	d.source = "192.0.2.2"
	d.wantRefused(asserting(raw), clientauth.BadClient, clientauth.BadAssertion)
	// Signed again it is another assertion, but the jti is what counts.
	a.Claims["exp"] = fixture.Now().Add(time.Hour).Unix()
	d.wantRefused(asserting(a.Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
	for _, jti := range []string{"the-other", "The-One", "the-one "} {
		a.Claims["jti"] = jti
		d.wantIn(asserting(a.Sign(t)), api.PrivateKeyJWT)
	}
}

func TestAnAssertionIsNotGoodAgainWhenItsJtiIsForgotten(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	a := d.GenuineAssertion(key)
	raw := a.Sign(t)
	d.wantIn(asserting(raw), api.PrivateKeyJWT)
	for _, after := range []time.Duration{59 * time.Second, 60 * time.Second, 119 * time.Second, 120 * time.Second, 121 * time.Second, time.Hour} {
		d.now = fixture.Now().Add(after)
		d.wantRefused(asserting(raw), clientauth.BadClient, clientauth.BadAssertion)
	}
	// The jti of one that has expired may be used for a new one.
	a.Claims["iat"], a.Claims["exp"] = d.now.Unix(), d.now.Add(time.Minute).Unix()
	d.wantIn(asserting(a.Sign(t)), api.PrivateKeyJWT)
}

func TestAnAssertionThatClaimsAnHourWorksForTenMinutes(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	a := d.GenuineAssertion(key)
	a.Claims["exp"] = fixture.Now().Add(time.Hour).Unix()
	used := a.Sign(t)
	d.wantIn(asserting(used), api.PrivateKeyJWT)
	for _, after := range []time.Duration{clientauth.AssertionLifetime, clientauth.AssertionLifetime + clientauth.AssertionSkew - time.Millisecond} {
		d.now = fixture.Now().Add(after)
		d.wantRefused(asserting(used), clientauth.BadClient, clientauth.BadAssertion)
		if !strings.Contains(d.log.String(), "used before") {
			t.Errorf("%v: it is refused for another reason than its use: %s", after, d.log)
		}
		a.Claims["jti"] = after.String()
		d.wantIn(asserting(a.Sign(t)), api.PrivateKeyJWT)
		d.log.Reset()
	}
	d.now = fixture.Now().Add(clientauth.AssertionLifetime + clientauth.AssertionSkew)
	a.Claims["jti"] = "late"
	for _, raw := range []string{used, a.Sign(t)} {
		d.wantRefused(asserting(raw), clientauth.BadClient, clientauth.BadAssertion)
	}
}

func TestAnAssertionThatIsRefusedDoesNotUseUpItsJti(t *testing.T) {
	key, another := fixture.NewClientKey(t, "key", "ES256"), fixture.NewClientKey(t, "other", "ES256")
	d := keyed(t, key)
	forged := d.GenuineAssertion(another)
	forged.Claims["jti"] = "x"
	d.wantRefused(asserting(forged.Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
	misdirected := d.GenuineAssertion(key)
	misdirected.Claims["jti"], misdirected.Claims["aud"] = "x", "https://else.example"
	d.wantRefused(asserting(misdirected.Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
	good := d.GenuineAssertion(key)
	good.Claims["jti"] = "x"
	d.wantIn(asserting(good.Sign(t)), api.PrivateKeyJWT)
}

func TestTwoClientsMayUseOneJti(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	// The name of one client goes on where that of the other ends.
	other := d.Another("acme-d1-x", "MGW_000002", "is_tbank02")
	other.UseKeys(key)
	other.Publish()
	for _, c := range []struct {
		w   *fixture.World
		jti string
	}{{d.World, "x"}, {other, "x"}, {d.World, "-x-d1y"}, {other, "y"}} {
		a := c.w.GenuineAssertion(key)
		a.Claims["jti"] = c.jti
		if who, refusal := d.knock(asserting(a.Sign(t))); refusal != "" || who.Client.ClientID != c.w.Client.ClientID {
			t.Errorf("%s, %s: got %q", c.w.Client.ClientID, c.jti, refusal)
		}
	}
}

func TestOfManyUsesOfOneAssertionAtOnceOneWorks(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	w := fixture.New(t)
	w.UseKeys(key)
	w.Publish()
	clients := w.Authenticator()
	r := asserting(w.GenuineAssertion(key).Sign(t))
	var accepted atomic.Int32
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			in := r.build()
			if _, refusal := clients.Authenticate(nil, in, find(in)); refusal == "" {
				accepted.Add(1)
			}
		})
	}
	workers.Wait()
	if accepted.Load() != 1 {
		t.Errorf("it worked %d times", accepted.Load())
	}
}

func TestAssertionsAroundTheAssertion(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	good := func() string { return d.GenuineAssertion(key).Sign(t) }
	encode := base64.RawURLEncoding.EncodeToString
	claims := strings.Split(good(), ".")[1]
	for name, r := range map[string]request{
		"the client_id beside it contradicts":     asserting(good(), "client_id", "is_tbank02"),
		"the client_id in another letter case":    asserting(good(), "client_id", "IS_TBANK01"),
		"a wrong client_assertion_type":           post("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "client_assertion", good()),
		"a client_assertion_type in capitals":     post("client_assertion_type", strings.ToUpper(assertionType), "client_assertion", good()),
		"no client_assertion_type":                post("client_assertion", good()),
		"a client_assertion_type alone":           post("client_assertion_type", assertionType),
		"a client_assertion_type and a client_id": post("client_assertion_type", assertionType, "client_id", fixture.ClientID),
		"garbage":                 asserting("garbage"),
		"dots":                    asserting(".."),
		"four parts":              asserting(good() + ".x"),
		"a space before":          asserting(" " + good()),
		"padding":                 asserting(good() + "="),
		"a header that is null":   asserting(encode([]byte("null")) + "." + claims + ".AA"),
		"a header that is a list": asserting(encode([]byte("[]")) + "." + claims + ".AA"),
		"claims that are null":    asserting(encode([]byte(`{"alg":"ES256"}`)) + "." + encode([]byte("null")) + ".AA"),
		"no signature":            asserting(encode([]byte(`{"alg":"ES256"}`)) + "." + claims + "."),
		"too long":                asserting(strings.Repeat("x.", 3<<10)),
		"bytes that are no text":  asserting("\xff\x00.\xfe.\x00"),
	} {
		d.run(name, func(*testing.T) { d.wantRefused(r, clientauth.BadClient, clientauth.BadAssertion) })
	}
	for _, name := range []string{"client_assertion", "client_assertion_type"} {
		twice := asserting(good())
		twice.form.Add(name, twice.form.Get(name))
		d.wantRefused(twice, clientauth.BadClient, clientauth.NoCredentials)
	}
	d.wantIn(asserting(good(), "client_id", fixture.ClientID), api.PrivateKeyJWT)
	d.wantIn(asserting(good(), "client_id", ""), api.PrivateKeyJWT)
	d.wantIn(asserting(good(), "client_secret", ""), api.PrivateKeyJWT)
}

func TestAKeyThatIsTakenAwayIsGoodNoMore(t *testing.T) {
	old, young := fixture.NewClientKey(t, "old", "ES256"), fixture.NewClientKey(t, "young", "ES256")
	d := keyed(t, old)
	d.wantIn(asserting(d.GenuineAssertion(old).Sign(t)), api.PrivateKeyJWT)
	d.UseKeys(old, young)
	d.Publish()
	d.wantIn(asserting(d.GenuineAssertion(old).Sign(t)), api.PrivateKeyJWT)
	d.wantIn(asserting(d.GenuineAssertion(young).Sign(t)), api.PrivateKeyJWT)
	d.UseKeys(young)
	d.Publish()
	d.wantRefused(asserting(d.GenuineAssertion(old).Sign(t)), clientauth.BadClient, clientauth.BadAssertion)
	d.wantIn(asserting(d.GenuineAssertion(young).Sign(t)), api.PrivateKeyJWT)
}
