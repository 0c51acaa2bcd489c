package clientauth_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// refusals answers what n requests in a row come to.
func (d *door) refusals(r request, n int) []clientauth.Outcome {
	d.t.Helper()
	var all []clientauth.Outcome
	for range n {
		_, refusal := d.knock(r)
		all = append(all, refusal)
	}
	return all
}

// fill has as many failures as are answered before more are refused unlooked at.
func (d *door) fill(r request) {
	d.t.Helper()
	for i, refusal := range d.refusals(r, clientauth.FailureBurst) {
		if refusal != clientauth.BadClient {
			d.t.Fatalf("failure %d is answered %q", i+1, refusal)
		}
	}
}

func right() request { return basic(fixture.ClientID, fixture.ClientSecret) }

func wrong() request { return basic(fixture.ClientID, "wrong") }

func TestTheLimitOfFailuresIsForOneClientFromOneSource(t *testing.T) {
	d := newDoor(t)
	other := d.Another("globex", "MGW_000002", "is_tbank02")
	d.source = "192.0.2.66"
	d.fill(wrong())
	d.wantRefused(wrong(), clientauth.TooManyFailures, clientauth.TooMany)
	// With the right secret too: else each guess would have its answer.
	d.wantRefused(right(), clientauth.TooManyFailures, clientauth.TooMany)
	if _, refusal := d.knock(basic(other.Client.ClientID, fixture.ClientSecret)); refusal != "" {
		t.Errorf("another client from there: %q", refusal)
	}
	d.source = "192.0.2.1"
	d.wantIn(right(), api.ClientSecretBasic)
	d.wantRefused(wrong(), clientauth.BadClient, clientauth.WrongSecret)
	d.wantIn(right(), api.ClientSecretBasic)
}

func TestAFewFailuresNeverLockAClientOut(t *testing.T) {
	d := newDoor(t)
	d.refusals(wrong(), clientauth.FailureBurst-1)
	d.wantIn(right(), api.ClientSecretBasic)
	if clientauth.FailureBurst < 20 || clientauth.FailureBurst > 200 {
		t.Errorf("the contract says a few never and some hundreds always, not %d", clientauth.FailureBurst)
	}
}

func TestManySourcesTogetherDoNotLockAClientOut(t *testing.T) {
	d := newDoor(t)
	for i := range 300 {
		d.source = netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}).String()
		for _, refusal := range d.refusals(wrong(), clientauth.FailureBurst+1)[clientauth.FailureBurst:] {
			if refusal != clientauth.TooManyFailures {
				t.Fatalf("source %d is answered %q", i, refusal)
			}
		}
	}
	d.source = "192.0.2.1"
	d.wantIn(right(), api.ClientSecretBasic)
}

func TestTheLimitTellsNothingOfWhichClientsExist(t *testing.T) {
	attempts := map[string]func(id string) request{
		"Basic":       func(id string) request { return basic(id, "wrong") },
		"post":        func(id string) request { return post("client_id", id, "client_secret", "wrong") },
		"certificate": func(id string) request { return post("client_id", id) },
	}
	for name, attempt := range attempts {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			const n = clientauth.FailureBurst + 10
			known := d.refusals(attempt(fixture.ClientID), n)
			knownAnswers := d.answers.String()
			d.answers.Reset()
			unknown := d.refusals(attempt("nobody01xx"), n)
			if !slices.Equal(known, unknown) || knownAnswers != d.answers.String() {
				t.Errorf("a known client is answered %q, an unknown one %q", known, unknown)
			}
			if !slices.Contains(unknown, clientauth.TooManyFailures) {
				t.Error("unknown ids are not limited")
			}
			for i, reason := range d.reasons {
				if reason == clientauth.TooMany && d.blamed[i] != nil {
					t.Error("the observer is told which client exists")
				}
			}
		})
	}
}

