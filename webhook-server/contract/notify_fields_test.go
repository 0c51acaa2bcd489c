package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// path is a notify-update path with those fields, as they are.
func path(gateway, merchant, token string) string {
	return "/merchant-gateways/" + gateway + "/merchants/" + merchant + "/tokens/" + token + "/notify-update"
}

// malformed are values of a path field that are wrong by their alphabet, each of length characters once decoded.
func malformed(length int) map[string]string {
	fill := strings.Repeat("a", length-1)
	return map[string]string{
		"a space":                        fill + "%20",
		"a plus sign":                    fill + "+",
		"an encoded slash":               fill + "%2F",
		"an encoded slash, small digits": fill + "%2f",
		"an encoded backslash":           fill + "%5C",
		"an encoded NUL":                 fill + "%00",
		"an encoded line feed":           fill + "%0a",
		"an encoded percent sign":        fill + "%25",
		"an encoded question mark":       fill + "%3F",
		"an encoded hash":                fill + "%23",
		"a dot":                          fill + ".",
		"a tilde":                        fill + "~",
		"a colon":                        fill + ":",
		"a semicolon":                    fill + ";",
		"an at sign":                     fill + "@",
		"a comma":                        fill + ",",
		"a star":                         fill + "*",
		"a quote":                        fill + "'",
		"an encoded quotation mark":      fill + "%22",
		"a dollar sign":                  fill + "$",
		"a byte that is no UTF-8":        fill + "%e9",
		"an overlong slash":              fill + "%c0%af",
		"an e with an accent":            fill + "%C3%A9",
		"a fullwidth digit":              fill + "%EF%BC%91",
		"an emoji":                       fill + "%F0%9F%92%B3",
		"a Cyrillic a":                   fill + "%D0%B0",
		"a soft hyphen":                  fill + "%C2%AD",
		"a byte order mark":              "%EF%BB%BF" + fill,
		"a DEL":                          fill + "%7f",
		"twice encoded":                  fill + "%2561",
	}
}

// wrongLengths are words that are too short or too long; a longest of 0 has no upper bound here.
func wrongLengths(lengths ...int) map[string]string {
	all := map[string]string{}
	for _, n := range lengths {
		all[fmt.Sprintf("%d characters", n)] = strings.Repeat("a", n)
	}
	return all
}

func testPathFields(t *testing.T, s *site) {
	const g, m, tok = fixture.GatewayID, fixture.MerchantID, fixture.TokenID
	s.inBothVersions(t, func(v *visit) {
		for field, tc := range map[string]struct {
			path    func(value string) string
			lengths []int
			length  int
		}{
			"merchantGatewayId": {func(x string) string { return path(x, m, tok) }, []int{0, 1, 9, 11, 100, 4000}, 10},
			"merchantId":        {func(x string) string { return path(g, x, tok) }, []int{0, 1, 10, 12, 100, 4000}, 11},
			"tokenId":           {func(x string) string { return path(g, m, x) }, []int{0, 49, 100, 4000}, 48},
		} {
			requests := cases{}
			for _, values := range []map[string]string{malformed(tc.length), malformed(1 + tc.length/2), wrongLengths(tc.lengths...), {"a dot": ".", "two dots": "..", "encoded dots": "%2e%2E"}} {
				for name, value := range values {
					requests[fmt.Sprintf("%s: %s, %d", field, name, len(value))] = v.n0().WithPath(tc.path(value))
				}
			}
			v.expect(wantF(field), requests)
		}
		v.expect(wantF("merchantGatewayId"), cases{"all three": v.n0().WithPath(path("x", "x", "x%20")), "gateway and headers and body": v.n0().WithPath(path("x", m, tok)).With("Content-Type").WithBody("")})
		v.expect(wantF("merchantId"), cases{"merchant and token": v.n0().WithPath(path(g, "x", "x%20")), "merchant and headers and body": v.n0().WithPath(path(g, "x", tok)).With("Content-Type", "x").WithBody("")})
		v.expect(wantF("tokenId"), cases{"token and headers": v.n0().WithPath(path(g, m, "%20")).With("Content-Type", "x"), "token and body": v.n0().WithPath(path(g, m, "%20")).WithBody("x")})
		good := cases{}
		for _, id := range []string{"a", "_", "-", "0", strings.Repeat("a", 48), strings.Repeat("-", 48), "aA0_-zZ9", "tok%5F1", "%74%6f%6B_1", "4111111111111111", "..."[:0] + "x"} {
			good["token id "+id] = v.n0().WithPath(path(g, m, id))
		}
		good["ids percent-encoded"] = v.n0().WithPath(path("MGW%5f000001", "%3400%310000001", tok))
		good["words of the path percent-encoded"] = v.n0().WithPath(strings.Replace(fixture.NotifyPath, "/tokens/", "/%74okens/", 1))
		good["a query"] = v.n0().WithPath(fixture.NotifyPath + "?x=%zz&tokenId=%20")
		v.expect(wantA, good)
	})
	s.overHTTP1(t, func(v *visit) {
		testMalformedTarget(v)
		// Bytes that no client library sends.
		for name, value := range map[string]string{
			"raw UTF-8": "tok_é", "a raw byte that is no UTF-8": "tok_\xff", "a quotation mark": `tok"`,
			"angle brackets": "<tok>", "a backslash": `tok\1`, "a caret": "tok^", "braces": "{tok}", "a bar": "a|b", "a grave": "a`b",
		} {
			for field, p := range map[string]string{
				"tokenId": path(g, m, value), "merchantId": path(g, value, tok), "merchantGatewayId": path(value, m, tok),
			} {
				v.Run(field+": "+name, func(t *testing.T) {
					wantF(field).check(t, v.c.For(t).Raw(http.MethodPost, v.n0().WithPath(p).Text()))
				})
			}
		}
	})
}

