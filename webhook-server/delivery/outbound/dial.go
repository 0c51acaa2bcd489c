package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// resolveTime bounds the look at the addresses of a name that the proxy will resolve by itself.
const resolveTime = 2 * time.Second

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialing makes connections, directly or through the proxy.
type dialing struct {
	guard    Guard
	proxy    *Proxy // nil for none
	resolver *net.Resolver
	open     context.Context // when it ends, so does what is asked of the proxy
}

// dialer answers what dials; plain says that the request will not be encrypted.
func (d dialing) dialer(plain bool) dialFunc {
	if d.proxy == nil {
		// Control is asked for each address that is dialled, so of a name with several addresses only those that are allowed are tried.
		direct := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: d.resolver, Control: d.guard.control(plain)}
		return direct.DialContext
	}
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(d.open, cancel)()
		if err := d.permits(ctx, address, plain); err != nil {
			return nil, err
		}
		return d.proxy.connect(ctx, address)
	}
}

// permits asks the guard about a host that the proxy will dial. An address is judged as it is. A name is refused when any of its addresses
// is; one that is not known here is left to the proxy, since the DNS of a cluster may know no public name, unless the request is plain: that
// may only go to the allowed ranges.
func (d dialing) permits(ctx context.Context, address string, plain bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w: it is not a host and a port", ErrAddressRefused)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return d.guard.Allowed(addr, plain)
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if endsInNumber(name) {
		return fmt.Errorf("%w: the host looks like an IPv4 address in an unusual form", ErrAddressRefused)
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761 section 6.3: the proxy would take itself for it
		return d.guard.Allowed(netip.AddrFrom4([4]byte{127, 0, 0, 1}), plain)
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	addresses, err := d.resolver.LookupNetIP(ctx, "ip", name)
	if err != nil || len(addresses) == 0 {
		if plain {
			return fmt.Errorf("%w: the host's addresses are not known here", ErrPlainHTTPRefused)
		}
		return nil
	}
	for _, a := range addresses {
		if err := d.guard.Allowed(a, plain); err != nil {
			return err
		}
	}
	return nil
}

// endsInNumber says whether some resolvers would take the name for an IPv4 address: 127.1, 2130706433, 0x7f.1. No public name ends so.
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
