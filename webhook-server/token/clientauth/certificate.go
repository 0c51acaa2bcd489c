package clientauth

import (
	api "github.com/d1gateway/d1gateway/api/serving"
)

// byCertificate authenticates by the certificate of the connection (RFC 8705 section 2.1): one that the gateway accepts, and that is
// the client's own.
func (a *Authenticator) byCertificate(t attempt, id string) (Authenticated, Outcome) {
	client := t.find(id)
	suspect, ok := a.admit(t, client, id)
	if !ok {
		return Authenticated{}, TooManyFailures
	}
	switch {
	case client == nil:
		return a.fail(t, suspect, failure{reason: UnknownClient})
	case client.Certificate == nil || !client.Gateway.Allows(api.TLSClientAuth):
		return a.fail(t, suspect, failure{client: client, reason: MethodNotAllowed})
	case client.Suspended:
		return a.fail(t, suspect, failure{client: client, reason: Suspended})
	}
	certificate, err := a.options.Certificate(t.request, client.Gateway)
	if err == nil {
		err = a.options.Matches(certificate, client.Certificate.CertificateRules)
	}
	if err != nil {
		return a.fail(t, suspect, failure{client: client, reason: BadCertificate, detail: err.Error()})
	}
	return a.succeed(t, client, api.TLSClientAuth, client.Certificate.ID)
}
