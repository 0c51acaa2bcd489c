package contract_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// testEveryAnswer sends requests that are wrong in several ways at once, drawn from what the other rows hold one at a time. What they are
// answered is judged by package running alone: the statuses, the headers and the members that the contract lists.
func testEveryAnswer(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		// The seed is fixed, so that a failure comes back.
		random := rand.New(rand.NewPCG(1, uint64(len(v.c.Transport.Name))))
		pick := func(choices ...string) string { return choices[random.IntN(len(choices))] }
		statuses := map[int]int{}
		for i := range 300 {
			r := running.Request{Method: http.MethodPost, Header: http.Header{}}
			r.Path = path(pick(fixture.GatewayID, fixture.GatewayID, fixture.GatewayID, "MGW_000009", "x", "%00", ""), pick(fixture.MerchantID, fixture.MerchantID, fixture.MerchantID, "40010000009", "%2F", ""), pick("tok_1", "tok_1", "4111111111111111", "%e9", "", strings.Repeat("t", 49))) + pick("", "", "?x=1")
			r.Body = pick(`{"updateType":"CARD_UPDATE"}`, `{"updateType":"CARD_UPDATE"}`, `{"updateType":"NEW"}`, `{"updateType":null}`, `{}`, `[]`, "", "\xff", strings.Repeat("[", 5000), filled(bodyLimit), filled(bodyLimit+1))
			set := func(name string, choices ...string) {
				if value := pick(choices...); value != "" {
					r = r.With(name, strings.Split(value, "|")...)
				}
			}
			good := "Bearer " + v.token
			set("Authorization", good, good, good, good, "", "Bearer x", fixture.Basic, good+"|"+good)
			set("Content-Type", "application/json", "application/json", "application/json; charset=utf-8", "text/plain", "", "application/json|application/json")
			set("Content-Encoding", "", "", "", "gzip")
			set("X-Correlation-Id", "", "c-1", `"`, "c-1|c-2")
			set("Expect", "", "", "100-continue")
			r.Chunked = random.IntN(4) == 0
			a := v.c.Do(r)
			statuses[a.Status]++
			if v.Failed() {
				v.Fatalf("request %d: %+v", i, r)
			}
		}
		for _, status := range []int{204, 400, 401, 404} {
			if statuses[status] == 0 {
				v.Errorf("no request was answered %d: %v", status, statuses)
			}
		}
	})
}

// TestLogs looks at what is logged of a token id that may be a card number. That no secret, token or card number is shown anywhere is
// checked at the end of every server.
func TestLogs(t *testing.T) {
	t.Parallel()
	cards := []string{"4111111111111111", "5500005555555559", "4222222222222", "6304000000000000000", "378282246310005"}
	others := []string{"4111111111111112", "1234567890", "41111111111111111111", "411111111111"}
	v := world(t, func(w *running.World) { w.Documents.Gateway.Delivery.URL = "http://127.0.0.1:9/" })
	for _, number := range append(cards, others...) {
		for _, id := range []string{number, "tok_" + number, number + "_x", number + "-" + number} {
			if len(id) > 48 {
				continue
			}
			v.expect(wantA, cases{id: v.n0().WithToken(id).With("x-correlation-id", id)})
			v.expect(wantUnknownMerchant, cases{id + " of an unknown merchant": v.n0().WithPath(path(fixture.GatewayID, "40010000009", id))})
			v.expect(wantInvalidToken, cases{id + " with a bad token": running.N0(id).WithToken(id)})
			v.expect(wantF("body"), cases{id + " with a bad body": v.n0().WithToken(id).WithBody(id)})
			v.expect(wantIC, cases{id + " as a client": basic(id, id)})
		}
	}
	log := v.w.Log.String()
	for _, number := range others {
		if !strings.Contains(log, number) {
			t.Errorf("%s is no card number and is masked", number)
		}
	}
	for _, number := range cards {
		if shown := fmt.Sprintf("*%s", number[len(number)-4:]); !strings.Contains(log, shown) {
			t.Errorf("the last digits of %s are not to be found", number)
		}
	}
	checkLogLines(t, log)
}
