package clientauth

// Reason is why an authentication failed, for logs and metrics only: the answer is the same for most. The set is closed.
type Reason string

// The reasons.
const (
	// NoCredentials: none were presented, or none that can be read.
	NoCredentials Reason = "no_credentials"
	UnknownClient Reason = "unknown_client"
	WrongSecret   Reason = "wrong_secret"
	ExpiredSecret Reason = "expired_secret"
	Suspended     Reason = "suspended"
	// MethodNotAllowed: the gateway does not allow the method, or it is not the client's.
	MethodNotAllowed Reason = "method_not_allowed"
	// BadAssertion: a client assertion that does not hold.
	BadAssertion Reason = "bad_assertion"
	// BadCertificate: no client certificate, or one that is not the client's.
	BadCertificate Reason = "bad_certificate"
	// TooMany: the client has failed too often from this source; nothing was compared.
	TooMany Reason = "too_many_failures"
)

// Reasons lists every reason, so that counters can begin at zero.
func Reasons() []Reason {
	return []Reason{NoCredentials, UnknownClient, WrongSecret, ExpiredSecret, Suspended, MethodNotAllowed, BadAssertion, BadCertificate, TooMany}
}