// testMalformedTarget sends targets that are no URI (RFC 3986 section 2.1). Package net/http refuses them before any handler is asked, and
// in HTTP/2 ends the stream: of the contract's answer the status alone is left.
func testMalformedTarget(v *visit) {
	v.Helper()
	for _, value := range []string{"tok%zz", "tok%4", "tok%", "%"} {
		for _, p := range []string{path(fixture.GatewayID, fixture.MerchantID, value), path(fixture.GatewayID, value, fixture.TokenID), path(value, fixture.MerchantID, fixture.TokenID)} {
			v.Run(strings.ReplaceAll(p, "/", "|"), func(t *testing.T) {
				a := v.c.For(t).Unjudged().Raw(http.MethodPost, v.n0().WithPath(p).Text())
				if a.Status != http.StatusBadRequest || strings.Contains(a.Body, "%") {
					t.Errorf("answer %s", a)
				}
			})
		}
	}
}

func testUnknownGateway(t *testing.T, _ *site) {
	s := newSite(t, func(w *running.World) {
		w.Another("globex", "MGW_000002", "globex-d1").Gateway.Hostnames = []string{"d1.globex.example"}
	})
	s.everywhere(t, func(v *visit) {
		requests := cases{}
		for _, id := range []string{"MGW_000009", "mgw_000001", "----------", "__________", "0000000000", "MGW%5F000009", "4111111111"} {
			requests[id] = v.n0().WithPath(path(id, fixture.MerchantID, fixture.TokenID))
		}
		unknown := v.n0().WithPath(path("MGW_000009", fixture.MerchantID, fixture.TokenID))
		requests["and a malformed merchant"] = unknown.WithPath(path("MGW_000009", "x", fixture.TokenID))
		requests["and a bad body"] = unknown.WithBody("x")
		requests["and no token"] = unknown.With("Authorization")
		other := v.n0().WithPath(path("MGW_000002", fixture.MerchantID, fixture.TokenID))
		requests["on another host"] = other
		v.expect(wantUnknownGateway, requests)
		v.expect(wantInvalidToken, cases{"on its own host": other.WithHost("d1.globex.example"), "on its own host with a port": other.WithHost("D1.Globex.Example:8443")})
		v.expect(wantIC, cases{"its client on another host": basic("globex-d1", fixture.ClientSecret)})
		v.expect(wantOK, cases{"its client on its host": basic("globex-d1", fixture.ClientSecret).WithHost("d1.globex.example")})
	})
}

