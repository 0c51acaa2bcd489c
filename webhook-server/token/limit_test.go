package token_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestTooManyFailuresForOneClientFromOneSourceAreAnswered503(t *testing.T) {
	e := newEndpoint(t, func(o *clientauth.Options) {
		o.Source = func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("Test-Source")) }
	})
	from := func(source, secret string) answer {
		r := t0()
		r.authorization = []string{fixture.BasicAuthorization(fixture.ClientID, secret)}
		r.header = map[string]string{"Test-Source": source}
		return e.send(r)
	}
	var refused int
	for from("192.0.2.66", "guess").status == http.StatusUnauthorized {
		if refused++; refused == 500 {
			t.Fatal("there is no limit")
		}
	}
	if refused < 10 {
		t.Errorf("only %d failures are enough", refused)
	}
	e.wantUnavailable(from("192.0.2.66", "guess"))
	e.wantUnavailable(from("192.0.2.66", fixture.ClientSecret))
	e.wantOK(from("192.0.2.1", fixture.ClientSecret))
	e.wantInvalidClient(from("192.0.2.1", "guess"))
	e.now = e.now.Add(time.Hour)
	e.wantOK(from("192.0.2.66", fixture.ClientSecret))

	counted := map[token.Outcome]int{}
	for _, outcome := range e.observer.outcomes {
		counted[outcome]++
	}
	if counted["too_many_failures"] != 3 || counted[clientauth.BadClient] != refused+1 || counted[token.Issued] != 2 {
		t.Errorf("counted %v", counted)
	}
}
