package translate

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Prefixes of the ids of material. An id follows from the content, so that a change is a new id and the same content is the same id.
const (
	caBundleMaterial       = "ca"
	certificateMaterial    = "certificate"
	usersSigningSecret     = "secret"
	generatedSigningSecret = "generated"
)

// The prefixes of Standard Webhooks.
const (
	signingSecretPrefix = "whsec_"
	signingKeyPrefix    = "whsk_"
	publicKeyPrefix     = "whpk_"
)

// materialID answers prefix and 64 bits of a digest over parts. The parts of secret material hold at least 192 bits of randomness each, so
// the id tells nothing about them.
func materialID(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return prefix + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// parseCABundle reads the CA certificates of a Secret. Comments between them are left out: they are not part of what is trusted.
func parseCABundle(data map[string][]byte) (serving.CABundle, error) {
	raw := data[v1alpha1.KeyCABundle]
	if len(raw) == 0 {
		return serving.CABundle{}, missingKey(v1alpha1.KeyCABundle)
	}
	var bundle strings.Builder
	certificates := 0
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		certificates++
		if block.Type != "CERTIFICATE" {
			return serving.CABundle{}, fmt.Errorf("PEM block %d of %s is a %q, only certificates belong there", certificates, v1alpha1.KeyCABundle, block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return serving.CABundle{}, fmt.Errorf("certificate %d of %s cannot be read", certificates, v1alpha1.KeyCABundle)
		}
		bundle.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
	}
	// pem.Decode passes over a damaged block in silence; a CA that is trusted no more because of a typing error must not go unnoticed.
	if begun := strings.Count(string(raw), "-----BEGIN "); certificates == 0 || begun != certificates {
		return serving.CABundle{}, fmt.Errorf("%s holds no certificate in PEM, or a damaged one", v1alpha1.KeyCABundle)
	}
	text := bundle.String()
	return serving.CABundle{ID: materialID(caBundleMaterial, text), PEM: text}, nil
}

// parseKeyCertificate reads the certificate chain and key of a kubernetes.io/tls Secret.
func parseKeyCertificate(data map[string][]byte) (serving.KeyCertificate, error) {
	for _, key := range []string{v1alpha1.KeyTLSCertificate, v1alpha1.KeyTLSKey} {
		if len(data[key]) == 0 {
			return serving.KeyCertificate{}, missingKey(key)
		}
	}
	certificate, key := string(data[v1alpha1.KeyTLSCertificate]), string(data[v1alpha1.KeyTLSKey])
	if _, err := tls.X509KeyPair([]byte(certificate), []byte(key)); err != nil {
		return serving.KeyCertificate{}, fmt.Errorf("%s and %s do not go together or cannot be read: %w", v1alpha1.KeyTLSCertificate, v1alpha1.KeyTLSKey, err)
	}
	return serving.KeyCertificate{ID: materialID(certificateMaterial, certificate, key), CertificatePEM: certificate, KeyPEM: serving.NewSecret(key)}, nil
}

func caBundleID(c serving.CABundle) string           { return c.ID }
func certificateID(c serving.KeyCertificate) string  { return c.ID }
func signingSecretID(s serving.SigningSecret) string { return s.ID }
func signingKeyID(k serving.SigningKey) string       { return k.ID }

// addMaterial adds m unless it is there.
func addMaterial[T any](all []T, m T, id func(T) string) []T {
	if slices.ContainsFunc(all, func(have T) bool { return id(have) == id(m) }) {
		return all
	}
	return append(all, m)
}

// gatewaySecrets answers the document for the material, and with it what the previous Gateway document names: material is added before
// a document names it and pruned after none does, so that a reader of either document finds all it needs.
func gatewaySecrets(header serving.Header, material serving.GatewaySecrets, previous *serving.Gateway, had *serving.GatewaySecrets) *serving.GatewaySecrets {
	secrets := material
	secrets.Header = header
	secrets.Kind = serving.KindGatewaySecrets
	if previous != nil && had != nil {
		named := materialNamedBy(previous)
		secrets.SigningKeys = carry(secrets.SigningKeys, had.SigningKeys, named, signingKeyID)
		secrets.SigningSecrets = carry(secrets.SigningSecrets, had.SigningSecrets, named, signingSecretID)
		secrets.CABundles = carry(secrets.CABundles, had.CABundles, named, caBundleID)
		secrets.Certificates = carry(secrets.Certificates, had.Certificates, named, certificateID)
		secrets.ClientCredentials = carry(secrets.ClientCredentials, had.ClientCredentials, named, clientCredentialsID)
	}
	sortKeys(secrets.SigningKeys)
	sortByID(secrets.SigningSecrets, signingSecretID)
	sortByID(secrets.CABundles, caBundleID)
	sortByID(secrets.Certificates, certificateID)
	sortByID(secrets.ClientCredentials, clientCredentialsID)
	return &secrets
}

func carry[T any](needed, had []T, named []string, id func(T) string) []T {
	all := slices.Clone(needed)
	for _, m := range had {
		if slices.Contains(named, id(m)) {
			all = addMaterial(all, m, id)
		}
	}
	return all
}

func sortByID[T any](all []T, id func(T) string) {
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}

// materialNamedBy answers all ids of material in a Gateway document.
func materialNamedBy(g *serving.Gateway) []string {
	ids := append(slices.Clone(g.SigningKeys), g.ServerCertificate)
	add := func(t serving.TLS) { ids = append(ids, t.CABundle, t.ClientCertificate) }
	oauth := func(o *serving.OAuth) {
		if o != nil {
			ids = append(ids, o.Credentials)
			add(o.TLS)
		}
	}
	destination := func(d *serving.Destination) {
		if d != nil {
			ids = append(ids, d.SigningSecrets...)
			add(d.TLS)
			oauth(d.OAuth)
		}
	}
	destination(g.Delivery)
	for _, m := range g.Merchants {
		destination(m.Delivery)
	}
	if g.ClientCertificate != nil {
		ids = append(ids, g.ClientCertificate.CABundle)
	}
	if g.TokenLookup != nil {
		add(g.TokenLookup.TLS)
		oauth(g.TokenLookup.OAuth)
	}
	return ids
}
