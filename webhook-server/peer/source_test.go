package peer_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

func TestTheSourceOfARequest(t *testing.T) {
	for name, tc := range map[string]struct {
		remote string
		lines  []string
		want   string
	}{
		"is the other end of the connection":                 {"203.0.113.9:5555", nil, "203.0.113.9"},
		"is unmapped":                                        {"[::ffff:203.0.113.9]:5555", nil, "203.0.113.9"},
		"has no zone":                                        {"[fe80::1%eth0]:5555", nil, "fe80::1"},
		"is what a proxy appended":                           {proxy, []string{"203.0.113.9"}, "203.0.113.9"},
		"is not what the client put before":                  {proxy, []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		"is not what the client put into another line":       {proxy, []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		"passes over trusted proxies":                        {proxy, []string{"203.0.113.9, 10.1.1.1,10.1.1.2"}, "203.0.113.9"},
		"passes over trusted proxies in several lines":       {proxy, []string{"203.0.113.9", "10.1.1.1", "10.1.1.2"}, "203.0.113.9"},
		"cannot be reached by claiming to be a proxy":        {proxy, []string{"10.9.9.9, 203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
		"may have a port":                                    {proxy, []string{"203.0.113.9:567"}, "203.0.113.9"},
		"may be an IPv6 address":                             {proxy, []string{"2001:db8::1"}, "2001:db8::1"},
		"may be an IPv6 address in brackets":                 {proxy, []string{"[2001:db8::1]"}, "2001:db8::1"},
		"may be an IPv6 address with a port":                 {proxy, []string{"[2001:db8::1]:80"}, "2001:db8::1"},
		"is unmapped in the header too":                      {proxy, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"is the proxy that wrote something else":             {proxy, []string{"198.51.100.1, unknown"}, "10.0.0.7"},
		"is the first proxy before something else":           {proxy, []string{"198.51.100.1, unknown, 10.1.1.1"}, "10.1.1.1"},
		"is not a bracketed IPv4 address":                    {proxy, []string{"[198.51.100.1]"}, "10.0.0.7"},
		"is not behind an open bracket":                      {proxy, []string{"[2001:db8::1"}, "10.0.0.7"},
		"is not a name with a port":                          {proxy, []string{"198.51.100.1, localhost:80"}, "10.0.0.7"},
		"is the leftmost when all are trusted":               {proxy, []string{"10.1.1.1, 10.1.1.2"}, "10.1.1.1"},
		"passes over empty elements":                         {proxy, []string{"198.51.100.1, 203.0.113.9, ,", ""}, "203.0.113.9"},
		"is the proxy when it has written nothing":           {proxy, []string{" "}, "10.0.0.7"},
		"is a proxy's over IPv6":                             {"[fd00::1]:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"is a proxy's that is mapped":                        {"[::ffff:10.0.0.7]:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"is not the header of a stranger":                    {stranger, []string{"198.51.100.1"}, "203.0.113.9"},
		"is not the header of a stranger that names proxies": {stranger, []string{"198.51.100.1, 10.0.0.7"}, "203.0.113.9"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, tc.remote)
			for _, line := range tc.lines {
				r.Header.Add("X-Forwarded-For", line)
			}
			if got := behindProxies("").Source(r); got != netip.MustParseAddr(tc.want) {
				t.Errorf("source is %v, want %s", got, tc.want)
			}
		})
	}
}

func TestWithoutTrustedProxiesNoHeaderIsBelieved(t *testing.T) {
	r := request(t, proxy, "X-Forwarded-For", "198.51.100.1")
	if got := direct().Source(r); got != netip.MustParseAddr("10.0.0.7") {
		t.Errorf("source is %v", got)
	}
}

func TestAConnectionWithoutAnAddressHasNoSource(t *testing.T) {
	for _, remote := range []string{"", "@", "/run/socket", "pipe", "10.0.0.7"} {
		if got := behindProxies("").Source(request(t, remote, "X-Forwarded-For", "198.51.100.1")); got.IsValid() {
			t.Errorf("source of %q is %v", remote, got)
		}
	}
}

func TestTrustedProxiesMayBeGivenAsMappedRangesAndWithHostBits(t *testing.T) {
	for _, prefix := range []string{"::ffff:10.0.0.0/104", "10.0.0.99/8", "::/0", "0.0.0.0/0"} {
		v := peer.New(peer.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix(prefix), netip.MustParsePrefix("10.0.0.7/32")}, Now: at(today)})
		if got := v.Source(request(t, proxy, "X-Forwarded-For", "2001:db8::1, 10.2.2.2")); got == netip.MustParseAddr("10.0.0.7") {
			t.Errorf("%s is not looked into", prefix)
		}
	}
	v := peer.New(peer.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}, Now: at(today)})
	if got := v.Source(request(t, proxy, "X-Forwarded-For", "203.0.113.9")); got != netip.MustParseAddr("203.0.113.9") {
		t.Errorf("source is %v", got)
	}
	if got := v.Source(request(t, "11.0.0.1:1", "X-Forwarded-For", "203.0.113.9")); got != netip.MustParseAddr("11.0.0.1") {
		t.Errorf("source is %v", got)
	}
}

func TestLimitsCountAnIPv4AddressOrA64(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.9":               "203.0.113.9",
		"::ffff:203.0.113.9":        "203.0.113.9",
		"2001:db8:1:2:3:4:5:6":      "2001:db8:1:2::",
		"2001:db8:1:2:ffff:ffff::1": "2001:db8:1:2::",
		"2001:db8:1:3:ffff:ffff::1": "2001:db8:1:3::",
		"fe80::1%eth0":              "fe80::",
	} {
		if got := peer.SourceKey(netip.MustParseAddr(in)); got != netip.MustParseAddr(want) {
			t.Errorf("key of %s is %v, want %s", in, got, want)
		}
	}
	if got := peer.SourceKey(netip.Addr{}); got.IsValid() {
		t.Errorf("key of no address is %v", got)
	}
}

func FuzzSource(f *testing.F) {
	for _, seed := range []string{"", "203.0.113.9", "198.51.100.1, 203.0.113.9, 10.0.0.1", "[2001:db8::1]:80,unknown", ",,", "10.0.0.1", "fe80::1%x"} {
		f.Add(seed, seed)
	}
	v := behindProxies("")
	f.Fuzz(func(t *testing.T, first, second string) {
		r := request(t, proxy)
		r.Header["X-Forwarded-For"] = []string{first, second}
		got := v.Source(r)
		if !got.IsValid() || got.Is4In6() || got.Zone() != "" {
			t.Fatalf("source is %v", got)
		}
		// What a proxy appends to the same header decides, whatever stands before it.
		r.Header["X-Forwarded-For"] = []string{first, second + ", 203.0.113.9", "10.3.3.3"}
		if got := v.Source(r); got != netip.MustParseAddr("203.0.113.9") {
			t.Fatalf("source is %v although a proxy has said otherwise", got)
		}
		// One line or two are the same.
		joined := request(t, proxy, "X-Forwarded-For", strings.Join([]string{first, second}, ","))
		if v.Source(joined) != got {
			t.Fatalf("source is %v in one line, %v in two", v.Source(joined), got)
		}
	})
}
