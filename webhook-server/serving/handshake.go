package serving

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"slices"
)

// maxHandshakeBundles bounds how many different bundles of CAs a handshake tries a chain against.
const maxHandshakeBundles = 16

// Handshake is what TLS handshakes on one host go by. It is made once a Snapshot, and never changes.
type Handshake struct {
	// Certificates are those of the gateways on the host that are valid for its name, each once; whether their time has come is left to
	// look at.
	Certificates []*tls.Certificate
	// AsksClient says that some gateway on the host requires a client certificate.
	AsksClient bool
	// RequiresClient says that all of them do, so that a client without one has nothing to say here.
	RequiresClient bool
	// ClientCAs accept what one of the gateways that require a certificate accepts. They are nil when those have more different bundles
	// than a handshake tries: the verdict is each gateway's then.
	ClientCAs *Authorities
	// NamedCAs tell the client which of its certificates to choose; nil when the gateways do not all have the same.
	NamedCAs *x509.CertPool
}

// Handshake answers for the host that a client names in its handshake, "" when it names none; never nil.
//
// A client that names no host may mean any gateway by its Host header, and one that names a host which no gateway names, those that answer
// on every host, or any where there are none. Such a handshake requires a certificate only when those gateways all do and have the same CAs.
func (s *Snapshot) Handshake(host string) *Handshake {
	h := s.handshakes.unnamed
	if host != "" {
		h = s.handshakes.other
		if named := s.handshakes.named[canonicalHost(host)]; named != nil {
			h = named
		}
	}
	if h == nil {
		return &Handshake{} // of the Snapshot that is there before any document
	}
	return h
}

type handshakes struct {
	named   map[string]*Handshake // by a host that gateways name
	other   *Handshake            // on any other host
	unnamed *Handshake            // on no host
}

func newHandshakes(s *Snapshot) handshakes {
	onAnyHost := requirements{}.with(s.anyHost)
	all := requirements{}.with(s.ordered)
	made := handshakes{named: make(map[string]*Handshake, len(s.byHost)), unnamed: all.handshake(all.shareOne())}
	made.other = made.unnamed
	if onAnyHost.gateways > 0 {
		made.other = onAnyHost.handshake(onAnyHost.shareOne())
	}
	for host, gateways := range s.byHost {
		h := onAnyHost.with(gateways).handshake(true)
		h.Certificates = certificatesFor(host, gateways) // a gateway that names no host has none
		made.named[host] = h
	}
	return made
}

// requirements sums up what gateways ask of a handshake.
type requirements struct {
	gateways, requiring int
	bundles             []*Authorities // each once; no more than one beyond the limit
}

func (r requirements) with(gateways []*Gateway) requirements {
	r.bundles = slices.Clone(r.bundles)
	for _, g := range gateways {
		r.gateways++
		if g.ClientCertificate == nil {
			continue
		}
		r.requiring++
		if len(r.bundles) <= maxHandshakeBundles && !slices.Contains(r.bundles, g.ClientCAs) {
			r.bundles = append(r.bundles, g.ClientCAs)
		}
	}
	return r
}

func (r requirements) shareOne() bool { return len(r.bundles) == 1 }

// handshake requires a client certificate of all or, when it may not, only asks for one.
func (r requirements) handshake(mayRequire bool) *Handshake {
	h := &Handshake{AsksClient: r.requiring > 0, RequiresClient: mayRequire && r.requiring > 0 && r.requiring == r.gateways}
	if r.shareOne() {
		h.NamedCAs = r.bundles[0].Pool()
	}
	if h.RequiresClient && len(r.bundles) <= maxHandshakeBundles {
		h.ClientCAs = union(r.bundles)
	}
	return h
}

// certificatesFor answers those of the gateways that are valid for the host.
func certificatesFor(host string, gateways []*Gateway) []*tls.Certificate {
	var list []*tls.Certificate
	known := map[string]bool{}
	for _, g := range gateways {
		if g.Certificate == nil || g.Certificate.Leaf.VerifyHostname(host) != nil {
			continue
		}
		chain := string(bytes.Join(g.Certificate.Certificate, nil))
		if !known[chain] {
			known[chain] = true
			list = append(list, g.Certificate)
		}
	}
	return list
}
