package app

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

var (
	errNoClientCertificate = errors.New("no client certificate")
	errSubject             = errors.New("client certificate's subject is not listed")
)

// connection remembers for which gateways its client certificate was found good, so that the chain is built once a connection and not
// once a request. A changed gateway is another *serving.Gateway and is looked at anew.
type connection struct {
	mu   sync.Mutex
	good map[*serving.Gateway]bool
}

// maxRemembered bounds what a long connection collects over many configuration changes.
const maxRemembered = 16

type connectionKey struct{}

// withConnection is the server's ConnContext.
func withConnection(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{good: map[*serving.Gateway]bool{}})
}

// verifyClientCertificate answers nil when the gateway asks for no client certificate or the request's connection has a good one.
func verifyClientCertificate(r *http.Request, g *serving.Gateway, now time.Time) error {
	if g.ClientCertificate == nil {
		return nil
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return errNoClientCertificate
	}
	leaf := r.TLS.PeerCertificates[0]
	if c, ok := r.Context().Value(connectionKey{}).(*connection); ok && now.Before(leaf.NotAfter) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.good[g] {
			return nil
		}
		err := verifyCertificate(g, r.TLS.PeerCertificates, now)
		if err == nil {
			if len(c.good) == maxRemembered {
				clear(c.good)
			}
			c.good[g] = true
		}
		return err
	}
	return verifyCertificate(g, r.TLS.PeerCertificates, now)
}

func verifyCertificate(g *serving.Gateway, chain []*x509.Certificate, now time.Time) error {
	if err := verifyChain(g, chain, now); err != nil {
		return err
	}
	if !subjectListed(chain[0].Subject, g.ClientCertificate.Subjects) {
		return errSubject
	}
	return nil
}

// verifyChain checks signatures, dates and the client authentication usage up to one of the gateway's CAs.
func verifyChain(g *serving.Gateway, chain []*x509.Certificate, now time.Time) error {
	if len(chain) == 0 {
		return errNoClientCertificate
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         g.ClientCAs,
		Intermediates: intermediates,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// subjectListed says whether the subject has all attributes of one of the listed subjects. No list accepts every subject.
func subjectListed(subject pkix.Name, listed []string) bool {
	if len(listed) == 0 {
		return true
	}
	return slices.ContainsFunc(listed, func(want string) bool { return hasAttributes(subject, want) })
}

func hasAttributes(subject pkix.Name, want string) bool {
	for attribute := range strings.SplitSeq(want, ",") {
		kind, value, _ := strings.Cut(attribute, "=")
		// An absent attribute reads as "" and matches nothing.
		if value == "" || !slices.Contains(attributeValues(subject, kind), value) {
			return false
		}
	}
	return true
}

func attributeValues(subject pkix.Name, kind string) []string {
	switch kind {
	case "CN":
		return []string{subject.CommonName}
	case "O":
		return subject.Organization
	case "OU":
		return subject.OrganizationalUnit
	case "C":
		return subject.Country
	case "L":
		return subject.Locality
	case "ST":
		return subject.Province
	case "SERIALNUMBER":
		return []string{subject.SerialNumber}
	default:
		return nil
	}
}
