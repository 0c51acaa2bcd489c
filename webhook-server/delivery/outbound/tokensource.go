package outbound

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"

	api "github.com/d1gateway/d1gateway/api/serving"
)

const (
	// fetchTime bounds one request for an access token, whoever waits for it.
	fetchTime = 10 * time.Second
	// youngToken is the age below which a refused access token is not replaced, so that a destination that refuses every token does not
	// become a load on the authorization server.
	youngToken = 5 * time.Second
	// shortestFetchPause and longestFetchPause bound the time after a failure in which nothing is fetched. It doubles from one to the next.
	shortestFetchPause = time.Second
	longestFetchPause  = 30 * time.Second
	// idleTokenSource is how long an unused source is kept, with its token.
	idleTokenSource = time.Hour
)

// tokenKey names a source by whose it is and by all that its tokens depend on.
type tokenKey struct {
	owner    string
	identity [sha256.Size]byte
}

// accessToken does not print.
type accessToken struct {
	Text     api.Secret // exported, since package fmt prints what is in other fields as it is
	obtained time.Time
	// fresh is until when it is used without a thought. From then to usable another one is fetched, and this one goes on meanwhile.
	fresh, usable time.Time
}

// tokenSource fetches access tokens, one at a time, and keeps the last one.
type tokenSource struct {
	transports  *Transports
	owner       string
	credentials *serving.ClientCredentials
	used        time.Time // under the lock of transports

	mu       sync.Mutex
	current  *accessToken // nil for none
	flight   *flight      // nil when nothing is fetched
	failures int          // since the last success
	failed   error
	pause    time.Time // nothing is fetched before, after a failure
}

// flight is one request for an access token, for all that wait.
type flight struct {
	done  chan struct{} // closed when token or err is set
	token *accessToken
	err   error
	way   *way // nil without a proxy
}

func (t *Transports) tokenSource(owner string, c *serving.ClientCredentials) *tokenSource {
	k := tokenKey{owner, c.Identity}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.tokens[k]
	if s == nil {
		s = &tokenSource{transports: t, owner: owner, credentials: c}
		t.tokens[k] = s
	}
	s.used = t.now()
	return s
}

// token answers an access token, fetching one when there is none that will do. Its errors are faults.
func (s *tokenSource) token(ctx context.Context) (*accessToken, error) {
	have, f, err := s.take()
	if f == nil {
		return have, err
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
	}
	if f.way.waitsForProxy() {
		return nil, &failure{FaultProxy, "the proxy did not open the tunnel to the token endpoint in time"}
	}
	return nil, &failure{FaultTokenUnavailable, "the token endpoint did not answer in time"}
}

// take answers a token or an error at once, or what to wait for.
func (s *tokenSource) take() (*accessToken, *flight, error) {
	now := s.transports.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && now.Before(s.current.fresh) {
		return s.current, nil, nil
	}
	usable := s.current != nil && now.Before(s.current.usable)
	if s.flight == nil && (s.failed == nil || !now.Before(s.pause)) {
		s.flight = s.fetch()
	}
	switch {
	case usable:
		return s.current, nil, nil
	case s.flight == nil:
		return nil, nil, s.failed
	default:
		return nil, s.flight, nil
	}
}

// fetch starts a flight. It outlives the request that wants the token: others wait for it, and the next one needs it too.
func (s *tokenSource) fetch() *flight {
	f := &flight{done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(s.transports.open, fetchTime)
	if s.transports.dialing.proxy != nil {
		ctx, f.way = proxied(ctx)
	}
	go func() {
		defer cancel()
		f.token, f.err = s.transports.exchange(ctx, s.owner, s.credentials)
		s.landed(f)
	}()
	return f
}

// landed keeps what came of a flight and tells all that wait.
func (s *tokenSource) landed(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(f.done)
	s.flight = nil
	if f.err != nil {
		s.failed = f.err
		s.pause = s.transports.now().Add(min(shortestFetchPause<<min(s.failures, 5), longestFetchPause))
		s.failures++
		return
	}
	s.current, s.failed, s.failures = f.token, nil, 0
}

// refused is told that the destination answered 401 to a token. It answers whether another one may be had.
func (s *tokenSource) refused(token *accessToken) bool {
	now := s.transports.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != token { // somebody was quicker
		return true
	}
	if now.Sub(token.obtained) < youngToken {
		return false
	}
	s.current = nil
	return true
}
