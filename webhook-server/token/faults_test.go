package token_test

import (
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestKeysNotLoaded(t *testing.T) {
	for name, change := range map[string]func(*clientauth.Options){
		"nothing has been read": func(o *clientauth.Options) {
			s := new(serving.Snapshot)
			o.Snapshot = func() *serving.Snapshot { return s }
			o.Ready = func() bool { return false }
		},
		"it is still being read": func(o *clientauth.Options) { o.Ready = func() bool { return false } },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, change)
			e.wantUnavailable(e.send(t0()))
		})
	}
}

func TestAPanicIsAnswered503(t *testing.T) {
	e := newEndpoint(t, func(o *clientauth.Options) { o.Snapshot = func() *serving.Snapshot { panic("a secret value") } })
	e.wantUnavailable(e.send(t0()))
	if !strings.Contains(e.log.String(), `"level":"ERROR"`) || strings.Contains(e.log.String(), "a secret value") {
		t.Errorf("logged %s", e.log)
	}
}

func TestABodyThatDoesNotArriveIsAnswered503(t *testing.T) {
	e := newEndpoint(t, func(o *clientauth.Options) { o.BodyTimeout = time.Millisecond })
	got := e.wire("POST /oauth2/token HTTP/1.1\r\nHost: h\r\nAuthorization: " + fixture.Basic + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\ngrant_type=")
	if !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "Retry-After: 2\r\n") {
		t.Errorf("answered %s", got)
	}
}

func TestOnTheWire(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded\r\n"
	for name, c := range map[string]struct{ headers, body, status string }{
		"chunked":                   {"Authorization: " + fixture.Basic + "\r\n" + form + "Transfer-Encoding: chunked\r\n", "1d\r\ngrant_type=client_credentials\r\n0\r\n\r\n", "200"},
		"two Authorization headers": {"Authorization: " + fixture.Basic + "\r\nauthorization: " + fixture.Basic + "\r\n" + form + "Content-Length: 29\r\n", "grant_type=client_credentials", "400"},
		"a bad chunk":               {"Authorization: " + fixture.Basic + "\r\n" + form + "Transfer-Encoding: chunked\r\n", "zz\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			got := e.wire("POST /oauth2/token HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + c.headers + "\r\n" + c.body)
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.status+" ") || strings.Contains(got, "\r\nServer:") {
				t.Errorf("answered %s", got)
			}
		})
	}
}
