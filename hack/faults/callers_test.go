package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// target is where D1 calls: a server's URL, or none while no server runs.
type target struct {
	mu      sync.Mutex
	url     string
	changed chan struct{}
}

func newTarget() *target { return &target{changed: make(chan struct{})} }

// point sends those who call to the URL; "" makes them wait.
func (t *target) point(url string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.url = url
	close(t.changed)
	t.changed = make(chan struct{})
}

// other waits for a URL that is not the one given.
func (t *target) other(ctx context.Context, than string) (string, error) {
	for {
		t.mu.Lock()
		url, changed := t.url, t.changed
		t.mu.Unlock()
		if url != "" && url != than {
			return url, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// callers are D1: each sends a notification and waits for its answer, then the next one.
type callers struct {
	t      testing.TB
	ledger *ledger
	target *target
	token  string
	client *http.Client
	tokens atomic.Int64 // the last one's number

	// refused counts answers 503, broken the calls that ended without an answer.
	refused, broken atomic.Int64

	cancel context.CancelFunc
	all    sync.WaitGroup
}

// refusalPause is what D1 waits for after a 503. It takes Retry-After for it, this one is in more of a hurry.
const refusalPause = 20 * time.Millisecond

// call has so many callers send one notification after the other until stop.
func (w *world) call(count int) *callers {
	ctx, cancel := context.WithCancel(w.t.Context())
	c := w.newCallers(cancel)
	for range count {
		c.all.Go(func() { c.sendUntilEnd(ctx) })
	}
	w.t.Cleanup(c.stop)
	return c
}

func (w *world) newCallers(cancel context.CancelFunc) *callers {
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &callers{
		t: w.t, ledger: w.ledger, target: w.target, token: w.token, cancel: cancel,
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second},
	}
}

// refusedAgain is when so many more calls have been answered 503.
func (c *callers) refusedAgain(count int64) <-chan struct{} {
	target := c.refused.Load() + count
	return c.ledger.when(func(*ledger) bool { return c.refused.Load() >= target })
}

// stop ends the callers and waits for them. A call under way may stay without an answer.
func (c *callers) stop() {
	c.cancel()
	c.all.Wait()
}

func (c *callers) sendUntilEnd(ctx context.Context) {
	url, err := c.target.other(ctx, "")
	for err == nil {
		switch status := c.send(ctx, url); status {
		case http.StatusNoContent:
		case http.StatusServiceUnavailable:
			select {
			case <-time.After(refusalPause):
			case <-ctx.Done():
			}
			err = ctx.Err()
		case 0:
			url, err = c.target.other(ctx, url)
		default:
			c.t.Errorf("D1 was answered %d", status)
			return
		}
	}
}

// send sends a notification of a new token and answers the status; 0 is no answer.
func (c *callers) send(ctx context.Context, url string) int {
	token := fmt.Sprintf("tok_%d", c.tokens.Add(1))
	path := fmt.Sprintf("%s/merchant-gateways/%s/merchants/%s/tokens/%s/notify-update", url, gatewayID, merchantID, token)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(`{"updateType":"TOKEN_STATE_CHANGE"}`))
	if err != nil {
		c.t.Error(err)
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Correlation-Id", token)
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.client.Do(request)
	if err != nil {
		if ctx.Err() == nil {
			c.broken.Add(1)
		}
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body) // what counts is the status
	_ = response.Body.Close()
	switch response.StatusCode {
	case http.StatusNoContent:
		c.ledger.acknowledge(token)
	case http.StatusServiceUnavailable:
		c.refused.Add(1)
		c.ledger.refuse()
		if response.Header.Get("Retry-After") == "" {
			c.t.Error("a 503 has no Retry-After")
		}
	}
	return response.StatusCode
}

// fetchToken gets D1's access token.
func fetchToken(t testing.TB, server, clientSecret string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(clientID, clientSecret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("no access token: %s, %v", response.Status, err)
	}
	return answer.AccessToken
}
