package cluster_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

// TestAServiceAccountLooksAfterItsNamespace goes the whole way: token, role, API, store.
func TestAServiceAccountLooksAfterItsNamespace(t *testing.T) {
	const mine, theirs = "payments/acme/MGW_000001", "travel/jet/MGW_000002"
	logger := slog.New(slog.DiscardHandler)
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "s.db"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for id, lane := range map[string]string{"mine": mine, "theirs": theirs} {
		n := store.Notification{ID: id, GatewayID: lane[len(lane)-10:], MerchantID: "40010000001", TokenID: "tok_" + id, UpdateType: "CARD_UPDATE", ReceivedAt: time.Now(), Lane: lane}
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	handler, err := admin.NewHandler(admin.Options{
		Store: s, Lanes: func() []string { return []string{mine, theirs} }, Access: access(t, control.server, audience), Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)

	account(t, "night", "d1gateway-notifications-operator")
	account(t, "everywhere", "")
	if err := bind(t.Context(), "", "d1gateway-notifications-viewer", rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: "payments", Name: "everywhere"}); err != nil {
		t.Fatal(err)
	}
	night, everywhere := tokenOf(t, "night", audience), tokenOf(t, "everywhere", audience)
	for _, c := range []struct {
		token, method, target, body string
		status                      int
		has, hasNot                 string
	}{
		{night, "GET", "/v1/notifications", "", 403, "namespace", "tok_"},
		{night, "GET", "/v1/notifications?namespace=payments", "", 200, "tok_mine", "tok_theirs"},
		{night, "GET", "/v1/notifications?gatewayId=MGW_000001", "", 200, "tok_mine", "tok_theirs"},
		{night, "GET", "/v1/notifications/mine", "", 200, "tok_mine", "tok_theirs"},
		{night, "GET", "/v1/notifications/theirs", "", 403, "error", "tok_"},
		{night, "POST", "/v1/destinations/pause", `{"gateway":"` + mine + `"}`, 200, "system:serviceaccount:payments:night", theirs},
		{night, "POST", "/v1/destinations/pause", `{"gateway":"` + theirs + `"}`, 403, "error", theirs},
		{everywhere, "GET", "/v1/notifications", "", 200, "tok_theirs", "error"},
		{everywhere, "POST", "/v1/notifications/mine/replay", "", 403, "error", "tok_"},
		{night + "x", "GET", "/v1/notifications?namespace=payments", "", 401, "error", "tok_"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.target, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+c.token)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != c.status || !strings.Contains(string(text), c.has) || strings.Contains(string(text), c.hasNot) {
			t.Errorf("%s %s: %d %s %v", c.method, c.target, response.StatusCode, text, err)
		}
	}
}
