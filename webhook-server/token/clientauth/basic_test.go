package clientauth_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestParseBasic(t *testing.T) {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for name, c := range map[string]struct {
		in   string
		want [][2]string
	}{
		"the base request":                      {"Basic aXNfdGJhbmswMToxMjM=", [][2]string{{"is_tbank01", "123"}}},
		"without padding":                       {"Basic aXNfdGJhbmswMToxMjM", [][2]string{{"is_tbank01", "123"}}},
		"the scheme in capitals":                {"BASIC aXNfdGJhbmswMToxMjM=", [][2]string{{"is_tbank01", "123"}}},
		"several spaces":                        {"basic   aXNfdGJhbmswMToxMjM= ", [][2]string{{"is_tbank01", "123"}}},
		"the standard alphabet":                 {"Basic " + base64.StdEncoding.EncodeToString([]byte("a:\xfb\xff?>")), [][2]string{{"a", "\xfb\xff?>"}}},
		"the URL-safe alphabet":                 {"Basic " + base64.URLEncoding.EncodeToString([]byte("a:\xfb\xff?>")), [][2]string{{"a", "\xfb\xff?>"}}},
		"the URL-safe alphabet without padding": {"Basic " + base64.RawURLEncoding.EncodeToString([]byte("a:\xfb\xff?>")), [][2]string{{"a", "\xfb\xff?>"}}},
		"colons in the secret":                  {"Basic " + encode("a:b:c:"), [][2]string{{"a", "b:c:"}}},
		"an empty secret":                       {"Basic " + encode("a:"), [][2]string{{"a", ""}}},
		"form-encoded":                          {"Basic " + encode("a%3Ab:c+d%25"), [][2]string{{"a%3Ab", "c+d%25"}, {"a:b", "c d%"}}},
		"a percent sign that escapes nothing":   {"Basic " + encode("a:100%"), [][2]string{{"a", "100%"}}},
		"no colon":                              {"Basic " + encode("ab"), nil},
		"no base64":                             {"Basic !!!", nil},
		"base64 of one letter":                  {"Basic A", nil},
		"padding in the middle":                 {"Basic YTo=Yg==", nil},
		"three padding signs":                   {"Basic YTpi===", nil},
		"nothing after the scheme":              {"Basic", nil},
		"another scheme":                        {"Bearer aXNfdGJhbmswMToxMjM=", nil},
		"no scheme":                             {"aXNfdGJhbmswMToxMjM=", nil},
		"nothing":                               {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clientauth.ParseBasic(c.in); !slices.Equal(got, c.want) {
				t.Errorf("ParseBasic(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func FuzzParseBasic(f *testing.F) {
	for _, s := range []string{"", "Basic", "Basic aXNfdGJhbmswMToxMjM=", "basic YTolMzA=", "Basic -_-_", "Bearer x", "Basic YTpi\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		pairs := clientauth.ParseBasic(authorization)
		if len(pairs) == 0 {
			return
		}
		literal := pairs[0]
		if strings.Contains(literal[0], ":") {
			t.Errorf("the id %q holds a colon", literal[0])
		}
		// What was read, encoded again, is read the same.
		encoded := "Basic " + base64.StdEncoding.EncodeToString([]byte(literal[0]+":"+literal[1]))
		if again := clientauth.ParseBasic(encoded); !slices.Equal(again, pairs) {
			t.Errorf("%q became %q and then %q", authorization, pairs, again)
		}
	})
}
