package replica

import (
	"strings"
	"testing"
)

func TestANameIsMadeFromAnyHostName(t *testing.T) {
	for host, want := range map[string]string{
		"web-0": "web-0", "Anna's-MacBook.local": "anna-s-macbook.local", "ws_1.": "ws-1", "--": "", "": "", "a..b": "a.b", "x-.-y": "x.y",
		strings.Repeat("a", 300): strings.Repeat("a", 230),
	} {
		if got := NameOfHost(host); got != want || got != "" && CheckName(got) != nil {
			t.Errorf("%q makes %q, want %q: %v", host, got, want, CheckName(got))
		}
	}
}

func FuzzNameOfHost(f *testing.F) {
	for _, host := range []string{"web-0", "Anna's-MacBook.local", "a.uses-1", "\xff", strings.Repeat("a.", 200)} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if name := NameOfHost(host); name != "" && CheckName(name) != nil {
			t.Errorf("%q makes %q: %v", host, name, CheckName(name))
		}
	})
}
