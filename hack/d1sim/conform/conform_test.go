package conform

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// planted stands for an access token: no violation may repeat it.
const planted = "planted-access-token"

const bearer = `"access_token":"` + planted + `","token_type":"Bearer"`

func header(pairs ...string) http.Header {
	h := http.Header{"Date": {"Sun, 22 Nov 2026 00:00:00 GMT"}}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func tokenHeader(pairs ...string) http.Header {
	return header(append([]string{"Content-Type", "application/json", "Cache-Control", "no-store", "Pragma", "no-cache"}, pairs...)...)
}

func jsonHeader() http.Header { return header("Content-Type", "application/json") }

type verdictCase struct {
	name    string
	dialect Dialect
	op      Operation
	status  int
	header  http.Header
	body    string
	want    []Kind
}

func checkVerdicts(t *testing.T, cases []verdictCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			checker, err := NewChecker(tc.dialect)
			if err != nil {
				t.Fatal(err)
			}
			violations := checker.Check(tc.op, Answer{Status: tc.status, Header: tc.header, Body: []byte(tc.body)})
			var got []Kind
			for _, v := range violations {
				got = append(got, v.Kind)
				if strings.Contains(v.String(), planted) {
					t.Errorf("a violation repeats the access token: %s", v)
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("violations %v, want kinds %v", violations, tc.want)
			}
		})
	}
}

func TestDocumentedAnswersConform(t *testing.T) {
	challenge := header("WWW-Authenticate", `Bearer realm="d1", error="invalid_token"`)
	checkVerdicts(t, []verdictCase{
		{"a token with a numeric lifetime", Ecom, Token, 200, tokenHeader(), `{` + bearer + `,"expires_in":900,"expires_at":"2030-01-02T03:04:05.678Z","scope":"a b"}`, nil},
		{"a token with the least that is required", Ecom, Token, 200, tokenHeader(), `{` + bearer + `}`, nil},
		{"an issuer token with a lifetime of digits", Issuer, Token, 200, tokenHeader(), `{` + bearer + `,"expires_in":"900","expires_at":"2030-01-02T03:04:05Z"}`, nil},
		{"a content type with a parameter", Ecom, Token, 200, header("Content-Type", "application/json; charset=utf-8", "Cache-Control", "no-store"), `{` + bearer + `}`, nil},
		{"a refused token request", Ecom, Token, 400, tokenHeader(), `{"error":"invalid_scope","errorCode":"FIELD_INVALID_FORMAT"}`, nil},
		{"a client that failed authentication", Ecom, Token, 401, tokenHeader("WWW-Authenticate", `Basic realm="d1", charset="UTF-8"`), `{"error":"invalid_client"}`, nil},
		{"a refused issuer client", Issuer, Token, 401, tokenHeader("WWW-Authenticate", `basic realm="d1"`), `{"error":"invalid_client"}`, nil},
		{"a token endpoint that is away", Ecom, Token, 503, header("Retry-After", "1", "Content-Length", "0"), "", nil},
		{"a notification taken charge of", Ecom, Notify, 204, header(), "", nil},
		{"a malformed notification", Ecom, Notify, 400, jsonHeader(), `{"errorCode":"FIELD_INVALID_FORMAT","error":"body"}`, nil},
		{"a refused bearer token", Ecom, Notify, 401, challenge, "", nil},
		{"an unknown merchant", Ecom, Notify, 404, jsonHeader(), `{"errorCode":"UNKNOWN_MERCHANT"}`, nil},
		{"a failing merchant", Ecom, Notify, 500, jsonHeader(), `{"errorCode":"MERCHANT_ERROR"}`, nil},
		{"a notification that cannot be stored now", Issuer, Notify, 503, header("Retry-After", "0"), "", nil},
	})
}

