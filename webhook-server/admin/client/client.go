// Package client calls the administration API of a webhook-server.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
)

const (
	// timeout is beyond what the server allows itself for one answer.
	timeout = 80 * time.Second
	// maxAnswerBytes bounds an answer: 500 notifications take about 300 KB.
	maxAnswerBytes = 16 << 20
)

// Options say where the server is.
type Options struct {
	// Server is its URL, for example http://127.0.0.1:9091.
	Server string
	// TokenFile holds a token in its first line; empty sends none.
	TokenFile string
}

// Client is one server's API. It may be used by several goroutines.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// Error is an answer that is no success.
type Error struct {
	// Status is the HTTP status.
	Status  int
	Problem wire.Problem
}

// Error names what is wrong and the fix, in the server's words.
func (e *Error) Error() string {
	if e.Problem.Error == "" {
		return fmt.Sprintf("the server answered %d, which is not the administration API", e.Status)
	}
	return e.Problem.Error
}

// New makes a Client. It does not connect.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.Server)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, errors.New("the server must be a URL such as http://127.0.0.1:9091")
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	c := &Client{base: base, http: &http.Client{
		Timeout: timeout,
		// The API redirects nowhere; what does is something else, which gets no token.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
	}}
	if o.TokenFile == "" {
		return c, nil
	}
	text, err := os.ReadFile(o.TokenFile)
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if c.token = strings.TrimSpace(first); c.token == "" {
		return nil, fmt.Errorf("%s holds no token", o.TokenFile)
	}
	return c, nil
}

// Notifications answers one page; after is the Next of the page before, limit 0 the server's own.
func (c *Client) Notifications(ctx context.Context, f wire.Filter, limit int, after string) (page wire.Notifications, err error) {
	query := url.Values{}
	for name, value := range map[string]string{
		"state": f.State, "namespace": f.Namespace, "destination": f.Destination, "gatewayId": f.GatewayID, "merchantId": f.MerchantID, "tokenId": f.TokenID,
		"correlationId": f.CorrelationID, "updateType": f.UpdateType, "reason": f.Reason, "after": after,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"receivedFrom": f.ReceivedFrom, "receivedUntil": f.ReceivedUntil} {
		if !t.IsZero() {
			query.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if limit > 0 {
		query.Set("limit", fmt.Sprint(limit))
	}
	return page, c.get(ctx, "/v1/notifications", query, &page)
}

// Notification answers one notification with its attempts.
func (c *Client) Notification(ctx context.Context, id string) (n wire.Notification, err error) {
	return n, c.get(ctx, "/v1/notifications/"+url.PathEscape(id), nil, &n)
}

// ReplayOne delivers one notification again.
func (c *Client) ReplayOne(ctx context.Context, id string) (r wire.Replayed, err error) {
	return r, c.post(ctx, "/v1/notifications/"+url.PathEscape(id)+"/replay", struct{}{}, &r)
}

// Replay counts what a filter chooses, or delivers it again. When the answer is not Done, the same with its At goes on.
func (c *Client) Replay(ctx context.Context, ask wire.Replay) (r wire.Replayed, err error) {
	return r, c.post(ctx, "/v1/replays", ask, &r)
}

// DestinationQuery chooses destinations; empty fields match everything.
type DestinationQuery struct {
	Namespace, GatewayID, MerchantID string
	// All are also those with nothing waiting, dead or paused.
	All bool
	// After is the Next of the page before.
	After string
}

// Destinations answers one page, by name.
func (c *Client) Destinations(ctx context.Context, q DestinationQuery) (page wire.Destinations, err error) {
	query := url.Values{}
	for name, value := range map[string]string{"namespace": q.Namespace, "gatewayId": q.GatewayID, "merchantId": q.MerchantID, "after": q.After} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.All {
		query.Set("all", "true")
	}
	return page, c.get(ctx, "/v1/destinations", query, &page)
}

// Pause holds back what waits, and answers the destinations it is about.
func (c *Client) Pause(ctx context.Context, t wire.Target) (d wire.Destinations, err error) {
	return d, c.post(ctx, "/v1/destinations/pause", t, &d)
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, t wire.Target) (d wire.Destinations, err error) {
	return d, c.post(ctx, "/v1/destinations/resume", t, &d)
}

func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, http.MethodGet, path, query, nil, into)
}

func (c *Client) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, path, nil, text, into)
}

func (c *Client) call(ctx context.Context, method, path string, query url.Values, body []byte, into any) error {
	target := *c.base
	target.RawQuery = query.Encode()
	text := target.JoinPath(path)
	request, err := http.NewRequestWithContext(ctx, method, text.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("calling the server: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return fmt.Errorf("reading the server's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		e := &Error{Status: response.StatusCode}
		_ = json.Unmarshal(answer, &e.Problem) // what is no problem document is not from the API
		return e
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("the server's answer is not of the administration API: %w", err)
	}
	return nil
}
