package v1alpha1

// DeliverySigningAlgorithm signs deliveries by Standard Webhooks.
//
// +kubebuilder:validation:Enum=HMAC;Ed25519
type DeliverySigningAlgorithm string

// The algorithms.
const (
	// SigningHMAC is HMAC-SHA256, signature v1: the backend verifies with the secret that signs.
	SigningHMAC DeliverySigningAlgorithm = "HMAC"
	// SigningEd25519 is Ed25519, signature v1a: the backend verifies with a public key.
	SigningEd25519 DeliverySigningAlgorithm = "Ed25519"
)

// DeliverySigning says what signs deliveries (Standard Webhooks). Without a secretRef the operator generates it and writes it to the Secret
// <name of the gateway>-delivery-signing, for the backend that verifies; the annotation d1gateway.io/rotate-delivery-signing-requested-at on the MerchantGateway asks for new material.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="!has(self.secretRef) || (!has(self.algorithms) && !has(self.overlapHours))",message="algorithms and overlapHours are for generated secrets: they do not go with secretRef",fieldPath=".secretRef"
type DeliverySigning struct {
	// secretRef names the Secret whose key "secret" holds "whsec_" and the base64 of 24 to 64 bytes (HMAC), or "whsk_" and the base64 of an Ed25519 private key of 64 bytes. While the key
	// "secret_previous" is present too, deliveries are signed with both, so that backends can change over, from one algorithm to the other as well.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty,omitzero"`

	// algorithms are those that the generated material signs with, each with a signature of its own; HMAC when absent. The Secret's key "secret" holds the secret of
	// HMAC ("whsec_"), and its key "public_key" the public key of Ed25519 ("whpk_"), which status.deliveryPublicKeys shows as well.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Algorithms []DeliverySigningAlgorithm `json:"algorithms,omitempty"`

	// overlapHours is how long the former generated material goes on signing beside the new one after a rotation; 168 when absent.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2160
	OverlapHours int32 `json:"overlapHours,omitempty"`
}

// DeliveryOAuth gets access tokens for deliveries from an authorization server (RFC 6749 section 4.4).
type DeliveryOAuth struct {
	// tokenURL is the token endpoint.
	// +required
	TokenURL HTTPURL `json:"tokenURL,omitempty"`

	// secretRef names the Secret whose keys "client_id" and "client_secret" authenticate the server there, by HTTP Basic.
	// +required
	SecretRef SecretReference `json:"secretRef,omitzero"`

	// scopes are asked for; when absent, the authorization server decides.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[!#-\[\]-~]+$`
	Scopes []string `json:"scopes,omitempty"`

	// tls is used when the tokenURL is https. Without it, the certificate must be of a CA that the system trusts.
	// +optional
	TLS *ClientTLS `json:"tls,omitempty,omitzero"`
}

// ClientTLS is what a connection to a destination uses.
//
// +kubebuilder:validation:MinProperties=1
type ClientTLS struct {
	// caSecretRef names the Secret whose key ca.crt holds the CA certificates to trust in place of the system's.
	// +optional
	CASecretRef *SecretReference `json:"caSecretRef,omitempty,omitzero"`

	// clientCertificateSecretRef names the Secret of type kubernetes.io/tls whose certificate is presented.
	// +optional
	ClientCertificateSecretRef *SecretReference `json:"clientCertificateSecretRef,omitempty,omitzero"`
}
