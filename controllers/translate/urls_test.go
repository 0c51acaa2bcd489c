package translate_test

import (
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/controllers/translate"
)

func TestAnExternalURLIsABase(t *testing.T) {
	for text, want := range map[string]string{
		"https://d1.acme.example":        "https://d1.acme.example",
		"https://d1.acme.example//":      "https://d1.acme.example",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080",
		"https://[::1]:8443/behind/this": "https://[::1]:8443/behind/this",
	} {
		if got, err := translate.ParseExternalURL(text); err != nil || got != want {
			t.Errorf("%q: got %q and %v, want %q", text, got, err, want)
		}
	}
}

func TestWhatIsNoBaseIsRefusedWithoutRepeatingIt(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a slash": "/", "a word": "foo", "a host without a scheme": "d1.acme.example", "a host and a port": "d1.acme.example:8443",
		"another scheme": "ftp://x", "no host": "https://", "a port only": "https://:8443", "a port that is no number": "https://a:b",
		"a password": "https://user:planted@a.example", "a query": "https://a.example?b=c", "an empty query": "https://a.example/?",
		"a fragment": "https://a.example#top", "an empty fragment": "https://a.example#", "a line break": "https://a.example/\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := translate.ParseExternalURL(text)
			if err == nil || got != "" {
				t.Fatalf("%q comes to %q", text, got)
			}
			if strings.Contains(err.Error(), "planted") {
				t.Errorf("the error repeats a password: %v", err)
			}
		})
	}
}
