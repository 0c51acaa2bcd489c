package admin_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// slowStore is a store whose searches take as long as each says in its filter's merchant id, after its last underscore, or its token id.
type slowStore struct {
	admin.Store

	mu          sync.Mutex
	under, most int // lists under way, and the most at once
}

func (s *slowStore) count(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under += more
	s.most = max(s.most, s.under)
}

func (s *slowStore) List(ctx context.Context, f store.Filter) ([]store.Record, error) {
	s.count(1)
	defer s.count(-1)
	return nil, s.wait(ctx, f)
}

func (s *slowStore) Count(ctx context.Context, f store.Filter) (int, error) { return 0, s.wait(ctx, f) }

func (s *slowStore) Get(ctx context.Context, id string) (store.Record, error) {
	return store.Record{Notification: store.Notification{ID: id, Lane: shopLane}}, s.wait(ctx, store.Filter{TokenID: "1s"})
}

func (s *slowStore) wait(ctx context.Context, f store.Filter) error {
	text := f.TokenID
	if text == "" {
		text = f.MerchantID[strings.LastIndex(f.MerchantID, "_")+1:]
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	select {
	case <-time.After(duration):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("searching: %w", ctx.Err())
	}
}

// answered is when a request was answered, and how.
type answered struct {
	after  time.Duration
	status int
	text   string
}

// patient is an API over a slow store, in a bubble of fake time.
type patient struct {
	t       *testing.T
	store   *slowStore
	handler http.Handler
}

func servePatiently(t *testing.T, access admin.Access) *patient {
	t.Helper()
	s := &slowStore{}
	handler, err := admin.NewHandler(admin.Options{
		Store: s, Lanes: func() []string { return nil }, Access: access, Open: access == nil, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &patient{t, s, handler}
}

// send sends a request by the bearer of a token, and answers where its answer will be.
func (p *patient) send(ctx context.Context, token, method, target, body string) chan answered {
	began, done := time.Now(), make(chan answered, 1)
	request := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	request.Host = "localhost"
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	go func() {
		w := httptest.NewRecorder()
		p.handler.ServeHTTP(w, request)
		done <- answered{time.Since(began), w.Code, w.Body.String()}
	}()
	synctest.Wait() // requests arrive in the order in which they were sent
	return done
}

func (p *patient) list(token, takes string) chan answered {
	return p.send(p.t.Context(), token, http.MethodGet, "/v1/notifications?merchantId="+strings.Repeat("_", 11-len(takes))+takes, "")
}

func TestASearchThatTakesTooLongIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := servePatiently(t, nil)
		for _, got := range []answered{
			<-p.list("", "1h"),
			<-p.send(t.Context(), "", http.MethodPost, "/v1/replays", `{"filter":{"state":"Dead","merchantId":"_________1h"},"dryRun":true}`),
		} {
			if got.status != http.StatusServiceUnavailable || got.after != 20*time.Second || !strings.Contains(got.text, "receivedFrom") {
				t.Errorf("%+v", got)
			}
		}
		if got := <-p.list("", "19s"); got.status != http.StatusOK {
			t.Errorf("one of 19 s: %+v", got)
		}
	})
}

func TestOneCallerDoesNotTakeAllSearches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		everybody := newPeople()
		for _, name := range []string{"viewer", "operator", "nobody"} {
			everybody.rights[name] = append(everybody.rights[name], "list notifications ", "get notifications ")
		}
		p := servePatiently(t, everybody)
		var first []chan answered
		for range 9 {
			first = append(first, p.list("of-viewer", "4s"))
		}
		if got := <-p.list("of-viewer", "4s"); got.status != http.StatusServiceUnavailable || got.after != 0 {
			t.Errorf("one too many: %+v", got)
		}
		if got := <-p.list("of-operator", "1s"); got.status != http.StatusOK || got.after != time.Second {
			t.Errorf("another caller: %+v", got)
		}
		if got := <-p.send(t.Context(), "of-viewer", http.MethodGet, "/v1/notifications/some", ""); got.status != http.StatusOK || got.after != time.Second {
			t.Errorf("a look-up beside the searches: %+v", got)
		}
		if got := <-p.send(t.Context(), "of-viewer", http.MethodGet, "/v1/notifications?tokenId=1s", ""); got.status != http.StatusOK || got.after != time.Second {
			t.Errorf("a search by token beside the others: %+v", got)
		}
		for i, done := range first {
			got := <-done
			if served := time.Duration(i+1) * 4 * time.Second; i < 4 && (got.status != http.StatusOK || got.after != served) {
				t.Errorf("request %d: %+v", i, got)
			}
			if i > 3 && (got.status != http.StatusServiceUnavailable || got.after != 15*time.Second) {
				t.Errorf("request %d: %+v", i, got)
			}
		}
		others := []chan answered{p.list("of-viewer", "2s"), p.list("of-operator", "2s"), p.list("of-nobody", "2s")}
		for i, want := range []time.Duration{2 * time.Second, 2 * time.Second, 4 * time.Second} {
			if got := <-others[i]; got.status != http.StatusOK || got.after != want {
				t.Errorf("caller %d of three: %+v", i, got)
			}
		}
		if p.store.most != 2 {
			t.Errorf("%d searches were under way at once", p.store.most)
		}
	})
}

func TestWhoLeavesGivesTheTurnBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		everybody := newPeople()
		p := servePatiently(t, everybody)
		for range 20 {
			ctx, leave := context.WithCancel(t.Context())
			searching := p.send(ctx, "of-admin", http.MethodGet, "/v1/notifications?merchantId=_________1h", "")
			waiting := p.send(ctx, "of-admin", http.MethodGet, "/v1/notifications?merchantId=_________1h", "")
			leave()
			<-searching
			<-waiting
		}
		if got := <-p.list("of-admin", "1s"); got.status != http.StatusOK || got.after != time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhoLeavesTheLineHoldsUpNothingElseOfTheSameCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		everybody := newPeople()
		for _, name := range []string{"viewer", "operator", "nobody"} {
			everybody.rights[name] = append(everybody.rights[name], "list notifications ")
		}
		p := servePatiently(t, everybody)
		p.list("of-viewer", "10s")
		p.list("of-operator", "10s")
		ctx, leave := context.WithCancel(t.Context())
		first := p.send(ctx, "of-nobody", http.MethodGet, "/v1/notifications?merchantId=_________1s", "")
		second := p.list("of-nobody", "1s")
		leave()
		<-first
		if got := <-second; got.status != http.StatusOK || got.after != 11*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheServiceAccountsOfANamespaceAreOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		robots := &people{tokens: map[string]string{}, rights: map[string][]string{}}
		for token, name := range map[string]string{"a": "system:serviceaccount:payments:a", "b": "system:serviceaccount:payments:b", "c": "system:serviceaccount:travel:a"} {
			robots.tokens[token], robots.rights[name] = name, []string{"list notifications "}
		}
		p := servePatiently(t, robots)
		for i, done := range []chan answered{p.list("a", "3s"), p.list("b", "3s"), p.list("c", "3s")} {
			want := []time.Duration{3 * time.Second, 6 * time.Second, 3 * time.Second}[i]
			if got := <-done; got.status != http.StatusOK || got.after != want {
				t.Errorf("account %d: %+v, want after %v", i, got, want)
			}
		}
	})
}
