package outbound

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// refusal makes a fault of a proxy's answer to CONNECT that opened no tunnel.
//
// 403 is the proxy's policy: the destination is not one that it lets through, and waiting changes nothing. 502, 503 and 504 say that the proxy
// failed or that the destination did, and it cannot be known which: they are held against the proxy, in the merchant's favour, unless the
// proxy says by Proxy-Status (RFC 9209) that the destination was at fault. Any other answer is a matter of the proxy's set-up.
func refusal(res *http.Response) error {
	text := "the proxy answered " + strconv.Itoa(res.StatusCode)
	said := proxyStatus(res.Header)
	switch {
	case said == "" && res.StatusCode == http.StatusForbidden:
		return &failure{FaultProxyRefused, text}
	case said == "":
		return &failure{FaultProxy, text}
	}
	return &failure{proxyErrors[said], text + ", " + said}
}

// proxyErrors are those of RFC 9209's registered error types (section 2.3) that tell more than the status.
var proxyErrors = map[string]Fault{
	"dns_timeout":               FaultDNS,
	"dns_error":                 FaultDNS,
	"destination_not_found":     FaultDNS,
	"destination_unavailable":   FaultNetwork,
	"destination_ip_unroutable": FaultNetwork,
	"connection_refused":        FaultConnectionRefused,
	"connection_terminated":     FaultConnectionLost,
	"connection_timeout":        FaultTimeout,
	"destination_ip_prohibited": FaultProxyRefused,
	"http_request_denied":       FaultProxyRefused,
	"proxy_internal_error":      FaultProxy,
	"proxy_configuration_error": FaultProxy,
	"connection_limit_reached":  FaultProxy,
	"proxy_internal_response":   FaultProxy,
	"proxy_loop_detected":       FaultProxy,
}

// proxyStatus answers the registered error type that the last proxy on the way has set, or "". What is not registered is not repeated.
func proxyStatus(h http.Header) string {
	members := strings.Split(strings.Join(h.Values("Proxy-Status"), ","), ",")
	parameters := strings.Split(members[len(members)-1], ";")[1:]
	i := slices.IndexFunc(parameters, func(p string) bool { return strings.HasPrefix(strings.TrimSpace(p), "error=") })
	if i < 0 {
		return ""
	}
	name := strings.TrimPrefix(strings.TrimSpace(parameters[i]), "error=")
	if _, known := proxyErrors[name]; !known {
		return ""
	}
	return name
}
