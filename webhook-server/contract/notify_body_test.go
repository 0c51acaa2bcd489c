package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

const bodyLimit = 64 << 10

// filled is a good body of that many bytes.
func filled(bytes int) string {
	const head, tail = `{"updateType":"CARD_UPDATE","x":"`, `"}`
	return head + strings.Repeat("x", bytes-len(head)-len(tail)) + tail
}

// nested is a good body with a value that makes so many levels, the object itself among them.
func nested(levels int, open, closing string) string {
	return `{"x":` + strings.Repeat(open, levels-1) + "1" + strings.Repeat(closing, levels-1) + `,"updateType":"CARD_UPDATE"}`
}

func testBody(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		body := func(text string) running.Request { return v.n0().WithBody(text) }
		v.expect(wantF("body"), cases{
			"empty":                            body(""),
			"empty in chunks":                  body("").WithChunks(),
			"empty without a Content-Type":     body("").With("Content-Type"),
			"spaces":                           body(" \r\n\t "),
			"a word":                           body("TOKEN_STATE_CHANGE"),
			"cut short":                        body(`{"updateType":"TOKEN_STATE_CHANGE"`),
			"cut within a string":              body(`{"updateType":"TOKEN_`),
			"a brace too many":                 body(`{"updateType":"TOKEN_STATE_CHANGE"}}`),
			"two objects":                      body(`{"updateType":"TOKEN_STATE_CHANGE"}{}`),
			"two objects in lines":             body("{\"updateType\":\"TOKEN_STATE_CHANGE\"}\n{}\n"),
			"a word behind":                    body(`{"updateType":"TOKEN_STATE_CHANGE"} x`),
			"a NUL behind":                     body("{\"updateType\":\"TOKEN_STATE_CHANGE\"}\x00"),
			"a comma behind":                   body(`{"updateType":"TOKEN_STATE_CHANGE"},`),
			"a trailing comma":                 body(`{"updateType":"TOKEN_STATE_CHANGE",}`),
			"single quotes":                    body(`{'updateType':'TOKEN_STATE_CHANGE'}`),
			"a name without quotes":            body(`{updateType:"TOKEN_STATE_CHANGE"}`),
			"a comment":                        body(`{"updateType":"TOKEN_STATE_CHANGE"/**/}`),
			"a colon missing":                  body(`{"updateType" "TOKEN_STATE_CHANGE"}`),
			"a number with a leading zero":     body(`{"x":01,"updateType":"TOKEN_STATE_CHANGE"}`),
			"NaN":                              body(`{"x":NaN,"updateType":"TOKEN_STATE_CHANGE"}`),
			"True":                             body(`{"x":True,"updateType":"TOKEN_STATE_CHANGE"}`),
			"an escape that is none":           body(`{"x":"\q","updateType":"TOKEN_STATE_CHANGE"}`),
			"half a Unicode escape":            body(`{"x":"\u12","updateType":"TOKEN_STATE_CHANGE"}`),
			"a line feed within a string":      body("{\"x\":\"\n\",\"updateType\":\"TOKEN_STATE_CHANGE\"}"),
			"a NUL within a string":            body("{\"x\":\"\x00\",\"updateType\":\"TOKEN_STATE_CHANGE\"}"),
			"a byte order mark":                body("\ufeff" + `{"updateType":"TOKEN_STATE_CHANGE"}`),
			"UTF-16":                           body("\xff\xfe{\x00}\x00"),
			"UTF-16 without a mark":            body("{\x00\"\x00}\x00"),
			"Latin-1 in an unknown member":     body("{\"x\":\"\xe9\",\"updateType\":\"TOKEN_STATE_CHANGE\"}"),
			"Latin-1 in a name":                body("{\"\xe9\":1,\"updateType\":\"TOKEN_STATE_CHANGE\"}"),
			"Latin-1 in updateType":            body("{\"updateType\":\"CARD_\xe9\"}"),
			"an overlong quote":                body("{\"updateType\":\"CARD\xc0\xa2\"}"),
			"a surrogate in UTF-8":             body("{\"x\":\"\xed\xa0\x80\",\"updateType\":\"TOKEN_STATE_CHANGE\"}"),
			"a list":                           body(`["TOKEN_STATE_CHANGE"]`),
			"a list of an object":              body(`[{"updateType":"TOKEN_STATE_CHANGE"}]`),
			"a string":                         body(`"TOKEN_STATE_CHANGE"`),
			"a string of JSON":                 body(`"{\"updateType\":\"TOKEN_STATE_CHANGE\"}"`),
			"a number":                         body("7"),
			"null":                             body("null"),
			"true":                             body("true"),
			"a form":                           body("updateType=TOKEN_STATE_CHANGE"),
			"XML":                              body("<updateType>TOKEN_STATE_CHANGE</updateType>"),
			"gzip that nobody declared":        body("\x1f\x8b\x08\x00\x00"),
			"lists nested without end":         body(`{"x":` + strings.Repeat("[", 30000)),
			"30,000 levels of lists, closed":   body(nested(30000, "[", "]")),
			"10,000 levels of objects, closed": body(nested(10000, `{"a":`, "}")),
			"objects nested without end":       body(strings.Repeat(`{"a":`, 10000)),
			"64 KiB and a byte":                body(filled(bodyLimit + 1)),
			"64 KiB and a byte in chunks":      body(filled(bodyLimit + 1)).WithChunks(),
			"64 KiB and a byte with Expect":    body(filled(bodyLimit+1)).With("Expect", "100-continue"),
			"64 KiB and a space":               body(filled(bodyLimit) + " "),
			"1 MiB":                            body(filled(1 << 20)),
			"1 MiB in chunks":                  body(filled(1 << 20)).WithChunks(),
			"1 MiB of spaces":                  body(strings.Repeat(" ", 1<<20)),
		})
		v.expect(wantA, cases{
			"64 KiB exactly":             body(filled(bodyLimit)),
			"64 KiB exactly in chunks":   body(filled(bodyLimit)).WithChunks(),
			"64 KiB exactly with Expect": body(filled(bodyLimit)).With("Expect", "100-continue"),
			"20 levels of lists":         body(nested(20, "[", "]")),
			"20 levels of objects":       body(nested(20, `{"a":`, "}")),
			"20 levels of both":          body(`{"updateType":"CARD_UPDATE","x":` + strings.Repeat(`[{"a":`, 9) + "[1]" + strings.Repeat("}]", 9) + "}"),
			"brackets within a string":   body(`{"x":"` + strings.Repeat("[{", 1000) + `","updateType":"CARD_UPDATE"}`),
			"spaces around everything":   body(" \r\n\t{ \"updateType\" \t:\n \"CARD_UPDATE\" } \r\n"),
			"a line feed behind":         body("{\"updateType\":\"CARD_UPDATE\"}\n"),
			"a thousand members":         body(`{"updateType":"CARD_UPDATE"` + strings.Repeat(`,"a":[1,{}]`, 1000) + "}"),
		})
	})
	s.overHTTP1(t, func(v *visit) {
		text := v.n0().Text()
		length := fmt.Sprintf("Content-Length: %d\r\n", len(v.n0().Body))
		chunked := strings.Replace(text, length, "Transfer-Encoding: chunked\r\n", 1)
		for name, raw := range map[string]string{
			"no length at all":                  strings.Replace(text, length, "", 1),
			"a length of 0":                     strings.Replace(text, length, "Content-Length: 0\r\n", 1),
			"a shorter length":                  strings.Replace(text, length, "Content-Length: 10\r\n", 1),
			"a chunk whose length is no number": strings.Replace(chunked, v.n0().Body, "zz\r\n{}\r\n0\r\n\r\n", 1),
			"a chunk longer than it says":       strings.Replace(chunked, v.n0().Body, "1\r\n{}\r\n0\r\n\r\n", 1),
		} {
			v.Run(name, func(t *testing.T) { wantF("body").check(t, v.c.For(t).Raw(http.MethodPost, raw)) })
		}
		v.Run("chunks of one byte, an extension and a trailer", func(t *testing.T) {
			var b strings.Builder
			for _, c := range v.n0().Body {
				_, _ = fmt.Fprintf(&b, "1;x=y\r\n%c\r\n", c)
			}
			wantA.check(t, v.c.For(t).Raw(http.MethodPost, strings.Replace(chunked, v.n0().Body, b.String()+"0\r\nX-Trailer: x\r\n\r\n", 1)))
		})
	})
}

