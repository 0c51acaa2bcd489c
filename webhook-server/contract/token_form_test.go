package contract_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func testGrantType(t *testing.T, s *site) {
	t0 := running.T0()
	s.inBothVersions(t, func(v *visit) {
		v.expect(wantBR("unsupported_grant_type"), cases{
			"password":              t0.WithBody("grant_type=password&username=x&password=y"),
			"authorization_code":    t0.WithBody("grant_type=authorization_code&code=x"),
			"refresh_token":         t0.WithBody("grant_type=refresh_token&refresh_token=x"),
			"a jwt-bearer grant":    t0.WithBody("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"),
			"in capitals":           t0.WithBody("grant_type=CLIENT_CREDENTIALS"),
			"a space behind":        t0.WithBody("grant_type=client_credentials+"),
			"a NUL behind":          t0.WithBody("grant_type=client_credentials%00"),
			"a line feed behind":    t0.WithBody("grant_type=client_credentials%0A"),
			"a real line feed too":  t0.WithBody("grant_type=client_credentials\r\n"),
			"a semicolon behind":    t0.WithBody("grant_type=client_credentials;scope=d1:notify"),
			"twice percent-encoded": t0.WithBody("grant_type=client%255Fcredentials"),
			"broken UTF-8":          t0.WithBody("grant_type=%ff"),
			"with a scope":          t0.WithBody("grant_type=implicit&scope=admin"),
			"two by a comma":        t0.WithBody("grant_type=client_credentials,password"),
		})
		v.expect(wantBR("invalid_request"), cases{
			"missing":                   t0.WithBody("scope=d1:notify"),
			"without a value":           t0.WithBody("grant_type="),
			"without a sign":            t0.WithBody("grant_type"),
			"in the query alone":        t0.WithPath(t0.Path + "?grant_type=client_credentials").WithBody("scope=d1:notify"),
			"in the query, body empty":  t0.WithPath(t0.Path + "?grant_type=client_credentials").WithBody(""),
			"name in capitals":          t0.WithBody("GRANT_TYPE=client_credentials"),
			"a space before the name":   t0.WithBody("+grant_type=client_credentials"),
			"a byte order mark":         t0.WithBody("\ufeffgrant_type=client_credentials"),
			"repeated":                  t0.WithBody(t0.Body + "&" + t0.Body),
			"repeated with another":     t0.WithBody(t0.Body + "&grant_type=password"),
			"repeated, another first":   t0.WithBody("grant_type=password&" + t0.Body),
			"repeated without a value":  t0.WithBody(t0.Body + "&grant_type="),
			"repeated, percent-encoded": t0.WithBody(t0.Body + "&grant%5Ftype=client_credentials"),
			"as JSON in a form":         t0.WithBody(`{"grant_type":"client_credentials"}`),
			"separated by a semicolon":  t0.WithBody("scope=d1:notify;grant_type=client_credentials"),
		})
		v.expect(wantOK, cases{
			"once more in the query":     t0.WithPath(t0.Path + "?grant_type=client_credentials"),
			"another in the query":       t0.WithPath(t0.Path + "?grant_type=password"),
			"a malformed query":          t0.WithPath(t0.Path + "?grant_type=%zz"),
			"a query with a semicolon":   t0.WithPath(t0.Path + "?a;b"),
			"underscore percent-encoded": t0.WithBody("grant_type=client%5fcredentials"),
			"name percent-encoded":       t0.WithBody("%67rant_type=client_credentials"),
		})
	})
}

const limit = 8 << 10

// padded is T0 with a body of that many bytes.
func padded(bytes int) running.Request {
	t0 := running.T0()
	return t0.WithBody(t0.Body + "&x=" + strings.Repeat("x", bytes-len(t0.Body)-3))
}

