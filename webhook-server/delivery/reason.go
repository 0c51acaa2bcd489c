package delivery

import "github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"

// Reason says what came of an attempt. The set is closed: a reason is a metric label, and what the store keeps as the last reason.
type Reason string

// The reasons that an answer gives.
const (
	// Delivered: 2xx. The store keeps no reason with it.
	Delivered Reason = "delivered"
	// Gone: 410. The notification is dead at once.
	Gone Reason = "gone"
	// Redirected: 3xx. Redirects are not followed: the URL of the destination has to be changed.
	Redirected Reason = "redirected"
	// RequestTimeout: 408.
	RequestTimeout Reason = "request_timeout"
	// Throttled: 429.
	Throttled Reason = "throttled"
	// ClientError: any other 4xx.
	ClientError Reason = "client_error"
	// ServerError: 5xx.
	ServerError Reason = "server_error"
	// TokenRefused: 401 to a request that carried an access token.
	TokenRefused Reason = "token_refused"
	// UnexpectedStatus: a status that is not in any of these classes.
	UnexpectedStatus Reason = "unexpected_status"
)

// The reasons for no answer: the faults of the network.
const (
	Timeout           = Reason(outbound.FaultTimeout)
	DNS               = Reason(outbound.FaultDNS)
	ConnectionRefused = Reason(outbound.FaultConnectionRefused)
	ConnectionLost    = Reason(outbound.FaultConnectionLost)
	TLS               = Reason(outbound.FaultTLS)
	AddressRefused    = Reason(outbound.FaultAddressRefused)
	PlainHTTPRefused  = Reason(outbound.FaultPlainHTTPRefused)
	InvalidURL        = Reason(outbound.FaultInvalidURL)
	Network           = Reason(outbound.FaultNetwork)
	// TokenUnavailable counts as a failure of the destination, whose configuration names the token endpoint.
	TokenUnavailable = Reason(outbound.FaultTokenUnavailable)
	// Proxy: nothing reached the destination, and not by its fault. So it is no attempt.
	Proxy        = Reason(outbound.FaultProxy)
	ProxyRefused = Reason(outbound.FaultProxyRefused)
)

// The reasons for no request.
const (
	// UnknownDestination: the gateway or the merchant is not served any more. The notification waits until they come back, for 96 hours at
	// most. That is no attempt.
	UnknownDestination Reason = "unknown_destination"
	// Expired: when its turn came it was too old for another attempt. One that became too old by its last attempt keeps that attempt's reason.
	Expired Reason = "expired"
	// Busy: Forward found as many requests under way as the destination allows, until its time was over.
	Busy Reason = "busy"
	// Stopped: the server ended the attempt because it is stopping. It does not count as an attempt.
	Stopped Reason = "stopped"
)

// Reasons lists the closed set.
func Reasons() []Reason {
	all := []Reason{
		Delivered, Gone, Redirected, RequestTimeout, Throttled, ClientError, ServerError, TokenRefused, UnexpectedStatus,
		UnknownDestination, Expired, Busy, Stopped,
	}
	for _, f := range outbound.Faults() {
		all = append(all, Reason(f))
	}
	return all
}
