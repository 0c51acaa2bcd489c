package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MerchantGateway is one receiver of Thales D1's calls: the token endpoint and the notify-update endpoint of one merchantGatewayId,
// and where its notifications are delivered.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=mgw,categories=d1gateway
// +kubebuilder:selectablefield:JSONPath=`.spec.gatewayID`
// +kubebuilder:printcolumn:name="Gateway ID",type=string,JSONPath=`.spec.gatewayID`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Notification URL",type=string,JSONPath=`.status.notificationURL`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 160",message="metadata.name must have at most 160 characters: the serving documents are named after it"
type MerchantGateway struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the gateway should be.
	// +required
	Spec MerchantGatewaySpec `json:"spec,omitzero"`

	// status is what the operator found and did.
	// +optional
	Status MerchantGatewayStatus `json:"status,omitempty,omitzero"`
}

// MerchantGatewaySpec is what the gateway should be.
//
// +kubebuilder:validation:XValidation:rule="self.authentication.oauth != 'Disabled' || self.authentication.clientCertificate.mode == 'Required'",message="authentication.oauth Disabled needs authentication.clientCertificate.mode Required: without either, anybody could send notifications",fieldPath=".authentication.oauth"
// +kubebuilder:validation:XValidation:rule="!self.authentication.tokenEndpointMethods.exists(m, m == 'TLSClientAuth') || self.authentication.clientCertificate.mode == 'Required'",message="authentication.tokenEndpointMethods TLSClientAuth needs authentication.clientCertificate.mode Required: the handshake asks for a certificate only then",fieldPath=".authentication.tokenEndpointMethods"
// +kubebuilder:validation:XValidation:rule="self.accessTokens.binding != 'ClientCertificate' || self.authentication.clientCertificate.mode == 'Required'",message="accessTokens.binding ClientCertificate needs authentication.clientCertificate.mode Required: tokens are bound to the certificate of the connection",fieldPath=".accessTokens.binding"
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || has(self.hostnames)",message="tls needs hostnames: a caller chooses the certificate by the host that it names (SNI)",fieldPath=".tls"
// +kubebuilder:validation:XValidation:rule="self.merchants.unlisted != 'Deliver' || has(self.delivery.url)",message="merchants.unlisted Deliver needs delivery.url: it is where their notifications go",fieldPath=".delivery"
// +kubebuilder:validation:XValidation:rule="has(self.delivery.url) || !has(self.merchants.items) || self.merchants.items.all(m, has(m.delivery) && has(m.delivery.url))",message="every merchant without a delivery.url of its own needs the gateway's delivery.url",fieldPath=".delivery"
type MerchantGatewaySpec struct {
	// gatewayID is the merchantGatewayId that Thales gave at onboarding: ten letters, digits, underscores or hyphens.
	// It is unique in the cluster (the oldest resource holds it) and cannot be changed.
	// +required
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=10
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]{10}$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="gatewayID cannot be changed: create another MerchantGateway for another merchantGatewayId"
	GatewayID string `json:"gatewayID,omitempty"`

	// hostnames are the hosts on which D1 reaches this gateway, in lower case and without a port. When empty, it answers on any host.
	// The first one stands in the URLs of the status and in the issuer of access tokens; when empty, the operator's --external-url does.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Hostnames []Hostname `json:"hostnames,omitempty"`

	// tls is the certificate that the server presents on this gateway's hostnames. Without it the server presents its own.
	// +optional
	TLS *ServerTLS `json:"tls,omitempty,omitzero"`

	// tokenEndpoints are the paths that answer token requests, each in the dialect of one of the two D1 documents. Paths are unique.
	// The default is both documented paths.
	// +optional
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +default=[{"path":"/oauth2/token","dialect":"Ecom"},{"path":"/authz/d1/v1/oauth2/token","dialect":"Issuer"}]
	TokenEndpoints []TokenEndpoint `json:"tokenEndpoints,omitempty"`

	// accessTokens says how access tokens are made.
	// +optional
	// +default={"algorithm":"ES256"}
	AccessTokens AccessTokens `json:"accessTokens,omitempty,omitzero"`

	// authentication says how D1 proves who it is, at the notification endpoint and at the token endpoint.
	// +optional
	// +default={"oauth":"Required"}
	Authentication Authentication `json:"authentication,omitempty,omitzero"`

	// updateTypes says what becomes of an updateType that the D1 document does not list. Tolerant accepts and delivers it, as Thales
	// asks of integrators; Strict answers 400.
	// +optional
	// +default="Tolerant"
	UpdateTypes UpdateTypePolicy `json:"updateTypes,omitempty"`

	// merchants are the merchants that D1 may name.
	// +optional
	// +default={"unlisted":"Reject"}
	Merchants Merchants `json:"merchants,omitempty,omitzero"`

	// delivery is where notifications go and how; a merchant may override it field by field.
	// +optional
	// +default={"mode":"Durable"}
	Delivery Delivery `json:"delivery,omitempty,omitzero"`

	// tokenLookup asks the platform whether a token exists before its notification is accepted. Without it every well-formed
	// token is accepted.
	// +optional
	TokenLookup *TokenLookup `json:"tokenLookup,omitempty,omitzero"`

	// deletionPolicy says what becomes of notifications that are not delivered when the gateway is deleted. WaitForDelivery keeps the
	// resource until none waits: D1 is no longer answered, deliveries go on. Discard lets it go at once, and they are never delivered; it may be set
	// while a deletion waits.
	// +optional
	// +default="WaitForDelivery"
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// DeletionPolicy says what becomes of undelivered notifications when a gateway is deleted.
//
// +kubebuilder:validation:Enum=WaitForDelivery;Discard
type DeletionPolicy string

