package clientauth_test

import (
	"crypto/x509"
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestTLSClientAuth(t *testing.T) {
	d := newDoor(t)
	d.UseCertificate(api.CertificateRules{Subjects: []string{"CN=d1-out"}})
	d.Publish()
	named := post("client_id", fixture.ClientID)
	d.wantRefused(named, clientauth.BadClient, clientauth.BadCertificate)
	d.certificate = new(x509.Certificate)
	if who := d.wantIn(named, api.TLSClientAuth); who.CredentialID != "own" {
		t.Errorf("authenticated by %s", who.CredentialID)
	}
	d.wantRefused(post(), clientauth.BadClient, clientauth.NoCredentials)
	d.wantRefused(post("client_id", ""), clientauth.BadClient, clientauth.NoCredentials)
	d.wantRefused(post("client_id", "nobody"), clientauth.BadClient, clientauth.UnknownClient)
	d.wantRefused(post("client_id", fixture.ClientID, "client_id", fixture.ClientID), clientauth.BadClient, clientauth.NoCredentials)
	// Another method that fails is not made good by the certificate.
	d.wantRefused(post("client_id", fixture.ClientID, "client_secret", "x"), clientauth.BadClient, clientauth.MethodNotAllowed)
	d.wantRefused(post("client_id", fixture.ClientID, "client_assertion", "x"), clientauth.BadClient, clientauth.BadAssertion)
	withBasic := named
	withBasic.authorization = []string{"Basic !"}
	d.wantRefused(withBasic, clientauth.BadClient, clientauth.NoCredentials)

	d.matching = "CN=another"
	d.log.Reset()
	d.wantRefused(named, clientauth.BadClient, clientauth.BadCertificate)
	if !strings.Contains(d.log.String(), "its subject is not listed") {
		t.Errorf("the detail is not logged: %s", d.log)
	}
	d.matching = "CN=d1-out"
	d.certificate = nil
	d.wantRefused(named, clientauth.BadClient, clientauth.BadCertificate)
}

// The gateway's CA decides which certificates are accepted, so each client is asked for with its own gateway.
func TestACertificateIsCheckedWithTheClientsOwnGateway(t *testing.T) {
	d := newDoor(t)
	other := d.Another("globex", "MGW_000002", "is_tbank02")
	for _, w := range []*fixture.World{d.World, other} {
		w.UseCertificate(api.CertificateRules{Subjects: []string{"CN=d1-out"}})
		w.Publish()
	}
	d.certificate = new(x509.Certificate)
	for _, id := range []string{fixture.ClientID, "is_tbank02"} {
		if who, refusal := d.knock(post("client_id", id)); refusal != "" || who.Client.ClientID != id || d.askedOf != who.Client.Gateway.GatewayID {
			t.Errorf("%s: got %q, the certificate was asked of %s", id, refusal, d.askedOf)
		}
	}
}
