package contract_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
	"github.com/d1gateway/d1gateway/hack/d1sim/contract"
	"github.com/d1gateway/d1gateway/hack/d1sim/sim"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// The gateways and clients of the run besides the base ones.
const (
	synchronousID = "MGW_000002"
	attackedID    = "attacked-d1"
)

func TestPrismFindsNoViolationInAnyAnswerOfAFullRun(t *testing.T) {
	t.Parallel()
	platform := running.NewPlatform(t)
	w := running.Start(t, func(w *running.World) {
		synchronous := w.Another("synchronous", synchronousID, "synchronous-d1")
		synchronous.Gateway.Delivery.URL, synchronous.Gateway.Delivery.Synchronous = platform.URL, true
		w.Another("attacked", "MGW_000003", attackedID)
	})
	judge := judgeBy(t, map[string]prismOrder{
		fixture.TokenPath:       {document: contract.Ecom, upstream: w.URL()},
		fixture.IssuerTokenPath: {document: contract.Issuer, upstream: w.URL() + "/authz/d1/v1"},
		"":                      {document: contract.Ecom, upstream: w.URL()},
	})
	runAsD1(t, judge)
	sendWrongRequests(t, w, judge)
	refuseByPlatform(t, w, judge, platform)
	guessSecrets(t, judge)

	for _, violation := range judge.violations() {
		t.Error(violation)
	}
	token, issuer, notify := fixture.TokenPath, fixture.IssuerTokenPath, "notify-update"
	for _, want := range []judged{
		{token, 200}, {token, 400}, {token, 401}, {token, 503},
		{issuer, 200}, {issuer, 400}, {issuer, 401}, {issuer, 503},
		{notify, 204}, {notify, 400}, {notify, 401}, {notify, 404}, {notify, 500}, {notify, 503},
	} {
		if judge.count(want) == 0 {
			t.Errorf("no answer %d at %s was judged", want.status, want.what)
		}
	}
}

// runAsD1 is a run of the simulator in both dialects.
func runAsD1(t *testing.T, judge *prismJudge) {
	t.Helper()
	for dialect, tokenPath := range map[conform.Dialect]string{conform.Ecom: fixture.TokenPath, conform.Issuer: fixture.IssuerTokenPath} {
		const count = 60
		summary, err := sim.Run(t.Context(), sim.Config{
			BaseURL: "http://judged.invalid", Transport: judge, Dialect: dialect, TokenPath: tokenPath,
			ClientID: fixture.ClientID, ClientSecret: fixture.ClientSecret, GatewayID: fixture.GatewayID, MerchantIDs: []string{fixture.MerchantID},
			Count: count, Concurrency: 4,
		})
		if err != nil || summary.Notifications != count || summary.Tokens == 0 || len(summary.Unexpected) > 0 {
			t.Errorf("dialect %s: %v, %d sent, %d tokens, %v", dialect, err, summary.Notifications, summary.Tokens, summary.Unexpected)
		}
	}
}

