package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestATokenIsFetchedOnceAndReplacedBeforeItEnds(t *testing.T) {
	for _, c := range []struct {
		name     string
		lifetime any
		fresh    time.Duration // how long it is used without another
	}{
		{"an hour", 3600, time.Hour - 30*time.Second},
		{"a string of digits", "3600", time.Hour - 30*time.Second},
		{"ten seconds", 10, 8 * time.Second},
		{"none", nil, 5*time.Minute - 30*time.Second},
		{"what cannot be read", "soon", 5*time.Minute - 30*time.Second},
		{"for ever", int64(1) << 62, 24*time.Hour - 30*time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, d := newAuthorizationServer(t), newResource(t)
			a.lifetime = c.lifetime
			transports, clock := withClock(t)
			e := a.endpoint("hooks")
			send(t, transports, d, e, http.StatusOK)
			clock.advance(c.fresh - time.Second)
			send(t, transports, d, e, http.StatusOK)
			if n := a.issued.Load(); n != 1 || d.last() != "planted-token-1" {
				t.Fatalf("%d tokens, the last one used is %s", n, d.last())
			}
			clock.advance(time.Hour + 24*time.Hour)
			send(t, transports, d, e, http.StatusOK)
			if n := a.issued.Load(); n != 2 || d.last() != "planted-token-2" {
				t.Errorf("%d tokens, the last one used is %s", n, d.last())
			}
		})
	}
}

func TestATokenThatHasAMomentLeftIsUsedWhileAnotherIsFetched(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	transports, clock := withClock(t)
	e := a.endpoint()
	send(t, transports, d, e, http.StatusOK)
	clock.advance(time.Hour - 20*time.Second)
	entered, release := make(chan struct{}), make(chan struct{})
	a.answers(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	send(t, transports, d, e, http.StatusOK) // does not wait
	<-entered
	send(t, transports, d, e, http.StatusOK)
	close(release)
	s := transports.tokenSource("payments/acme", e.OAuth)
	landed(t, s)
	send(t, transports, d, e, http.StatusOK) // the failure does not matter yet
	clock.advance(20 * time.Second)
	a.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	if _, err := do(t, transports, "payments/acme", d.URL, e, 10*time.Second); FaultOf(err) != FaultTokenUnavailable {
		t.Errorf("the token has ended: %v", err)
	}
}

// landed waits for the flight of a source.
func landed(t *testing.T, s *tokenSource) {
	t.Helper()
	s.mu.Lock()
	f := s.flight
	s.mu.Unlock()
	if f == nil {
		return
	}
	select {
	case <-f.done:
	case <-t.Context().Done():
	}
}

func TestManyRequestsShareOneFetch(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	transports, _ := withClock(t)
	e := a.endpoint()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := do(t, transports, "payments/acme", d.URL, e, 10*time.Second); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := a.issued.Load(); n != 1 {
		t.Errorf("%d tokens for fifty requests at once", n)
	}
	if _, err := do(t, transports, "payments/other", d.URL, e, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if n := a.issued.Load(); n != 2 {
		t.Errorf("another owner used the first one's token: %d fetches", n)
	}
	if _, err := do(t, transports, "payments/other", d.URL, a.endpoint("more"), 10*time.Second); err != nil || a.issued.Load() != 3 {
		t.Errorf("other scopes: %d fetches, %v", a.issued.Load(), err)
	}
}

func TestAFailureIsRememberedForAMoment(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	a.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	transports, clock := withClock(t)
	e := a.endpoint()
	for range 600 { // a minute
		if _, err := do(t, transports, "payments/acme", d.URL, e, 10*time.Second); FaultOf(err) != FaultTokenUnavailable {
			t.Fatal(err)
		}
		clock.advance(100 * time.Millisecond)
	}
	if n := a.issued.Load(); n != 6 { // at 0, 1, 3, 7, 15 and 31 seconds
		t.Errorf("asked %d times in a minute", n)
	}
	a.answers(nil)
	clock.advance(longestFetchPause)
	send(t, transports, d, e, http.StatusOK)
	if len(d.seen) != 1 {
		t.Errorf("%d requests went out", len(d.seen))
	}
}

func TestATokenEndpointIsGuardedLikeADestination(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	e := a.endpoint()
	e.OAuth.TokenURL = "https://169.254.169.254/latest/meta-data/planted"
	transports, _ := withClock(t)
	_, err := do(t, transports, "o", d.URL, e, 10*time.Second)
	if FaultOf(err) != FaultTokenUnavailable || !strings.Contains(Detail(err), string(FaultAddressRefused)) || strings.Contains(err.Error(), "planted") {
		t.Errorf("%v", err)
	}
}

func TestWaitingForATokenEndsWithTheAttemptAndTheTokenServesTheNext(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	entered, release := make(chan struct{}), make(chan struct{})
	a.answers(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, `{"access_token":"late"}`)
	})
	transports, _ := withClock(t)
	e := a.endpoint()
	_, err := do(t, transports, "payments/acme", d.URL, e, 100*time.Millisecond)
	if FaultOf(err) != FaultTokenUnavailable {
		t.Errorf("%v", err)
	}
	<-entered
	close(release)
	landed(t, transports.tokenSource("payments/acme", e.OAuth))
	send(t, transports, d, e, http.StatusOK)
	if d.last() != "late" || a.issued.Load() != 1 {
		t.Errorf("used %s, %d fetches", d.last(), a.issued.Load())
	}
}