func testMalformedForm(t *testing.T, s *site) {
	t0 := running.T0()
	mediaType := func(values ...string) running.Request { return t0.With("Content-Type", values...) }
	form := "application/x-www-form-urlencoded"
	s.everywhere(t, func(v *visit) {
		v.expect(wantBR("invalid_request"), cases{
			"no Content-Type":              mediaType(),
			"an empty Content-Type":        mediaType(""),
			"text":                         mediaType("text/plain"),
			"JSON":                         mediaType("application/json").WithBody(`{"grant_type":"client_credentials"}`),
			"JSON said, form sent":         mediaType("application/json"),
			"multipart":                    mediaType("multipart/form-data; boundary=x").WithBody("--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--x--\r\n"),
			"XML":                          mediaType("application/xml").WithBody("<grant_type>client_credentials</grant_type>"),
			"a longer name":                mediaType(form + "2"),
			"a shorter name":               mediaType("application/x-www-form"),
			"only a parameter":             mediaType("; charset=utf-8"),
			"a list":                       mediaType(form + ", application/json"),
			"two lines":                    mediaType(form, form),
			"two lines, another first":     mediaType("application/json", form),
			"any type":                     mediaType("*/*"),
			"Content-Encoding gzip":        t0.With("Content-Encoding", "gzip"),
			"Content-Encoding identity":    t0.With("Content-Encoding", "identity"),
			"percent sign and no digits":   t0.WithBody(t0.Body + "&x=%zz"),
			"percent sign and one digit":   t0.WithBody(t0.Body + "&x=%4"),
			"percent sign at the end":      t0.WithBody(t0.Body + "&x=%"),
			"percent sign in a name":       t0.WithBody(t0.Body + "&%=x"),
			"empty body":                   t0.WithBody(""),
			"empty body in chunks":         t0.WithBody("").WithChunks(),
			"ampersands alone":             t0.WithBody("&&&"),
			"bytes that are no form":       t0.WithBody("\x00\x01\x02\xff"),
			"8 KiB and a byte":             padded(limit + 1),
			"8 KiB and a byte in chunks":   padded(limit + 1).WithChunks(),
			"8 KiB and a byte with Expect": padded(limit+1).With("Expect", "100-continue"),
			"64 KiB":                       padded(64 << 10),
			"1 MiB":                        padded(1 << 20),
			"1 MiB in chunks":              padded(1 << 20).WithChunks(),
		})
		v.expect(wantOK, cases{
			"8 KiB exactly":                padded(limit),
			"8 KiB exactly in chunks":      padded(limit).WithChunks(),
			"8 KiB exactly with Expect":    padded(limit).With("Expect", "100-continue"),
			"a charset":                    mediaType(form + "; charset=UTF-8"),
			"a charset without a space":    mediaType(form + ";charset=utf-8"),
			"a charset in quotes":          mediaType(form + `; charset="utf-8"`),
			"a parameter nobody knows":     mediaType(form + "; foo=bar; v=1"),
			"a parameter without a value":  mediaType(form + ";"),
			"capitals":                     mediaType("Application/X-WWW-Form-URLEncoded"),
			"all capitals":                 mediaType("APPLICATION/X-WWW-FORM-URLENCODED; CHARSET=UTF-8"),
			"a space before the semicolon": mediaType(form + " ; charset=utf-8"),
		})
	})
	s.overHTTP1(t, func(v *visit) {
		text := t0.Text()
		for name, raw := range map[string]string{
			"less than its length says, then the end": strings.Replace(text, "Content-Length: 29", "Content-Length: 20", 1),
		} {
			v.Run(name, func(t *testing.T) {
				wantBR("unsupported_grant_type").check(t, v.c.For(t).Raw(http.MethodPost, raw))
			})
		}
		chunked := strings.Replace(text, "Content-Length: 29\r\n", "Transfer-Encoding: chunked\r\n", 1)
		for name, body := range map[string]string{
			"a chunk whose length is no number": "zz\r\n" + t0.Body + "\r\n0\r\n\r\n",
			"a chunk with a negative length":    "-1\r\n" + t0.Body + "\r\n0\r\n\r\n",
			"a chunk longer than it says":       "5\r\n" + t0.Body + "\r\n0\r\n\r\n",
		} {
			v.Run(name, func(t *testing.T) {
				wantBR("invalid_request").check(t, v.c.For(t).Raw(http.MethodPost, strings.Replace(chunked, t0.Body, body, 1)))
			})
		}
		v.Run("chunks with an extension and a trailer", func(t *testing.T) {
			body := "d;x=1\r\n" + t0.Body[:13] + "\r\n10\r\n" + t0.Body[13:] + "\r\n0\r\nX-Trailer: x\r\n\r\n"
			wantOK.check(t, v.c.For(t).Raw(http.MethodPost, strings.Replace(chunked, t0.Body, body, 1)))
		})
	})
}

