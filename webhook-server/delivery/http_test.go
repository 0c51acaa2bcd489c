package delivery_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func sender(t testing.TB, allowed []netip.Prefix) *delivery.Sender {
	t.Helper()
	transports := outbound.NewTransports(outbound.Options{Guard: outbound.NewGuard(allowed)})
	t.Cleanup(transports.Close)
	return delivery.NewSender(transports, nil)
}

// received is one request as a merchant's backend sees it.
type received struct {
	request *http.Request
	body    []byte
}

// backend answers as the handler says and hands every request on.
func backend(t *testing.T, handler http.HandlerFunc) (url string, requests chan received) {
	t.Helper()
	requests = make(chan received, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- received{r, body}
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestWhatADestinationReceives(t *testing.T) {
	url, requests := backend(t, status(http.StatusNoContent))
	merchant := merchantID(1)
	w := newWorld(t)
	w.secret("s2", "second signing secret of the tests")
	d := destination(url + "/hooks/d1?shop=7")
	d.SigningSecrets = []string{"s2", "s1"}
	w.merchant(merchant, d)
	w.apply()
	n := notification("01J9ZC", merchant)
	n.ReceivedAt = time.Date(2026, 3, 1, 13, 0, 0, 123_456_789, time.FixedZone("CET", 3600))
	n.UpdateType, n.CorrelationID = "CARD_UPDATE", "c-<&>"

	v := sender(t, loopback).Attempt(context.Background(), n, "payments/acme", w.served(merchant))
	if v != (delivery.Verdict{Reason: delivery.Delivered, Status: 204}) {
		t.Fatalf("%+v", v)
	}
	got := <-requests
	if got.request.Method != http.MethodPost || got.request.URL.String() != "/hooks/d1?shop=7" {
		t.Errorf("%s %s", got.request.Method, got.request.URL)
	}
	for name, want := range map[string]string{
		"Content-Type":     "application/json",
		"User-Agent":       "d1gateway",
		"ce-specversion":   "1.0",
		"ce-id":            "01J9ZC",
		"ce-source":        "/merchant-gateways/MGW_000001",
		"ce-type":          "io.d1gateway.notification.CARD_UPDATE",
		"ce-subject":       "tok_1",
		"ce-time":          "2026-03-01T12:00:00.123Z",
		"ce-gatewayid":     gatewayID,
		"ce-merchantid":    merchant,
		"ce-updatetype":    "CARD_UPDATE",
		"ce-correlationid": "c-<&>",
		"webhook-id":       "01J9ZC",
		"Idempotency-Key":  "",
		"Accept-Encoding":  "",
	} {
		if have := got.request.Header.Get(name); have != want {
			t.Errorf("%s: %q, want %q", name, have, want)
		}
	}
	const body = `{"merchantGatewayId":"MGW_000001","merchantId":"40010000001","tokenId":"tok_1","updateType":"CARD_UPDATE","correlationId":"c-<&>","receivedAt":"2026-03-01T12:00:00.123Z"}`
	if string(got.body) != body || !json.Valid(got.body) {
		t.Errorf("body %s", got.body)
	}
	signatures := strings.Split(got.request.Header.Get("webhook-signature"), " ")
	if len(signatures) != 2 {
		t.Fatalf("signatures %q", signatures)
	}
	for i, secret := range []string{"second signing secret of the tests", "first signing secret of the tests"} {
		hook, err := standardwebhooks.NewWebhookRaw([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		h := got.request.Header.Clone()
		if err := hook.Verify(got.body, h); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
		h.Set("webhook-signature", signatures[i])
		if err := hook.Verify(got.body, h); err != nil {
			t.Errorf("signature %d is not that of key %d: %v", i, i, err)
		}
		if err := hook.Verify(append(got.body, ' '), h); err == nil {
			t.Error("an altered body verifies")
		}
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	target, followed := backend(t, status(http.StatusOK))
	for _, code := range []int{301, 302, 303, 307, 308} {
		url, _ := backend(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, code) })
		w := newWorld(t)
		w.merchant(merchantID(1), destination(url))
		w.apply()
		v := sender(t, loopback).Attempt(context.Background(), notification("n", merchantID(1)), "o", w.served(merchantID(1)))
		if v.Reason != delivery.Redirected || v.Status != code {
			t.Errorf("%d: %+v", code, v)
		}
	}
	if len(followed) != 0 {
		t.Error("a redirect was followed")
	}
}

func TestPlainHTTPIsRefusedOutsideTheAllowedRanges(t *testing.T) {
	url, requests := backend(t, status(http.StatusOK))
	w := newWorld(t)
	w.merchant(merchantID(1), destination(url))
	w.apply()
	v := sender(t, nil).Attempt(context.Background(), notification("n", merchantID(1)), "o", w.served(merchantID(1)))
	if v.Reason != delivery.PlainHTTPRefused || len(requests) != 0 {
		t.Errorf("%+v, %d requests", v, len(requests))
	}
}

func TestAnAttemptEndsWithItsTimeoutOrWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	url, requests := backend(t, func(http.ResponseWriter, *http.Request) { <-hang })
	defer close(hang)
	w := newWorld(t)
	d := destination(url)
	d.TimeoutSeconds = 1
	w.merchant(merchantID(1), d)
	w.apply()
	s, n, served := sender(t, loopback), notification("n", merchantID(1)), w.served(merchantID(1))
	if v := s.Attempt(context.Background(), n, "o", served); v.Reason != delivery.Timeout {
		t.Errorf("%+v", v)
	}
	<-requests
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-requests
		cancel()
	}()
	if v := s.Attempt(ctx, n, "o", served); v.Reason != delivery.Stopped {
		t.Errorf("cancelled: %+v", v)
	}
}
