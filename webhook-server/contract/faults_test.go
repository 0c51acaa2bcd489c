package contract_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to hold the store's lock

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func testServerFaults(t *testing.T, _ *site) {
	for name, test := range map[string]func(t *testing.T){
		"store full": testStoreFull, "store slow or down": testStoreDown, "overload": testOverload, "deadline passed": testDeadline,
		"panic before the commit": testPanic, "stopping": testStopping,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

func testStoreFull(t *testing.T) {
	w := running.Start(t, func(w *running.World) {
		w.Options.Store += "?max-bytes=200000"
		w.Documents.Gateway.Delivery.URL = "http://127.0.0.1:9/" // nothing is delivered, so nothing makes room
	})
	c := w.Client()
	token := w.Token(c)
	var full atomic.Bool
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for range 1000 {
				a, err := c.Try(t.Context(), running.N0(token))
				if full.Load() || err != nil {
					return
				}
				full.Store(a.Status == http.StatusServiceUnavailable)
			}
		})
	}
	senders.Wait()
	if !full.Load() {
		t.Fatal("the store never was full")
	}
	for _, transport := range w.Transports() {
		v := enter(t, w, transport)
		v.expect(wantS, cases{"N0": v.n0(), "CARD_UPDATE": v.n0().WithBody(`{"updateType":"CARD_UPDATE"}`)})
		v.expect(wantOK, cases{"T0 needs no store": running.T0()})
		v.expect(wantF("body"), cases{"a bad body is told all the same": v.n0().WithBody("x")})
	}
}

// testStoreDown holds the lock that every commit needs, as a backup or a full disk would.
func testStoreDown(t *testing.T) {
	v := world(t, nil)
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(v.w.Options.Store, "sqlite:")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	holder, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	v.expect(wantS, cases{"down": v.n0().WithToken("while_down")})
	v.expect(wantOK, cases{"T0 needs no store": running.T0()})
	// Slow: this one waits until the lock is free, and is not refused for it.
	slow := make(chan running.Answer, 1)
	go func() {
		a, _ := v.c.Try(t.Context(), v.n0().WithToken("while_slow"))
		slow <- a
	}()
	v.w.Eventually("it is not under way", func() bool { return v.w.Metric("d1gateway_store_commit_failures_total") != "0" })
	if _, err := holder.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if a := <-slow; a.Status != http.StatusNoContent && a.Status != http.StatusServiceUnavailable {
		t.Errorf("slow: answer %s", a)
	} else if stored := len(records(t, v.w, "while_slow")); a.Status == http.StatusNoContent && stored != 1 {
		t.Errorf("slow: it is answered %d and there are %d records", a.Status, stored)
	}
	v.expect(wantA, cases{"back again": v.n0().WithToken("afterwards")})
	if stored := records(t, v.w, "afterwards"); len(stored) != 1 {
		t.Errorf("afterwards there are %d records", len(stored))
	}
}

// underWay sends a request without the end of its body, and answers what ends it.
func underWay(t *testing.T, v *visit, r running.Request) (end func() running.Answer) {
	t.Helper()
	c := v.c.For(t)
	connection := c.Dial()
	r = r.With("Expect", "100-continue")
	if _, err := connection.Write([]byte(strings.TrimSuffix(r.Text(), r.Body))); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(connection)
	// The server says 100 Continue when the handler reads.
	if line, err := from.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("it is not under way: %q %v", line, err)
	}
	if _, err := from.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return func() running.Answer {
		t.Helper()
		if _, err := connection.Write([]byte(r.Body)); err != nil {
			t.Fatal(err)
		}
		a, err := c.ReadAnswer(from, r.Method, r.Path)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

func testOverload(t *testing.T) {
	s := newSite(t, func(w *running.World) { w.Options.MaxConcurrentRequests = 2 })
	for i, transport := range []running.Transport{running.HTTP1, running.TLS13} {
		w := s.worlds[i]
		v := enter(t, w, transport)
		ends := []func() running.Answer{underWay(t, v, v.n0()), underWay(t, v, running.T0())}
		for _, other := range w.Transports() {
			t.Run(other.Name, func(t *testing.T) {
				o := &visit{T: t, w: w, c: w.Over(other).For(t), token: v.token}
				o.expect(wantS, cases{"N0": o.n0(), "T0": running.T0(), "a bad token": running.N0("x"), "a wrong secret": basic(fixture.ClientID, "124"), "chunked": o.n0().WithChunks()})
			})
		}
		wantA.check(t, ends[0]())
		wantOK.check(t, ends[1]())
		v.w.Eventually("it stays overloaded", func() bool {
			a, err := v.c.Try(t.Context(), v.n0())
			return err == nil && a.Status == http.StatusNoContent
		})
	}
}

func testDeadline(t *testing.T) {
	v := world(t, nil)
	for name, r := range map[string]running.Request{"a notification whose body does not come": v.n0(), "a token request whose body does not come": running.T0()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := v.c.For(t)
			connection := c.Dial()
			if _, err := connection.Write([]byte(strings.TrimSuffix(r.Text(), r.Body[1:]))); err != nil {
				t.Fatal(err)
			}
			a, err := c.ReadAnswer(bufio.NewReader(connection), r.Method, r.Path)
			if err != nil {
				t.Fatal(err)
			}
			wantS.check(t, a)
		})
	}
}

// panicking is a log that fails at one message, in the midst of a request.
type panicking struct {
	slog.Handler
	at string
}

func (p panicking) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == p.at {
		panic(fmt.Sprintf("planted-in-a-panic at %s", p.at))
	}
	return p.Handler.Handle(ctx, r)
}

func (p panicking) WithAttrs(attrs []slog.Attr) slog.Handler {
	return panicking{p.Handler.WithAttrs(attrs), p.at}
}

func (p panicking) WithGroup(name string) slog.Handler {
	return panicking{p.Handler.WithGroup(name), p.at}
}

func testPanic(t *testing.T) {
	for message, tc := range map[string]struct {
		want    want
		request func(v *visit) running.Request
		durable bool
	}{
		"client authentication failed": {wantS, func(*visit) running.Request { return basic(fixture.ClientID, "124") }, false},
		"access token refused":         {wantS, func(*visit) running.Request { return running.N0("x") }, false},
		"notification refused":         {wantS, func(v *visit) running.Request { return v.n0().WithBody("x") }, false},
		"notification not taken":       {wantUnknownMerchant, func(v *visit) running.Request { return v.n0().WithPath(path(fixture.GatewayID, "40010000009", "x")) }, false},
		"notification accepted":        {wantA, func(v *visit) running.Request { return v.n0() }, true},
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			w := running.Start(t, func(w *running.World) {
				w.Planted("planted-in-a-panic")
				w.Options.Logger = slog.New(panicking{w.Options.Logger.Handler(), message})
			})
			for _, transport := range w.Transports() {
				v := enter(t, w, transport)
				v.expect(tc.want, cases{"it": tc.request(v)})
				v.expect(wantOK, cases{"T0 afterwards": running.T0()})
				if !strings.Contains(v.w.Log.String(), "panicked") {
					v.Error("nobody panicked")
				}
				if stored := len(records(v.T, v.w, fixture.TokenID)) > 0; stored != tc.durable {
					v.Errorf("stored is %v", stored)
				}
			}
		})
	}
}

// testStopping sees a request that is under way to its end.
func testStopping(t *testing.T) {
	v := world(t, nil)
	end := underWay(t, v, v.n0())
	stopped := make(chan error, 1)
	server := v.w.Server
	v.w.Server = nil
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		stopped <- server.Stop(ctx)
	}()
	wantA.check(t, end())
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
