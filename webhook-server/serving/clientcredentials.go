package serving

import (
	"crypto/sha256"
	"fmt"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// ClientCredentials get access tokens from an authorization server (RFC 6749 section 4.4).
type ClientCredentials struct {
	TokenURL     string
	ClientID     string
	ClientSecret api.Secret
	// Scopes are asked for; none leaves them to the authorization server.
	Scopes []string
	// Endpoint is how to reach TokenURL. It has no OAuth.
	Endpoint *Endpoint
	// Identity is a digest of all the above: a token got by one is good for another with the same Identity.
	Identity [sha256.Size]byte
}

func (m material) clientCredentials(doc *api.OAuth) (*ClientCredentials, error) {
	endpoint, err := m.endpoint(doc.TLS, nil)
	if err != nil {
		return nil, fmt.Errorf("oauth: %w", err)
	}
	known := m.credentials[doc.Credentials]
	c := &ClientCredentials{
		TokenURL: doc.TokenURL, ClientID: known.ClientID, ClientSecret: known.ClientSecret, Scopes: doc.Scopes, Endpoint: endpoint,
	}
	h := sha256.New()
	for _, part := range append([]string{c.TokenURL, c.ClientID, c.ClientSecret.Reveal(), doc.TLS.CABundle, doc.TLS.ClientCertificate}, c.Scopes...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // the length tells where one ends
	}
	h.Sum(c.Identity[:0])
	return c, nil
}
