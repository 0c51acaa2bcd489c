package notification_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestAuthorization(t *testing.T) {
	const none, invalid = "", "invalid_token"
	for name, c := range map[string]struct {
		problem       string
		authorization []string
	}{
		"no bearer":                {none, nil},
		"an empty Authorization":   {none, []string{""}},
		"another scheme":           {none, []string{fixture.Basic}},
		"the scheme alone":         {none, []string{"Bearer"}},
		"garbage":                  {invalid, []string{"Bearer garbage"}},
		"alg:none":                 {invalid, []string{"Bearer eyJhbGciOiJub25lIn0.e30."}},
		"two tokens in one header": {invalid, []string{"Bearer a, Bearer b"}},
		"a token with a space":     {invalid, []string{"Bearer a b"}},
		"a very long token":        {invalid, []string{"Bearer " + strings.Repeat("a", 100_000)}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			r := e.n0()
			r.header["Authorization"] = c.authorization
			e.wantUnauthorized(e.send(r), c.problem)
			e.wantKept(0)
		})
	}
}

func TestATokenInTheQueryIsNotLookedAt(t *testing.T) {
	e := newEndpoint(t)
	r := e.n0()
	r.path += "?access_token=" + strings.TrimPrefix(r.header.Get("Authorization"), "Bearer ")
	r.header.Del("Authorization")
	e.wantUnauthorized(e.send(r), "")
}

func TestTokensThatDoNotWorkHere(t *testing.T) {
	for name, spoil := range map[string]func(*endpoint){
		"expired beyond 60 s skew": func(e *endpoint) { e.now = e.now.Add(15*time.Minute + time.Minute) },
		"client suspended":         func(e *endpoint) { e.Client.Suspended = true; e.Publish() },
		"client deleted":           func(e *endpoint) { e.Delete(e.Client) },
		"another signing key": func(e *endpoint) {
			e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, fixture.SigningKey(e.t, "next", "ES256", fixture.Now()))
			e.Gateway.SigningKeys = []string{"next"}
			e.Publish()
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			r := e.n0()
			e.wantAccepted(e.send(r))
			spoil(e)
			e.wantUnauthorized(e.send(r), "invalid_token")
			e.wantKept(1)
		})
	}
}

func TestATokenWithoutTheNeededScope(t *testing.T) {
	e := newEndpoint(t)
	e.Client.Scopes = []string{"d1:read"}
	e.Publish()
	e.wantUnauthorized(e.send(e.n0()), "invalid_token")
}

func TestATokenOfAnotherGateway(t *testing.T) {
	e := newEndpoint(t)
	e.Another("globex", "MGW_000002", "is_tbank02")
	r := e.n0()
	r.path = strings.Replace(r.path, "MGW_000001", "MGW_000002", 1)
	e.wantUnauthorized(e.send(r), "invalid_token")
}

func TestAuthenticationComesFirst(t *testing.T) {
	for name, change := range map[string]func(*request){
		"bad body":         func(r *request) { r.body = "x" },
		"body over 64 KiB": func(r *request) { r.body = strings.Repeat("x", notification.MaxBodyBytes+1) },
		"bad header":       func(r *request) { r.header.Set("Content-Type", "text/plain") },
		"content encoding": func(r *request) { r.header.Set("Content-Encoding", "gzip") },
		"unknown merchant": func(r *request) { r.path = strings.Replace(r.path, "40010000001", "40010000002", 1) },
		"bad merchant id":  func(r *request) { r.path = strings.Replace(r.path, "40010000001", "x", 1) },
		"bad token id":     func(r *request) { r.path = strings.Replace(r.path, "tok_1", "x.y", 1) },
	} {
		t.Run("bad token and "+name, func(t *testing.T) {
			e := newEndpoint(t)
			r := e.n0()
			r.header.Set("Authorization", "Bearer bad")
			change(&r)
			e.wantUnauthorized(e.send(r), "invalid_token")
			r.header.Del("Authorization")
			e.wantUnauthorized(e.send(r), "")
		})
	}
}

func TestOAuthDisabled(t *testing.T) {
	certificate := error(nil)
	e := newEndpoint(t, func(o *notification.Options) {
		o.ClientCertificate = func(*http.Request, *serving.Gateway) error { return certificate }
	})
	r := e.n0()
	e.disableOAuth()
	for _, authorization := range [][]string{nil, {"Bearer garbage"}, {fixture.Basic}, {"a", "b"}} {
		r.header["Authorization"] = authorization
		e.wantAccepted(e.send(r))
	}
	certificate = errAny
	e.wantUnauthorized(e.send(r), "")
	e.wantKept(4)
}

func TestClientCertificateRequired(t *testing.T) {
	for name, c := range map[string]struct {
		check func(*http.Request, *serving.Gateway) error
		good  bool
	}{
		"accepted":                  {func(*http.Request, *serving.Gateway) error { return nil }, true},
		"its subject is not listed": {func(*http.Request, *serving.Gateway) error { return errAny }, false},
		"nobody can check it":       {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, func(o *notification.Options) { o.ClientCertificate = c.check })
			e.requireCertificate()
			r := e.n0()
			if !c.good {
				e.wantUnauthorized(e.send(r), "")
				e.wantKept(0)
				return
			}
			e.wantAccepted(e.send(r))
			r.header.Del("Authorization") // the token is still needed
			e.wantUnauthorized(e.send(r), "")
		})
	}
}
