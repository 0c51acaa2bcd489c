package delivery

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
)

func TestJudgeAndAnswer(t *testing.T) {
	for _, c := range []struct {
		status int
		reason Reason
		answer Answer
	}{
		{101, UnexpectedStatus, Unavailable}, {200, Delivered, Accepted}, {204, Delivered, Accepted}, {299, Delivered, Accepted},
		{301, Redirected, Unavailable}, {304, Redirected, Unavailable},
		{400, ClientError, Refused}, {401, ClientError, Refused}, {404, ClientError, UnknownToken}, {408, RequestTimeout, Unavailable},
		{410, Gone, Refused}, {422, ClientError, Refused}, {425, ClientError, Unavailable}, {429, Throttled, Unavailable},
		{500, ServerError, Unavailable}, {503, ServerError, Unavailable}, {599, ServerError, Unavailable}, {600, UnexpectedStatus, Unavailable}, {999, UnexpectedStatus, Unavailable},
	} {
		v := judge(outbound.Answer{Status: c.status, Header: http.Header{"Retry-After": {"7"}}}, time.Now())
		if v.Reason != c.reason || v.Status != c.status || v.Answer() != c.answer {
			t.Errorf("%d: %+v, answer %d", c.status, v, v.Answer())
		}
		if retried := c.reason != Delivered && c.reason != Gone; (v.RetryAfter == 7*time.Second) != retried {
			t.Errorf("%d: Retry-After %s", c.status, v.RetryAfter)
		}
		if v.pausesLane() != (c.status == 429 || c.status == 503) {
			t.Errorf("%d: pauses the lane: %t", c.status, v.pausesLane())
		}
	}
	for _, f := range outbound.Faults() {
		if got := (Verdict{Reason: Reason(f)}).Answer(); got != Unavailable {
			t.Errorf("%s: answer %d", f, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"120":                            2 * time.Minute,
		"-5":                             0,
		"1.5":                            0,
		"soon":                           0,
		"99999999999999999999":           0,
		"Sun, 01 Mar 2026 12:01:00 GMT":  time.Minute,
		"Sun, 01 Mar 2026 11:00:00 GMT":  0,
		"Sunday, 01-Mar-26 12:00:30 GMT": 30 * time.Second,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestReasonsAreFitForALabel(t *testing.T) {
	all := Reasons()
	for i, r := range all {
		if slices.Contains(all[:i], r) {
			t.Errorf("%s is there twice", r)
		}
		for _, c := range string(r) {
			if c != '_' && (c < 'a' || c > 'z') {
				t.Errorf("%q is not lower-case words joined by underscores", r)
			}
		}
	}
}

func TestHeaderValuesAreEncodedAsCloudEventsSays(t *testing.T) {
	for value, want := range map[string]string{
		"tok_1":           "tok_1",
		"a b\"c%d":        "a%20b%22c%25d",
		"Euro € 😀":        "Euro%20%E2%82%AC%20%F0%9F%98%80", // the example of section 3.1.3.2
		"\r\nX-Other: 1":  "%0D%0AX-Other:%201",
		"~!#$&'()*+,-./:": "~!#$&'()*+,-./:",
	} {
		if got := headerValue(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "120", "-1", "Sun, 01 Mar 2026 12:01:00 GMT", "4294967296"} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, now); got < 0 {
			t.Errorf("%q: %s", value, got)
		}
	})
}
