package contract_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func testWrongCredentials(t *testing.T, s *site) {
	t0 := running.T0()
	authorization := func(value string) running.Request { return t0.With("Authorization", value) }
	encode := base64.StdEncoding.EncodeToString
	s.inBothVersions(t, func(v *visit) {
		v.expect(wantIC, cases{
			"no Authorization":                        t0.With("Authorization"),
			"an empty Authorization":                  authorization(""),
			"wrong secret":                            basic(fixture.ClientID, "124"),
			"secret with a space before":              basic(fixture.ClientID, " 123"),
			"secret with a space behind":              basic(fixture.ClientID, "123 "),
			"secret with a line feed behind":          basic(fixture.ClientID, "123\n"),
			"secret with a NUL behind":                basic(fixture.ClientID, "123\x00"),
			"part of the secret":                      basic(fixture.ClientID, "12"),
			"more than the secret":                    basic(fixture.ClientID, "1234"),
			"secret of another script":                basic(fixture.ClientID, "１２３"),
			"no secret":                               basic(fixture.ClientID, ""),
			"unknown client":                          basic("nobody", "123"),
			"client id in capitals":                   basic("IS_TBANK01", "123"),
			"client id with a space behind":           basic(fixture.ClientID+" ", "123"),
			"client id with a NUL behind":             basic(fixture.ClientID+"\x00", "123"),
			"no client id":                            basic("", "123"),
			"neither":                                 basic("", ""),
			"id and secret swapped":                   basic("123", fixture.ClientID),
			"a secret of 4 KiB":                       basic(fixture.ClientID, strings.Repeat("x", 4096)),
			"a client id of 4 KiB":                    basic(strings.Repeat("x", 4096), "123"),
			"a client id that is not UTF-8":           basic("\xff\xfe", "123"),
			"a secret that is not UTF-8":              basic(fixture.ClientID, "\xff\xfe"),
			"a card number as id":                     basic("4111111111111111", "4111111111111111"),
			"SQL in the id":                           basic("' OR 1=1 --", "x"),
			"no colon":                                authorization("Basic " + encode([]byte(fixture.ClientID))),
			"not base64":                              authorization("Basic !!!!"),
			"base64 with a space within":              authorization("Basic aXNfdGJhbm swMToxMjM="),
			"base64 of one letter":                    authorization("Basic A"),
			"padding within":                          authorization("Basic aXNf=dGJhbmswMToxMjM="),
			"three padding signs":                     authorization("Basic aXNfdGJhbmswMToxMjM==="),
			"credentials not encoded":                 authorization("Basic is_tbank01:123"),
			"encoded twice":                           authorization("Basic " + encode([]byte(encode([]byte("is_tbank01:123"))))),
			"scheme alone":                            authorization("Basic"),
			"no scheme":                               authorization("aXNfdGJhbmswMToxMjM="),
			"no space behind the scheme":              authorization("BasicaXNfdGJhbmswMToxMjM="),
			"a colon behind the scheme":               authorization("Basic: aXNfdGJhbmswMToxMjM="),
			"Bearer":                                  authorization("Bearer aXNfdGJhbmswMToxMjM="),
			"a token of ours":                         authorization("Bearer " + v.token),
			"Digest":                                  authorization(`Digest username="is_tbank01", response="123"`),
			"two in one line":                         authorization(fixture.Basic + ", " + fixture.Basic),
			"credentials in the query":                t0.With("Authorization").WithPath(t0.Path + "?client_id=is_tbank01&client_secret=123"),
			"credentials in the query, grant as well": t0.With("Authorization").WithBody("").WithPath(t0.Path + "?grant_type=client_credentials&client_id=is_tbank01&client_secret=123"),
			"credentials as a cookie":                 t0.With("Authorization").With("Cookie", "client_id=is_tbank01; client_secret=123"),
			"credentials of a proxy":                  t0.With("Authorization").With("Proxy-Authorization", fixture.Basic),
		})
	})
	t.Run("similar timing", func(t *testing.T) { testSimilarTiming(t) })
}

