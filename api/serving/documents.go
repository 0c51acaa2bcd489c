package serving

import "time"

// Format is the version of the document formats; a reader refuses any other.
const Format = "d1gateway.io/serving/v1"

// Kind names a document's kind.
type Kind string

// The kinds of documents.
const (
	KindGateway        Kind = "Gateway"
	KindGatewaySecrets Kind = "GatewaySecrets"
	KindClient         Kind = "Client"
)

// Header begins every document: what it is and which resource it was made from.
type Header struct {
	Format string `json:"format"`
	Kind   Kind   `json:"kind"`
	// Namespace and Name are those of the MerchantGateway or OAuthClient.
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// UID is its metadata.uid, which tells it from a later resource of the same name; empty outside a cluster.
	UID string `json:"uid,omitempty"`
	// Generation is the metadata.generation this document was made from; 0 outside a cluster.
	Generation int64 `json:"generation"`
}

// Dialect is how a token endpoint answers.
type Dialect string

// The dialects of the two D1 documents.
const (
	// DialectEcom answers expires_in as a number.
	DialectEcom Dialect = "Ecom"
	// DialectIssuer answers expires_in as a string of digits.
	DialectIssuer Dialect = "Issuer"
)

// Algorithm signs access tokens (RFC 7518, RFC 8037).
type Algorithm string

// The algorithms; the list is closed, "none" and HMAC are not on it.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	RS256 Algorithm = "RS256"
)

// AuthMethod is a way for a client to authenticate at the token endpoint, by its registered name (RFC 8414 section 2,
// token_endpoint_auth_methods_supported).
type AuthMethod string

// The methods; the list is closed.
const (
	ClientSecretBasic AuthMethod = "client_secret_basic"
	ClientSecretPost  AuthMethod = "client_secret_post"
	PrivateKeyJWT     AuthMethod = "private_key_jwt"
	TLSClientAuth     AuthMethod = "tls_client_auth"
)

// NotifyScope is the scope that a token needs at the notification endpoint.
const NotifyScope = "d1:notify"

// Gateway is what is not secret of one MerchantGateway.
type Gateway struct {
	Header
	// GatewayID is the merchantGatewayId in D1's path.
	GatewayID string `json:"gatewayID"`
	// Hostnames are the hosts it answers on, lower case, without port; none means any.
	Hostnames []string `json:"hostnames,omitempty"`
	// TokenEndpoints are its token paths, ordered by path.
	TokenEndpoints []TokenEndpoint `json:"tokenEndpoints"`
	// AuthMethods are the ways in which clients may authenticate at the token endpoints, in order. Empty only when OAuthDisabled.
	AuthMethods []AuthMethod `json:"authMethods,omitempty"`
	// Issuer is the iss and aud of its access tokens: an absolute URL, unique to the gateway.
	Issuer string `json:"issuer"`
	// AccessTokenSeconds is the lifetime of an access token.
	AccessTokenSeconds int `json:"accessTokenSeconds"`
	// CertificateBoundTokens binds access tokens to the client certificate they were issued on (RFC 8705 section 3).
	CertificateBoundTokens bool `json:"certificateBoundTokens,omitempty"`
	// SigningKeys are ids in GatewaySecrets.SigningKeys: all that verify, in the order they were made.
	SigningKeys []string `json:"signingKeys"`
	// SigningRotationRequest is the last value of the rotate-delivery-signing-requested-at annotation that was acted on.
	SigningRotationRequest string `json:"signingRotationRequest,omitempty"`
	// RotationRequest is the last value of the rotate-requested-at annotation that was acted on.
	RotationRequest string `json:"rotationRequest,omitempty"`
	// OAuthDisabled: no bearer token is looked at, the client certificate alone decides.
	OAuthDisabled bool `json:"oauthDisabled,omitempty"`
	// ServerCertificate is an id in GatewaySecrets.Certificates: what the server presents on Hostnames. Empty presents the server's own.
	ServerCertificate string `json:"serverCertificate,omitempty"`
	// ClientCertificate is required of D1 when not nil.
	ClientCertificate *ClientCertificate `json:"clientCertificate,omitempty"`
	// StrictUpdateTypes answers an updateType that the D1 document does not list with 400.
	StrictUpdateTypes bool `json:"strictUpdateTypes,omitempty"`
	// DeliverUnlisted accepts merchants that are not listed and sends theirs to Delivery.
	DeliverUnlisted bool `json:"deliverUnlisted,omitempty"`
	// Merchants are the listed merchants, ordered by id.
	Merchants []Merchant `json:"merchants,omitempty"`
	// Delivery is the default destination; nil when every merchant has its own.
	Delivery *Destination `json:"delivery,omitempty"`
	// TokenLookup asks the platform whether a token exists; nil accepts every token.
	TokenLookup *TokenLookup `json:"tokenLookup,omitempty"`
	// Draining: the gateway is being deleted. D1 is not answered any more, what was accepted is still delivered.
	Draining bool `json:"draining,omitempty"`
}

