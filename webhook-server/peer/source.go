package peer

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const forwardedFor = "X-Forwarded-For"

// sourceBits is how much of an IPv6 address names its source: a site is given at least a /64, and one host may use all of it.
const sourceBits = 64

// Source answers where a request comes from: the address at the other end of its connection. When that is a trusted proxy, it is the
// last address in X-Forwarded-For that is not itself a trusted proxy's; what stands left of it the client may have made up. An entry that
// is no address ends the search at the proxy that wrote it. The answer is not valid for a connection that has no address.
func (v *Resolver) Source(r *http.Request) netip.Addr {
	source := parseRemote(r.RemoteAddr)
	if !v.trusted(source) {
		return source
	}
	for _, line := range slices.Backward(r.Header[forwardedFor]) {
		for more := true; more; {
			var entry string
			line, entry, more = cutLast(line)
			if entry == "" {
				continue // an empty list element means nothing (RFC 9110 section 5.6.1.2)
			}
			address, ok := parseEntry(entry)
			if !ok {
				return source
			}
			if source = address; !v.trusted(source) {
				return source
			}
		}
	}
	return source
}

// SourceKey answers what limits count a source by: an IPv4 address itself, of an IPv6 address the first 64 bits. It alone says which
// addresses are one source; whoever limits sources is given its answer.
func SourceKey(source netip.Addr) netip.Addr {
	source = plain(source)
	if !source.Is6() {
		return source
	}
	prefix, _ := source.Prefix(sourceBits) // no error: an IPv6 address has that many bits
	return prefix.Addr()
}

func (v *Resolver) trusted(a netip.Addr) bool {
	for _, p := range v.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// cutLast cuts a list at its last comma; more is false when there was none.
func cutLast(list string) (before, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", strings.Trim(list, " \t"), false
	}
	return list[:i], strings.Trim(list[i+1:], " \t"), true
}

// parseEntry reads an address with or without a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80.
func parseEntry(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return plain(a), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			a, err := netip.ParseAddr(inner)
			return plain(a), err == nil && strings.Contains(inner, ":")
		}
	}
	a, err := netip.ParseAddrPort(s)
	return plain(a.Addr()), err == nil
}

// parseRemote reads what net/http says of the other end; the zero address stands for anything that is not an address and a port.
func parseRemote(remote string) netip.Addr {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return plain(a.Addr())
}

// plain is an address in its one form: IPv4 not mapped into IPv6, and without a zone, which no address range has.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}