func TestStatusAndHeaderViolationsAreDetected(t *testing.T) {
	checkVerdicts(t, []verdictCase{
		{"a status that the notification does not list", Ecom, Notify, 200, header(), "", []Kind{UndocumentedStatus}},
		{"429 in place of 503", Ecom, Notify, 429, header("Retry-After", "1"), "", []Kind{UndocumentedStatus, UndocumentedHeader}},
		{"a redirect", Ecom, Notify, 307, header("Location", "/elsewhere"), "", []Kind{UndocumentedStatus, UndocumentedHeader}},
		{"a token answer that may be cached", Ecom, Token, 200, jsonHeader(), `{` + bearer + `}`, []Kind{MissingHeader}},
		{"an issuer token answer that may be cached", Issuer, Token, 200, jsonHeader(), `{` + bearer + `}`, []Kind{MissingHeader}},
		{"another cache directive", Ecom, Token, 200, header("Content-Type", "application/json", "Cache-Control", "no-cache"), `{` + bearer + `}`, []Kind{WrongHeader}},
		{"another cache directive of an issuer", Issuer, Token, 200, header("Content-Type", "application/json", "Cache-Control", "private"), `{` + bearer + `}`, []Kind{WrongHeader}},
		{"two cache directives", Ecom, Token, 200, tokenHeader("Cache-Control", "public"), `{` + bearer + `}`, []Kind{WrongHeader}},
		{"a 401 without a challenge", Ecom, Notify, 401, header(), "", []Kind{MissingHeader}},
		{"a Basic challenge for a bearer token", Ecom, Notify, 401, header("WWW-Authenticate", "Basic realm=x"), "", []Kind{WrongHeader}},
		{"a Bearer challenge for a client", Ecom, Token, 401, tokenHeader("WWW-Authenticate", "Bearer"), `{"error":"invalid_client"}`, []Kind{WrongHeader}},
		{"a 503 without Retry-After", Ecom, Notify, 503, header(), "", []Kind{MissingHeader}},
		{"a Retry-After that is a date", Ecom, Notify, 503, header("Retry-After", "Sun, 22 Nov 2026 00:00:00 GMT"), "", []Kind{WrongHeader}},
		{"a fractional Retry-After", Issuer, Token, 503, header("Retry-After", "0.5"), "", []Kind{WrongHeader}},
		{"a negative Retry-After", Ecom, Token, 503, header("Retry-After", "-1"), "", []Kind{WrongHeader}},
		{"a header that names the server", Ecom, Notify, 204, header("Server", "nginx/1.25"), "", []Kind{UndocumentedHeader}},
		{"a cookie", Ecom, Token, 200, tokenHeader("Set-Cookie", "a=b"), `{` + bearer + `}`, []Kind{UndocumentedHeader}},
	})
}

