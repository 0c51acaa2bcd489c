package revocation_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/revocation"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform/tokenformtest"
)

func newHandler(l revocation.Store) tokenformtest.Make {
	return func(e *tokenformtest.Endpoint) http.Handler {
		return revocation.NewHandler(revocation.Options{Options: e.Options, Store: l, Revocations: e.Revocations, Timeout: 5 * time.Second})
	}
}

func newEndpoint(t *testing.T) (*tokenformtest.Endpoint, *list) {
	t.Helper()
	l := new(list)
	return tokenformtest.New(t, serving.RevocationPath, newHandler(l)), l
}

func TestItAuthenticatesAndRefusesAsTheTokenEndpointDoes(t *testing.T) {
	tokenformtest.Run(t, serving.RevocationPath, newHandler(new(list)))
}

// jti reads the claim of that name from a token.
func jti(t *testing.T, raw string) string {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		ID string `json:"jti"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil || claims.ID == "" {
		t.Fatalf("no jti: %v", err)
	}
	return claims.ID
}

func wantEmptyOK(t *testing.T, got tokenformtest.Answer) {
	t.Helper()
	if got.Status != http.StatusOK || got.Body != "" || got.Header.Get("Content-Type") != "" {
		t.Errorf("answered %d %v %s", got.Status, got.Header, got.Body)
	}
}

func wantOutcome(t *testing.T, e *tokenformtest.Endpoint, want tokenform.Outcome) {
	t.Helper()
	if got, _ := e.Observer.Last(); got != want {
		t.Errorf("observed %q, want %q", got, want)
	}
}

func TestARevokedTokenIsDeadAtOnceAndStoredUntilNobodyAcceptsItAnyway(t *testing.T) {
	e, l := newEndpoint(t)
	raw, kept := e.Issue(e.World, ""), e.Issue(e.World, "")
	wantEmptyOK(t, e.Send(e.Asking(raw)))
	wantOutcome(t, e, revocation.Revoked)
	want := store.Revocation{GatewayID: fixture.GatewayID, JTI: jti(t, raw), ExpiresAt: e.Now.Add(15*time.Minute + accesstoken.MaxSkew)}
	if got := l.all(); len(got) != 1 || got[0].GatewayID != want.GatewayID || got[0].JTI != want.JTI || !got[0].ExpiresAt.Equal(want.ExpiresAt) {
		t.Errorf("stored %+v, want %+v", got, want)
	}
	if e.Live(e.World, raw) {
		t.Error("the revoked token lives")
	}
	if !e.Live(e.World, kept) {
		t.Error("a token that nobody revoked is dead")
	}
	for _, part := range []string{"access token revoked", want.JTI, fixture.ClientID, fixture.GatewayID} {
		if !strings.Contains(e.Log.String(), part) {
			t.Errorf("the audit line lacks %q: %s", part, e.Log)
		}
	}
	if strings.Contains(e.Log.String(), raw) {
		t.Error("the token is logged")
	}
}

func TestATokenThatOnlyTheSkewKeepsAliveCanBeRevoked(t *testing.T) {
	e, l := newEndpoint(t)
	raw := e.Issue(e.World, "")
	e.Now = e.Now.Add(15*time.Minute + accesstoken.MaxSkew - time.Second)
	wantEmptyOK(t, e.Send(e.Asking(raw)))
	if len(l.all()) != 1 || e.Live(e.World, raw) {
		t.Error("it was not revoked")
	}
}

func TestWhatIsNotLiveNeedsNoRevocation(t *testing.T) {
	for name, token := range map[string]func(e *tokenformtest.Endpoint) string{
		"garbage":    func(*tokenformtest.Endpoint) string { return "45ghiukldjahdnhzdauz" },
		"an altered": func(e *tokenformtest.Endpoint) string { return tokenformtest.Altered(e.Issue(e.World, "")) },
		"an expired": func(e *tokenformtest.Endpoint) string {
			raw := e.Issue(e.World, "")
			e.Now = e.Now.Add(15*time.Minute + accesstoken.MaxSkew)
			return raw
		},
		"another gateway's": func(e *tokenformtest.Endpoint) string {
			return e.Issue(e.Another("globex", "MGW_000002", "is_tbank02"), "")
		},
		"another gateway's of the same client id": func(e *tokenformtest.Endpoint) string {
			other := e.Another("globex", "MGW_000002", "is_tbank02")
			other.Client.ClientID = fixture.ClientID
			other.Publish()
			return e.Issue(other, "")
		},
		"a deleted client's": func(e *tokenformtest.Endpoint) string {
			colleague := e.Colleague("is_tbank02")
			raw := e.Issue(colleague, "")
			e.Delete(colleague.Client)
			return raw
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, l := newEndpoint(t)
			wantEmptyOK(t, e.Send(e.Asking(token(e))))
			wantOutcome(t, e, revocation.NothingToRevoke)
			if got := l.all(); len(got) > 0 {
				t.Errorf("stored %+v", got)
			}
		})
	}
}

func TestRevokingTwiceStoresOnce(t *testing.T) {
	e, l := newEndpoint(t)
	raw := e.Issue(e.World, "")
	wantEmptyOK(t, e.Send(e.Asking(raw)))
	wantEmptyOK(t, e.Send(e.Asking(raw)))
	wantOutcome(t, e, revocation.NothingToRevoke)
	if got := l.all(); len(got) != 1 {
		t.Errorf("stored %+v", got)
	}
}

func TestAnotherClientsTokenIsNotRevoked(t *testing.T) {
	e, l := newEndpoint(t)
	e.Colleague("is_tbank02")
	raw := e.Issue(e.World, "")
	r := e.Asking(raw)
	r.Authorization = []string{fixture.BasicAuthorization("is_tbank02", fixture.ClientSecret)}
	got := e.Send(r)
	if got.Status != http.StatusBadRequest || got.Body != `{"error":"unauthorized_client","errorCode":"FIELD_INVALID_FORMAT"}` || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("answered %d %v %s", got.Status, got.Header, got.Body)
	}
	wantOutcome(t, e, revocation.OtherClient)
	if !e.Live(e.World, raw) || len(l.all()) > 0 {
		t.Error("it was revoked all the same")
	}
}

func TestWhileTheStoreFailsNothingIsRevoked(t *testing.T) {
	e, l := newEndpoint(t)
	raw := e.Issue(e.World, "")
	for _, fault := range []error{store.ErrFull, errors.New("disk I/O error"), context.DeadlineExceeded} {
		l.setFail(fault)
		e.WantUnavailable(e.Send(e.Asking(raw)))
		wantOutcome(t, e, revocation.StoreFailed)
		if !e.Live(e.World, raw) {
			t.Fatalf("after %v the token is dead here only", fault)
		}
	}
	if !strings.Contains(e.Log.String(), `"level":"ERROR"`) {
		t.Error("it is not logged")
	}
	l.setFail(nil)
	wantEmptyOK(t, e.Send(e.Asking(raw)))
	if e.Live(e.World, raw) {
		t.Error("it lives on after the store works again")
	}
}

// hanging is a store that answers only when its context ends.
type hanging struct{}

func (hanging) Revoke(ctx context.Context, _ store.Revocation) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAStoreThatHangsIsAnswered503(t *testing.T) {
	e := tokenformtest.New(t, serving.RevocationPath, func(e *tokenformtest.Endpoint) http.Handler {
		return revocation.NewHandler(revocation.Options{Options: e.Options, Store: hanging{}, Revocations: e.Revocations, Timeout: time.Millisecond})
	})
	e.WantUnavailable(e.Send(e.Asking(e.Issue(e.World, ""))))
}

// observed is a store that lets a test look while it is asked.
type observed struct {
	*list
	during func()
}

func (d observed) Revoke(ctx context.Context, r store.Revocation) error {
	d.during()
	return d.list.Revoke(ctx, r)
}

func TestATokenDiesOnlyWhenItsRevocationIsDurable(t *testing.T) {
	var e *tokenformtest.Endpoint
	var raw string
	alive := false
	s := observed{new(list), func() { alive = e.Live(e.World, raw) }}
	e = tokenformtest.New(t, serving.RevocationPath, newHandler(s))
	raw = e.Issue(e.World, "")
	wantEmptyOK(t, e.Send(e.Asking(raw)))
	if !alive || e.Live(e.World, raw) {
		t.Errorf("alive while it was stored: %v, afterwards: %v", alive, e.Live(e.World, raw))
	}
}

func TestPathsOfTheEndpoint(t *testing.T) {
	for path, want := range map[string]bool{
		"/merchant-gateways/MGW_000001/oauth2/revoke": true, "/d1/merchant-gateways/MGW_000001/oauth2/revoke": true,
		"/oauth2/revoke": false, "/merchant-gateways/MGW_000001/oauth2/introspect": false, "/merchant-gateways/MGW_00000/oauth2/revoke": false,
	} {
		if revocation.IsPath(path) != want {
			t.Errorf("IsPath(%q) is %v", path, !want)
		}
	}
}

func TestOutcomesAreNamedOnce(t *testing.T) {
	all := revocation.Outcomes()
	slices.Sort(all)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) || !slices.Contains(all, tokenform.Failed) || !slices.Contains(all, revocation.Revoked) {
		t.Errorf("outcomes are %v", all)
	}
}
