package contract_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// record is a notification as the administration API shows it.
type record struct {
	ID, State, GatewayID, MerchantID, TokenID, UpdateType, CorrelationID string
}

// records are the notifications of a token, newest first. What is asked for is the id that D1 sent, not as it is shown.
func records(t *testing.T, w *running.World, tokenID string) []record {
	t.Helper()
	status, body := w.Get(w.AdminURL("/v1/notifications?limit=500&tokenId=" + url.QueryEscape(tokenID)))
	var page struct{ Items []record }
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
		t.Fatalf("administration answers %d %s", status, body)
	}
	return page.Items
}

// word is the transport's name as part of a token id, so that each transport has tokens of its own.
func (v *visit) word() string {
	return strings.NewReplacer(" ", "_", ".", "").Replace(v.c.Transport.Name)
}

func testN0(t *testing.T, _ *site) {
	s := newSite(t, nil)
	s.everywhere(t, func(v *visit) {
		id := "n0_" + v.word()
		for _, updateType := range []string{"TOKEN_STATE_CHANGE", "CARD_UPDATE", "CARD_UPDATE"} {
			wantA.check(v.T, v.c.Do(v.n0().WithToken(id).WithBody(`{"updateType":"`+updateType+`"}`)))
		}
		stored := records(v.T, v.w, id)
		if len(stored) != 3 {
			v.Fatalf("3 notifications are %d records", len(stored))
		}
		ids := map[string]bool{}
		for i, want := range []string{"CARD_UPDATE", "CARD_UPDATE", "TOKEN_STATE_CHANGE"} {
			r := stored[i]
			ids[r.ID] = true
			if r.UpdateType != want || r.GatewayID != fixture.GatewayID || r.MerchantID != fixture.MerchantID || r.TokenID != id || r.CorrelationID != "c-1" {
				v.Errorf("record %+v", r)
			}
		}
		if len(ids) != 3 {
			v.Error("records share an id")
		}
	})
	t.Run("each is delivered", func(t *testing.T) {
		t.Parallel()
		v := world(t, nil)
		for range 5 {
			wantA.check(t, v.c.Do(v.n0()))
			if d := v.w.Delivered(); d.Outcome != merchant.Accepted || d.Event.Subject != fixture.TokenID {
				t.Errorf("delivery %+v", d)
			}
		}
	})
}

func testUnknownMembers(t *testing.T, _ *site) {
	s := newSite(t, func(w *running.World) { w.Planted("planted-in-a-member", "planted-name") })
	const members = 19 // requests in each version of HTTP, and so to each server
	s.inBothVersions(t, func(v *visit) {
		body := func(members string) running.Request {
			return v.n0().WithBody(`{` + members + `,"updateType":"CARD_UPDATE"}`)
		}
		all := cases{
			"a string":                     body(`"a":"planted-in-a-member"`),
			"a name that is planted":       body(`"planted-name":1`),
			"a card number":                body(`"pan":"4111111111111111","4111111111111111":4111111111111111`),
			"every type":                   body(`"a":null,"b":true,"c":-1.5e+300,"d":[],"e":{}`),
			"a number that is huge":        body(`"a":1e999999,"b":` + strings.Repeat("9", 5000)),
			"repeated":                     body(`"a":1,"a":2`),
			"an empty name":                body(`"":1,"":2`),
			"a lone surrogate":             body(`"a":"\ud800"`),
			"a lone surrogate in a name":   body(`"\udc00":1`),
			"a NUL as an escape":           body(`"a":"\u0000"`),
			"log injection":                body(`"a":"\n{\"level\":\"ERROR\",\"msg\":\"planted-in-a-member\"}"`),
			"a prototype":                  body(`"__proto__":{"updateType":"X"},"constructor":1`),
			"updateType within another":    body(`"x":{"updateType":"TOKEN_STATE_CHANGE"}`),
			"other letter cases of it":     body(`"UpdateType":"TOKEN_STATE_CHANGE","UPDATETYPE":7`),
			"fields of the path":           body(`"tokenId":"other","merchantId":"other","merchantGatewayId":"other"`),
			"a name of 30,000 characters":  body(`"` + strings.Repeat("n", 30000) + `":1`),
			"an emoji and a right-to-left": body(`"💳":"` + "\u202e" + `"`),
			"20 levels":                    body(`"a":` + strings.Repeat("[", 19) + strings.Repeat("]", 19)),
			"an unknown header as well":    body(`"a":1`).With("X-Planted", "planted-in-a-member"),
		}
		if v.expect(wantA, all); len(all) != members {
			v.Errorf("there are %d requests", len(all))
		}
	})
	t.Cleanup(func() {
		for _, w := range s.worlds {
			for range members {
				if d := w.Delivered(); d.Outcome != merchant.Accepted || strings.Contains(string(d.Body), "planted") {
					t.Errorf("delivery %+v", d)
				}
			}
		}
	})
}

