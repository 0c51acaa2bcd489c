package contract_test

import (
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// site is two servers with the same documents, one in plain HTTP and one with TLS: together they speak every transport.
type site struct{ worlds []*running.World }

// newSite starts the servers until t ends. The change is made to each of them.
func newSite(t *testing.T, change func(w *running.World)) *site {
	t.Helper()
	return &site{[]*running.World{running.Start(t, change), running.StartTLS(t, change)}}
}

// visit is one transport's turn: a client of its own, and a good access token.
type visit struct {
	*testing.T
	w     *running.World
	c     *running.Client
	token string
}

// everywhere runs a subtest for each transport, at the same time.
func (s *site) everywhere(t *testing.T, test func(v *visit)) {
	t.Helper()
	for _, w := range s.worlds {
		for _, transport := range w.Transports() {
			t.Run(transport.Name, func(t *testing.T) {
				t.Parallel()
				test(enter(t, w, transport))
			})
		}
	}
}

// inBothVersions runs a subtest for HTTP/1.1 in plain and for HTTP/2 over TLS 1.3: for what is decided by the bytes of a request alone,
// whatever it came over.
func (s *site) inBothVersions(t *testing.T, test func(v *visit)) {
	t.Helper()
	for i, transport := range []running.Transport{running.HTTP1, running.TLS13HTTP2} {
		t.Run(transport.Name, func(t *testing.T) {
			t.Parallel()
			test(enter(t, s.worlds[i], transport))
		})
	}
}

// overHTTP1 runs a subtest for HTTP/1.1 in plain and over TLS 1.3: for what is decided above the transport, or cannot be said in HTTP/2.
func (s *site) overHTTP1(t *testing.T, test func(v *visit)) {
	t.Helper()
	for i, transport := range []running.Transport{running.HTTP1, running.TLS13} {
		t.Run(transport.Name, func(t *testing.T) {
			t.Parallel()
			test(enter(t, s.worlds[i], transport))
		})
	}
}

func enter(t *testing.T, w *running.World, transport running.Transport) *visit {
	t.Helper()
	c := w.Over(transport).For(t)
	v := &visit{T: t, w: w, c: c}
	// Token answers T0 only; a world that has no such client does without.
	if a := c.Do(running.T0()); a.Status == 200 {
		v.token = a.Token()
	}
	return v
}

// world starts one server in plain HTTP for a row with documents of its own, and enters it.
func world(t *testing.T, change func(w *running.World)) *visit {
	t.Helper()
	return enter(t, running.Start(t, change), running.HTTP1)
}

// cases are requests by what is special about them.
type cases map[string]running.Request

// expect sends each request in a subtest and compares the answer.
func (v *visit) expect(want want, requests cases) {
	v.Helper()
	for name, r := range requests {
		v.Run(name, func(t *testing.T) {
			t.Helper()
			want.check(t, v.c.For(t).Do(r))
		})
	}
}

// n0 is the base notification with the visit's token.
func (v *visit) n0() running.Request { return running.N0(v.token) }

// basic is T0 with another client id and secret, sent as they are.
func basic(id, secret string) running.Request {
	return running.T0().With("Authorization", fixture.BasicAuthorization(id, secret))
}