// sendWrongRequests has every kind of refusal that needs nothing but a request.
func sendWrongRequests(t *testing.T, w *running.World, judge *prismJudge) {
	t.Helper()
	for _, path := range []string{fixture.TokenPath, fixture.IssuerTokenPath} {
		t0 := running.T0().WithPath(path)
		for _, body := range []string{"", "grant_type=password", "grant_type=client_credentials&scope=d1%3Aother", "grant_type=%zz", "grant_type=client_credentials&grant_type=client_credentials", strings.Repeat("a", 9<<10)} {
			judge.send(t, t0.WithBody(body), http.StatusBadRequest)
		}
		judge.send(t, t0.With("Content-Type", "text/plain"), http.StatusBadRequest)
		judge.send(t, t0.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "wrong")), http.StatusUnauthorized)
		judge.send(t, t0.With("Authorization", fixture.BasicAuthorization("nobody", "wrong")), http.StatusUnauthorized)
		judge.send(t, t0.With("Authorization"), http.StatusUnauthorized)
	}
	n0 := running.N0(w.Token(w.Client()))
	for _, body := range []string{"", "{", "[]", `{}`, `{"updateType":null}`, `{"updateType":"card_update"}`, "{\"updateType\":\"\xff\"}", `{"updateType":"` + strings.Repeat("A", 65<<10) + `"}`} {
		judge.send(t, n0.WithBody(body), http.StatusBadRequest)
	}
	judge.send(t, n0.With("Content-Type", "text/plain"), http.StatusBadRequest)
	judge.send(t, n0.WithPath(strings.Replace(n0.Path, fixture.GatewayID, "short", 1)), http.StatusBadRequest)
	judge.send(t, n0.WithPath(strings.Replace(n0.Path, fixture.MerchantID, "short", 1)), http.StatusBadRequest)
	judge.send(t, n0.WithToken(strings.Repeat("t", 49)), http.StatusBadRequest)
	for _, authorization := range [][]string{nil, {"Bearer garbage"}, {fixture.Basic}} {
		judge.send(t, n0.With("Authorization", authorization...), http.StatusUnauthorized)
	}
	judge.send(t, n0.WithPath(strings.Replace(n0.Path, fixture.GatewayID, "MGW_999999", 1)), http.StatusNotFound)
	judge.send(t, n0.WithPath(strings.Replace(n0.Path, fixture.MerchantID, "49999999999", 1)), http.StatusNotFound)
	judge.send(t, n0.WithBody(`{"updateType":"SOMETHING_NEW","more":{}}`), http.StatusNoContent)
	judge.send(t, n0.With("X-Correlation-Id", "not one!"), http.StatusNoContent)
}

// refuseByPlatform has what a notification is answered when the platform behind a Synchronous gateway refuses it.
func refuseByPlatform(t *testing.T, w *running.World, judge *prismJudge, platform *running.Platform) {
	t.Helper()
	n0 := running.N0(w.TokenOf(w.Client(), "synchronous-d1", fixture.ClientSecret))
	n0 = n0.WithPath(strings.Replace(n0.Path, fixture.GatewayID, synchronousID, 1))
	for said, want := range map[int64]int{200: 204, 404: 404, 422: 500, 500: 503} {
		platform.Status.Store(said)
		judge.send(t, n0, want)
	}
}

// guessSecrets guesses secrets of a client until their source is locked out, which is the token endpoint's 503.
func guessSecrets(t *testing.T, judge *prismJudge) {
	t.Helper()
	const always = 1000 // "some hundreds always"
	guess := running.T0().With("Authorization", fixture.BasicAuthorization(attackedID, "guess"))
	for tried := 0; judge.send(t, guess, 0) != http.StatusServiceUnavailable; tried++ {
		if tried == always {
			t.Fatalf("%d wrong secrets from one source do not lock it out", always)
		}
	}
	judge.send(t, guess.WithPath(fixture.IssuerTokenPath), http.StatusServiceUnavailable)
}

func TestPrismFindsTheViolationsOfAServerThatIsWrong(t *testing.T) {
	t.Parallel()
	answers := map[string]func(http.ResponseWriter){
		"a lifetime in a string where the document wants a number": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":"900"}`))
		},
		"an undocumented status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"no token": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write([]byte(`{}`))
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answers[r.Header.Get("X-Answer")](w) }))
	t.Cleanup(server.Close)
	judge := judgeBy(t, map[string]prismOrder{"": {document: contract.Ecom, upstream: server.URL}})
	for name := range answers {
		before := len(judge.violations())
		judge.send(t, running.T0().With("X-Answer", name), 0)
		if len(judge.violations()) == before {
			t.Errorf("%s passes", name)
		}
	}
}

// send sends a request through prism and answers its status; want 0 is any.
func (j *prismJudge) send(t *testing.T, r running.Request, want int) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), r.Method, "http://judged.invalid"+r.Path, bytes.NewReader([]byte(r.Body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = r.Header.Clone()
	response, err := j.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if want != 0 && response.StatusCode != want {
		t.Errorf("%s %s %v with %d bytes of body is answered %d and not %d", r.Method, r.Path, slices.Sorted(headerNames(r.Header)), len(r.Body), response.StatusCode, want)
	}
	return response.StatusCode
}

func headerNames(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(fmt.Sprintf("%s x%d", name, len(h[name]))) {
				return
			}
		}
	}
}
