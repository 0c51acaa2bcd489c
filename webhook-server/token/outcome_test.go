package token_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestEveryOutcomeHasItsAnswer(t *testing.T) {
	want := map[token.Outcome]struct {
		status int
		body   string
	}{
		clientauth.BadClient:       {http.StatusUnauthorized, `{"error":"invalid_client"}`},
		clientauth.BadRequest:      {http.StatusBadRequest, `{"error":"invalid_request","errorCode":"FIELD_INVALID_FORMAT"}`},
		token.BadGrantType:         {http.StatusBadRequest, `{"error":"unsupported_grant_type","errorCode":"FIELD_INVALID_FORMAT"}`},
		token.BadScope:             {http.StatusBadRequest, `{"error":"invalid_scope","errorCode":"FIELD_INVALID_FORMAT"}`},
		token.MethodNotAllowed:     {http.StatusMethodNotAllowed, ""},
		token.Failed:               {http.StatusServiceUnavailable, ""},
		clientauth.TooManyFailures: {http.StatusServiceUnavailable, ""},
		clientauth.NotReady:        {http.StatusServiceUnavailable, ""},
		clientauth.BodyTimeout:     {http.StatusServiceUnavailable, ""},
		clientauth.Overloaded:      {http.StatusServiceUnavailable, ""},
	}
	seen := map[token.Outcome]bool{}
	for _, outcome := range token.Outcomes() {
		if seen[outcome] {
			t.Errorf("%s stands twice", outcome)
		}
		seen[outcome] = true
		if outcome == token.Issued {
			continue
		}
		expected, known := want[outcome]
		if !known {
			t.Errorf("%s is new: say what it is answered", outcome)
			continue
		}
		w := httptest.NewRecorder()
		token.WriteRefusal(w, outcome, 2*time.Second)
		if w.Code != expected.status || w.Body.String() != expected.body {
			t.Errorf("%s is answered %d %s", outcome, w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" || (w.Header().Get("Retry-After") == "2") != (w.Code == http.StatusServiceUnavailable) {
			t.Errorf("%s is answered with %v", outcome, w.Header())
		}
	}
	if len(seen) != len(want)+1 {
		t.Errorf("%d outcomes, not %d", len(seen), len(want)+1)
	}
}
