package delivery_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
)

// authorizationServer answers token requests as the handler says.
func authorizationServer(t *testing.T, handler http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func issue(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

// authorized is a destination whose requests carry access tokens.
func (w *world) authorized(url, tokenURL string) *api.Destination {
	w.secrets.ClientCredentials = []api.ClientCredentials{{ID: "cc", ClientID: "d1gateway", ClientSecret: api.NewSecret("planted-client-secret")}}
	d := destination(url)
	d.OAuth = &api.OAuth{TokenURL: tokenURL, Credentials: "cc", Scopes: []string{"hooks"}}
	return d
}

func TestADeliveryCarriesAnAccessToken(t *testing.T) {
	url, requests := backend(t, status(http.StatusOK))
	w := newWorld(t)
	w.merchant(merchantID(1), w.authorized(url, authorizationServer(t, issue(`{"access_token":"abc.def","token_type":"Bearer","expires_in":60}`))))
	w.merchant(merchantID(2), destination(url))
	w.apply()
	s := sender(t, loopback)
	for i, want := range map[int]string{1: "Bearer abc.def", 2: ""} {
		if v := s.Attempt(context.Background(), notification("n", merchantID(i)), "payments/acme", w.served(merchantID(i))); v.Reason != delivery.Delivered {
			t.Fatalf("%+v", v)
		}
		if got := (<-requests).request.Header.Get("Authorization"); got != want {
			t.Errorf("Authorization %q, want %q", got, want)
		}
	}
}

// TestWhatD1IsToldWhenThereIsNoAccessToken: neither says that the destination refuses the notification, so D1 is to come again.
func TestWhatD1IsToldWhenThereIsNoAccessToken(t *testing.T) {
	for _, c := range []struct {
		name        string
		issuer      http.HandlerFunc
		destination int
		want        delivery.Verdict
	}{
		{"the authorization server fails", status(http.StatusInternalServerError), 200, delivery.Verdict{Reason: delivery.TokenUnavailable, Detail: "the token endpoint answered 500"}},
		{"the destination refuses the token", issue(`{"access_token":"t"}`), 401, delivery.Verdict{Reason: delivery.TokenRefused, Status: 401}},
		{"the destination refuses the notification", issue(`{"access_token":"t"}`), 403, delivery.Verdict{Reason: delivery.ClientError, Status: 403}},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _ := backend(t, status(c.destination))
			w := newWorld(t)
			w.merchant(merchantID(1), w.authorized(url, authorizationServer(t, c.issuer)))
			w.apply()
			v := sender(t, loopback).Attempt(context.Background(), notification("n", merchantID(1)), "payments/acme", w.served(merchantID(1)))
			if v != c.want {
				t.Errorf("%+v, want %+v", v, c.want)
			}
			if want := c.want.Reason == delivery.ClientError; (v.Answer() == delivery.Refused) != want {
				t.Errorf("D1 is told %d", v.Answer())
			}
		})
	}
}

func TestTheTimeoutHoldsForTheAccessTokenToo(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	url, requests := backend(t, status(http.StatusOK))
	w := newWorld(t)
	d := w.authorized(url, authorizationServer(t, func(http.ResponseWriter, *http.Request) { <-hang }))
	d.TimeoutSeconds = 1
	w.merchant(merchantID(1), d)
	w.apply()
	if v := sender(t, loopback).Attempt(context.Background(), notification("n", merchantID(1)), "o", w.served(merchantID(1))); v.Reason != delivery.TokenUnavailable {
		t.Errorf("%+v", v)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if v := sender(t, loopback).Attempt(ctx, notification("n", merchantID(1)), "o", w.served(merchantID(1))); v.Reason != delivery.Stopped {
		t.Errorf("stopped while it waits for a token: %+v", v)
	}
	if len(requests) != 0 {
		t.Error("a request went out without a token")
	}
}
