package admin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
)

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "state=Dead", "namespace=payments&gatewayId=MGW_000001", "destination=payments/acme/MGW_000001/40010000001", "receivedFrom=2026-11-22T03:00:00%2B01:00&limit=500", "after=x", "a=%zz", "state=Dead&state=Dead", "limit=-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		namespace, lane, from, until, limit, err := admin.FuzzedQuery(query)
		if err != nil {
			readable(t, err)
			return
		}
		if limit < 0 || limit > 500 || lane != "" && !strings.HasPrefix(lane, namespace+"/") || !from.IsZero() && !until.IsZero() && !from.Before(until) {
			t.Errorf("%q: %q %q %v %v %d", query, namespace, lane, from, until, limit)
		}
	})
}

func FuzzReplay(f *testing.F) {
	for _, seed := range []string{
		`{"filter":{"state":"Dead","namespace":"payments"},"dryRun":true}`, `{"filter":{"state":"Dead"},"all":true,"confirmCount":7,"at":"2026-11-22T02:59:00Z"}`,
		`{"filter":{"state":"Delivered","receivedFrom":"2026-11-22T01:00:00Z","receivedUntil":"2026-11-22T02:00:00Z"},"confirmCount":1}`, `{"filter":{},"filter":{}}`, `{"filter":{"state":null}}`, `[`, `{"\u0061ll":true}`, `{"filter":{"` + strings.Repeat("\\u001b", 600) + `":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		state, named, all, dryRun, confirm, at, err := admin.FuzzedReplay(body, start)
		if err != nil {
			readable(t, err)
			return
		}
		// What is taken is one JSON object that says what it wants.
		if !json.Valid(body) || state == "" || named < 2 && !all || dryRun == (confirm >= 0) || at.Before(start.Add(-time.Hour)) || at.After(start.Add(time.Minute)) {
			t.Errorf("%q: %s %d %v %v %d %v", body, state, named, all, dryRun, confirm, at)
		}
	})
}

func FuzzTarget(f *testing.F) {
	for _, seed := range []string{`{"destination":"payments/acme/MGW_000001/40010000001","reason":"their release"}`, `{"gateway":"payments/acme/MGW_000001"}`, `{"gateway":"","destination":""}`, `{"reason":"\u202e"}`, `{"` + strings.Repeat("x", 600) + `":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		lane, whole, reason, err := admin.FuzzedTarget(body)
		if err != nil {
			readable(t, err)
			return
		}
		parts := strings.Count(lane, "/")
		if !json.Valid(body) || parts < 2 || parts > 3 || whole && parts != 2 || strings.ContainsAny(reason, "\n\r\x1b") {
			t.Errorf("%q: %q %v %q", body, lane, whole, reason)
		}
	})
}

// readable wants an error that can be shown: one short line.
func readable(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); len(text) > 500 || strings.ContainsAny(text, "\n\r\x1b") || !utf8.ValidString(text) {
		t.Errorf("error %q", text)
	}
}
