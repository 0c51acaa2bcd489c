package contract_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// forwarded is a request that a proxy has passed on, with what it says of its source.
func forwarded(r running.Request, lines ...string) running.Request {
	return r.With("X-Forwarded-For", lines...)
}

func TestFailuresCountByTheForwardedSource(t *testing.T) {
	t.Parallel()
	wrong, right := basic(fixture.ClientID, "124"), running.T0()
	for name, tc := range map[string]struct {
		guesses func(n int) []string
		same    [][]string // sources that are the same one
		other   [][]string // sources that are another
	}{
		"an address": {
			func(int) []string { return []string{"198.51.100.1"} },
			[][]string{{"198.51.100.1:4711"}, {"192.0.2.7, 198.51.100.1"}, {"192.0.2.7", "198.51.100.1"}, {"198.51.100.1, 127.9.0.5"}, {"::ffff:198.51.100.1"}, {"garbage, 198.51.100.1"}, {"198.51.100.1 , "}},
			[][]string{{"198.51.100.2"}, {"198.51.100.1, 198.51.100.2"}, {"198.51.100.1", "198.51.100.2"}, nil, {""}, {"198.51.100.1, garbage"}, {"2001:db8::1"}},
		},
		"an address behind invented ones": {
			func(n int) []string { return []string{fmt.Sprintf("192.0.2.%d, 198.51.100.1", n%200)} },
			[][]string{{"198.51.100.1"}, {"203.0.113.9,198.51.100.1"}},
			[][]string{{"192.0.2.1"}, {"192.0.2.2"}},
		},
		"one IPv6 /64": {
			func(n int) []string { return []string{fmt.Sprintf("2001:db8:0:1::%x", n+1)} },
			[][]string{{"2001:db8:0:1:ffff::1"}, {"[2001:db8:0:1::5]:443"}, {"[2001:db8:0:1::5]"}},
			[][]string{{"2001:db8:0:2::1"}, {"198.51.100.1"}},
		},
		"what is no address is the proxy's own": {
			func(n int) []string { return []string{fmt.Sprintf("unknown-%d", n)} },
			[][]string{nil, {"_hidden"}, {"198.51.100.1, unknown"}},
			[][]string{{"198.51.100.1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := running.Start(t, behindProxy(""))
			c := proxy(t, w, running.H2C)
			shedAfter := 0
			for c.Do(forwarded(wrong, tc.guesses(shedAfter)...)).Status != http.StatusServiceUnavailable {
				if shedAfter++; shedAfter > hundreds {
					t.Fatalf("%d failures are not shed", shedAfter)
				}
			}
			if shedAfter < few {
				t.Errorf("shed after %d failures", shedAfter)
			}
			for _, lines := range tc.same {
				if a := c.Do(forwarded(right, lines...)); a.Status != http.StatusServiceUnavailable {
					t.Errorf("from %q it is answered %s", lines, a)
				}
			}
			for _, lines := range tc.other {
				if a := c.Do(forwarded(right, lines...)); a.Status != http.StatusOK {
					t.Errorf("from %q it is answered %s", lines, a)
				}
			}
			wantOK.check(t, w.Client().For(t).Do(right)) // not from behind the proxy
		})
	}
}

func TestAForwardedSourceFromElsewhereMeansNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, behindProxy(""))
	s.inBothVersions(t, func(v *visit) {
		attacker := v.w.Over(v.c.Transport).For(v.T)
		n := 0
		for attacker.Do(forwarded(basic(fixture.ClientID, "124"), fmt.Sprintf("198.51.100.%d", n%250), "127.9.0.1")).Status == http.StatusUnauthorized {
			if n++; n > hundreds {
				v.Fatal("whoever invents sources is not shed")
			}
		}
		wantS.check(v.T, attacker.Do(forwarded(running.T0(), "198.51.100.251")))
		// Nor can one lock others out by it.
		wantOK.check(v.T, proxy(v.T, v.w, v.c.Transport).Do(forwarded(running.T0(), "198.51.100.1")))
		v.expect(wantOK, cases{"another": running.T0()})
		if strings.Contains(v.w.Log.String(), "198.51.100.7") {
			v.Error("the log shows an invented source")
		}
	})
}

func TestTheLogShowsTheForwardedSource(t *testing.T) {
	t.Parallel()
	w := running.Start(t, behindProxy(""))
	proxy(t, w, running.HTTP1).Do(forwarded(basic(fixture.ClientID, "124"), "198.51.100.77"))
	if !strings.Contains(w.Log.String(), `"source":"198.51.100.77"`) {
		t.Errorf("the log shows another source:\n%s", w.Log)
	}
}
