package listener

import (
	"net"
	"net/netip"
	"slices"
)

// source is what connections knows of one source address.
type source struct {
	open int
	idle [tiers]queue
}

// sourceOf answers the address by which a connection's source is counted, and whether it is exempt. An IPv6 host has a whole /64.
func (g *connections) sourceOf(conn net.Conn) (netip.Addr, bool) {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	address := tcp.AddrPort().Addr().Unmap().WithZone("")
	if slices.ContainsFunc(g.exempt, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return address, true
	}
	if address.Is6() {
		prefix, _ := address.Prefix(64) // fails for more bits than an address has only
		return prefix.Addr(), false
	}
	return address, false
}