// TokenEndpoint is one path that answers token requests.
type TokenEndpoint struct {
	Path    string  `json:"path"`
	Dialect Dialect `json:"dialect"`
}

// ClientCertificate says which client certificates are D1's.
type ClientCertificate struct {
	// CABundle is an id in GatewaySecrets.CABundles.
	CABundle string `json:"caBundle"`
	CertificateRules
}

// Merchant is one listed merchant.
type Merchant struct {
	ID string `json:"id"`
	// Delivery is its own destination, the gateway's defaults filled in; nil uses the gateway's.
	Delivery *Destination `json:"delivery,omitempty"`
}

// Destination is where notifications go, and how. Every field is set; nothing is left to the reader's defaults.
type Destination struct {
	// Synchronous forwards first and answers D1 with what came of it.
	Synchronous    bool   `json:"synchronous,omitempty"`
	URL            string `json:"url"`
	TimeoutSeconds int    `json:"timeoutSeconds"`
	Retry          Retry  `json:"retry"`
	// Ordered: notifications of a token are delivered one after the other.
	Ordered bool `json:"ordered,omitempty"`
	// MergeRepeats drops a notification that repeats one that waits and has not been attempted.
	MergeRepeats bool `json:"mergeRepeats,omitempty"`
	// SigningSecrets are ids in GatewaySecrets.SigningSecrets; each signs, the current one first.
	SigningSecrets []string `json:"signingSecrets"`
	TLS            TLS      `json:"tls,omitzero"`
	// OAuth gets the access tokens that requests carry; nil sends none.
	OAuth *OAuth `json:"oauth,omitempty"`
	// MaxPerSecond bounds the attempts per second; 0 means no bound.
	MaxPerSecond int `json:"maxPerSecond,omitempty"`
	// MaxInFlight bounds the attempts under way at once.
	MaxInFlight int `json:"maxInFlight"`
}

// Retry is the schedule of attempts after the first: either DelaysSeconds, or InitialSeconds and MaxSeconds.
type Retry struct {
	MaxAgeHours int `json:"maxAgeHours"`
	// DelaysSeconds are the waits before the second attempt and those after it. There are as many further attempts.
	DelaysSeconds []int `json:"delaysSeconds,omitempty"`
	// InitialSeconds is a wait that doubles with each attempt, up to MaxSeconds, as long as MaxAgeHours allow. Both are 0 with DelaysSeconds.
	InitialSeconds int `json:"initialSeconds,omitempty"`
	MaxSeconds     int `json:"maxSeconds,omitempty"`
}

// OAuth gets access tokens by client credentials (RFC 6749 section 4.4).
type OAuth struct {
	TokenURL string `json:"tokenURL"`
	// Credentials is an id in GatewaySecrets.ClientCredentials.
	Credentials string   `json:"credentials"`
	Scopes      []string `json:"scopes,omitempty"`
	TLS         TLS      `json:"tls,omitzero"`
}

// TLS is what a connection to a destination uses.
type TLS struct {
	// CABundle is an id in GatewaySecrets.CABundles; empty trusts the system's roots.
	CABundle string `json:"caBundle,omitempty"`
	// ClientCertificate is an id in GatewaySecrets.Certificates; empty presents none.
	ClientCertificate string `json:"clientCertificate,omitempty"`
}