func testUpdateType(t *testing.T, s *site) {
	s.inBothVersions(t, func(v *visit) {
		requests := cases{}
		for name, body := range map[string]string{
			"missing":                      `{}`,
			"missing beside others":        `{"type":"CARD_UPDATE","x":{"updateType":"CARD_UPDATE"}}`,
			"in a list":                    `{"x":[{"updateType":"CARD_UPDATE"}]}`,
			"name in small letters":        `{"updatetype":"CARD_UPDATE"}`,
			"name in capitals":             `{"UPDATETYPE":"CARD_UPDATE"}`,
			"name begun with a capital":    `{"UpdateType":"CARD_UPDATE"}`,
			"name with a space":            `{"updateType ":"CARD_UPDATE"}`,
			"name with an underscore":      `{"update_type":"CARD_UPDATE"}`,
			"name with a Kelvin-like sign": "{\"updateTyp\u0435\":\"CARD_UPDATE\"}",
			"empty name":                   `{"":"CARD_UPDATE"}`,
		} {
			requests[name] = v.n0().WithBody(body)
		}
		for name, value := range map[string]string{
			"null": `null`, "a number": `7`, "true": `true`, "a list": `["CARD_UPDATE"]`, "an object": `{"CARD_UPDATE":1}`, "empty": `""`,
			"lower case": `"card_update"`, "begun with a capital": `"Card_Update"`, "the last letter small": `"CARD_UPDATe"`, "a digit first": `"1CARD"`,
			"an underscore first": `"_CARD"`, "a space first": `" CARD_UPDATE"`, "a space behind": `"CARD_UPDATE "`, "a line feed behind": `"CARD_UPDATE\n"`,
			"a NUL behind": `"CARD_UPDATE\u0000"`, "a hyphen": `"CARD-UPDATE"`, "a dot": `"CARD.UPDATE"`, "a space within": `"CARD UPDATE"`, "an accent": `"CARD_UPDATÉ"`,
			"a Greek capital": `"ΑCARD"`, "a fullwidth letter": `"Ａ"`, "65 characters": `"` + strings.Repeat("A", 65) + `"`, "60,000 characters": `"` + strings.Repeat("A", 60000) + `"`,
			"a lone high surrogate": `"CARD\ud800"`, "a lone low surrogate": `"\udc00"`, "a list in words": `"TOKEN_STATE_CHANGE,CARD_UPDATE"`, "in quotes": `"\"CARD_UPDATE\""`,
		} {
			requests[name] = v.n0().WithBody(`{"updateType":` + value + `}`)
		}
		for name, body := range map[string]string{
			"twice the same":                 `{"updateType":"CARD_UPDATE","updateType":"CARD_UPDATE"}`,
			"twice different":                `{"updateType":"CARD_UPDATE","updateType":"TOKEN_STATE_CHANGE"}`,
			"twice, the last is null":        `{"updateType":"CARD_UPDATE","updateType":null}`,
			"twice, the first is null":       `{"updateType":null,"updateType":"CARD_UPDATE"}`,
			"twice, one name with an escape": `{"updateType":"CARD_UPDATE","update\u0054ype":"CARD_UPDATE"}`,
			"twice, far apart":               `{"updateType":"CARD_UPDATE","x":"` + strings.Repeat("x", 10000) + `","updateType":"CARD_UPDATE"}`,
		} {
			requests[name] = v.n0().WithBody(body)
		}
		v.expect(wantF("updateType"), requests)
		v.expect(wantA, cases{
			"letters as escapes":        v.n0().WithBody(`{"updateType":"\u0043ARD_UPDATE"}`),
			"name with an escape":       v.n0().WithBody(`{"update\u0054ype":"CARD_UPDATE"}`),
			"last of all":               v.n0().WithBody(`{"a":1,"b":{"updateType":7},"updateType":"CARD_UPDATE"}`),
			"beside other letter cases": v.n0().WithBody(`{"UpdateType":7,"updatetype":null,"updateType":"CARD_UPDATE","UPDATETYPE":"x"}`),
		})
	})
}