func testCorrelationID(t *testing.T, _ *site) {
	raw := map[string]string{
		"empty": "", "a space": " ", "a space within": "c 1", "65 characters": strings.Repeat("c", 65), "8,000 characters": strings.Repeat("c", 8000),
		"a quotation mark": `c"1`, "JSON": `","level":"ERROR","msg":"planted-by-header`, "a brace": `{"planted-by-header":1}`, "markup": "<script>planted-by-header</script>",
		"a template": "${jndi:ldap://planted-by-header/x}", "SQL": "c'; DROP TABLE notifications; --", "a comma": "a,b", "an equals sign": "level=ERROR planted-by-header", "a percent escape": "c%0aplanted-by-header",
		"an escaped line feed": `c\nplanted-by-header`, "a dot": "c.1", "a slash": "../c", "a tab": "c\t1", "UTF-8": "çé€", "no UTF-8": "c\xff\xfe", "a next-line of Latin-1": "c\x85planted-by-header",
		"a colon": "c:1", "a semicolon": "c;1", "a plus": "c+1", "two card numbers": "4111111111111111 5500005555555559",
	}
	s := newSite(t, func(w *running.World) { w.Planted("planted-by-header", "DROP TABLE", `c"1`) })
	s.inBothVersions(t, func(v *visit) {
		check := func(t *testing.T, id string, want string, values ...string) {
			t.Helper()
			wantA.check(t, v.c.For(t).Do(v.n0().WithToken(id).With("x-correlation-id", values...)))
			stored := records(t, v.w, id)
			if len(stored) != 1 {
				t.Fatalf("%d records", len(stored))
			}
			got := stored[0].CorrelationID
			if want != "" && got != want || want == "" && (len(got) < 16 || strings.ContainsFunc(got, func(r rune) bool { return r > '~' || r <= ' ' })) {
				t.Errorf("the correlation id is %q", got)
			}
			for _, value := range values {
				if want == "" && got == value {
					t.Errorf("%q was taken", value)
				}
			}
		}
		n := 0
		for name, value := range raw {
			id := fmt.Sprintf("raw_%s_%d", v.word(), n)
			n++
			v.Run(name, func(t *testing.T) { check(t, id, "", value) })
		}
		v.Run("missing", func(t *testing.T) { check(t, "missing_"+v.word(), "") })
		v.Run("two lines", func(t *testing.T) { check(t, "two_"+v.word(), "", "c-1", "c-2") })
		v.Run("two lines the same", func(t *testing.T) { check(t, "same_"+v.word(), "", "c-1", "c-1") })
		for i, value := range []string{"c", "c-1", "C_1", strings.Repeat("c", 64), "0190c1c6-8f5e-7d7e-9d3e-0123456789ab", "-", "_"} {
			v.Run("well-formed "+value, func(t *testing.T) { check(t, fmt.Sprintf("good_%s_%d", v.word(), i), value, value) })
		}
		v.Run("with a bad token it is not looked at", func(t *testing.T) {
			wantInvalidToken.check(t, v.c.For(t).Do(running.N0("x").With("x-correlation-id", `"planted-by-header`)))
		})
		v.Run("with a bad body neither", func(t *testing.T) {
			wantF("body").check(t, v.c.For(t).Do(v.n0().WithBody("x").With("x-correlation-id", `"planted-by-header`)))
		})
	})
	s.overHTTP1(t, func(v *visit) {
		// What stands in another field line of the request is no part of the value.
		injected := strings.Replace(v.n0().With("x-correlation-id").Text(), "\r\n", "\r\nx-correlation-id: c-1\r\nx-planted: planted-by-header\r\n", 1)
		wantA.check(v.T, v.c.Raw(http.MethodPost, injected))
	})
	t.Cleanup(func() {
		for _, w := range s.worlds {
			checkLogLines(t, w.Log.String())
		}
	})
}

// checkLogLines holds the log to one JSON object a line: nobody has begun a line of his own.
func checkLogLines(t *testing.T, log string) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Time, Level, Msg string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Msg == "" || line.Level == "" {
			t.Errorf("a log line of another kind: %s", lines.Text())
		}
	}
}

func testSameCorrelationID(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		first, second := "first_"+v.word(), "second_"+v.word()
		for _, id := range []string{first, second, first} {
			wantA.check(v.T, v.c.Do(v.n0().WithToken(id).With("x-correlation-id", "the-same")))
		}
		if a, b := len(records(v.T, v.w, first)), len(records(v.T, v.w, second)); a != 2 || b != 1 {
			v.Errorf("%d and %d records, want 2 and 1", a, b)
		}
	})
}
