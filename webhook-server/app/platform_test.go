package app_test

import (
	"net/http"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// d1Answer is what D1 is answered when a platform answers something.
type d1Answer struct {
	status int
	body   string
}

func check(t *testing.T, c *running.Client, token string, p *running.Platform, cases map[int64]d1Answer) {
	t.Helper()
	for answer, want := range cases {
		p.Status.Store(answer)
		a := c.Do(running.N0(token))
		if a.Status != want.status || a.Body != want.body || (a.Status == http.StatusServiceUnavailable) != (a.Header.Get("Retry-After") != "") {
			t.Errorf("when the platform answers %d, D1 is answered %s", answer, a)
		}
	}
}

func TestThePlatformIsAskedWhetherATokenExists(t *testing.T) {
	t.Parallel()
	p := running.NewPlatform(t)
	w := running.Start(t, func(w *running.World) {
		w.Documents.Gateway.TokenLookup = &api.TokenLookup{URL: p.URL + "/{merchantId}/{tokenId}", TimeoutSeconds: 3}
	})
	check(t, w.Client(), w.Token(w.Client()), p, map[int64]d1Answer{
		http.StatusOK:                  {http.StatusNoContent, ""},
		http.StatusNotFound:            {http.StatusNotFound, `{"errorCode":"UNKNOWN_TOKEN","error":"tokenId"}`},
		http.StatusInternalServerError: {http.StatusServiceUnavailable, ""},
		http.StatusTooManyRequests:     {http.StatusServiceUnavailable, ""},
		http.StatusFound:               {http.StatusServiceUnavailable, ""},
	})
	if p.Asked.Load() == 0 {
		t.Error("the platform was not asked")
	}
}

func TestASynchronousDestinationDecidesWhatD1IsAnswered(t *testing.T) {
	t.Parallel()
	p := running.NewPlatform(t)
	w := running.Start(t, func(w *running.World) {
		w.Documents.Gateway.Delivery.Synchronous, w.Documents.Gateway.Delivery.URL = true, p.URL
	})
	check(t, w.Client(), w.Token(w.Client()), p, map[int64]d1Answer{
		http.StatusAccepted:            {http.StatusNoContent, ""},
		http.StatusNotFound:            {http.StatusNotFound, `{"errorCode":"UNKNOWN_TOKEN","error":"tokenId"}`},
		http.StatusUnprocessableEntity: {http.StatusInternalServerError, `{"errorCode":"MERCHANT_ERROR"}`},
		http.StatusBadGateway:          {http.StatusServiceUnavailable, ""},
	})
	if asked := p.Asked.Load(); asked != 4 {
		t.Errorf("the destination was asked %d times", asked)
	}
}
