package serving

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxDocumentBytes bounds an encoded document: what fits in one Kubernetes object.
const MaxDocumentBytes = 1 << 20

// LabelDocument marks the ConfigMaps and Secrets that hold a document; its value is the document's kind.
const LabelDocument = "d1gateway.io/serving-document"

// DataKey is the key in such a ConfigMap or Secret under which the document stands.
const DataKey = "document.json"

// Document is a *Gateway, a *GatewaySecrets or a *Client.
type Document interface {
	// Head answers the document's header.
	Head() Header
	// Validate names the first field that a reader could not work with.
	Validate() error
	// wire answers the value whose JSON is the encoding, secrets in the clear.
	wire() any
}

// Head answers the header itself.
func (h Header) Head() Header { return h }

func (g *Gateway) wire() any { return g }
func (c *Client) wire() any  { return c }

// Encode answers the canonical bytes of a valid document. They hold secrets in the clear, except for a Gateway.
func Encode(d Document) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d.wire()); err != nil {
		return nil, fmt.Errorf("encoding %s document: %w", d.Head().Kind, err)
	}
	if b.Len() > MaxDocumentBytes {
		return nil, fmt.Errorf("%s document has %d bytes, at most %d fit in one object", d.Head().Kind, b.Len(), MaxDocumentBytes)
	}
	return b.Bytes(), nil
}

// Decode reads one document of any kind. It accepts only what Encode writes: an unknown, repeated or misspelled member, other
// spacing or order, trailing data and an invalid value are all errors. No error repeats a secret.
func Decode(b []byte) (Document, error) {
	if len(b) > MaxDocumentBytes {
		return nil, fmt.Errorf("document has %d bytes, more than %d", len(b), MaxDocumentBytes)
	}
	var head Header
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, errors.New("document is not a JSON object with a header")
	}
	if head.Format != Format {
		return nil, fmt.Errorf("format %q is not %q: operator and server are of versions that do not go together", head.Format, Format)
	}
	d, err := newDocument(head.Kind)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("decoding %s document: %w", head.Kind, err)
	}
	canonical, err := Encode(d)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(canonical, b) {
		return nil, fmt.Errorf("%s document is not in canonical form", head.Kind)
	}
	return d, nil
}

func newDocument(k Kind) (Document, error) {
	switch k {
	case KindGateway:
		return new(Gateway), nil
	case KindGatewaySecrets:
		return new(GatewaySecrets), nil
	case KindClient:
		return new(Client), nil
	default:
		return nil, fmt.Errorf("kind %q is not a document kind", k)
	}
}

// The types below are the wire form of GatewaySecrets: the same members, with the text that Secret does not print.
type (
	gatewaySecretsWire struct {
		Header
		SigningKeys    []signingKeyWire     `json:"signingKeys,omitempty"`
		SigningSecrets []signingSecretWire  `json:"signingSecrets,omitempty"`
		CABundles      []CABundle           `json:"caBundles,omitempty"`
		Certificates   []keyCertificateWire `json:"certificates,omitempty"`

		ClientCredentials []clientCredentialsWire `json:"clientCredentials,omitempty"`
	}
	signingKeyWire struct {
		ID         string    `json:"id"`
		Algorithm  Algorithm `json:"algorithm"`
		PrivateKey string    `json:"privateKey"`
		CreatedAt  time.Time `json:"createdAt"`
		SignsFrom  time.Time `json:"signsFrom"`

		TokensUntil time.Time `json:"tokensUntil,omitzero"`
	}
	signingSecretWire struct {
		ID        string    `json:"id"`
		Secret    string    `json:"secret"`
		CreatedAt time.Time `json:"createdAt,omitzero"`

		SignsUntil time.Time `json:"signsUntil,omitzero"`
	}
	keyCertificateWire struct {
		ID             string `json:"id"`
		CertificatePEM string `json:"certificatePEM"`
		KeyPEM         string `json:"keyPEM"`
	}
	clientCredentialsWire struct {
		ID           string `json:"id"`
		ClientID     string `json:"clientID"`
		ClientSecret string `json:"clientSecret"`
	}
)

func (s *GatewaySecrets) wire() any {
	w := gatewaySecretsWire{Header: s.Header, CABundles: s.CABundles}
	for _, k := range s.SigningKeys {
		w.SigningKeys = append(w.SigningKeys, signingKeyWire{ID: k.ID, Algorithm: k.Algorithm, PrivateKey: k.PrivateKey.Reveal(), CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, TokensUntil: k.TokensUntil})
	}
	for _, k := range s.SigningSecrets {
		w.SigningSecrets = append(w.SigningSecrets, signingSecretWire{ID: k.ID, Secret: k.Secret.Reveal(), CreatedAt: k.CreatedAt, SignsUntil: k.SignsUntil})
	}
	for _, c := range s.Certificates {
		w.Certificates = append(w.Certificates, keyCertificateWire{ID: c.ID, CertificatePEM: c.CertificatePEM, KeyPEM: c.KeyPEM.Reveal()})
	}
	for _, c := range s.ClientCredentials {
		w.ClientCredentials = append(w.ClientCredentials, clientCredentialsWire{ID: c.ID, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal()})
	}
	return w
}
