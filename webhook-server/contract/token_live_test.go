package contract_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
	"github.com/d1gateway/d1gateway/webhook-server/serving/directory"
)

// wholeSecond is a time as documents hold it.
func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func testRotation(t *testing.T, _ *site) {
	clock := &running.Clock{}
	old, next := running.T0(), basic(fixture.ClientID, "a-new-secret-of-the-client")
	v := world(t, func(w *running.World) { w.Options.Now = clock.Now })
	v.w.Planted("a-new-secret-of-the-client")
	v.expect(wantOK, cases{"before: old": old})
	v.expect(wantIC, cases{"before: new": next})

	client := v.w.Documents.Client
	client.Credentials[0].ExpiresAt = wholeSecond(clock.Now().Add(time.Hour))
	client.Credentials = append([]apiCredential{fixture.Credential("second", "a-new-secret-of-the-client", wholeSecond(clock.Now()))}, client.Credentials...)
	v.w.Publish()
	v.expect(wantOK, cases{"in the overlap: old": old, "in the overlap: new": next})
	ofNew := v.c.Do(next).Token()

	clock.Forward(59 * time.Minute)
	v.expect(wantOK, cases{"near its end: old": old, "near its end: new": next})
	ofOld := v.c.Do(old).Token()
	clock.Forward(2 * time.Minute)
	v.expect(wantIC, cases{"after: old": old, "after: old and malformed": old.WithBody("%zz")})
	v.expect(wantOK, cases{"after: new": next})
	// A token outlives the secret that it was got with: it is the client's.
	v.expect(wantA, cases{"after: token of old": running.N0(ofOld), "after: token of new": running.N0(v.c.Do(next).Token())})
	v.expect(wantInvalidToken, cases{"after: a token that has expired": running.N0(ofNew)})

	client.Credentials = client.Credentials[:1]
	v.w.Publish()
	v.expect(wantIC, cases{"retired: old": old})
	v.expect(wantOK, cases{"retired: new": next})
}

func testSuspension(t *testing.T, _ *site) {
	// The server looks at the directory once in an Interval; a cluster tells it at once.
	within := directory.Interval + time.Second/2
	for name, end := range map[string]func(w *running.World){
		"suspended": func(w *running.World) {
			w.Documents.Client.Suspended = true
			w.WriteDocument(w.Documents.Client)
		},
		"deleted": func(w *running.World) { w.Remove(w.Documents.Client) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := world(t, nil)
			v.expect(wantA, cases{"before": v.n0()})
			began := time.Now()
			end(v.w)
			v.w.Eventually("T0 is still answered", func() bool { return v.c.Do(running.T0()).Status == wantIC.status })
			if took := time.Since(began); took > within {
				t.Errorf("it took %s", took)
			}
			v.expect(wantInvalidToken, cases{"its live token": v.n0(), "its live token and a bad body": v.n0().WithBody("")})
			v.expect(wantIC, cases{"T0": running.T0(), "T0 on the Issuer path": running.T0().WithPath(fixture.IssuerTokenPath)})

			// It comes back, as the operator writes it: no token of before works.
			v.w.Documents.Client.Suspended = false
			v.w.Documents.Client.TokensNotBefore = wholeSecond(time.Now().Add(time.Second))
			v.w.Publish()
			v.expect(wantInvalidToken, cases{"back again: the former token": v.n0()})
			v.expect(wantA, cases{"back again: a new token": running.N0(v.w.Token(v.c))})
		})
	}
	t.Run("another client of the gateway is not touched", func(t *testing.T) {
		t.Parallel()
		v := world(t, func(w *running.World) { w.Another("globex", "MGW_000002", "globex-d1") })
		v.w.Documents.Client.Suspended = true
		v.w.Publish()
		v.expect(wantIC, cases{"the suspended one": running.T0()})
		v.expect(wantOK, cases{"the other": basic("globex-d1", fixture.ClientSecret)})
	})
	t.Run("the whole gateway deleted", func(t *testing.T) {
		t.Parallel()
		v := world(t, nil)
		v.w.Remove(v.w.Documents.Gateway)
		v.w.AwaitServed()
		v.expect(wantUnknownGateway, cases{"N0": v.n0()})
		wantNotFound.check(t, v.c.Unjudged().Do(running.T0())) // its path is like any other now
	})
}

func testKeysNotLoaded(t *testing.T, _ *site) {
	for name, take := range map[string]func(w *running.World){
		"no secrets": func(w *running.World) { w.Remove(w.Documents.Secrets) },
		"secrets without the signing key": func(w *running.World) {
			without := *w.Documents.Secrets
			without.SigningKeys = nil
			w.WriteDocument(&without)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := world(t, nil)
			v.w.Stop()
			take(v.w)
			v.w.Run()
			v.expect(wantS, cases{
				"T0": running.T0(), "T0 on the Issuer path": running.T0().WithPath(fixture.IssuerTokenPath), "wrong secret": basic(fixture.ClientID, "124"),
				"unknown client": basic("nobody", "123"), "N0": v.n0(), "N0 of another gateway": v.n0().WithPath(strings.Replace(fixture.NotifyPath, fixture.GatewayID, "MGW_000009", 1)),
			})
			v.w.Publish()
			v.expect(wantOK, cases{"T0 once they are there": running.T0()})
			v.expect(wantA, cases{"N0 once they are there": v.n0()})
		})
	}
	t.Run("the next key not yet in force", func(t *testing.T) {
		t.Parallel()
		clock := &running.Clock{}
		v := world(t, func(w *running.World) { w.Options.Now = clock.Now })
		secrets := v.w.Documents.Secrets
		key := fixture.SigningKey(t, "acme-key-2", "EdDSA", wholeSecond(clock.Now()))
		key.SignsFrom = wholeSecond(clock.Now().Add(5 * time.Minute))
		secrets.SigningKeys = append(slices.Clone(secrets.SigningKeys), key)
		v.w.Documents.Gateway.SigningKeys = []string{"acme-key-1", "acme-key-2"}
		v.w.Publish()
		before := v.w.Token(v.c)
		clock.Forward(6 * time.Minute)
		after := v.w.Token(v.c)
		if headerOf(t, before)["kid"] != "acme-key-1" || headerOf(t, after)["kid"] != "acme-key-2" || headerOf(t, after)["alg"] != "EdDSA" {
			t.Errorf("signed by %v and then %v", headerOf(t, before), headerOf(t, after))
		}
		v.expect(wantA, cases{"token of the former key": running.N0(before), "token of the next key": running.N0(after)})
	})
}
