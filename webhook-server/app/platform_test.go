package app_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// platform is a platform's own backend that answers every request with one status.
func platform(t *testing.T) (url string, status, asked *atomic.Int64) {
	t.Helper()
	status, asked = &atomic.Int64{}, &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(s.Close)
	return s.URL, status, asked
}

func TestThePlatformIsAskedWhetherATokenExists(t *testing.T) {
	url, status, asked := platform(t)
	w := start(t, func(w *world) {
		w.Gateway.TokenLookup = &api.TokenLookup{URL: url + "/{merchantId}/{tokenId}", TimeoutSeconds: 3}
	})
	token := accessToken(t, t0(t, http.DefaultClient, w.url()))
	for answer, want := range map[int64]struct {
		status int
		body   string
	}{
		http.StatusOK:                  {http.StatusNoContent, ""},
		http.StatusNotFound:            {http.StatusNotFound, `{"errorCode":"UNKNOWN_TOKEN","error":"tokenId"}`},
		http.StatusInternalServerError: {http.StatusServiceUnavailable, ""},
		http.StatusTooManyRequests:     {http.StatusServiceUnavailable, ""},
		http.StatusFound:               {http.StatusServiceUnavailable, ""},
	} {
		status.Store(answer)
		a := n0(t, http.DefaultClient, w.url(), token)
		if a.status != want.status || a.body != want.body || (a.status == http.StatusServiceUnavailable) != (a.header.Get("Retry-After") != "") {
			t.Errorf("when the platform answers %d, D1 is answered %+v", answer, a)
		}
	}
	if asked.Load() == 0 {
		t.Error("the platform was not asked")
	}
}

func TestASynchronousDestinationDecidesWhatD1IsAnswered(t *testing.T) {
	url, status, asked := platform(t)
	w := start(t, func(w *world) { w.Gateway.Delivery.Synchronous, w.Gateway.Delivery.URL = true, url })
	token := accessToken(t, t0(t, http.DefaultClient, w.url()))
	for answer, want := range map[int64]struct {
		status int
		body   string
	}{
		http.StatusAccepted:            {http.StatusNoContent, ""},
		http.StatusNotFound:            {http.StatusNotFound, `{"errorCode":"UNKNOWN_TOKEN","error":"tokenId"}`},
		http.StatusUnprocessableEntity: {http.StatusInternalServerError, `{"errorCode":"MERCHANT_ERROR"}`},
		http.StatusBadGateway:          {http.StatusServiceUnavailable, ""},
	} {
		status.Store(answer)
		if a := n0(t, http.DefaultClient, w.url(), token); a.status != want.status || a.body != want.body {
			t.Errorf("when the destination answers %d, D1 is answered %+v", answer, a)
		}
	}
	if asked.Load() != 4 {
		t.Errorf("the destination was asked %d times", asked.Load())
	}
}
