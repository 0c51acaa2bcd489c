package contract_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func TestConnectionsOfOneSourceAreBounded(t *testing.T) {
	t.Parallel()
	const bound = 4
	s := newSite(t, func(w *running.World) { w.Options.MaxConnectionsPerSource, w.Options.MaxConnections = bound, 64 })
	s.overHTTP1(t, func(v *visit) {
		greedy := &visit{T: v.T, w: v.w, c: v.w.Over(v.c.Transport).For(v.T), token: v.token}
		var ends []func() running.Answer
		for range bound {
			ends = append(ends, underWay(v.T, greedy, greedy.n0()))
		}
		for range 3 {
			if a, err := v.w.OverFrom(greedy.c.Source(), v.c.Transport).For(v.T).Try(v.Context(), running.T0()); err == nil {
				v.Errorf("one connection more than %d is answered %s", bound, a)
			}
		}
		v.expect(wantA, cases{"another source": v.n0()})
		wantOK.check(v.T, v.w.Over(v.c.Transport).For(v.T).Do(running.T0()))
		for _, end := range ends {
			wantA.check(v.T, end()) // none was cut off
		}
		v.w.Eventually("the source stays shut out", func() bool {
			a, err := v.w.OverFrom(greedy.c.Source(), v.c.Transport).Try(v.Context(), running.T0())
			return err == nil && a.Status == http.StatusOK
		})
	})
}

func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	const bound = 8
	w := running.Start(t, func(w *running.World) { w.Options.MaxConnectionsPerSource, w.Options.MaxConnections = bound, bound })
	var idle []net.Conn
	for range bound {
		c := w.Over(running.HTTP1).For(t) // each from another source
		connection := c.Dial()
		if _, err := connection.Write([]byte(withoutClose(running.T0()))); err != nil {
			t.Fatal(err)
		}
		a, err := c.ReadAnswer(bufio.NewReader(connection), http.MethodPost, running.T0().Path)
		if err != nil {
			t.Fatal(err)
		}
		wantOK.check(t, a)
		idle = append(idle, connection)
	}
	began := time.Now()
	wantOK.check(t, w.Over(running.HTTP1).For(t).Do(running.T0()))
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	// The one that has been idle longest was closed.
	if n, err := idle[0].Read(make([]byte, 1)); err == nil {
		t.Errorf("the oldest connection is still there: %d bytes", n)
	}
}

// withoutClose is the text of a request that leaves the connection open.
func withoutClose(r running.Request) string {
	return strings.Replace(r.Text(), "Connection: close\r\n", "", 1)
}

