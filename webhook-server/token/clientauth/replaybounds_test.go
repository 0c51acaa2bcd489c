package clientauth_test

import (
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

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