// The deletion policies.
const (
	// DeletionWaitForDelivery keeps the resource until every notification is delivered or given up.
	DeletionWaitForDelivery DeletionPolicy = "WaitForDelivery"
	// DeletionDiscard lets the resource go at once.
	DeletionDiscard DeletionPolicy = "Discard"
)

// Hostname is a lower-case DNS name without a port.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`
type Hostname string

// ServerTLS is what the server presents to D1.
type ServerTLS struct {
	// certificateSecretRef names the kubernetes.io/tls Secret with the certificate chain (tls.crt) and its key (tls.key). It must carry the
	// label d1gateway.io/allow-use: "true". The certificate
	// must be valid for at least one of hostnames; on the others the server presents its own. Thales pins the chain: tell them ahead of a
	// change of the issuer.
	// +required
	CertificateSecretRef SecretReference `json:"certificateSecretRef,omitzero"`
}

// Dialect is the way a token endpoint answers.
//
// +kubebuilder:validation:Enum=Ecom;Issuer
type Dialect string

// The dialects.
const (
	// DialectEcom answers expires_in as a number (D1 eCom document, RFC 6749).
	DialectEcom Dialect = "Ecom"
	// DialectIssuer answers expires_in as a string of digits (D1 issuer document).
	DialectIssuer Dialect = "Issuer"
)

// TokenEndpoint is a path that answers token requests.
type TokenEndpoint struct {
	// path is the exact request path, made of segments of letters, digits and . _ ~ - only.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^(/[A-Za-z0-9._~-]+)+$`
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/merchant-gateways/') && !self.startsWith('/.well-known/')",message="path must not begin with /merchant-gateways/ or /.well-known/: those belong to other endpoints"
	// +kubebuilder:validation:XValidation:rule="self.split('/').all(s, s != '.' && s != '..')",message="path must not contain . or .. segments: clients resolve them before they send"
	Path string `json:"path,omitempty"`

	// dialect is Ecom (expires_in is a number) or Issuer (expires_in is a string of digits).
	// +optional
	// +default="Ecom"
	Dialect Dialect `json:"dialect,omitempty"`
}

// SigningAlgorithm signs access tokens.
//
// +kubebuilder:validation:Enum=ES256;EdDSA;RS256
type SigningAlgorithm string

// The algorithms.
const (
	// AlgorithmES256 is ECDSA on P-256.
	AlgorithmES256 SigningAlgorithm = "ES256"
	// AlgorithmEdDSA is Ed25519.
	AlgorithmEdDSA SigningAlgorithm = "EdDSA"
	// AlgorithmRS256 is RSA with 2048 bits.
	AlgorithmRS256 SigningAlgorithm = "RS256"
)

