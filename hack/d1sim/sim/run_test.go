package sim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/hack/d1sim/internal/fakegateway"
)

// against is a configuration for a gateway without a network.
func against(gateway http.Handler) Config {
	return Config{
		BaseURL:      "https://gateway.example",
		ClientID:     fakegateway.ClientID,
		ClientSecret: fakegateway.ClientSecret,
		GatewayID:    "MGW_000001",
		MerchantIDs:  []string{"40010000001"},
		Transport:    fakegateway.InProcess{Handler: gateway},
		Concurrency:  1,
	}
}

func mustRun(t *testing.T, config Config) Summary {
	t.Helper()
	summary, err := Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func TestManyNotificationsOverARealServerShareOneToken(t *testing.T) {
	gateway := &fakegateway.Gateway{}
	server := httptest.NewServer(gateway)
	defer server.Close()
	config := against(gateway)
	config.Transport, config.BaseURL, config.Concurrency, config.Count = nil, server.URL+"/", 8, 200
	var seen int
	config.OnCall = func(Call) { seen++ }

	summary := mustRun(t, config)
	if !summary.Clean() || summary.Notifications != 200 || summary.Tokens != 1 {
		t.Errorf("summary %+v, want 200 clean notifications with one token", summary)
	}
	if got := summary.Calls[conform.Notify]; len(got) != 1 || got[204] != 200 {
		t.Errorf("notification calls %v, want 200 times 204", got)
	}
	if gateway.TokenCalls() != 1 || len(gateway.Notifications()) != 200 || seen != 201 {
		t.Errorf("the gateway saw %d token calls and %d notifications, the callback %d calls",
			gateway.TokenCalls(), len(gateway.Notifications()), seen)
	}
	if summary.P50 <= 0 || summary.P99 < summary.P50 || summary.Max < summary.P99 || summary.Rate() <= 0 {
		t.Errorf("latencies %s %s %s and rate %f are not plausible", summary.P50, summary.P99, summary.Max, summary.Rate())
	}
	correlation := regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	ids := map[string]bool{}
	for _, n := range gateway.Notifications() {
		if !correlation.MatchString(n.CorrelationID) {
			t.Errorf("correlation id %q breaks the documented pattern", n.CorrelationID)
		}
		ids[n.CorrelationID] = true
	}
	if len(ids) != 200 {
		t.Errorf("%d different correlation ids, want 200", len(ids))
	}
}

func TestTheIssuerDialectHasItsOwnPathAndLifetime(t *testing.T) {
	gateway := &fakegateway.Gateway{TokenPath: "/authz/d1/v1/oauth2/token", ExpiresIn: `"900"`}
	config := against(gateway)
	config.Dialect = conform.Issuer
	if summary := mustRun(t, config); !summary.Clean() || summary.Notifications != 1 {
		t.Errorf("summary %+v is not one clean notification", summary)
	}
	config.Dialect, config.TokenPath = conform.Ecom, gateway.TokenPath
	summary := mustRun(t, config)
	if len(summary.Violations) != 1 || summary.Violations[0].Violation.Kind != conform.WrongBody {
		t.Errorf("violations %v, want one for the lifetime in the wrong dialect", summary.Violations)
	}
}

func TestWithoutAClientNoTokenIsAskedFor(t *testing.T) {
	gateway := &fakegateway.Gateway{NoOAuth: true}
	config := against(gateway)
	config.ClientID, config.ClientSecret = "", ""
	summary := mustRun(t, config)
	if !summary.Clean() || gateway.TokenCalls() != 0 || gateway.Notifications()[0].Authorization != "" {
		t.Errorf("summary %+v after %d token calls, want none", summary, gateway.TokenCalls())
	}
}

func TestIdsAreSentInTurn(t *testing.T) {
	gateway := &fakegateway.Gateway{}
	config := against(gateway)
	config.Count = 3
	config.MerchantIDs = []string{"m1", "m/2"}
	config.TokenPrefix = "x"
	mustRun(t, config)
	config.TokenIDs = []string{"a"}
	config.Count = 1
	mustRun(t, config)
	var got []string
	for _, n := range gateway.Notifications() {
		got = append(got, n.Path)
	}
	want := []string{
		"/merchant-gateways/MGW_000001/merchants/m1/tokens/x1/notify-update",
		"/merchant-gateways/MGW_000001/merchants/m%2F2/tokens/x2/notify-update",
		"/merchant-gateways/MGW_000001/merchants/m1/tokens/x3/notify-update",
		"/merchant-gateways/MGW_000001/merchants/m1/tokens/a/notify-update",
	}
	if !slices.Equal(got, want) {
		t.Errorf("paths\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAViolationAndAnUnexpectedEndAreInTheSummary(t *testing.T) {
	gateway := &fakegateway.Gateway{Notify: func(w http.ResponseWriter, r *http.Request, number int, answer http.HandlerFunc) {
		if number == 1 {
			w.Header().Set("Server", "fake/1.0")
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"errorCode":"UNKNOWN_TOKEN"}`)
	}}
	config := against(gateway)
	config.Count = 3
	var reported []conform.Violation
	config.OnCall = func(call Call) { reported = append(reported, call.Violations...) }
	summary := mustRun(t, config)
	want := ViolationCount{Operation: conform.Notify, Status: 204, Violation: conform.Violation{Kind: conform.UndocumentedHeader, Detail: "Server"}, Count: 1}
	if !slices.Equal(summary.Violations, []ViolationCount{want}) || !slices.Equal(reported, []conform.Violation{want.Violation}) {
		t.Errorf("violations %v, reported %v, want %v", summary.Violations, reported, want)
	}
	if !slices.Equal(summary.Unexpected, []UnexpectedEnd{{Operation: conform.Notify, Status: 404, Count: 2}}) || summary.Clean() {
		t.Errorf("unexpected %v, want 404 twice and a summary that is not clean", summary.Unexpected)
	}

	config.Expect, config.Count = 404, 1
	if summary := mustRun(t, config); !summary.Clean() {
		t.Errorf("an expected 404 is not clean: %+v", summary)
	}
}

func TestARateAndADurationShapeTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := against(&fakegateway.Gateway{})
		config.Rate, config.Count = 10, 21
		start := time.Now()
		summary := mustRun(t, config)
		if took := time.Since(start); took != 2*time.Second || summary.Notifications != 21 {
			t.Errorf("%d notifications at 10/s took %s, want 21 in 2 s", summary.Notifications, took)
		}
		config.Count, config.Duration = 0, 1050*time.Millisecond
		if summary := mustRun(t, config); summary.Notifications != 11 || !summary.Clean() {
			t.Errorf("%d notifications in 1.05 s at 10/s, want 11", summary.Notifications)
		}
	})
}

func TestNoMoreThanConcurrencyAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var underWay, most int
		enter := func(change int) {
			mu.Lock()
			defer mu.Unlock()
			underWay += change
			most = max(most, underWay)
		}
		config := against(&fakegateway.Gateway{Notify: func(w http.ResponseWriter, r *http.Request, _ int, answer http.HandlerFunc) {
			enter(+1)
			<-time.After(time.Second)
			enter(-1)
			answer(w, r)
		}})
		config.Concurrency, config.Count = 3, 9
		start := time.Now()
		summary := mustRun(t, config)
		if took := time.Since(start); most != 3 || took != 3*time.Second || summary.P50 != time.Second {
			t.Errorf("%d under way, %s in all, median %s; want 3, 3 s, 1 s", most, took, summary.P50)
		}
	})
}

func TestCancellingEndsTheRunWithWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		config := against(&fakegateway.Gateway{Notify: func(w http.ResponseWriter, r *http.Request, number int, answer http.HandlerFunc) {
			if number == 3 {
				cancel()
				<-r.Context().Done()
			}
			answer(w, r)
		}})
		config.Count = 10
		summary, err := Run(ctx, config)
		if !errors.Is(err, context.Canceled) || summary.Notifications != 2 || !summary.Clean() {
			t.Errorf("summary %+v with error %v, want two clean notifications and a cancelled run", summary, err)
		}
	})
}

func TestAnUnusableConfigurationSendsNothing(t *testing.T) {
	for name, breakIt := range map[string]func(*Config){
		"no base URL":                  func(c *Config) { c.BaseURL = "" },
		"another scheme":               func(c *Config) { c.BaseURL = "ftp://gateway.example" },
		"user information":             func(c *Config) { c.BaseURL = "https://u:planted@gateway.example" },
		"a base URL that is no URL":    func(c *Config) { c.BaseURL = "https://u:planted@%zz" },
		"a query":                      func(c *Config) { c.BaseURL = "https://gateway.example?a=b" },
		"a relative token path":        func(c *Config) { c.TokenPath = "token" },
		"an unknown dialect":           func(c *Config) { c.Dialect = "other" },
		"no gateway":                   func(c *Config) { c.GatewayID = "" },
		"no merchant":                  func(c *Config) { c.MerchantIDs = nil },
		"a client without a secret":    func(c *Config) { c.ClientSecret = "" },
		"a secret without a client":    func(c *Config) { c.ClientID = "" },
		"a negative count":             func(c *Config) { c.Count = -1 },
		"a negative rate":              func(c *Config) { c.Rate = -1 },
		"an expectation of no meaning": func(c *Config) { c.Expect = 42 },
	} {
		t.Run(name, func(t *testing.T) {
			gateway := &fakegateway.Gateway{}
			config := against(gateway)
			breakIt(&config)
			_, err := Run(t.Context(), config)
			if !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), "planted") {
				t.Errorf("error %v, want ErrConfig without credentials", err)
			}
			if gateway.TokenCalls() != 0 || len(gateway.Notifications()) != 0 {
				t.Error("the gateway was called")
			}
		})
	}
}
