package admin_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const token = "administration-token-of-a-test-only"

// serve answers the URL of an API over a store with one waiting, one delivered and one dead notification.
func serve(t *testing.T, token string) (url string, s store.Store) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "s.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for id, state := range map[string]store.State{"waits": store.Waiting, "done": store.Delivered, "given-up": store.Dead} {
		n := store.Notification{
			ID: id, GatewayID: "MGW_000001", MerchantID: "40010000001", TokenID: "tok_" + id, UpdateType: "CARD_UPDATE",
			CorrelationID: "c-1", ReceivedAt: now, Lane: "payments/acme/MGW_000001/40010000001",
		}
		if err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if state == store.Waiting {
			continue
		}
		claimed, err := s.Claim(t.Context(), n.Lane, now, 10, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claimed {
			if c.ID != id {
				if err := s.Release(t.Context(), c.ID, c.Lease); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := s.Record(t.Context(), store.Outcome{ID: id, Lease: c.Lease, State: state, Reason: "gone", At: now}); err != nil {
				t.Fatal(err)
			}
		}
	}
	server := httptest.NewServer(admin.NewHandler(admin.Options{Store: s, Token: api.NewSecret(token), Logger: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	return server.URL, s
}

func get(t *testing.T, url, authorization string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestNotificationsAreListedByWhatIsAskedFor(t *testing.T) {
	url, _ := serve(t, "")
	for query, want := range map[string][]string{
		"":                              {"waits", "done", "given-up"},
		"?state=Waiting":                {"waits"},
		"?state=Dead":                   {"given-up"},
		"?tokenId=tok_done":             {"done"},
		"?merchantId=40010000009":       {},
		"?correlationId=c-1&state=Dead": {"given-up"},
	} {
		status, body := get(t, url+"/v1/notifications"+query, "")
		var answer struct{ Items []struct{ ID string } }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, status, body)
		}
		if len(answer.Items) != len(want) {
			t.Errorf("%s lists %v, not %v", query, answer.Items, want)
		}
		for _, id := range want {
			if !strings.Contains(body, `"id":"`+id+`"`) {
				t.Errorf("%s does not list %s", query, id)
			}
		}
	}
}

func TestAnUnknownOrWrongParameterIsRefusedByName(t *testing.T) {
	url, _ := serve(t, "")
	for query, name := range map[string]string{"?status=Dead": "status", "?state=dead": "state", "?limit=0": "limit", "?limit=1001": "limit", "?limit=x": "limit"} {
		if status, body := get(t, url+"/v1/notifications"+query, ""); status != http.StatusBadRequest || !strings.Contains(body, name) {
			t.Errorf("%s is answered %d %s", query, status, body)
		}
	}
}

func TestOneNotificationIsAnsweredWithItsHistory(t *testing.T) {
	url, _ := serve(t, "")
	status, body := get(t, url+"/v1/notifications/given-up", "")
	for _, want := range []string{`"state":"Dead"`, `"lastReason":"gone"`, `"attempts":1`, `"lastAttempt":"2026-11-22T10:00:00Z"`} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d, without %s: %s", status, want, body)
		}
	}
	if status, _ := get(t, url+"/v1/notifications/none", ""); status != http.StatusNotFound {
		t.Errorf("an unknown one is answered %d", status)
	}
}

func TestLanesTellWhatWaitsAndWhatIsDead(t *testing.T) {
	url, _ := serve(t, "")
	status, body := get(t, url+"/v1/lanes", "")
	want := `{"items":[{"lane":"payments/acme/MGW_000001/40010000001","waiting":1,"oldestWaiting":"2026-11-22T10:00:00Z","dead":1}]}`
	if status != http.StatusOK || strings.TrimSpace(body) != want {
		t.Errorf("%d %s", status, body)
	}
}

func TestWithATokenNothingIsAnsweredWithoutIt(t *testing.T) {
	url, _ := serve(t, token)
	for authorization, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer " + token + "x": http.StatusUnauthorized, token: http.StatusUnauthorized, "Bearer " + token: http.StatusOK,
	} {
		for _, path := range []string{"/v1/lanes", "/v1/notifications", "/v1/notifications/waits"} {
			if status, body := get(t, url+path, authorization); status != want || (want != http.StatusOK && strings.Contains(body, "MGW_")) {
				t.Errorf("%s with %q is answered %d", path, authorization, status)
			}
		}
	}
}

func TestAStoreThatCannotBeReadIsUnavailable(t *testing.T) {
	url, s := serve(t, "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/lanes", "/v1/notifications", "/v1/notifications/waits"} {
		if status, body := get(t, url+path, ""); status != http.StatusServiceUnavailable || strings.Contains(body, "sql") {
			t.Errorf("%s is answered %d %s", path, status, body)
		}
	}
}
