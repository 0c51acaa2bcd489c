package httpx

import (
	"net/http"
	"net/netip"
	"strings"
)

// HasHost says whether the request names its host as RFC 9112 section 3.2 demands: the Host field, or in its place the authority of an absolute
// target, is a host of RFC 3986 with or without a port. No host at all is for the server below to judge.
func HasHost(r *http.Request) bool {
	if r.URL.IsAbs() && (r.URL.Scheme != "http" && r.URL.Scheme != "https" || r.URL.Host == "") {
		return false // RFC 9110 section 4.2.1
	}
	return IsHost(r.Host)
}

// IsHost says whether text is a host of RFC 3986 section 3.2.2, with or without a port, or empty.
func IsHost(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		address, err := netip.ParseAddr(inner)
		return ok && err == nil && address.Is6() && address.Zone() == ""
	}
	return isRegisteredName(host)
}

// isRegisteredName takes an IPv4 address for a name, as the grammar does.
func isRegisteredName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~!$&'()*+,;=", c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