func testUnknownUpdateType(t *testing.T, _ *site) {
	types := []string{"A", "Z9_", "CARD_DELETED", "TOKEN_STATE_CHANGE2", "TOKEN_STATE_CHANG", "CARD_UPDATE_", "A__", strings.Repeat("A", 64), "A" + strings.Repeat("_", 63), "A4111111111111111"}
	body := func(r running.Request, updateType string) running.Request {
		return r.WithBody(`{"updateType":"` + updateType + `"}`)
	}
	t.Run("Tolerant", func(t *testing.T) {
		t.Parallel()
		newSite(t, nil).inBothVersions(t, func(v *visit) {
			for _, updateType := range types {
				v.expect(wantA, cases{updateType: body(v.n0(), updateType)})
			}
			if v.w.Metric(`d1gateway_notifications_undocumented_update_type_total{gateway="MGW_000001"}`) == "" {
				v.Error("there is no metric")
			}
		})
	})
	t.Run("Strict", func(t *testing.T) {
		t.Parallel()
		newSite(t, func(w *running.World) { w.Documents.Gateway.StrictUpdateTypes = true }).inBothVersions(t, func(v *visit) {
			for _, updateType := range types {
				v.expect(wantF("updateType"), cases{updateType: body(v.n0(), updateType)})
			}
			v.expect(wantA, cases{"TOKEN_STATE_CHANGE": body(v.n0(), "TOKEN_STATE_CHANGE"), "CARD_UPDATE": body(v.n0(), "CARD_UPDATE")})
		})
	})
	t.Run("the metric counts", func(t *testing.T) {
		t.Parallel()
		v := world(t, nil)
		v.expect(wantA, cases{"CARD_UPDATE": body(v.n0(), "CARD_UPDATE"), "a new one": body(v.n0(), "NEW"), "another": body(v.n0(), "NEWER")})
		if n := v.w.Metric(`d1gateway_notifications_undocumented_update_type_total{gateway="MGW_000001"}`); n != "2" {
			t.Errorf("the metric says %q", n)
		}
	})
}
