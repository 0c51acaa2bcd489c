package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrAddressRefused says that the address is not one that a tenant's URL may lead to.
var ErrAddressRefused = errors.New("address refused")

// ErrPlainHTTPRefused says that the URL is plain http and the address is in none of the allowed ranges.
var ErrPlainHTTPRefused = errors.New("plain http refused")

// Guard decides which addresses may be dialled. Its zero value allows https to the public Internet and nothing else.
type Guard struct {
	allowed []netip.Prefix
}

// NewGuard allows the given ranges beside the public Internet, for https and for plain http. Nothing allows the addresses of metadata
// services, multicast, broadcast and the unspecified address.
func NewGuard(allowed []netip.Prefix) Guard {
	g := Guard{allowed: make([]netip.Prefix, len(allowed))}
	for i, p := range allowed {
		g.allowed[i] = unmapPrefix(p).Masked()
	}
	return g
}

// Allowed answers nil when the address may be dialled; plain says that the request will not be encrypted.
// An IPv4-mapped IPv6 address is the IPv4 address that the kernel makes of it. An address behind the NAT64 prefix (RFC 6052) needs
// that prefix to be allowed, and the IPv4 address in it must be allowed as well.
// Errors wrap ErrAddressRefused or ErrPlainHTTPRefused.
func (g Guard) Allowed(addr netip.Addr, plain bool) error {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || contains(never, addr) {
		return fmt.Errorf("%w: %s is never a destination", ErrAddressRefused, addr)
	}
	if contains(g.allowed, addr) {
		if nat64.Contains(addr) {
			return g.Allowed(embeddedIPv4(addr), plain)
		}
		return nil
	}
	if plain {
		return fmt.Errorf("%w: %s is in no allowed range", ErrPlainHTTPRefused, addr)
	}
	if isSpecial(addr) {
		return fmt.Errorf("%w: %s is not public and in no allowed range", ErrAddressRefused, addr)
	}
	return nil
}

// control is a net.Dialer's Control: the kernel is about to connect to this very address, so nothing can change it any more.
func (g Guard) control(plain bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: it is not an IP address and a port", ErrAddressRefused)
		}
		return g.Allowed(target.Addr(), plain)
	}
}

func isSpecial(addr netip.Addr) bool {
	if addr.Is4() {
		return contains(specialIPv4, addr)
	}
	return !globalUnicastIPv6.Contains(addr) || contains(specialIPv6, addr)
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// embeddedIPv4 is the last 32 bits: RFC 6052 section 2.2, for a /96 prefix.
func embeddedIPv4(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// unmapPrefix turns ::ffff:10.0.0.0/104 into 10.0.0.0/8, since addresses are compared unmapped.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}
