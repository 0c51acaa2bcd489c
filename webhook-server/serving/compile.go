package serving

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// CertPool is a set of CA certificates.
type CertPool = *x509.CertPool

// Key signs and verifies access tokens.
type Key struct {
	ID        string
	Algorithm api.Algorithm
	Private   crypto.Signer
	Public    crypto.PublicKey
}

// Endpoint is how to reach a URL: what TLS trusts and presents there, and the access token that requests carry.
type Endpoint struct {
	// RootCAs is nil for the system's roots.
	RootCAs CertPool
	// Certificate is presented when the peer asks for one; nil presents none.
	Certificate *tls.Certificate
	// Identity names the TLS material by id: connections made for one Endpoint serve another with the same Identity.
	Identity api.TLS
	// OAuth gets the access tokens that requests carry; nil sends none.
	OAuth *ClientCredentials
}

// material is the GatewaySecrets document, by id.
type material struct {
	keys         map[string]api.SigningKey
	secrets      map[string]api.SigningSecret
	bundles      map[string]api.CABundle
	certificates map[string]api.KeyCertificate
	credentials  map[string]api.ClientCredentials

	endpoints map[api.TLS]*Endpoint // those parsed so far: most destinations of a gateway share one
}

func newMaterial(s *api.GatewaySecrets) material {
	m := material{
		keys: map[string]api.SigningKey{}, secrets: map[string]api.SigningSecret{},
		bundles: map[string]api.CABundle{}, certificates: map[string]api.KeyCertificate{},
		credentials: map[string]api.ClientCredentials{}, endpoints: map[api.TLS]*Endpoint{},
	}
	for _, k := range s.SigningKeys {
		m.keys[k.ID] = k
	}
	for _, k := range s.SigningSecrets {
		m.secrets[k.ID] = k
	}
	for _, c := range s.CABundles {
		m.bundles[c.ID] = c
	}
	for _, c := range s.Certificates {
		m.certificates[c.ID] = c
	}
	for _, c := range s.ClientCredentials {
		m.credentials[c.ID] = c
	}
	return m
}

var errMaterialMissing = errors.New("what it names is not in the gateway's secrets")

// compileGateway parses a gateway's keys and certificates, as far as they are not known yet. No error repeats secret text.
func compileGateway(doc *api.Gateway, secrets *api.GatewaySecrets, known authoritiesByText) (*Gateway, error) {
	if missing := doc.Missing(secrets); missing != "" {
		return nil, fmt.Errorf("%w: %s", errMaterialMissing, missing)
	}
	m := newMaterial(secrets)
	g := &Gateway{Gateway: doc, keys: map[string]*Key{}, merchants: make(map[string]*Destination, len(doc.Merchants))}
	for _, id := range doc.SigningKeys {
		key, err := parseKey(m.keys[id])
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", id, err)
		}
		g.keys[id] = key
		g.timeline = append(g.timeline, timedKey{m.keys[id].SignsFrom, key})
	}
	slices.SortStableFunc(g.timeline, func(a, b timedKey) int { return a.from.Compare(b.from) })
	if c := doc.ClientCertificate; c != nil {
		authorities, err := known.parse(m.bundles[c.CABundle])
		if err != nil {
			return nil, err
		}
		g.ClientCAs = authorities
	}
	var err error
	if doc.ServerCertificate != "" {
		if g.Certificate, err = parseCertificate(m.certificates[doc.ServerCertificate]); err != nil {
			return nil, err
		}
	}
	g.compileAudiences()
	lane := doc.Namespace + "/" + doc.Name + "/" + doc.GatewayID
	if doc.Delivery != nil {
		if g.fallback, err = m.destination(doc.Delivery, lane); err != nil {
			return nil, fmt.Errorf("delivery: %w", err)
		}
	}
	for _, merchant := range doc.Merchants {
		g.merchants[merchant.ID] = g.fallback
		if merchant.Delivery == nil {
			continue
		}
		if g.merchants[merchant.ID], err = m.destination(merchant.Delivery, lane+"/"+merchant.ID); err != nil {
			return nil, fmt.Errorf("delivery of merchant %s: %w", merchant.ID, err)
		}
	}
	if doc.TokenLookup != nil {
		if g.lookup, err = m.endpoint(doc.TokenLookup.TLS, doc.TokenLookup.OAuth); err != nil {
			return nil, fmt.Errorf("tokenLookup: %w", err)
		}
	}
	return g, nil
}

