package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/hack/d1sim/internal/fakegateway"
)

type answerFunc = func(w http.ResponseWriter, r *http.Request, number int, answer http.HandlerFunc)

// unavailable answers 503 to the first calls of an endpoint.
func unavailable(calls int, retryAfter string) answerFunc {
	return func(w http.ResponseWriter, r *http.Request, number int, answer http.HandlerFunc) {
		if number > calls {
			answer(w, r)
			return
		}
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func TestACallIsRepeatedAfter503(t *testing.T) {
	cases := []struct {
		name       string
		gateway    *fakegateway.Gateway
		change     func(*Config)
		wait       time.Duration
		retries    int
		unexpected []UnexpectedEnd
	}{
		{name: "after as many seconds as Retry-After says", gateway: &fakegateway.Gateway{Notify: unavailable(2, "7")}, wait: 14 * time.Second, retries: 2},
		{name: "at once when Retry-After is zero", gateway: &fakegateway.Gateway{Notify: unavailable(3, "0")}, retries: 3},
		{name: "no later than the bound", gateway: &fakegateway.Gateway{Notify: unavailable(1, "86400")}, wait: 30 * time.Second, retries: 1},
		{name: "at the token endpoint too", gateway: &fakegateway.Gateway{Token: unavailable(1, "2")}, wait: 2 * time.Second, retries: 1},
		{
			name: "not more often than the bound", gateway: &fakegateway.Gateway{Notify: unavailable(9, "1")},
			change: func(c *Config) { c.MaxRetries = 2 }, wait: 2 * time.Second, retries: 2,
			unexpected: []UnexpectedEnd{{Operation: conform.Notify, Status: 503, Count: 1}},
		},
		{
			name: "never when told so", gateway: &fakegateway.Gateway{Notify: unavailable(9, "1")},
			change:     func(c *Config) { c.MaxRetries = -1 },
			unexpected: []UnexpectedEnd{{Operation: conform.Notify, Status: 503, Count: 1}},
		},
		{
			name: "and never when 503 is expected", gateway: &fakegateway.Gateway{Notify: unavailable(9, "1")},
			change: func(c *Config) { c.Expect = 503 },
		},
		{
			name: "until the token endpoint has failed for good", gateway: &fakegateway.Gateway{Token: unavailable(9, "1")},
			wait: 5 * time.Second, retries: 5,
			unexpected: []UnexpectedEnd{{Operation: conform.Token, Status: 503, Count: 1}},
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := against(tc.gateway)
				if tc.change != nil {
					tc.change(&config)
				}
				start := time.Now()
				summary := mustRun(t, config)
				if waited := time.Since(start); waited != tc.wait || summary.Retries != tc.retries {
					t.Errorf("%d retries in %s, want %d in %s", summary.Retries, waited, tc.retries, tc.wait)
				}
				if !slices.Equal(summary.Unexpected, tc.unexpected) || len(summary.Violations) > 0 {
					t.Errorf("unexpected %v, violations %v, want %v and none", summary.Unexpected, summary.Violations, tc.unexpected)
				}
			})
		})
	}
}

func TestA503WithoutRetryAfterIsAViolationAndBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateway := &fakegateway.Gateway{Notify: unavailable(3, "")}
		start := time.Now()
		summary := mustRun(t, against(gateway))
		if waited := time.Since(start); waited != 7*time.Second {
			t.Errorf("waited %s, want 1+2+4 s", waited)
		}
		if len(summary.Violations) != 1 || summary.Violations[0].Count != 3 || summary.Violations[0].Violation.Kind != conform.MissingHeader {
			t.Errorf("violations %v, want the missing header three times", summary.Violations)
		}
		calls := gateway.Notifications()
		for _, call := range calls {
			if call.CorrelationID != calls[0].CorrelationID {
				t.Error("a repetition has a correlation id of its own")
			}
		}
	})
}

func TestOnlyA503IsRepeated(t *testing.T) {
	for _, status := range []int{400, 404, 500} {
		gateway := &fakegateway.Gateway{Notify: func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, `{"errorCode":"X"}`)
		}}
		summary := mustRun(t, against(gateway))
		want := []UnexpectedEnd{{Operation: conform.Notify, Status: status, Count: 1}}
		if len(gateway.Notifications()) != 1 || summary.Retries != 0 || !slices.Equal(summary.Unexpected, want) {
			t.Errorf("%d led to %d calls and %v", status, len(gateway.Notifications()), summary.Unexpected)
		}
	}
}

func TestAHangingGatewayEndsInATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := against(&fakegateway.Gateway{Notify: func(_ http.ResponseWriter, r *http.Request, _ int, _ http.HandlerFunc) {
			<-r.Context().Done()
		}})
		config.Timeout = 3 * time.Second
		start := time.Now()
		summary := mustRun(t, config)
		want := []UnexpectedEnd{{Operation: conform.Notify, Reason: "timeout", Count: 1}}
		if time.Since(start) != 3*time.Second || !slices.Equal(summary.Unexpected, want) {
			t.Errorf("after %s: %v, want a timeout after 3 s", time.Since(start), summary.Unexpected)
		}
	})
}

func TestATokenIsRenewedShortlyBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateway := &fakegateway.Gateway{ExpiresIn: "100"}
		config := against(gateway)
		config.Rate, config.Count = 1, 91 // seconds 0 to 90; a tenth of the lifetime is the margin
		summary := mustRun(t, config)
		if gateway.TokenCalls() != 2 || !summary.Clean() {
			t.Errorf("%d token calls in 90 s, want 2: %+v", gateway.TokenCalls(), summary)
		}
		calls := gateway.Notifications()
		if first, last := calls[89].Authorization, calls[90].Authorization; first != "Bearer planted-token-1" || last != "Bearer planted-token-2" {
			t.Errorf("second 89 used %q and second 90 %q", first, last)
		}
	})
}

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	gateway := &fakegateway.Gateway{}
	gateway.Notify = func(w http.ResponseWriter, r *http.Request, number int, answer http.HandlerFunc) {
		if number == 2 {
			gateway.RevokeTokens()
		}
		answer(w, r)
	}
	config := against(gateway)
	config.Count = 3
	summary := mustRun(t, config)
	if !summary.Clean() || summary.Tokens != 2 || summary.Calls[conform.Notify][401] != 1 || summary.Calls[conform.Notify][204] != 3 {
		t.Errorf("summary %+v, want one 401, a second token and three 204", summary)
	}

	stubborn := &fakegateway.Gateway{Notify: func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="d1", error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
	}}
	summary = mustRun(t, against(stubborn))
	if stubborn.TokenCalls() != 2 || len(stubborn.Notifications()) != 2 || summary.Clean() {
		t.Errorf("%d tokens and %d calls for one refused notification, want 2 and 2", stubborn.TokenCalls(), len(stubborn.Notifications()))
	}
}

func TestARefusedClientIsNotTriedAgain(t *testing.T) {
	gateway := &fakegateway.Gateway{}
	config := against(gateway)
	config.ClientSecret = "planted-but-wrong"
	config.Count, config.Concurrency = 50, 4
	summary := mustRun(t, config)
	if gateway.TokenCalls() != 1 || len(gateway.Notifications()) != 0 {
		t.Errorf("%d token calls and %d notifications, want 1 and 0", gateway.TokenCalls(), len(gateway.Notifications()))
	}
	if want := []UnexpectedEnd{{Operation: conform.Token, Status: 401, Count: 1}}; !slices.Equal(summary.Unexpected, want) {
		t.Errorf("unexpected %v, want %v", summary.Unexpected, want)
	}

	var late *fakegateway.Gateway
	late = &fakegateway.Gateway{
		Token: func(w http.ResponseWriter, r *http.Request, number int, answer http.HandlerFunc) {
			if number > 1 {
				r.Header.Del("Authorization")
			}
			answer(w, r)
		},
		Notify: func(w http.ResponseWriter, r *http.Request, _ int, answer http.HandlerFunc) {
			late.RevokeTokens()
			answer(w, r)
		},
	}
	config = against(late)
	config.Count, config.Concurrency = 50, 4
	summary = mustRun(t, config)
	if late.TokenCalls() != 2 || len(late.Notifications()) > 4 || summary.Clean() {
		t.Errorf("%d token calls and %d notifications after the client was suspended, want 2 and at most 4",
			late.TokenCalls(), len(late.Notifications()))
	}
}

func TestNothingThatIsReportedHoldsACredential(t *testing.T) {
	gateway := &fakegateway.Gateway{ExpiresIn: `"planted-lifetime"`, Notify: unavailable(1, "planted")}
	config := against(gateway)
	config.MaxRetryWait = time.Nanosecond
	var output strings.Builder
	config.OnCall = func(call Call) { _, _ = fmt.Fprintf(&output, "%+v %s\n", call, call.Result()) }
	summary := mustRun(t, config)
	if err := summary.Print(&output); err != nil {
		t.Fatal(err)
	}
	if summary.Clean() || !strings.Contains(output.String(), "violation: token 200") {
		t.Errorf("the output lacks the violation that was planted:\n%s", output.String())
	}
	if strings.Contains(output.String(), "planted") {
		t.Errorf("the output holds a credential or a piece of a body:\n%s", output.String())
	}
}
