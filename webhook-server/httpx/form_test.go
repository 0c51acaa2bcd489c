package httpx_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

func TestDecodeForm(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want httpx.Form
		bad  bool
	}{
		"no body":                          {"", nil, false},
		"one field":                        {"a=b", httpx.Form{{Name: "a", Value: "b"}}, false},
		"a repeated field":                 {"a=1&a=2", httpx.Form{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}, false},
		"plus and percent":                 {"a+b=c%3Dd%26", httpx.Form{{Name: "a b", Value: "c=d&"}}, false},
		"an equals sign in the value":      {"a=b=c", httpx.Form{{Name: "a", Value: "b=c"}}, false},
		"no value":                         {"a&b=", httpx.Form{{Name: "a"}, {Name: "b"}}, false},
		"empty pairs":                      {"&&a=b&", httpx.Form{{Name: "a", Value: "b"}}, false},
		"a semicolon separates nothing":    {"a=b;c=d", httpx.Form{{Name: "a", Value: "b;c=d"}}, false},
		"a broken escape in a value":       {"a=%", nil, true},
		"a broken escape in a name":        {"%zz=a", nil, true},
		"a broken escape in another field": {"a=b&c=%4", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := httpx.DecodeForm(c.body)
			if (err != nil) != c.bad || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestFormGetCountsRepeats(t *testing.T) {
	form := httpx.Form{{Name: "a", Value: "1"}, {Name: "A", Value: "x"}, {Name: "a", Value: "2"}}
	if value, count := form.Get("a"); value != "1" || count != 2 {
		t.Errorf("got %q, %d; want the first of two", value, count)
	}
	if _, count := form.Get("b"); count != 0 {
		t.Errorf("a missing name is there %d times", count)
	}
}

// The fuzzer compares with net/url wherever there is no semicolon, about which the two differ on purpose.
func FuzzDecodeForm(f *testing.F) {
	for _, s := range []string{"", "a=b", "a=1&a=2", "a+b=%3D", "%", "a=%zz&b", "&=&", "a;b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		form, err := httpx.DecodeForm(body)
		if strings.Contains(body, ";") {
			return
		}
		want, wantErr := url.ParseQuery(body)
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("got %v, net/url %v", err, wantErr)
		}
		if err != nil {
			return
		}
		got := url.Values{}
		for _, field := range form {
			got.Add(field.Name, field.Value)
		}
		if got.Encode() != want.Encode() {
			t.Errorf("got %v, net/url %v", got, want)
		}
	})
}
