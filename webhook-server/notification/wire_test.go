package notification_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
)

const n0Body = `{"updateType":"TOKEN_STATE_CHANGE"}`

// head is the head of N0 on the wire, with more header lines.
func (e *endpoint) head(more ...string) string {
	e.t.Helper()
	lines := append([]string{
		"POST " + fixture.NotifyPath + " HTTP/1.1", "Host: d1.acme.example", "Connection: close", "Content-Type: application/json", "Authorization: " + e.bearer(),
	}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func sized(body string) string { return fmt.Sprintf("Content-Length: %d", len(body)) }

func TestA204HasNothingButItsHead(t *testing.T) {
	e := newEndpoint(t)
	got := e.wire(e.head(sized(n0Body)) + n0Body)
	if !strings.HasPrefix(got, "HTTP/1.1 204 No Content\r\n") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("answered %q", got)
	}
	for _, unwanted := range []string{"Content-Type", "Content-Length", "Transfer-Encoding", "Server", "X-"} {
		if strings.Contains(got, "\r\n"+unwanted) {
			t.Errorf("%s is in %q", unwanted, got)
		}
	}
}

func TestOnTheWire(t *testing.T) {
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	for name, c := range map[string]struct {
		more         []string
		body, status string
	}{
		"chunked":                         {[]string{"Transfer-Encoding: chunked"}, chunk(n0Body[:5]) + chunk(n0Body[5:]) + "0\r\n\r\n", "204"},
		"chunked and empty":               {[]string{"Transfer-Encoding: chunked"}, "0\r\n\r\n", "400"},
		"chunked, over 64 KiB":            {[]string{"Transfer-Encoding: chunked"}, chunk(strings.Repeat(" ", notification.MaxBodyBytes+1)) + "0\r\n\r\n", "400"},
		"a chunk without a size":          {[]string{"Transfer-Encoding: chunked"}, "zz\r\n", "400"},
		"two Authorization headers":       {[]string{"authorization: Bearer x", sized(n0Body)}, n0Body, "400"},
		"an empty second Authorization":   {[]string{"Authorization:", sized(n0Body)}, n0Body, "400"},
		"an empty Content-Encoding":       {[]string{"Content-Encoding:", sized(n0Body)}, n0Body, "400"},
		"no Content-Length and no body":   {nil, "", "400"},
		"header names in any letter case": {[]string{"x-CORRELATION-id: c-1", sized(n0Body)}, n0Body, "204"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			if got := e.wire(e.head(c.more...) + c.body); !strings.HasPrefix(got, "HTTP/1.1 "+c.status+" ") {
				t.Errorf("answered %q", got)
			}
		})
	}
}

func TestExpect100Continue(t *testing.T) {
	e := newEndpoint(t)
	got := e.wire(e.head("Expect: 100-continue", sized(n0Body)), n0Body)
	if !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n") {
		t.Errorf("answered %q", got)
	}
	e.wantKept(1)
}

func TestExpect100ContinueIsNotAskedForABodyThatIsNotWanted(t *testing.T) {
	e := newEndpoint(t)
	head := strings.Replace(e.head("Expect: 100-continue", sized(n0Body)), "Bearer ", "Bearer x", 1)
	if got := e.wire(head); !strings.HasPrefix(got, "HTTP/1.1 401 ") {
		t.Errorf("answered %q", got)
	}
}

func TestABodyThatDoesNotArriveIsAnswered503(t *testing.T) {
	e := newEndpoint(t, func(o *notification.Options) { o.Timeout = time.Millisecond })
	got := e.wire(e.head("Content-Length: 100") + `{"updateType"`)
	if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "\r\nRetry-After: 2\r\n") {
		t.Errorf("answered %q", got)
	}
	e.wantOutcome(notification.BodyTimeout)
}

func TestHTTP2(t *testing.T) {
	e := newEndpoint(t)
	got := e.send(e.n0())
	if got.proto != "HTTP/2.0" {
		t.Fatalf("the test does not use HTTP/2 but %s", got.proto)
	}
	e.wantAccepted(got)
	r := e.n0()
	r.header.Add("Authorization", "Bearer x")
	e.wantField(e.send(r), "authorization")
	e.server.Client().Transport.(*http.Transport).CloseIdleConnections()
}
