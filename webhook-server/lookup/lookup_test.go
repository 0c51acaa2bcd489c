package lookup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
)

func TestWithoutATokenLookupEveryTokenIsKnown(t *testing.T) {
	l, _ := newLookup(t, nil)
	want(t, l, gateway(t, nil), "tok_1", Known)
}

func TestTheURLIsFilledInAndCannotBeLeft(t *testing.T) {
	p := newPlatform(t)
	l, _ := newLookup(t, nil)
	g := gateway(t, p.lookup(300, 0))
	want(t, l, g, "tok_1", Known)
	want(t, l, g, "../a?b&c=d e#f%", Known)
	const first, second = "GET /tokens/40010000001/tok_1?t=tok_1", "GET /tokens/40010000001/..%2Fa%3Fb%26c%3Dd%20e%23f%25?t=..%2Fa%3Fb%26c%3Dd%20e%23f%25"
	if p.paths[0] != first || p.paths[1] != second {
		t.Errorf("asked %q", p.paths)
	}
}

func TestAKnownTokenIsCachedAndAnUnknownOneOnlyForTwoSeconds(t *testing.T) {
	p := newPlatform(t)
	l, c := newLookup(t, nil)
	g := gateway(t, p.lookup(300, 0))
	want(t, l, g, "known", Known)
	p.status.Store(http.StatusNotFound)
	c.advance(299 * time.Second)
	want(t, l, g, "known", Known)
	want(t, l, g, "unknown", Unknown)
	c.advance(time.Second)
	want(t, l, g, "known", Unknown)
	p.status.Store(http.StatusNoContent)
	want(t, l, g, "unknown", Unknown) // still cached
	c.advance(time.Second)
	want(t, l, g, "unknown", Known)
	if n := p.asked.Load(); n != 4 {
		t.Errorf("asked %d times, want 4", n)
	}
}

func TestCacheSecondsZeroCachesNothing(t *testing.T) {
	p := newPlatform(t)
	l, _ := newLookup(t, nil)
	g := gateway(t, p.lookup(0, 0))
	want(t, l, g, "t", Known)
	p.status.Store(http.StatusNotFound)
	want(t, l, g, "t", Unknown)
	p.status.Store(http.StatusOK)
	want(t, l, g, "t", Known)
}

func TestANewTokenHasItsTimeOfGrace(t *testing.T) {
	p := newPlatform(t)
	l, c := newLookup(t, nil)
	g := gateway(t, p.lookup(300, 30))
	p.status.Store(http.StatusNotFound)
	want(t, l, g, "late", TooEarly)
	want(t, l, g, "never", TooEarly)
	c.advance(29 * time.Second)
	want(t, l, g, "late", TooEarly)
	p.status.Store(http.StatusOK)
	want(t, l, g, "late", Known) // the platform has recorded it: no cached answer stands in the way
	p.status.Store(http.StatusNotFound)
	c.advance(time.Second)
	want(t, l, g, "never", Unknown)
	c.advance(time.Hour)
	want(t, l, g, "never", Unknown) // its grace does not begin again
}

func TestATokenRecordedJustBeforeItsGraceEndsIsNotRefused(t *testing.T) {
	p := newPlatform(t)
	l, c := newLookup(t, nil)
	g := gateway(t, p.lookup(300, 30))
	p.status.Store(http.StatusNotFound)
	want(t, l, g, "t", TooEarly)
	c.advance(29999 * time.Millisecond)
	want(t, l, g, "t", TooEarly)
	p.status.Store(http.StatusOK)
	c.advance(time.Millisecond)
	want(t, l, g, "t", Known)
}

func TestAnythingElseIsAFault(t *testing.T) {
	for _, status := range []int{301, 307, 400, 401, 403, 408, 410, 429, 500, 503} {
		p := newPlatform(t)
		p.status.Store(int32(status))
		l, _ := newLookup(t, nil)
		g := gateway(t, p.lookup(300, 0))
		_, err := l.Token(t.Context(), g, "40010000001", "t")
		var fault *Fault
		if !errors.As(err, &fault) || fault.Status != status || fault.Result != UnexpectedStatus {
			t.Errorf("%d: %v", status, err)
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("%d: asked %d times: a redirect was followed", status, n)
		}
		p.status.Store(http.StatusOK)
		want(t, l, g, "t", Known) // a fault is not remembered
	}
}

func TestAFaultOfTheNetworkIsNamedAndNothingSecretLogged(t *testing.T) {
	var log bytes.Buffer
	p := newPlatform(t)
	l, _ := newLookup(t, &log)
	doc := p.lookup(300, 0)
	doc.URL += "&key=planted"
	g := gateway(t, doc)
	p.Close()
	_, err := l.Token(t.Context(), g, "40010000001", "planted")
	var fault *Fault
	if !errors.As(err, &fault) || fault.Result != Result(outbound.FaultConnectionRefused) {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), "planted") || strings.Contains(log.String(), "planted") || log.Len() == 0 {
		t.Errorf("error %v, log %s", err, &log)
	}
}

func TestRequestsForOneTokenShareAnAnswerThatOutlivesWhoeverAskedFirst(t *testing.T) {
	entered, answer := make(chan struct{}, 10), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-answer
	}))
	defer s.Close()
	l, _ := newLookup(t, nil)
	g := gateway(t, &api.TokenLookup{URL: s.URL + "/{tokenId}", TimeoutSeconds: 30, CacheSeconds: 60})
	first, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := l.Token(first, g, "m", "t")
		left <- err
	}()
	<-entered
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	answers := make(chan Answer, 5)
	for range 5 {
		go func() {
			a, err := l.Token(t.Context(), g, "m", "t")
			if err != nil {
				t.Error(err)
			}
			answers <- a
		}()
	}
	close(answer)
	for range 5 {
		if a := <-answers; a != Known {
			t.Errorf("answer %d", a)
		}
	}
	if len(entered) != 0 {
		t.Errorf("asked %d times more", len(entered))
	}
}

func TestOneGatewayHasABoundedNumberOfRequestsUnderWay(t *testing.T) {
	entered, answer := make(chan struct{}, 2*maxInFlight), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-answer
	}))
	defer s.Close()
	l, _ := newLookup(t, nil)
	g := gateway(t, &api.TokenLookup{URL: s.URL + "/{tokenId}", TimeoutSeconds: 30})
	var group sync.WaitGroup
	for i := range maxInFlight {
		group.Go(func() { _, _ = l.Token(t.Context(), g, "m", fmt.Sprintf("t%d", i)) })
	}
	for range maxInFlight {
		<-entered
	}
	_, err := l.Token(t.Context(), g, "m", "one-too-many")
	var fault *Fault
	if !errors.As(err, &fault) || fault.Result != Busy {
		t.Errorf("%v", err)
	}
	close(answer)
	group.Wait()
	want(t, l, g, "later", Known)
}
