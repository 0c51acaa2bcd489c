package contract_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// asking makes the gateway ask the platform for each token, and change nothing else.
func asking(p *running.Platform, cache, grace int) func(w *running.World) {
	return func(w *running.World) {
		w.Documents.Gateway.TokenLookup = &api.TokenLookup{URL: p.URL + "/{merchantId}/{tokenId}", TimeoutSeconds: 1, CacheSeconds: cache, NewTokenGraceSeconds: grace}
	}
}

func testUnknownMerchantOrToken(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		unknown := cases{}
		for _, id := range []string{"40010000009", "___________", "-----------", "aAbBcCdDeE1", "4001000000%31"[:10] + "9"} {
			unknown[id] = v.n0().WithPath(path(fixture.GatewayID, id, fixture.TokenID))
		}
		v.expect(wantUnknownMerchant, unknown)
		v.expect(wantF("body"), cases{"unknown merchant and a bad body": v.n0().WithPath(path(fixture.GatewayID, "40010000009", "x")).WithBody("x")})
		v.expect(wantF("tokenId"), cases{"unknown merchant and a malformed token": v.n0().WithPath(path(fixture.GatewayID, "40010000009", "%20"))})
		v.expect(wantA, cases{"any token where there is no lookup": v.n0().WithToken("never_seen_before")})
	})
	t.Run("with a lookup", func(t *testing.T) {
		p := running.NewPlatform(t)
		newSite(t, asking(p, 0, 0)).everywhere(t, func(v *visit) {
			v.expect(wantA, cases{"known": v.n0()})
			v.expect(wantUnknownMerchant, cases{"merchant unknown": v.n0().WithPath(path(fixture.GatewayID, "40010000009", "x"))})
		})
		t.Run("unknown", func(t *testing.T) {
			none := running.NewPlatform(t)
			none.Status.Store(http.StatusNotFound)
			newSite(t, asking(none, 0, 0)).everywhere(t, func(v *visit) {
				v.expect(wantUnknownToken, cases{"unknown token": v.n0(), "another": v.n0().WithToken("tok_2"), "CARD_UPDATE": v.n0().WithBody(`{"updateType":"CARD_UPDATE"}`)})
				v.expect(wantUnknownMerchant, cases{"merchant unknown as well": v.n0().WithPath(path(fixture.GatewayID, "40010000009", "x"))})
				v.expect(wantF("updateType"), cases{"and a bad updateType": v.n0().WithBody("{}")})
				v.expect(wantInvalidToken, cases{"and a bad access token": running.N0("x")})
			})
		})
	})
	t.Run("merchants that are not listed are delivered", func(t *testing.T) {
		v := world(t, func(w *running.World) { w.Documents.Gateway.DeliverUnlisted = true })
		v.expect(wantA, cases{"not listed": v.n0().WithPath(path(fixture.GatewayID, "40010000009", "x"))})
		v.expect(wantF("merchantId"), cases{"malformed": v.n0().WithPath(path(fixture.GatewayID, "4001000000", "x"))})
	})
}

func testGrace(t *testing.T, _ *site) {
	clock, p := &running.Clock{}, running.NewPlatform(t)
	p.Status.Store(http.StatusNotFound)
	v := world(t, func(w *running.World) {
		asking(p, 60, 30)(w)
		w.Options.Now = clock.Now
	})
	late, never := v.n0().WithToken("recorded_late"), v.n0().WithToken("never_recorded")
	v.expect(wantS, cases{"at first": late, "at first, the other": never})
	clock.Forward(20 * time.Second)
	v.expect(wantS, cases{"20 s later": late, "20 s later, the other": never})
	p.Status.Store(http.StatusOK)
	v.expect(wantA, cases{"once it is recorded": late})
	p.Status.Store(http.StatusNotFound)
	clock.Forward(20 * time.Second)
	v.expect(wantUnknownToken, cases{"40 s after the first sighting": never})
	v.expect(wantS, cases{"a token first seen then": v.n0().WithToken("seen_later")})
	v.expect(wantA, cases{"a known one is remembered": late})
}