func TestContentViolationsAreDetected(t *testing.T) {
	notify := func(name, body string, want ...Kind) verdictCase {
		return verdictCase{name, Ecom, Notify, 400, jsonHeader(), body, want}
	}
	token := func(name, body string, want ...Kind) verdictCase {
		return verdictCase{name, Ecom, Token, 200, tokenHeader(), body, want}
	}
	issuer := func(name, body string, want ...Kind) verdictCase {
		return verdictCase{name, Issuer, Token, 200, tokenHeader(), body, want}
	}
	checkVerdicts(t, []verdictCase{
		{"a body on 204", Ecom, Notify, 204, header(), "ok", []Kind{UnexpectedBody}},
		{"a content length on 204", Ecom, Notify, 204, header("Content-Length", "0"), "", []Kind{UnexpectedBody}},
		{"a content type on 204", Ecom, Notify, 204, jsonHeader(), "", []Kind{WrongContentType}},
		{"a body on a bearer 401", Ecom, Notify, 401, header("WWW-Authenticate", "Bearer", "Content-Type", "text/plain"), "no", []Kind{UnexpectedBody, WrongContentType}},
		{"a body on 503", Ecom, Token, 503, header("Retry-After", "1"), "later", []Kind{UnexpectedBody}},
		{"plain text in place of JSON", Ecom, Notify, 404, header("Content-Type", "text/plain; charset=utf-8"), "404 page not found", []Kind{WrongContentType}},
		{"no content type", Ecom, Notify, 404, header(), `{}`, []Kind{WrongContentType}},

		notify("a body cut short", `{"errorCode":`, MalformedBody),
		notify("an empty body", ``, MalformedBody),
		notify("two JSON values", `{} {}`, MalformedBody),
		notify("a member given twice", `{"error":"a","error":"b"}`, MalformedBody),
		notify("broken UTF-8", "{\"error\":\"\xff\"}", MalformedBody),
		notify("an error that is not an object", `["error"]`, WrongBody),
		notify("an error code of the wrong type", `{"errorCode":7}`, WrongBody),
		notify("a null error", `{"error":null}`, WrongBody),
		notify("a stack trace in a closed object", `{"errorCode":"X","trace":"main.go:1"}`, WrongBody, UndocumentedMember),

		token("a lifetime of digits from eCom", `{`+bearer+`,"expires_in":"900"}`, WrongBody),
		token("a fractional lifetime", `{`+bearer+`,"expires_in":1.5}`, WrongBody),
		token("a lifetime of nothing", `{`+bearer+`,"expires_in":0}`, WrongBody),
		token("a token type other than the constant", `{"access_token":"`+planted+`","token_type":"bearer"}`, WrongBody),
		token("no access token", `{"token_type":"Bearer"}`, WrongBody),
		token("an empty access token", `{"access_token":"","token_type":"Bearer"}`, WrongBody),
		token("two broken rules at once", `{"access_token":"`+planted+`","token_type":"MAC","expires_in":"x"}`, WrongBody, WrongBody),
		token("an expiry that is no instant", `{`+bearer+`,"expires_at":"soon"}`, WrongBody),
		token("an expiry on no calendar", `{`+bearer+`,"expires_at":"2030-02-31T00:00:00Z"}`, WrongBody),
		token("an expiry in another zone", `{`+bearer+`,"expires_at":"2030-01-02T03:04:05+01:00"}`, WrongBody),
		token("a member that is not documented", `{`+bearer+`,"refresh_token":"`+planted+`"}`, UndocumentedMember),

		issuer("a numeric lifetime from an issuer", `{`+bearer+`,"expires_in":900}`, WrongBody),
		issuer("a lifetime that is no number", `{`+bearer+`,"expires_in":"0x9"}`, WrongBody),
		issuer("an issuer token type outside the list", `{"access_token":"`+planted+`","token_type":"`+planted+`"}`, WrongBody),
		issuer("an issuer expiry that is no instant", `{`+bearer+`,"expires_at":"soon"}`, WrongBody),
		{"an error code of OAuth that does not exist", Ecom, Token, 400, tokenHeader(), `{"error":"server_error"}`, []Kind{WrongBody}},
		{"a description in the closed eCom error", Ecom, Token, 400, tokenHeader(), `{"error":"invalid_scope","error_description":"x"}`, []Kind{WrongBody, UndocumentedMember}},
		{"an error without its code", Issuer, Token, 400, jsonHeader(), `{}`, []Kind{WrongBody}},
	})
}

func TestTheTokenPathFollowsTheDialect(t *testing.T) {
	for dialect, want := range map[Dialect]string{Ecom: "/oauth2/token", Issuer: "/authz/d1/v1/oauth2/token"} {
		checker, err := NewChecker(dialect)
		if err != nil {
			t.Fatal(err)
		}
		if got := checker.TokenPath(); got != want {
			t.Errorf("%s: token path %q, want %q", dialect, got, want)
		}
	}
}

func TestAnUnknownDialectIsRefused(t *testing.T) {
	if _, err := NewChecker("other"); err == nil {
		t.Error("a checker for an unknown dialect was made")
	}
}

func FuzzCheck(f *testing.F) {
	checker, err := NewChecker(Ecom)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{` + bearer + `}`)
	f.Add(`{"a":[1,{"b":null}],"a":2}`)
	f.Add(`[[[[`)
	f.Fuzz(func(t *testing.T, body string) {
		violations := checker.Check(Token, Answer{Status: 200, Header: tokenHeader(), Body: []byte(body)})
		if len(violations) == 0 && !strings.Contains(body, "access_token") && !strings.Contains(body, `\u`) {
			t.Errorf("%q conforms without an access token", body)
		}
	})
}
