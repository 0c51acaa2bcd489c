package outbound

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestA401DropsTheTokenAndTheRequestGoesOutOnceMore(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	transports, clock := withClock(t)
	e := a.endpoint()
	send(t, transports, d, e, http.StatusOK)
	d.refuse(func(token string) bool { return token == "planted-token-1" })
	clock.advance(time.Minute)
	send(t, transports, d, e, http.StatusOK)
	if got := strings.Join(d.seen, " "); got != strings.Repeat("planted-token-1 ", 2)+"planted-token-2" {
		t.Errorf("used %s", got)
	}
	if d.bodies[1] != "{}" || d.bodies[2] != "{}" {
		t.Errorf("bodies %q", d.bodies)
	}
}

func TestADestinationThatRefusesEveryTokenIsNoLoadOnTheAuthorizationServer(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	d.refuse(func(string) bool { return true })
	transports, clock := withClock(t)
	e := a.endpoint()
	for range 100 {
		send(t, transports, d, e, http.StatusUnauthorized)
		clock.advance(100 * time.Millisecond)
	}
	if n := a.issued.Load(); n > 3 {
		t.Errorf("%d tokens in ten seconds", n)
	}
}

func TestA401StandsWhenThereIsNoOtherToken(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	transports, clock := withClock(t)
	e := a.endpoint()
	send(t, transports, d, e, http.StatusOK)
	clock.advance(time.Minute)
	d.refuse(func(string) bool { return true })
	a.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	send(t, transports, d, e, http.StatusUnauthorized)
	if _, err := do(t, transports, "payments/acme", d.URL, e, 10*time.Second); FaultOf(err) != FaultTokenUnavailable {
		t.Errorf("%v", err)
	}
}

func TestARequestWithoutASecondBodyIsNotSentTwice(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	transports, clock := withClock(t)
	e := a.endpoint()
	send(t, transports, d, e, http.StatusOK)
	clock.advance(time.Minute)
	d.refuse(func(string) bool { return true })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL, io.NopCloser(strings.NewReader("once")))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transports.Do(req, "payments/acme", e)
	if err != nil || answer.Status != http.StatusUnauthorized || len(d.seen) != 2 {
		t.Errorf("%d, %v, %d requests", answer.Status, err, len(d.seen))
	}
	if req.Header.Get("Authorization") != "" {
		t.Error("the caller's request holds the token")
	}
}

func TestATokenThatWasReplacedAlreadyDropsNoOther(t *testing.T) {
	a := newAuthorizationServer(t)
	transports, clock := withClock(t)
	source := transports.tokenSource("o", a.endpoint().OAuth)
	first, err := source.token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Minute)
	for range 3 { // three requests under way had the first one
		if !source.refused(first) {
			t.Error("there is no other token to be had")
		}
		if second, err := source.token(t.Context()); err != nil || second == first {
			t.Fatalf("%v, %v", second, err)
		}
		clock.advance(time.Minute)
	}
	if n := a.issued.Load(); n != 2 {
		t.Errorf("%d tokens were fetched", n)
	}
}