func (m material) destination(doc *api.Destination, lane string) (*Destination, error) {
	endpoint, err := m.endpoint(doc.TLS, doc.OAuth)
	if err != nil {
		return nil, err
	}
	d := &Destination{Destination: doc, Lane: lane, Endpoint: endpoint}
	for _, id := range doc.SigningSecrets {
		key, err := ParseWebhookKey(m.secrets[id].Secret)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		d.SigningKeys = append(d.SigningKeys, key)
	}
	return d, nil
}

// endpoint answers what a connection with that TLS uses, and where the access tokens come from: oauth is nil for none.
func (m material) endpoint(t api.TLS, oauth *api.OAuth) (*Endpoint, error) {
	e, err := m.connection(t)
	if err != nil || oauth == nil {
		return e, err
	}
	authorized := *e
	authorized.OAuth, err = m.clientCredentials(oauth)
	return &authorized, err
}

func (m material) connection(t api.TLS) (*Endpoint, error) {
	if e := m.endpoints[t]; e != nil {
		return e, nil
	}
	e := &Endpoint{Identity: t}
	if t.CABundle != "" {
		pool, err := parseBundle(m.bundles[t.CABundle])
		if err != nil {
			return nil, err
		}
		e.RootCAs = pool
	}
	if t.ClientCertificate != "" {
		certificate, err := parseCertificate(m.certificates[t.ClientCertificate])
		if err != nil {
			return nil, err
		}
		e.Certificate = certificate
	}
	m.endpoints[t] = e
	return e, nil
}

func parseCertificate(c api.KeyCertificate) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(c.CertificatePEM), []byte(c.KeyPEM.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("certificate %s and its key do not go together or cannot be read", c.ID)
	}
	return &pair, nil
}

// compileClient parses a client's public keys.
func compileClient(doc *api.Client) (*Client, error) {
	c := &Client{Client: doc}
	for i := range doc.PublicKeys {
		k := &doc.PublicKeys[i]
		block, _ := pem.Decode([]byte(k.PEM))
		if block == nil {
			return nil, fmt.Errorf("public key %s is not PEM", k.ID)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key %s is not in PKIX form", k.ID)
		}
		if !verifies(k.Algorithm, key) {
			return nil, fmt.Errorf("public key %s does not go with its algorithm", k.ID)
		}
		c.Keys = append(c.Keys, ClientKey{PublicKey: k, Key: key})
	}
	return c, nil
}

// verifies says whether assertions of that algorithm (any of the key's own, when empty) can be verified with the key.
func verifies(algorithm string, public crypto.PublicKey) bool {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return algorithm == "ES256" && key.Curve == elliptic.P256() || algorithm == "ES384" && key.Curve == elliptic.P384()
	case ed25519.PublicKey:
		return algorithm == "EdDSA" || algorithm == "Ed25519"
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048 && (algorithm == "" || algorithm == "RS256" || algorithm == "PS256")
	default:
		return false
	}
}

func parseBundle(b api.CABundle) (CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(b.PEM)) {
		return nil, fmt.Errorf("CA bundle %s holds no certificate", b.ID)
	}
	return pool, nil
}

func parseKey(k api.SigningKey) (*Key, error) {
	block, _ := pem.Decode([]byte(k.PrivateKey.Reveal()))
	if block == nil {
		return nil, errors.New("private key is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("private key is not PKCS #8")
	}
	ok := false
	switch key := parsed.(type) {
	case *ecdsa.PrivateKey:
		ok = k.Algorithm == api.ES256 && key.Curve == elliptic.P256()
	case ed25519.PrivateKey:
		ok = k.Algorithm == api.EdDSA
	case *rsa.PrivateKey:
		ok = k.Algorithm == api.RS256 && key.N.BitLen() >= 2048
	}
	if !ok {
		return nil, fmt.Errorf("private key does not go with %s", k.Algorithm)
	}
	signer := parsed.(crypto.Signer)
	return &Key{ID: k.ID, Algorithm: k.Algorithm, Private: signer, Public: signer.Public()}, nil
}