func testContentHeaders(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		mediaType := func(values ...string) running.Request { return v.n0().With("Content-Type", values...) }
		encoding := func(values ...string) running.Request { return v.n0().With("Content-Encoding", values...) }
		v.expect(wantF("content-type"), cases{
			"missing":                       mediaType(),
			"empty":                         mediaType(""),
			"text":                          mediaType("text/plain"),
			"text/json":                     mediaType("text/json"),
			"a form":                        mediaType("application/x-www-form-urlencoded"),
			"problem+json":                  mediaType("application/problem+json"),
			"CloudEvents":                   mediaType("application/cloudevents+json"),
			"a longer name":                 mediaType("application/jsonp"),
			"a shorter name":                mediaType("application/jso"),
			"JSON in a parameter":           mediaType("text/plain; x=application/json"),
			"any type":                      mediaType("*/*"),
			"a list":                        mediaType("application/json, application/json"),
			"only a parameter":              mediaType("; charset=utf-8"),
			"two lines":                     mediaType("application/json", "application/json"),
			"two lines, one wrong":          mediaType("application/json", "text/plain"),
			"and a Content-Encoding":        mediaType("text/plain").With("Content-Encoding", "gzip"),
			"and a bad body":                mediaType("text/plain").WithBody("x"),
			"missing, body in chunks":       mediaType().WithChunks(),
			"missing, and a bad updateType": mediaType().WithBody(`{"updateType":"x"}`),
		})
		v.expect(wantF("content-encoding"), cases{
			"gzip":           encoding("gzip"),
			"identity":       encoding("identity"),
			"deflate":        encoding("deflate"),
			"br":             encoding("br"),
			"in capitals":    encoding("GZIP"),
			"made-up":        encoding("foo"),
			"empty":          encoding(""),
			"two":            encoding("gzip", "gzip"),
			"and a bad body": encoding("gzip").WithBody("\x1f\x8b\x08"),
		})
		v.expect(wantA, cases{
			"a charset":                   mediaType("application/json; charset=utf-8"),
			"a charset in capitals":       mediaType("application/json;charset=UTF-8"),
			"a charset in quotes":         mediaType(`application/json; charset="utf-8"`),
			"capitals":                    mediaType("Application/JSON"),
			"a parameter nobody knows":    mediaType("application/json; v=1; q=0.5"),
			"a parameter without a value": mediaType("application/json;"),
			"a space before it":           mediaType("application/json ; charset=utf-8"),
			"an Accept that is not ours":  v.n0().With("Accept", "application/xml"),
			"an Accept-Encoding":          v.n0().With("Accept-Encoding", "gzip, br"),
			"Content-Language":            v.n0().With("Content-Language", "en"),
			"If-Match":                    v.n0().With("If-Match", "*").With("If-None-Match", "*"),
			"Range":                       v.n0().With("Range", "bytes=0-0"),
		})
	})
}

func testNotificationMethods(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		for _, method := range otherMethods() {
			n0 := v.n0().WithMethod(method)
			v.expect(wantNotAllowed, cases{
				method:                             n0,
				method + " without a body":         n0.WithBody(""),
				method + " without a token":        n0.With("Authorization"),
				method + " with a bad token":       n0.With("Authorization", "Bearer x"),
				method + " of an unknown gateway":  n0.WithPath(path("MGW_000009", fixture.MerchantID, "x")),
				method + " with a malformed field": n0.WithPath(path("x", "y", "z%20")),
				method + " asking for an override": n0.With("X-HTTP-Method-Override", http.MethodPost),
			})
		}
		v.expect(wantA, cases{"POST asking for an override": v.n0().With("X-HTTP-Method-Override", http.MethodDelete)})
	})
	s.overHTTP1(t, func(v *visit) {
		wantNotAllowed.check(v.T, v.c.Raw(http.MethodConnect, strings.Replace(v.n0().Text(), "POST ", "CONNECT ", 1)))
	})
}
