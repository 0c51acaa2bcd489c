package running

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// Answer is one answer, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	// Proto is what was spoken, such as "HTTP/2.0".
	Proto string
}

// String leaves the token out.
func (a Answer) String() string {
	return fmt.Sprintf("%d %v %q", a.Status, a.Header, withoutToken(a.Body))
}

// Token is the access token of the answer, or "".
func (a Answer) Token() string {
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal([]byte(a.Body), &body) != nil {
		return ""
	}
	return body.AccessToken
}

// Client sends requests over one transport, from an address of its own in 127.0.0.0/8, as if it were alone on a machine. What it is
// answered is kept and held against the contract.
type Client struct {
	Transport Transport
	HTTP      *http.Client

	world    *World
	tb       testing.TB
	config   *tls.Config
	source   netip.Addr
	unjudged bool
}

// Unjudged is the same client, but what it is answered is not held against the contract: for what no HTTP server takes for a request.
func (c *Client) Unjudged() *Client {
	sub := *c
	sub.unjudged = true
	return &sub
}

// For is the same client in a subtest, whose failures are then its own.
func (c *Client) For(tb testing.TB) *Client {
	sub := *c
	sub.tb = tb
	return &sub
}

// Source is the address that it sends from.
func (c *Client) Source() netip.Addr { return c.source }

// Do sends a request and reads the answer. A request that gets none ends the test.
func (c *Client) Do(r Request) Answer {
	c.tb.Helper()
	a, err := c.Try(c.tb.Context(), r)
	if err != nil {
		c.tb.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	return a
}

// Try sends a request; the error says that no answer came.
func (c *Client) Try(ctx context.Context, r Request) (Answer, error) {
	c.tb.Helper()
	c.world.keepSent(r.Body)
	request, err := c.build(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	response, err := c.HTTP.Do(request) //nolint:bodyclose // read closes it
	if err != nil {
		return Answer{}, fmt.Errorf("sending: %w", err)
	}
	return c.read(response, r.Method, r.Path)
}

func (c *Client) read(response *http.Response, method, target string) (Answer, error) {
	c.tb.Helper()
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	a := Answer{response.StatusCode, response.Header, string(text), response.Proto}
	c.world.recorder.keep(a)
	if !c.unjudged {
		for _, fault := range c.world.judge.faults(method, target, a) {
			c.tb.Errorf("%s %s is answered %s: %s", method, target, a, fault)
		}
	}
	return a, nil
}

func (c *Client) build(ctx context.Context, r Request) (*http.Request, error) {
	var body io.Reader = strings.NewReader(r.Body)
	if r.Chunked {
		body = io.MultiReader(body) // of a type whose length net/http does not know
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, c.world.URL(), body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	request.URL.Opaque = r.Path // the bytes as they are
	if strings.HasPrefix(r.Path, "//") {
		// net/url takes this for a host; only a parsed path is sent with two slashes.
		request.URL.Opaque = ""
		if request.URL.Path, err = url.PathUnescape(r.Path); err != nil {
			return nil, fmt.Errorf("building the request: %w", err)
		}
		request.URL.RawPath = r.Path
	}
	request.Header = r.Header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if _, set := request.Header["User-Agent"]; !set {
		request.Header["User-Agent"] = nil
	}
	request.Host = r.Host
	return request, nil
}

// Token is an access token that T0 gets over that client.
func (w *World) Token(c *Client) string {
	c.tb.Helper()
	a := c.Do(T0())
	token := a.Token()
	if a.Status != http.StatusOK || token == "" {
		c.tb.Fatalf("no token: %s", a)
	}
	return token
}

// TokenOf is an access token for another client and secret.
func (w *World) TokenOf(c *Client, clientID, secret string) string {
	c.tb.Helper()
	a := c.Do(T0().With("Authorization", fixture.BasicAuthorization(clientID, secret)))
	token := a.Token()
	if a.Status != http.StatusOK || token == "" {
		c.tb.Fatalf("no token: %s", a)
	}
	return token
}

// get reads a page of the server's own listeners.
func (w *World) get(url string) string {
	w.tb.Helper()
	_, body := w.Get(url)
	return body
}

// Get reads a page of the metrics or administration listener and answers its status and body.
func (w *World) Get(url string) (status int, body string) {
	w.tb.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		w.tb.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.tb.Fatal(err)
	}
	return response.StatusCode, string(text)
}