// testSimilarTiming compares the medians of turns that alternate. The bound is wide because other tests run beside; the benchmarks of
// package token measure the same without company.
func testSimilarTiming(t *testing.T) {
	w := running.Start(t, nil)
	wrong, unknown := basic(fixture.ClientID, "wrong"), basic("is_nobody1", "wrong")
	var took [2][]time.Duration
	for range 12 {
		c := w.Over(running.HTTP1).For(t) // a new source address: no limit of failures is reached
		c.Do(unknown)
		for range 12 {
			for i, r := range []running.Request{wrong, unknown} {
				began := time.Now()
				wantIC.check(t, c.Do(r))
				took[i] = append(took[i], time.Since(began))
			}
		}
	}
	median := func(all []time.Duration) time.Duration { slices.Sort(all); return all[len(all)/2] }
	a, b := median(took[0]), median(took[1])
	if a > 3*b/2 || b > 3*a/2 {
		t.Errorf("a wrong secret takes %s and an unknown client %s", a, b)
	}
}

// withSecrets gives the client of the base documents these secrets, all live.
func withSecrets(secrets ...string) func(w *running.World) {
	return func(w *running.World) {
		w.Documents.Client.Credentials = nil
		for i, secret := range append(secrets, fixture.ClientSecret) {
			w.Documents.Client.Credentials = append(w.Documents.Client.Credentials, fixture.Credential(fmt.Sprintf("secret-%d", i), secret, fixture.Now()))
		}
	}
}

func testBasicAlphabets(t *testing.T, _ *site) {
	// In base64 the secrets have "+" and "/", and padding of one sign, two and none.
	secrets := []string{"~~~???>>>", "\xfb\xff\xbf\xfe?>~", "ÿþ?~>é€", "p4$$w0rd-with+/=signs"}
	s := newSite(t, withSecrets(secrets...))
	s.inBothVersions(t, func(v *visit) {
		for _, secret := range append(secrets, fixture.ClientSecret) {
			pair := []byte(fixture.ClientID + ":" + secret)
			for alphabet, encoding := range map[string]*base64.Encoding{
				"standard": base64.StdEncoding, "standard without padding": base64.RawStdEncoding, "URL-safe": base64.URLEncoding, "URL-safe without padding": base64.RawURLEncoding,
			} {
				for _, scheme := range []string{"Basic ", "basic ", "BASIC ", "bAsIc ", "Basic    "} {
					v.Run(fmt.Sprintf("%s %s %q", alphabet, strings.ReplaceAll(scheme, " ", "_"), secret), func(t *testing.T) {
						wantOK.check(t, v.c.For(t).Do(running.T0().With("Authorization", scheme+encoding.EncodeToString(pair))))
					})
				}
			}
		}
	})
}

func testColonInSecret(t *testing.T, _ *site) {
	secrets := []string{":", "a:b", ":a:b:", "http://user:secret@host:80/"}
	s := newSite(t, withSecrets(secrets...))
	s.inBothVersions(t, func(v *visit) {
		for _, secret := range secrets {
			v.Run(secret, func(t *testing.T) {
				c := v.c.For(t)
				wantOK.check(t, c.Do(basic(fixture.ClientID, secret)))
				wantOK.check(t, c.Do(basic(fixture.ClientID, url.QueryEscape(secret))))
				wantIC.check(t, c.Do(basic(fixture.ClientID+":", secret)))
				wantIC.check(t, c.Do(basic(fixture.ClientID, secret+":")))
			})
		}
	})
}