func TestCloseEndsAFetch(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	entered := make(chan struct{})
	a.answers(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(entered)
		<-r.Context().Done()
	})
	transports, _ := withClock(t)
	ended := make(chan error)
	go func() {
		_, err := do(t, transports, "o", d.URL, a.endpoint(), time.Minute)
		ended <- err
	}()
	<-entered
	transports.Close()
	if err := <-ended; FaultOf(err) != FaultTokenUnavailable {
		t.Errorf("%v", err)
	}
}

func TestTokensThroughTheProxy(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	p := newTestProxy(t, nil)
	transports := through(t, p.URL, Options{Guard: NewGuard(loopback)})
	send(t, transports, d, a.endpoint(), http.StatusOK)
	if targets, _ := p.asked(); len(targets) != 2 {
		t.Errorf("the proxy was asked for %v", targets)
	}
	tokenTarget := strings.TrimPrefix(a.URL, "http://")
	p.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Host == tokenTarget {
			w.WriteHeader(http.StatusBadGateway)
		}
		return r.Host == tokenTarget
	})
	if _, err := do(t, transports, "payments/other", d.URL, a.endpoint(), 10*time.Second); FaultOf(err) != FaultProxy {
		t.Errorf("the proxy's fault on the way to the token endpoint: %v", err)
	}
	p.answers(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Host == tokenTarget {
			<-r.Context().Done()
		}
		return r.Host == tokenTarget
	})
	if _, err := do(t, transports, "payments/third", d.URL, a.endpoint(), 200*time.Millisecond); FaultOf(err) != FaultProxy {
		t.Errorf("a proxy that hangs on the way to the token endpoint: %v", err)
	}
}

func TestAnUnusedTokenSourceIsForgotten(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	a.lifetime = 86400
	transports, clock := withClock(t)
	send(t, transports, d, a.endpoint(), http.StatusOK)
	clock.advance(idleTokenSource)
	other := newResource(t)
	if _, err := do(t, transports, "o", other.URL, &serving.Endpoint{}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if n := len(transports.tokens); n != 0 {
		t.Errorf("%d sources are kept", n)
	}
}

func TestACancelledRequestDoesNotWaitForAToken(t *testing.T) {
	a, d := newAuthorizationServer(t), newResource(t)
	a.answers(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	transports, _ := withClock(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transports.Do(req, "o", a.endpoint()); err == nil || !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("%v", err)
	}
}
