package sim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
)

// errNoToken means that notifications cannot be authorised, now or later.
var errNoToken = errors.New("no access token")

// tokenSource holds one access token and renews it shortly before it expires, as any
// client of the grant is meant to (RFC 6749 section 4.4 has no refresh token).
type tokenSource struct {
	fetch func(context.Context) (accessToken, error)

	mu      sync.Mutex
	current accessToken
	refused error // set once the client was refused: asking again would not help
}

type accessToken struct {
	value string
	// renewAt is zero when the answer named no lifetime.
	renewAt time.Time
}

// get returns a token that is still good for a while. Those who ask while one is being
// fetched wait for it, so that a fleet of workers makes one token call and not many.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return "", s.refused
	}
	if s.current.value != "" && (s.current.renewAt.IsZero() || time.Now().Before(s.current.renewAt)) {
		return s.current.value, nil
	}
	token, err := s.fetch(ctx)
	if errors.Is(err, errNoToken) {
		s.refused = err
	}
	if err != nil {
		return "", err
	}
	s.current = token
	return token.value, nil
}

// reject drops a token that a notification was refused with, unless it was replaced already.
func (s *tokenSource) reject(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.value == value {
		s.current = accessToken{}
	}
}

// tokenClient asks the token endpoint with the client credentials grant.
type tokenClient struct {
	caller           *caller
	url              string
	clientID, secret string
	scope            string
	ended            func(conform.Answer, error)
}

func (c *tokenClient) fetch(ctx context.Context) (accessToken, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if c.scope != "" {
		form.Set("scope", c.scope)
	}
	asked := time.Now()
	answer, err := c.caller.send(ctx, request{
		operation:     conform.Token,
		correlationID: rand.Text(),
		expect:        http.StatusOK,
		build: func(ctx context.Context) (*http.Request, error) {
			asked = time.Now()
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(form.Encode()))
			if err != nil {
				return nil, err
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Accept", "application/json")
			// RFC 6749 section 2.3.1: both are form-encoded before they become a Basic pair.
			r.SetBasicAuth(url.QueryEscape(c.clientID), url.QueryEscape(c.secret))
			return r, nil
		},
	})
	c.ended(answer, err)
	switch {
	case err != nil:
		return accessToken{}, fmt.Errorf("asking for a token: %w", err)
	case answer.Status == http.StatusServiceUnavailable:
		return accessToken{}, errors.New("asking for a token: the token endpoint is not available")
	case answer.Status != http.StatusOK:
		return accessToken{}, fmt.Errorf("%w: the token endpoint answered %d", errNoToken, answer.Status)
	}
	return parseToken(answer.Body, asked)
}

// parseToken reads the answer leniently, in either dialect: whether it conforms has been
// judged by then.
func parseToken(body []byte, asked time.Time) (accessToken, error) {
	var answer struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		return accessToken{}, fmt.Errorf("%w: the answer holds none", errNoToken)
	}
	token := accessToken{value: answer.AccessToken}
	seconds, err := strconv.ParseUint(strings.Trim(string(answer.ExpiresIn), `"`), 10, 31)
	if err != nil {
		return token, nil //nolint:nilerr // a token without a readable lifetime is used until it is refused
	}
	lifetime := time.Duration(seconds) * time.Second // #nosec G115 -- parsed as 31 bits
	token.renewAt = asked.Add(lifetime - min(lifetime/10, 30*time.Second))
	return token, nil
}
