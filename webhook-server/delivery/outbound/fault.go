package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Fault is why a request got no answer: a closed set, fit for a metric label.
type Fault string

// The faults.
const (
	// FaultTimeout: no answer within the time that the request had.
	FaultTimeout Fault = "timeout"
	// FaultDNS: the host's name was not resolved.
	FaultDNS Fault = "dns"
	// FaultConnectionRefused: nothing listens there.
	FaultConnectionRefused Fault = "connection_refused"
	// FaultConnectionLost: the peer ended the connection before it had answered. With TLS 1.3 a refused client certificate can look like
	// this too, when the connection is closed before the peer's alert has been read.
	FaultConnectionLost Fault = "connection_lost"
	// FaultTLS: the handshake failed: a certificate that is not trusted, a name that does not match, a client certificate refused.
	FaultTLS Fault = "tls"
	// FaultAddressRefused: the host's name led to an address that Guard does not allow.
	FaultAddressRefused Fault = "address_refused"
	// FaultPlainHTTPRefused: a plain http URL led to an address outside the allowed ranges.
	FaultPlainHTTPRefused Fault = "plain_http_refused"
	// FaultInvalidURL: the URL cannot be requested.
	FaultInvalidURL Fault = "invalid_url"
	// FaultTokenUnavailable: the request needs an access token, and the authorization server could not be reached, refused or gave none.
	FaultTokenUnavailable Fault = "token_unavailable" // #nosec G101 -- a fault's name
	// FaultProxy: the egress proxy could not be reached, refused for reasons of its own, or did not open the tunnel in time. It says nothing
	// about the destination.
	FaultProxy Fault = "proxy"
	// FaultProxyRefused: the egress proxy does not let requests through to this destination.
	FaultProxyRefused Fault = "proxy_refused"
	// FaultNetwork: anything else, for example no route, or an answer that is not HTTP.
	FaultNetwork Fault = "network"
)

// Faults lists the closed set.
func Faults() []Fault {
	return []Fault{FaultTimeout, FaultDNS, FaultConnectionRefused, FaultConnectionLost, FaultTLS, FaultAddressRefused, FaultPlainHTTPRefused, FaultInvalidURL,
		FaultTokenUnavailable, FaultProxy, FaultProxyRefused, FaultNetwork}
}

// failure is an error whose fault is known. Its text may be shown: it repeats no URL, no credentials and nothing that a peer answered.
type failure struct {
	fault Fault
	text  string
}

// Error answers the text.
func (f *failure) Error() string { return f.text }

// FaultOf classifies an error of Transports.Do.
func FaultOf(err error) Fault {
	var (
		known *failure
		dns   *net.DNSError
	)
	switch {
	case errors.As(err, &known):
		return known.fault
	case errors.Is(err, ErrPlainHTTPRefused):
		return FaultPlainHTTPRefused
	case errors.Is(err, ErrAddressRefused):
		return FaultAddressRefused
	case errors.Is(err, ErrInvalidURL):
		return FaultInvalidURL
	case errors.As(err, &dns): // before the timeout: a name server that hangs is a matter of names
		return FaultDNS
	case isTimeout(err):
		return FaultTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return FaultConnectionRefused
	case isTLS(err):
		return FaultTLS
	case isLost(err):
		return FaultConnectionLost
	default:
		return FaultNetwork
	}
}

func isTimeout(err error) bool {
	var timed interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &timed) && timed.Timeout())
}

func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		op           *net.OpError
	)
	if errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid) {
		return true
	}
	// An alert that the peer sent comes as a net.OpError with this operation; its type is not exported.
	if errors.As(err, &op) && op.Op == "remote error" {
		return true
	}
	return err != nil && strings.HasPrefix(err.Error(), "tls: ")
}

func isLost(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return true
	}
	text := err.Error() // net/http does not export these
	return slices.ContainsFunc([]string{"server closed idle connection", "client conn could not be established", "client connection lost", "client conn not usable"},
		func(known string) bool { return strings.Contains(text, known) })
}

// Detail is what may be shown of an error of Transports.Do to the person who runs the server: it names addresses and certificates.
// It is empty where the text could repeat the peer's answer or the URL, either of which may hold a secret. At most 200 bytes.
func Detail(err error) string {
	text := ""
	var known *failure
	switch FaultOf(err) {
	case FaultTLS, FaultAddressRefused, FaultPlainHTTPRefused, FaultConnectionRefused, FaultDNS:
		text = err.Error()
	case FaultTimeout, FaultConnectionLost, FaultInvalidURL, FaultNetwork, FaultTokenUnavailable, FaultProxy, FaultProxyRefused:
	}
	if errors.As(err, &known) {
		text = known.text
	}
	return strings.ToValidUTF8(text[:min(len(text), 200)], "")
}