// TestAHangingLookupOfOneGatewayDoesNotShedAnothers has one source send more notifications of a gateway whose platform hangs than there
// are slots.
func TestAHangingLookupOfOneGatewayDoesNotShedAnothers(t *testing.T) {
	t.Parallel()
	const slots = 8
	p := running.NewPlatform(t)
	s := newSite(t, func(w *running.World) {
		w.Options.MaxConcurrentRequests = slots
		w.Documents.Gateway.TokenLookup = &api.TokenLookup{URL: p.URL + "/{merchantId}/{tokenId}", TimeoutSeconds: 8}
		withOther(w)
	})
	for i, transport := range []running.Transport{running.HTTP1, running.TLS13HTTP2} {
		t.Run(transport.Name, func(t *testing.T) {
			p.Status.Store(http.StatusOK)
			v := enter(t, s.worlds[i], transport)
			other := v.w.TokenOf(v.c, otherClientID, "123")
			p.Status.Store(running.Hang)
			before := p.Asked.Load()
			const sent = 3 * slots
			answers := make(chan running.Answer, sent)
			for n := range sent {
				go func() {
					a, _ := v.c.Try(t.Context(), v.n0().WithToken(fmt.Sprintf("hanging_%d_%d", i, n)))
					answers <- a // without an answer the status is 0
				}()
			}
			// Half of the slots are one sender's; the rest of what it sends is shed.
			for range sent - slots/2 {
				select {
				case a := <-answers:
					wantS.check(t, a)
				case <-time.After(20 * time.Second):
					t.Fatalf("%d of %d look-ups hang, and the rest is not shed", p.Asked.Load()-before, sent)
				}
			}
			v.w.Eventually("not half of the slots are taken", func() bool { return p.Asked.Load()-before == slots/2 })
			v.expect(wantS, cases{"one more of that gateway": v.n0().WithToken("one_more")})
			theirs := atOther(running.N0(other))
			elsewhere := v.w.Over(transport).For(t)
			for range 5 {
				v.expect(wantA, cases{"another gateway's from there": theirs})
				v.expect(wantOK, cases{"a token from there": running.T0()})
				wantA.check(t, elsewhere.Do(theirs))
				wantOK.check(t, elsewhere.Do(running.T0()))
				v.isActive(t, introspect(v.token))
			}
			if hanging := p.Asked.Load() - before; hanging != slots/2 {
				t.Errorf("%d look-ups hang", hanging)
			}
			p.Status.Store(http.StatusOK)
			p.Release()
			for range slots / 2 {
				if a := <-answers; a.Status != http.StatusNoContent && a.Status != http.StatusServiceUnavailable { // what took 8 s is late
					t.Errorf("answer %s", a)
				}
			}
			v.w.Eventually("it stays shed", func() bool {
				a, err := v.c.Try(t.Context(), v.n0().WithToken("afterwards"))
				return err == nil && a.Status == http.StatusNoContent
			})
		})
	}
}

// TestSheddingHoldsForEveryEndpoint fills the slots and asks for everything else.
func TestSheddingHoldsForEveryEndpoint(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w *running.World) { w.Options.MaxConcurrentRequests = 2 })
	s.overHTTP1(t, func(v *visit) {
		ends := []func() running.Answer{underWay(v.T, v, v.n0()), underWay(v.T, v, running.T0())}
		shed := &visit{T: v.T, w: v.w, c: v.w.Over(v.c.Transport).For(v.T)}
		requests := everyEndpoint(v.token)
		requests["another path"] = get("/x")
		shed.expect(wantS, requests)
		wantA.check(v.T, ends[0]())
		wantOK.check(v.T, ends[1]())
		v.w.Eventually("it stays overloaded", func() bool {
			a, err := v.c.Try(v.Context(), introspect(v.token))
			return err == nil && a.Status == http.StatusOK
		})
	})
}

// TestSlowBodiesOfNobodyDoNotHoldUpD1 has bodies come slowly of requests that name no client before their body. They have few slots of
// their own; D1's Basic needs none of them.
func TestSlowBodiesOfNobodyDoNotHoldUpD1(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w *running.World) {
		allowPost(w)
		w.Options.MaxConcurrentRequests = 32 // two of them are for such requests
	})
	post := running.T0().With("Authorization")
	post = post.WithBody(post.Body + "&client_id=is_tbank01&client_secret=123")
	s.overHTTP1(t, func(v *visit) {
		began := time.Now()
		var slow []*running.Client
		var ends []func() running.Answer
		for range 2 {
			c := v.w.Over(v.c.Transport).For(v.T)
			slow, ends = append(slow, c), append(ends, underWay(v.T, &visit{T: v.T, w: v.w, c: c}, post))
		}
		if a := v.c.Do(post); time.Since(began) < 2*time.Second { // later they may have been given up
			wantS.check(v.T, a)
		}
		for _, c := range append(slow, v.c) {
			wantOK.check(v.T, c.Do(running.T0()))
			wantA.check(v.T, c.Do(v.n0()))
		}
		for _, end := range ends {
			if a := end(); a.Status != http.StatusOK && a.Status != http.StatusServiceUnavailable {
				v.Errorf("a slow one is answered %s", a)
			}
		}
		wantOK.check(v.T, v.c.Do(post))
	})
}