func TestAssertionsAreLimitedWhetherTheClientExistsOrNot(t *testing.T) {
	key, another := fixture.NewClientKey(t, "key", "ES256"), fixture.NewClientKey(t, "other", "ES256")
	d := keyed(t, key)
	d.fill(asserting(d.GenuineAssertion(another).Sign(t)))
	d.wantRefused(asserting(d.GenuineAssertion(key).Sign(t)), clientauth.TooManyFailures, clientauth.TooMany)
	nobody := d.GenuineAssertion(another)
	nobody.Claims["iss"], nobody.Claims["sub"] = "nobody", "nobody"
	d.fill(asserting(nobody.Sign(t)))
	d.wantRefused(asserting(nobody.Sign(t)), clientauth.TooManyFailures, clientauth.TooMany)
	d.source = "192.0.2.2"
	d.wantIn(asserting(d.GenuineAssertion(key).Sign(t)), api.PrivateKeyJWT)
}

func TestOneClientIsCountedOnceHoweverItIsNamed(t *testing.T) {
	d := newDoor(t)
	d.Gateway.AuthMethods = []api.AuthMethod{api.ClientSecretBasic, api.ClientSecretPost}
	d.Publish()
	names := []request{
		basic("is_tbank01", "wrong"), basic("is%5Ftbank01", "wrong"), basic("is%5ftbank01", "wrong"), basic("%69%73_tbank01", "wrong"), basic("is_tbank0%31", "%77rong"),
		post("client_id", "is_tbank01", "client_secret", "wrong"), {body: "client_id=%69s_tbank01&client_secret=wrong"}, post("client_id", "is_tbank01"),
	}
	for i := range clientauth.FailureBurst {
		if _, refusal := d.knock(names[i%len(names)]); refusal != clientauth.BadClient {
			t.Fatalf("failure %d is answered %q", i+1, refusal)
		}
	}
	for _, r := range names {
		d.wantRefused(r, clientauth.TooManyFailures, clientauth.TooMany)
	}
}

func TestTheLimitRecoversWithTime(t *testing.T) {
	d := newDoor(t)
	d.fill(wrong())
	d.now = d.now.Add(clientauth.FailureInterval - time.Second)
	d.wantRefused(right(), clientauth.TooManyFailures, clientauth.TooMany)
	d.now = d.now.Add(time.Second)
	d.wantRefused(wrong(), clientauth.BadClient, clientauth.WrongSecret)
	d.wantRefused(right(), clientauth.TooManyFailures, clientauth.TooMany)
	d.now = d.now.Add(clientauth.FailureInterval)
	d.wantIn(right(), api.ClientSecretBasic)
	d.wantIn(right(), api.ClientSecretBasic) // what is right is not counted
	d.now = d.now.Add(clientauth.FailureBurst * clientauth.FailureInterval)
	d.fill(wrong())
	d.wantRefused(wrong(), clientauth.TooManyFailures, clientauth.TooMany)
}

// warnings answers the lines of level WARN.
func (d *door) warnings() []map[string]any {
	d.t.Helper()
	var all []map[string]any
	for line := range strings.Lines(d.log.String()) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			d.t.Fatal(err)
		}
		if members["level"] == "WARN" {
			all = append(all, members)
		}
	}
	return all
}

func TestTheLimitIsLoggedOnceWithTheSource(t *testing.T) {
	d := newDoor(t)
	d.source = "192.0.2.66"
	d.refusals(wrong(), 3*clientauth.FailureBurst)
	warned := d.warnings()
	if len(warned) != 1 {
		t.Fatalf("warned %d times", len(warned))
	}
	if warned[0]["source"] != "192.0.2.66" || warned[0]["client"] != fixture.ClientID || warned[0]["gateway"] != fixture.GatewayID {
		t.Errorf("logged %v", warned[0])
	}
	if lines := strings.Count(d.log.String(), "\n"); lines != clientauth.FailureBurst+1 {
		t.Errorf("%d lines for %d requests", lines, 3*clientauth.FailureBurst)
	}
}

func TestWhoKeepsFailingIsLoggedOnceAMinute(t *testing.T) {
	d := newDoor(t)
	d.fill(wrong())
	const minutes = 10
	for range int(minutes * time.Minute / clientauth.FailureInterval) {
		d.now = d.now.Add(clientauth.FailureInterval)
		d.wantRefused(wrong(), clientauth.BadClient, clientauth.WrongSecret)
		d.wantRefused(wrong(), clientauth.TooManyFailures, clientauth.TooMany)
	}
	if warned := len(d.warnings()); warned != 1+minutes {
		t.Errorf("warned %d times in %d minutes", warned, minutes)
	}
}

// Requests at once may all be looked at before the first of them is counted, but not more than there are at once.