func testAuthenticationFirst(t *testing.T, s *site) {
	s.inBothVersions(t, func(v *visit) {
		for who, t0 := range map[string]running.Request{
			"wrong secret":     basic(fixture.ClientID, "124"),
			"unknown client":   basic("nobody", "123"),
			"no Authorization": running.T0().With("Authorization"),
		} {
			v.Run(who, func(t *testing.T) {
				(&visit{T: t, w: v.w, c: v.c.For(t)}).expect(wantIC, cases{
					"no Content-Type":      t0.With("Content-Type"),
					"another Content-Type": t0.With("Content-Type", "application/json"),
					"two Content-Types":    t0.With("Content-Type", "application/json", "text/plain"),
					"Content-Encoding":     t0.With("Content-Encoding", "gzip"),
					"empty body":           t0.WithBody(""),
					"malformed form":       t0.WithBody("%zz"),
					"other grant_type":     t0.WithBody("grant_type=password"),
					"repeated grant_type":  t0.WithBody(t0.Body + "&" + t0.Body),
					"scope not allowed":    t0.WithBody(t0.Body + "&scope=admin"),
					"too long":             t0.WithBody(padded(limit + 1).Body),
					"much too long":        t0.WithBody(padded(1 << 20).Body),
				})
			})
		}
		t0 := running.T0()
		v.expect(wantBR("invalid_request"), cases{
			"two Authorization headers":                   t0.With("Authorization", fixture.Basic, fixture.Basic),
			"two Authorization headers, one wrong":        t0.With("Authorization", fixture.Basic, "Basic x"),
			"two Authorization headers, both wrong":       t0.With("Authorization", "Basic x", "Basic y"),
			"two Authorization headers, the second empty": t0.With("Authorization", fixture.Basic, ""),
		})
	})
}

// otherMethods are those that no endpoint allows. CONNECT has no path in HTTP/2, so package net/http sends it only in HTTP/1.1.
func otherMethods() []string {
	return []string{
		http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace,
		"PROPFIND", "MKCOL", "QUERY", "FOO", "post", "Post", "POSTS", "PRI",
	}
}

func testTokenMethods(t *testing.T, s *site) {
	s.everywhere(t, func(v *visit) {
		for _, method := range otherMethods() {
			t0 := running.T0().WithMethod(method)
			v.expect(wantNotAllowed, cases{
				method:                             t0,
				method + " without a body":         t0.WithBody(""),
				method + " without credentials":    t0.With("Authorization"),
				method + " on the Issuer path":     t0.WithPath(fixture.IssuerTokenPath),
				method + " with a query":           t0.WithPath(t0.Path + "?grant_type=client_credentials"),
				method + " with a wrong secret":    t0.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "124")),
				method + " asking for an override": t0.With("X-HTTP-Method-Override", http.MethodPost),
			})
		}
		v.expect(wantOK, cases{"POST asking for an override": running.T0().With("X-HTTP-Method-Override", http.MethodGet)})
	})
	s.overHTTP1(t, func(v *visit) {
		text := strings.Replace(running.T0().Text(), "POST ", "CONNECT ", 1)
		wantNotAllowed.check(v.T, v.c.Raw(http.MethodConnect, text))
	})
}