// TokenLookup asks the platform whether a token exists: GET, 2xx is known, 404 unknown.
type TokenLookup struct {
	// URL holds {merchantId} and {tokenId}.
	URL                  string `json:"url"`
	TimeoutSeconds       int    `json:"timeoutSeconds"`
	CacheSeconds         int    `json:"cacheSeconds"`
	NewTokenGraceSeconds int    `json:"newTokenGraceSeconds"`
	TLS                  TLS    `json:"tls,omitzero"`
	// OAuth gets the access tokens that requests carry; nil sends none.
	OAuth *OAuth `json:"oauth,omitempty"`
}

// GatewaySecrets is the secret material of one MerchantGateway: a superset of what its Gateway document names.
type GatewaySecrets struct {
	Header
	SigningKeys    []SigningKey     `json:"signingKeys,omitempty"`
	SigningSecrets []SigningSecret  `json:"signingSecrets,omitempty"`
	CABundles      []CABundle       `json:"caBundles,omitempty"`
	Certificates   []KeyCertificate `json:"certificates,omitempty"`
	// ClientCredentials authenticate the server at the token endpoints of destinations.
	ClientCredentials []ClientCredentials `json:"clientCredentials,omitempty"`
}

// SigningKey signs access tokens. The key that signs is the newest one whose SignsFrom has come.
type SigningKey struct {
	// ID is the kid.
	ID        string    `json:"id"`
	Algorithm Algorithm `json:"algorithm"`
	// PrivateKey is PKCS #8 in PEM.
	PrivateKey Secret    `json:"privateKey"`
	CreatedAt  time.Time `json:"createdAt"`
	// SignsFrom lies after CreatedAt for a successor, so that every replica can verify before any signs with it.
	SignsFrom time.Time `json:"signsFrom"`
	// TokensUntil is when the last token that it has signed so far has expired for every server, whose clocks may differ. It is set when a successor
	// is published; on a key without one it remembers tokens of a lifetime that was longer than the present one, and later ones may live
	// longer. It never moves back: a key with a successor is dropped when it has come.
	TokensUntil time.Time `json:"tokensUntil,omitzero"`
}

// SigningSecret signs deliveries (Standard Webhooks): "whsec_" and the base64 of an HMAC key, or "whsk_" and the base64 of an Ed25519 private key (64 bytes, RFC 8032 seed and public key).
type SigningSecret struct {
	ID     string `json:"id"`
	Secret Secret `json:"secret"`
	// CreatedAt is when the operator made a generated secret; zero for one of the user's, and for one that has not been rotated yet. The server goes by neither date.
	CreatedAt time.Time `json:"createdAt,omitzero"`
	// SignsUntil is when a generated secret that has a successor stops signing; zero while that is not decided. The operator takes it out of the destinations then.
	SignsUntil time.Time `json:"signsUntil,omitzero"`
}

// ClientCredentials are a client's id and secret at an authorization server.
type ClientCredentials struct {
	ID           string `json:"id"`
	ClientID     string `json:"clientID"`
	ClientSecret Secret `json:"clientSecret"`
}

// CABundle is one or more CA certificates in PEM.
type CABundle struct {
	ID  string `json:"id"`
	PEM string `json:"pem"`
}

// KeyCertificate is a certificate chain and its key, both in PEM.
type KeyCertificate struct {
	ID             string `json:"id"`
	CertificatePEM string `json:"certificatePEM"`
	KeyPEM         Secret `json:"keyPEM"`
}

// ObjectName is the name of the object (or, with ".json", of the file) that holds the document: kind, namespace and name joined by
// dots. A namespace has no dot, so two resources never share a name. GatewaySecrets and Client are Secrets, Gateway is a ConfigMap.
func (h Header) ObjectName() string {
	prefix := map[Kind]string{KindGateway: "gateway", KindGatewaySecrets: "gateway-secrets", KindClient: "client"}[h.Kind]
	return prefix + "." + h.Namespace + "." + h.Name
}