// AccessTokens says how access tokens are made.
//
// +kubebuilder:validation:MinProperties=1
type AccessTokens struct {
	// lifetimeSeconds is how long an access token works.
	// +optional
	// +default=900
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	LifetimeSeconds int32 `json:"lifetimeSeconds,omitempty"`

	// algorithm signs access tokens. A change makes a new key; tokens signed with the former one work until they expire.
	// +optional
	// +default="ES256"
	Algorithm SigningAlgorithm `json:"algorithm,omitempty"`

	// keyRotationDays is how long a signing key signs before its successor does. The key is kept until its last token has expired.
	// +optional
	// +default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	KeyRotationDays int32 `json:"keyRotationDays,omitempty"`

	// withdrawnKeys are ids of signing keys (status.signingKeys) that must not be trusted any more: every token signed with one of them stops working
	// at once, and a new key takes its place if it was the one that signs. Once the gateway is Ready with this list, no server replica accepts them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	WithdrawnKeys []SigningKeyID `json:"withdrawnKeys,omitempty"`

	// binding is None, or ClientCertificate: a token then works only on connections with the client certificate that it was issued on
	// (RFC 8705 section 3). When D1 renews its certificate it needs a new token.
	// +optional
	// +default="None"
	Binding TokenBinding `json:"binding,omitempty"`
}

// SigningKeyID is the id of a signing key: the kid in the header of access tokens.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._-]+$`
type SigningKeyID string

// TokenBinding says what an access token is bound to.
//
// +kubebuilder:validation:Enum=None;ClientCertificate
type TokenBinding string

// The bindings of access tokens.
const (
	// TokenBindingNone lets whoever has the token use it (RFC 6750).
	TokenBindingNone TokenBinding = "None"
	// TokenBindingClientCertificate binds tokens to the client certificate they were issued on (RFC 8705 section 3).
	TokenBindingClientCertificate TokenBinding = "ClientCertificate"
)

// SecretReference names a Secret in the same namespace. The Secret must carry the label d1gateway.io/allow-use: "true".
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name,omitempty"`
}

// UpdateTypePolicy says what becomes of an unlisted updateType.
//
// +kubebuilder:validation:Enum=Tolerant;Strict
type UpdateTypePolicy string

// The update type policies.
const (
	// UpdateTypesTolerant accepts every well-formed updateType.
	UpdateTypesTolerant UpdateTypePolicy = "Tolerant"
	// UpdateTypesStrict answers 400 to an updateType that the D1 document does not list.
	UpdateTypesStrict UpdateTypePolicy = "Strict"
)

// UnlistedMerchants says what becomes of a merchant that is not listed.
//
// +kubebuilder:validation:Enum=Reject;Deliver
type UnlistedMerchants string

// The policies for unlisted merchants.
const (
	// UnlistedReject answers 404 UNKNOWN_MERCHANT.
	UnlistedReject UnlistedMerchants = "Reject"
	// UnlistedDeliver accepts every well-formed merchant id and uses the default delivery.
	UnlistedDeliver UnlistedMerchants = "Deliver"
)

// Merchants are the merchants that D1 may name.
//
// +kubebuilder:validation:MinProperties=1
type Merchants struct {
	// unlisted is Reject (404 UNKNOWN_MERCHANT) or Deliver: every well-formed merchant id goes to the default delivery.
	// +optional
	// +default="Reject"
	Unlisted UnlistedMerchants `json:"unlisted,omitempty"`

	// items are the listed merchants.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Items []Merchant `json:"items,omitempty"`
}

// Merchant is one listed merchant.
type Merchant struct {
	// id is the merchantId in D1's path (the token requestor id): eleven letters, digits, underscores or hyphens.
	// +required
	// +kubebuilder:validation:MinLength=11
	// +kubebuilder:validation:MaxLength=11
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]{11}$`
	ID string `json:"id,omitempty"`

	// delivery overrides the gateway's delivery, field by field.
	// +optional
	Delivery *DeliveryOverride `json:"delivery,omitempty,omitzero"`
}
