package serving

import "time"

// Client is one OAuthClient.
type Client struct {
	Header
	// Gateway is the name of its MerchantGateway, in the same namespace.
	Gateway  string   `json:"gateway"`
	ClientID string   `json:"clientID"`
	Scopes   []string `json:"scopes"`
	// Suspended clients get no token, and their live tokens do not work.
	Suspended bool `json:"suspended,omitempty"`
	// TokensNotBefore ends every token issued before it (to the second): the client's creation, or its last suspension. It is later than
	// any token may be dated at a suspension, so servers date new tokens as of then when it lies a little ahead.
	TokensNotBefore time.Time `json:"tokensNotBefore,omitzero"`
	// RotationRequest is the last value of the rotate-requested-at annotation that was acted on.
	RotationRequest string `json:"rotationRequest,omitempty"`
	// Exactly one of the following is set: it says how the client authenticates.

	// Credentials are its live secrets, the current one first (client_secret_basic, client_secret_post).
	Credentials []Credential `json:"credentials,omitempty"`
	// PublicKeys verify its assertions (private_key_jwt).
	PublicKeys []PublicKey `json:"publicKeys,omitempty"`
	// Certificate says which certificates are its own, among those that the gateway accepts (tls_client_auth).
	Certificate *OwnCertificate `json:"certificate,omitempty"`
}

// PublicKey is one key of a client that signs its assertions.
type PublicKey struct {
	// ID is stable and follows from the key.
	ID string `json:"id"`
	// KeyID is the kid that the client gives it; empty when it gives none.
	KeyID string `json:"keyID,omitempty"`
	// Algorithm is the only one it verifies, of AssertionAlgorithms; empty for an RSA key that verifies RS256 and PS256.
	Algorithm string `json:"algorithm,omitempty"`
	// PEM is the key in PKIX form.
	PEM       string    `json:"pem"`
	CreatedAt time.Time `json:"createdAt"`
}

// OwnCertificate says which certificates are a client's own.
type OwnCertificate struct {
	// ID is stable and follows from the rules.
	ID string `json:"id"`
	CertificateRules
	CreatedAt time.Time `json:"createdAt"`
}

// Credential is one live secret of a client.
type Credential struct {
	// ID is stable and says nothing of the secret.
	ID        string       `json:"id"`
	Digest    SecretDigest `json:"digest"`
	CreatedAt time.Time    `json:"createdAt"`
	// ExpiresAt is when it stops working; zero means not yet decided: the current one.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// CertificateRules say which certificates are meant; where both lists are given, both must hold.
type CertificateRules struct {
	// Subjects lists accepted subjects as comma-separated attributes ("CN=d1-out,O=Thales"); a certificate
	// matches one when it has all of its attributes. None asks for no subject.
	Subjects []string `json:"subjects,omitempty"`
	// SubjectAltNames lists accepted alternative names as type and value ("DNS:d1.thales.example", "URI:...", "EMAIL:...", "IP:..."); a
	// certificate matches when it carries one of them. None asks for no alternative name.
	SubjectAltNames []string `json:"subjectAltNames,omitempty"`
}
