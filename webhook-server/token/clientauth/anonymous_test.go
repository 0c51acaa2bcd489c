package clientauth_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestOnlyARequestWithoutAuthorizationIsAnonymous(t *testing.T) {
	for name, c := range map[string]struct {
		authorization []string
		want          bool
	}{
		"none":           {nil, true},
		"Basic":          {[]string{fixture.Basic}, false},
		"an empty value": {[]string{""}, false},
		"two":            {[]string{fixture.Basic, fixture.Basic}, false},
	} {
		r := request{authorization: c.authorization}.build()
		if got := clientauth.Anonymous(r); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// lingering is a request without Authorization whose body does not end before the test says so.
type lingering struct {
	body *io.PipeWriter
	done chan clientauth.Outcome
}

// linger begins one, and answers when its body is being read.
func linger(t *testing.T, clients *clientauth.Authenticator) lingering {
	t.Helper()
	reader, writer := io.Pipe()
	l := lingering{writer, make(chan clientauth.Outcome, 1)}
	in := post().build()
	in.Body, in.ContentLength = reader, -1
	go func() {
		_, refusal := clients.Authenticate(httptest.NewRecorder(), in, find(in))
		l.done <- refusal
	}()
	if _, err := io.WriteString(writer, "client_id=x"); err != nil { // returns when it has been read
		t.Fatal(err)
	}
	return l
}

func (l lingering) end(t *testing.T) {
	t.Helper()
	if err := l.body.Close(); err != nil {
		t.Fatal(err)
	}
	if refusal := <-l.done; refusal != clientauth.BadClient {
		t.Errorf("a slow request is answered %q", refusal)
	}
}

func TestAnonymousRequestsHaveSlotsOfTheirOwn(t *testing.T) {
	slots := httpx.NewFair[netip.Addr](4)
	d := newDoor(t, func(o *clientauth.Options) { o.Anonymous = slots })
	d.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost}
	d.Publish()
	inBody := post("client_id", fixture.ClientID, "client_secret", fixture.ClientSecret)
	d.wantIn(inBody, api.ClientSecretPost)

	first, second := linger(t, d.clients), linger(t, d.clients)
	if slots.InUse() != 2 {
		t.Fatalf("%d slots are taken", slots.InUse())
	}
	// One source gets half of them, and who it is makes no difference.
	d.wantRefused(inBody, clientauth.Overloaded, "")
	d.wantRefused(post(), clientauth.Overloaded, "")
	d.wantIn(right(), api.ClientSecretBasic)
	d.source = "192.0.2.2"
	d.wantIn(inBody, api.ClientSecretPost)
	d.source = "192.0.2.1"
	first.end(t)
	d.wantIn(inBody, api.ClientSecretPost)
	second.end(t)
	if slots.InUse() != 0 {
		t.Errorf("%d slots are not given back", slots.InUse())
	}
}

func TestASlotIsGivenBackHoweverAnAnonymousRequestEnds(t *testing.T) {
	slots := httpx.NewFair[netip.Addr](1)
	d := newDoor(t, func(o *clientauth.Options) { o.Anonymous = slots })
	for _, r := range []request{
		post(), post("client_id", fixture.ClientID), post("client_id", "nobody"), asserting("x"), {body: "%zz"},
		{contentType: "text/plain"}, {body: strings.Repeat("x", clientauth.MaxBodyBytes+1)},
	} {
		if _, refusal := d.knock(r); refusal != clientauth.BadClient || slots.InUse() != 0 {
			t.Errorf("%+v is answered %q, %d slots are not given back", r, refusal, slots.InUse())
		}
	}
	in := post("client_id", "x").build()
	func() {
		defer func() { _ = recover() }()
		_, _ = d.clients.Authenticate(httptest.NewRecorder(), in, func(*serving.Snapshot, string) *serving.Client { panic("a fault") })
		t.Error("there was no panic")
	}()
	if slots.InUse() != 0 {
		t.Error("a panic keeps the slot")
	}
}

// An anonymous body has less time than that of a client that has authenticated.
func TestAnAnonymousBodyHasATimeOfItsOwn(t *testing.T) {
	d := newDoor(t, func(o *clientauth.Options) { o.BodyTimeout, o.AnonymousBodyTimeout = time.Minute, time.Millisecond })
	answered := make(chan clientauth.Outcome, 1) // BodyTimeout would be longer than the test waits
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, refusal := d.clients.Authenticate(w, r, find(r))
		answered <- refusal
		clientauth.WriteRefusal(w, refusal, time.Second)
	}))
	defer server.Close()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+fixture.TokenPath, reader)
	if err != nil {
		t.Fatal(err)
	}
	out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if in, err := server.Client().Do(out); err == nil {
			_ = in.Body.Close()
		}
	}()
	if _, err := io.WriteString(writer, "client_id="); err != nil {
		t.Fatal(err)
	}
	select {
	case refusal := <-answered:
		if refusal != clientauth.BodyTimeout {
			t.Errorf("answered %q", refusal)
		}
	case <-time.After(30 * time.Second):
		t.Error("it has the time of a client that has authenticated")
	}
	cancel()
	_ = writer.Close()
	<-sent
}
