package httpx_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

func TestSegments(t *testing.T) {
	for name, c := range map[string]struct {
		escaped string
		want    []string // nil when the path is refused
	}{
		"a plain path":                                 {"/a/b", []string{"a", "b"}},
		"the root has one empty segment":               {"/", []string{""}},
		"a trailing slash makes an empty segment":      {"/a/", []string{"a", ""}},
		"double slashes are not merged":                {"//a//b", []string{"", "a", "", "b"}},
		"dot segments stay":                            {"/a/../b/./c", []string{"a", "..", "b", ".", "c"}},
		"an encoded slash stays inside its segment":    {"/a%2Fb/c", []string{"a/b", "c"}},
		"encoded dots do not become a parent":          {"/a/%2e%2E/b", []string{"a", "..", "b"}},
		"an encoded letter is that letter":             {"/%61", []string{"a"}},
		"a plus is a plus":                             {"/a+b", []string{"a+b"}},
		"it is decoded once":                           {"/%2561", []string{"%61"}},
		"a relative path is refused":                   {"a/b", nil},
		"no path is refused":                           {"", nil},
		"an asterisk is refused":                       {"*", nil},
		"a broken escape is refused":                   {"/a%2/b", nil},
		"an escape that is not hexadecimal is refused": {"/%zz", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := httpx.Segments(c.escaped)
			if ok != (c.want != nil) || !slices.Equal(got, c.want) {
				t.Errorf("Segments(%q) = %q, %v; want %q", c.escaped, got, ok, c.want)
			}
		})
	}
}

func TestPlainPath(t *testing.T) {
	for name, c := range map[string]struct {
		target, want string
		ok           bool
	}{
		"a plain path":                          {"/oauth2/token", "/oauth2/token", true},
		"an encoded letter":                     {"/oauth2/%74oken", "/oauth2/token", true},
		"an encoded slash is another path":      {"/oauth2%2Ftoken", "", false},
		"dot segments are not resolved":         {"/x/../oauth2/token", "/x/../oauth2/token", true},
		"double slashes are not merged":         {"//oauth2/token", "//oauth2/token", true},
		"the query does not belong to it":       {"/oauth2/token?a=b", "/oauth2/token", true},
		"an asterisk is no path":                {"*", "", false},
		"an encoded space is decoded":           {"/a%20b", "/a b", true},
		"an encoded slash beside plain escapes": {"/%74/a%2fb", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.ParseRequestURI(c.target)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := httpx.PlainPath(u)
			if ok != c.ok || ok && got != c.want {
				t.Errorf("PlainPath(%q) = %q, %v; want %q, %v", c.target, got, ok, c.want, c.ok)
			}
		})
	}
}

func FuzzSegments(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "//", "/a%2Fb/..", "/%", "/%zz", "", "*", "/%00/%ff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		segments, ok := httpx.Segments(escaped)
		if !ok {
			if segments != nil {
				t.Error("a refused path has segments")
			}
			return
		}
		if len(segments) != strings.Count(escaped, "/") {
			t.Errorf("%q has %d slashes and %d segments", escaped, strings.Count(escaped, "/"), len(segments))
		}
		// Escaping the segments again leads back to the same ones.
		var again strings.Builder
		for _, s := range segments {
			again.WriteString("/" + url.PathEscape(s))
		}
		if back, ok := httpx.Segments(again.String()); !ok || !slices.Equal(back, segments) {
			t.Errorf("%q gives %q, and %q after a round trip", escaped, segments, back)
		}
	})
}