func testFormEncodedCredentials(t *testing.T, _ *site) {
	secrets := []string{
		"p%2Fq", "100%", "%", "%zz", "a+b c", "a%20b", "a%2", "é€𝄞", "&=#?/\\\"'<>", "%25", "a%2Bb", " padded ", "\t", "+", "%%%", "ÀÖ%C3%80", "x%00y",
	}
	everyByteEncoded := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			_, _ = fmt.Fprintf(&b, "%%%02X", s[i])
		}
		return b.String()
	}
	s := newSite(t, withSecrets(secrets...))
	s.inBothVersions(t, func(v *visit) {
		for _, secret := range append(secrets, fixture.ClientSecret) {
			v.Run(fmt.Sprintf("%q", secret), func(t *testing.T) {
				c, encoded := v.c.For(t), url.QueryEscape(secret)
				for way, r := range map[string]running.Request{
					"raw":                            basic(fixture.ClientID, secret),
					"form-encoded":                   basic(fixture.ClientID, encoded),
					"spaces as %20":                  basic(fixture.ClientID, strings.ReplaceAll(encoded, "+", "%20")),
					"every byte encoded":             basic(everyByteEncoded(fixture.ClientID), everyByteEncoded(secret)),
					"every byte in small hex digits": basic(fixture.ClientID, strings.ToLower(everyByteEncoded(secret))),
					"id encoded too":                 basic("is%5Ftbank01", encoded),
				} {
					if a := c.Do(r); a.Status != http.StatusOK {
						t.Errorf("%s: answer %s", way, a)
					}
				}
			})
		}
		v.expect(wantIC, cases{
			"encoded twice":                 basic(fixture.ClientID, url.QueryEscape(url.QueryEscape("p%2Fq"))),
			"decoded more than it was sent": basic(fixture.ClientID, "p/q"),
			"HTML entities":                 basic(fixture.ClientID, "&amp;=#?/\\&quot;'&lt;&gt;"),
		})
	})
}

func testBodyCredentials(t *testing.T, s *site) {
	t.Run("allowed", testBodyCredentialsAllowed)
	t0 := running.T0().With("Authorization")
	with := func(more string) running.Request { return t0.WithBody(t0.Body + more) }
	s.everywhere(t, func(v *visit) {
		v.expect(wantIC, cases{
			"right ones":                 with("&client_id=is_tbank01&client_secret=123"),
			"right ones on Issuer path":  with("&client_id=is_tbank01&client_secret=123").WithPath(fixture.IssuerTokenPath),
			"wrong ones":                 with("&client_id=is_tbank01&client_secret=124"),
			"unknown client":             with("&client_id=nobody&client_secret=123"),
			"id alone":                   with("&client_id=is_tbank01"),
			"secret alone":               with("&client_secret=123"),
			"before grant_type":          t0.WithBody("client_id=is_tbank01&client_secret=123&" + t0.Body),
			"an empty Authorization too": with("&client_id=is_tbank01&client_secret=123").With("Authorization", ""),
			"a Bearer token too":         with("&client_id=is_tbank01&client_secret=123").With("Authorization", "Bearer "+v.token),
			"as JSON":                    t0.With("Content-Type", "application/json").WithBody(`{"grant_type":"client_credentials","client_id":"is_tbank01","client_secret":"123"}`),
		})
	})
}

func testBothCredentials(t *testing.T, s *site) {
	t0 := running.T0()
	with := func(more string) running.Request { return t0.WithBody(t0.Body + more) }
	s.everywhere(t, func(v *visit) {
		v.expect(wantBR("invalid_request"), cases{
			"the same":                   with("&client_id=is_tbank01&client_secret=123"),
			"secret alone":               with("&client_secret=123"),
			"a wrong secret in the body": with("&client_id=is_tbank01&client_secret=124"),
			"another client in the body": with("&client_id=other&client_secret=123"),
			"in the body twice":          with("&client_secret=123&client_secret=123"),
			"an assertion in the body":   with("&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c"),
		})
		v.expect(wantIC, cases{
			"wrong ones in the header, right ones in the body": basic(fixture.ClientID, "124").WithBody(t0.Body + "&client_id=is_tbank01&client_secret=123"),
		})
		v.expect(wantOK, cases{
			"the id in the body":      with("&client_id=is_tbank01"),
			"both in the query alone": t0.WithPath(t0.Path + "?client_id=is_tbank01&client_secret=124"),
		})
	})
}
