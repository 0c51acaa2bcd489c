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

// fresh is an assertion that was never used before, of the client at the time of the door's clock.
func (d *door) fresh(w *fixture.World, key fixture.ClientKey) request {
	d.t.Helper()
	a := w.GenuineAssertion(key)
	a.Claims["iat"], a.Claims["exp"] = d.now.Unix(), d.now.Add(time.Minute).Unix()
	return asserting(a.Sign(d.t))
}

// tenant is another client with that key, in a namespace.
func (d *door) tenant(namespace, name, gatewayID, clientID string, key fixture.ClientKey) *fixture.World {
	d.t.Helper()
	w := d.Another(name, gatewayID, clientID)
	w.Delete(w.Client)
	w.Delete(w.Gateway)
	w.Delete(w.Secrets)
	for _, head := range []*api.Header{&w.Client.Header, &w.Gateway.Header, &w.Secrets.Header} {
		head.Namespace = namespace
	}
	w.UseKeys(key)
	w.Publish()
	return w
}

// in expects n new assertions of the client to be taken.
func (d *door) in(w *fixture.World, key fixture.ClientKey, n int) {
	d.t.Helper()
	for i := range n {
		if _, refusal := d.knock(d.fresh(w, key)); refusal != "" {
			d.t.Fatalf("assertion %d of %s is answered %q", i+1, w.Client.ClientID, refusal)
		}
	}
}

func (d *door) wantRemembered(want int) {
	d.t.Helper()
	if got := d.clients.RememberedAssertions(); got != want {
		d.t.Errorf("it remembers %d, want %d", got, want)
	}
}

func TestATenantMayTakeUpItsShareOfTheMemoryOfAssertions(t *testing.T) {
	const size, share = 64, 4
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	sister := d.tenant(fixture.Namespace, "initech", "MGW_000003", "is_tbank03", key)
	other := d.tenant("globex", "globex", "MGW_000002", "is_tbank02", key)
	d.clients.Shrink(size)
	d.in(d.World, key, share-1)
	d.in(sister, key, 1)
	// Nothing of what is live is forgotten, and nobody is blamed.
	d.wantRefused(d.fresh(d.World, key), clientauth.Overloaded, "")
	d.wantRefused(d.fresh(sister, key), clientauth.Overloaded, "")
	d.wantRemembered(share)
	d.in(other, key, share)
	for range 3 {
		d.now = d.now.Add(clientauth.AssertionSkew + time.Minute)
		d.in(d.World, key, share)
		d.wantRefused(d.fresh(d.World, key), clientauth.Overloaded, "")
		d.wantRemembered(share) // what has expired is forgotten, the other tenant's too
	}
}

func TestTheMemoryOfUsedAssertionsIsBoundedForAllTenantsTogether(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	other := d.tenant("globex", "globex", "MGW_000002", "is_tbank02", key)
	d.clients.Shrink(1)
	d.in(d.World, key, 1)
	d.wantRefused(d.fresh(other, key), clientauth.Overloaded, "")
	d.wantRemembered(1)
	d.now = d.now.Add(time.Hour)
	d.in(other, key, 1)
}

func TestAClientWithFewLiveAssertionsAlwaysHasRoom(t *testing.T) {
	const kept = 3
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	sister := d.tenant(fixture.Namespace, "initech", "MGW_000003", "is_tbank03", key)
	other := d.tenant("globex", "globex", "MGW_000002", "is_tbank02", key)
	d.clients.ShrinkButKeep(1, kept) // full with the first one
	for i, w := range []*fixture.World{d.World, sister, other} {
		d.in(w, key, kept)
		d.wantRefused(d.fresh(w, key), clientauth.Overloaded, "")
		d.wantRemembered((i + 1) * kept)
	}
	used := d.fresh(other, key)
	d.now = d.now.Add(clientauth.AssertionSkew + time.Minute)
	d.wantRefused(used, clientauth.BadClient, clientauth.BadAssertion)
	d.in(other, key, kept)
	d.wantRemembered(kept) // those of the others have expired
}

func TestAUsedAssertionIsRefusedThoughTheMemoryIsFullAndSwept(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	d.clients.Shrink(2 * 16)
	first := d.fresh(d.World, key)
	d.wantIn(first, api.PrivateKeyJWT)
	d.now = d.now.Add(clientauth.AssertionSkew)
	second := d.fresh(d.World, key)
	d.wantIn(second, api.PrivateKeyJWT)
	d.now = d.now.Add(time.Minute) // the first has expired now
	d.in(d.World, key, 1)
	d.wantRemembered(2)
	d.wantRefused(second, clientauth.BadClient, clientauth.BadAssertion)
}

func TestAJtiThatIsUsedAgainAfterItsExpiryIsCountedOnce(t *testing.T) {
	key := fixture.NewClientKey(t, "key", "ES256")
	d := keyed(t, key)
	d.clients.Shrink(1)
	a := d.GenuineAssertion(key)
	a.Claims["jti"] = "x"
	for range 3 {
		a.Claims["iat"], a.Claims["exp"] = d.now.Unix(), d.now.Add(time.Minute).Unix()
		d.wantIn(asserting(a.Sign(t)), api.PrivateKeyJWT)
		d.wantRemembered(1)
		d.now = d.now.Add(time.Minute + clientauth.AssertionSkew)
	}
}
