package outbound

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	const (
		yes   = iota // allowed
		no           // ErrAddressRefused
		plain        // ErrPlainHTTPRefused
	)
	inside := []string{"10.1.0.0/16", "fd12:3456::/32", "127.0.0.0/8"}
	for _, c := range []struct {
		address string
		allowed []string
		https   int
		http    int
	}{
		// The public Internet.
		{"1.1.1.1", nil, yes, plain},
		{"9.255.255.255", nil, yes, plain},
		{"11.0.0.0", nil, yes, plain},
		{"100.63.255.255", nil, yes, plain},
		{"100.128.0.0", nil, yes, plain},
		{"172.15.255.255", nil, yes, plain},
		{"172.32.0.0", nil, yes, plain},
		{"192.0.1.1", nil, yes, plain},
		{"198.17.255.255", nil, yes, plain},
		{"198.20.0.0", nil, yes, plain},
		{"223.255.255.255", nil, yes, plain},
		{"2606:4700:4700::1111", nil, yes, plain},
		{"2a00:1450:4001::200e", nil, yes, plain},
		{"2001:200::1", nil, yes, plain},
		// IPv4 that is special.
		{"0.0.0.0", nil, no, no},
		{"0.1.2.3", nil, no, plain},
		{"10.0.0.1", nil, no, plain},
		{"10.255.255.255", nil, no, plain},
		{"100.64.0.1", nil, no, plain},
		{"100.127.255.255", nil, no, plain},
		{"127.0.0.1", nil, no, plain},
		{"127.255.255.254", nil, no, plain},
		{"169.254.0.1", nil, no, plain},
		{"172.16.0.1", nil, no, plain},
		{"172.31.255.255", nil, no, plain},
		{"192.0.0.1", nil, no, plain},
		{"192.0.2.1", nil, no, plain},
		{"192.31.196.1", nil, no, plain},
		{"192.52.193.1", nil, no, plain},
		{"192.88.99.1", nil, no, plain},
		{"192.168.1.1", nil, no, plain},
		{"192.175.48.1", nil, no, plain},
		{"198.18.0.1", nil, no, plain},
		{"198.19.255.255", nil, no, plain},
		{"198.51.100.1", nil, no, plain},
		{"203.0.113.1", nil, no, plain},
		{"240.0.0.1", nil, no, plain},
		// IPv6 that is special.
		{"::1", nil, no, plain},
		{"::", nil, no, no},
		{"::7f00:1", nil, no, plain},           // IPv4-compatible (RFC 4291)
		{"::ffff:0:127.0.0.1", nil, no, plain}, // IPv4-translated (RFC 2765)
		{"64:ff9b::808:808", nil, no, plain},   // NAT64
		{"64:ff9b:1::1", nil, no, plain},       // local NAT64 (RFC 8215)
		{"100::1", nil, no, plain},             // discard-only (RFC 6666)
		{"2001::1", nil, no, plain},            // Teredo
		{"2001:2::1", nil, no, plain},          // benchmarking
		{"2001:20::1", nil, no, plain},         // ORCHIDv2
		{"2001:db8::1", nil, no, plain},        // documentation
		{"2002:7f00:1::1", nil, no, plain},     // 6to4 of 127.0.0.1
		{"3fff::1", nil, no, plain},            // documentation
		{"5f00::1", nil, no, plain},            // segment routing (RFC 9602)
		{"fc00::1", nil, no, plain},            // unique local
		{"fd12:3456::1", nil, no, plain},       // unique local
		{"fe80::1", nil, no, plain},            // link-local
		{"fe80::1%eth0", nil, no, plain},       // with a zone
		{"fec0::1", nil, no, plain},            // site-local (RFC 3879)
		{"ff02::1", nil, no, no},               // multicast
		// IPv4-mapped IPv6 is the IPv4 address.
		{"::ffff:1.1.1.1", nil, yes, plain},
		{"::ffff:127.0.0.1", nil, no, plain},
		{"::ffff:10.0.0.1", nil, no, plain},
		{"::ffff:169.254.169.254", nil, no, no},
		// Allowed ranges.
		{"10.1.2.3", inside, yes, yes},
		{"::ffff:10.1.2.3", inside, yes, yes},
		{"10.2.0.1", inside, no, plain},
		{"127.0.0.1", inside, yes, yes},
		{"fd12:3456::1", inside, yes, yes},
		{"fd12:3457::1", inside, no, plain},
		{"1.1.1.1", inside, yes, plain},
		{"10.1.2.3", []string{"::ffff:10.1.0.0/112"}, yes, yes},
		{"10.1.2.3", []string{"10.1.2.200/24"}, yes, yes}, // host bits are ignored
		{"fe80::1%eth0", []string{"fe80::/10"}, yes, yes},
		// What nothing opens.
		{"169.254.169.254", []string{"0.0.0.0/0"}, no, no},
		{"169.254.170.2", []string{"169.254.0.0/16"}, no, no},
		{"fd00:ec2::254", []string{"::/0"}, no, no},
		{"fd20:ce::254", []string{"::/0"}, no, no},
		{"169.254.0.23", []string{"169.254.0.0/16"}, no, no},
		{"169.254.42.42", []string{"169.254.0.0/16"}, no, no},
		{"fd00:42::42", []string{"fd00::/8"}, no, no},
		{"fd00:a9fe:a9fe::1", []string{"fd00::/8"}, no, no},
		{"fe80::a9fe:a9fe%eth0", []string{"fe80::/10"}, no, no},
		{"100.100.100.200", []string{"100.64.0.0/10"}, no, no},
		{"168.63.129.16", nil, no, no},
		{"224.0.0.1", []string{"0.0.0.0/0"}, no, no},
		{"255.255.255.255", []string{"0.0.0.0/0"}, no, no},
		{"0.0.0.0", []string{"0.0.0.0/0"}, no, no},
		{"ff02::1", []string{"::/0"}, no, no},
		// NAT64: the prefix has to be allowed, and what is in it as well.
		{"64:ff9b::101:101", []string{"64:ff9b::/96"}, yes, plain},
		{"64:ff9b::a01:203", []string{"64:ff9b::/96"}, no, plain},
		{"64:ff9b::a01:203", []string{"64:ff9b::/96", "10.1.0.0/16"}, yes, yes},
		{"64:ff9b::a9fe:a9fe", []string{"::/0", "0.0.0.0/0"}, no, no},
	} {
		g := NewGuard(prefixes(c.allowed...))
		for _, isPlain := range []bool{false, true} {
			want := c.https
			if isPlain {
				want = c.http
			}
			err := g.Allowed(netip.MustParseAddr(c.address), isPlain)
			got := yes
			switch {
			case errors.Is(err, ErrAddressRefused):
				got = no
			case errors.Is(err, ErrPlainHTTPRefused):
				got = plain
			}
			if got != want {
				t.Errorf("%s, plain %t, allowed %v: %v", c.address, isPlain, c.allowed, err)
			}
		}
	}
	if err := (Guard{}).Allowed(netip.Addr{}, false); !errors.Is(err, ErrAddressRefused) {
		t.Errorf("no address: %v", err)
	}
}

func TestTheDialerIsToldOfTheAddressItself(t *testing.T) {
	control := NewGuard(nil).control(false)
	for address, allowed := range map[string]bool{
		"1.1.1.1:443": true, "[2606:4700:4700::1111]:443": true,
		"127.0.0.1:443": false, "[::1]:443": false, "[fe80::1%eth0]:443": false, "[::ffff:10.0.0.1]:443": false, "localhost:443": false, "": false,
	} {
		if err := control("tcp", address, nil); (err == nil) != allowed {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func FuzzGuardAgreesOnMappedAddresses(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{169, 254, 169, 254})
	f.Add([]byte{8, 8, 8, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		g := NewGuard(nil)
		err := g.Allowed(addr, false)
		if err == nil && (addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || !addr.IsGlobalUnicast()) && !addr.Is4In6() {
			t.Errorf("%s is allowed", addr)
		}
		if addr.Is4() {
			mapped := g.Allowed(netip.AddrFrom16(addr.As16()), false)
			if (mapped == nil) != (err == nil) {
				t.Errorf("%s: %v, mapped: %v", addr, err, mapped)
			}
		}
	})
}
