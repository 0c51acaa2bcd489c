package running

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Dial opens a connection of HTTP/1.1 to D1's listener, for bytes that no client would send. It is closed when the test ends.
func (c *Client) Dial() net.Conn {
	c.tb.Helper()
	connection, err := c.dial()
	if err != nil {
		c.tb.Fatal(err)
	}
	c.tb.Cleanup(func() { _ = connection.Close() })
	return connection
}

func (c *Client) dial() (net.Conn, error) {
	connection, err := dialer(c.source).DialContext(c.tb.Context(), "tcp", c.world.Server.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if c.config == nil {
		return connection, nil
	}
	config := c.config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName == "" {
		config.ServerName = "localhost"
	}
	secured := tls.Client(connection, config)
	if err := secured.HandshakeContext(c.tb.Context()); err != nil {
		_ = connection.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return secured, nil
}

// Raw sends bytes on a connection of their own and reads the answer, which is to a request of the method. It reads as far as the first
// answer that is not 1xx.
func (c *Client) Raw(method, text string) Answer {
	c.tb.Helper()
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	c.world.keepSent(body)
	connection := c.Dial()
	defer func() { _ = connection.Close() }()
	// The server may answer and close before it has read everything.
	_, writeErr := connection.Write([]byte(text))
	target, _, _ := strings.Cut(strings.TrimPrefix(text, method+" "), " ")
	a, err := c.ReadAnswer(bufio.NewReader(connection), method, target)
	if err != nil {
		c.tb.Fatalf("no answer to %s: %v (sending: %v)", method, err, writeErr)
	}
	return a
}

// ReadAnswer reads the next answer from a connection that Dial opened, those with a status of 1xx left out. Method and target are those
// of the request.
func (c *Client) ReadAnswer(from *bufio.Reader, method, target string) (Answer, error) {
	c.tb.Helper()
	for {
		response, err := http.ReadResponse(from, &http.Request{Method: method}) //nolint:bodyclose // read closes it; one of 1xx has none
		if err != nil {
			return Answer{}, fmt.Errorf("reading the answer: %w", err)
		}
		if response.StatusCode >= 200 {
			return c.read(response, method, target)
		}
	}
}

// Text is a request as HTTP/1.1 sends it, for Raw: to be changed where a test wants something that no client would send. A Content-Length
// stands there when the body is not empty. The connection is closed after the answer.
func (r Request) Text() string {
	var b strings.Builder
	host := r.Host
	if host == "" {
		host = "localhost"
	}
	_, _ = fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.Method, r.Path, host)
	for name, values := range r.Header {
		for _, value := range values {
			_, _ = fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	if r.Body != "" {
		_, _ = fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	return b.String() + "\r\n" + r.Body
}
