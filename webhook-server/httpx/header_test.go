package httpx_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

func TestIsMediaType(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/json":                   true,
		"Application/JSON":                   true,
		"application/json; charset=utf-8":    true,
		"application/json;charset=\"UTF-8\"": true,
		" application/json ;":                true,
		"":                                   false,
		"application/jsonp":                  false,
		"application/problem+json":           false,
		"text/json":                          false,
		"application/json, text/plain":       false,
		"; application/json":                 false,
	} {
		if got := httpx.IsMediaType(contentType, "application/json"); got != want {
			t.Errorf("IsMediaType(%q) = %v", contentType, got)
		}
	}
}

func TestCredentials(t *testing.T) {
	for in, want := range map[string][2]string{
		"Bearer abc":     {"Bearer", "abc"},
		"bearer   abc  ": {"bearer", "abc"},
		"Bearer":         {"Bearer", ""},
		"Bearer a b":     {"Bearer", "a b"},
		"":               {"", ""},
	} {
		if scheme, credentials := httpx.Credentials(in); scheme != want[0] || credentials != want[1] {
			t.Errorf("Credentials(%q) = %q, %q", in, scheme, credentials)
		}
	}
}

func TestSingleCountsTheLines(t *testing.T) {
	h := http.Header{}
	if _, lines := httpx.Single(h, "Authorization"); lines != 0 {
		t.Errorf("a missing field has %d lines", lines)
	}
	h.Add("authorization", "a")
	h.Add("Authorization", "b")
	if value, lines := httpx.Single(h, "Authorization"); value != "a" || lines != 2 {
		t.Errorf("got %q, %d", value, lines)
	}
}

func TestIsCorrelationID(t *testing.T) {
	for s, want := range map[string]bool{
		"c-1": true, "A_z-09": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a b": false, "a\n": false, "\na": false, "ä": false, "a.b": false,
	} {
		if got := httpx.IsCorrelationID(s); got != want {
			t.Errorf("IsCorrelationID(%q) = %v", s, got)
		}
	}
}