func testLookupFaults(t *testing.T, _ *site) {
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		p := running.NewPlatform(t)
		v := world(t, asking(p, 60, 0))
		for _, status := range []int64{500, 501, 502, 503, 504, 505, 599, 408, 425, 429, 400, 401, 403, 405, 409, 410, 418, 301, 302, 304, 307, running.Drop, running.Hang} {
			id := map[int64]string{running.Drop: "drops", running.Hang: "hangs"}[status]
			if id == "" {
				id = fmt.Sprint("status_", status)
			}
			p.Status.Store(status)
			v.expect(wantS, cases{id: v.n0().WithToken(id)})
			if len(records(t, v.w, id)) != 0 {
				t.Errorf("%s: it is stored all the same", id)
			}
			p.Status.Store(http.StatusNoContent)
			v.expect(wantA, cases{id + ", and then is well": v.n0().WithToken(id)})
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		v := world(t, func(w *running.World) {
			w.Documents.Gateway.TokenLookup = &api.TokenLookup{URL: "http://127.0.0.1:9/{merchantId}/{tokenId}", TimeoutSeconds: 1}
		})
		v.expect(wantS, cases{"N0": v.n0()})
	})
	t.Run("address not allowed", func(t *testing.T) {
		t.Parallel()
		v := world(t, func(w *running.World) {
			w.Documents.Gateway.TokenLookup = &api.TokenLookup{URL: "http://169.254.169.254/{merchantId}/{tokenId}", TimeoutSeconds: 1}
		})
		v.expect(wantS, cases{"N0": v.n0()})
	})
}

func testSynchronous(t *testing.T, _ *site) {
	p := running.NewPlatform(t)
	change := func(w *running.World) {
		d := w.Documents.Gateway.Delivery
		d.Synchronous, d.URL = true, p.URL
	}
	s := newSite(t, change)
	answers := []struct {
		want     want
		statuses []int64
	}{
		{wantA, []int64{200, 201, 202, 204, 206}},
		{wantUnknownToken, []int64{404}},
		{wantMerchantError, []int64{400, 401, 403, 405, 406, 409, 410, 411, 413, 415, 418, 422, 451}},
		{wantS, []int64{500, 501, 502, 503, 504, 599, 408, 425, 429, 301, 302, 307, 308, 304, running.Drop}},
	}
	for _, w := range s.worlds {
		for _, transport := range w.Transports() {
			t.Run(transport.Name, func(t *testing.T) {
				v := enter(t, w, transport)
				for _, group := range answers {
					for _, status := range group.statuses {
						p.Status.Store(status)
						v.expect(group.want, cases{fmt.Sprint(status): v.n0()})
					}
				}
				p.Status.Store(http.StatusOK)
				v.expect(wantInvalidToken, cases{"a bad token": running.N0("x")})
				v.expect(wantF("body"), cases{"a bad body": v.n0().WithBody("x")})
				v.expect(wantUnknownMerchant, cases{"unknown merchant": v.n0().WithPath(path(fixture.GatewayID, "40010000009", "x"))})
			})
		}
	}
	t.Run("timeout", func(t *testing.T) {
		p.Status.Store(running.Hang)
		v := world(t, func(w *running.World) {
			change(w)
			w.Documents.Gateway.Delivery.TimeoutSeconds = 1
		})
		v.expect(wantS, cases{"N0": v.n0()})
	})
	t.Run("nobody there", func(t *testing.T) {
		v := world(t, func(w *running.World) {
			w.Documents.Gateway.Delivery.Synchronous, w.Documents.Gateway.Delivery.URL = true, "http://127.0.0.1:9/"
		})
		v.expect(wantS, cases{"N0": v.n0()})
	})
	t.Run("one merchant only", func(t *testing.T) {
		p.Status.Store(http.StatusUnprocessableEntity)
		v := world(t, func(w *running.World) {
			own := *w.Documents.Gateway.Delivery
			own.Synchronous, own.URL = true, p.URL
			w.Documents.Gateway.Merchants = []api.Merchant{{ID: fixture.MerchantID}, {ID: "40010000002", Delivery: &own}}
		})
		v.expect(wantA, cases{"a Durable one": v.n0()})
		v.expect(wantMerchantError, cases{"the Synchronous one": v.n0().WithPath(path(fixture.GatewayID, "40010000002", "x"))})
	})
}
