package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MerchantGatewayStatus is what the operator found and did.
//
// +kubebuilder:validation:MinProperties=1
type MerchantGatewayStatus struct {
	// conditions are Accepted, ResolvedRefs, Programmed and Ready. Ready is True when the others are.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// tokenURLs are the token URLs to hand to Thales: those that are served.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=2048
	TokenURLs []string `json:"tokenURLs,omitempty"`

	// notificationURL is the base URL to hand to Thales; D1 appends /merchant-gateways/... to it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	NotificationURL string `json:"notificationURL,omitempty"`

	// signingSecretName is the Secret with the generated delivery signing secret, for the backends that verify. Empty when none was needed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SigningSecretName string `json:"signingSecretName,omitempty"`

	// deliveryPublicKeys are the public keys ("whpk_", Standard Webhooks) that verify what generated Ed25519 keys sign, the newest first.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	DeliveryPublicKeys []string `json:"deliveryPublicKeys,omitempty"`

	// lastHandledSigningRotationRequest is the value of the annotation d1gateway.io/rotate-delivery-signing-requested-at that was acted on last: every server replica
	// signs deliveries with the new material.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LastHandledSigningRotationRequest string `json:"lastHandledSigningRotationRequest,omitempty"`

	// signingKeys are the keys that verify access tokens, the newest last.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	SigningKeys []SigningKeyStatus `json:"signingKeys,omitempty"`

	// withdrawnKeys are the ids of spec.accessTokens.withdrawnKeys that no server replica accepts any more.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	WithdrawnKeys []SigningKeyID `json:"withdrawnKeys,omitempty"`

	// lastHandledRotationRequest is the value of the annotation d1gateway.io/rotate-requested-at that was acted on last: the new signing key
	// is published by every server replica.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	LastHandledRotationRequest string `json:"lastHandledRotationRequest,omitempty"`

	// certificates are the certificates that the gateway makes use of, the one that expires first at the front.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Certificates []CertificateStatus `json:"certificates,omitempty"`

	// serverCertificateIssuer says who has issued the certificate that D1 sees, and whether that has changed.
	// +optional
	ServerCertificateIssuer *CertificateIssuerStatus `json:"serverCertificateIssuer,omitempty,omitzero"`

	// undelivered is how many notifications wait for their delivery: of each store the highest number that a server replica has counted in it,
	// all stores together. It is set while the gateway is being deleted.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Undelivered *int64 `json:"undelivered,omitempty"`
}

// CertificateUse says what a certificate is used for.
//
// +kubebuilder:validation:Enum=Server;ClientCA;DeliveryCA;DeliveryClient;LookupCA;LookupClient
type CertificateUse string

// The uses of certificates.
const (
	// CertificateServer is presented to D1 (spec.tls).
	CertificateServer CertificateUse = "Server"
	// CertificateClientCA verifies D1's client certificate (spec.authentication.clientCertificate).
	CertificateClientCA CertificateUse = "ClientCA"
	// CertificateDeliveryCA and CertificateDeliveryClient are of connections to backends (delivery.tls).
	CertificateDeliveryCA     CertificateUse = "DeliveryCA"
	CertificateDeliveryClient CertificateUse = "DeliveryClient"
	// CertificateLookupCA and CertificateLookupClient are of connections to the token look-up (spec.tokenLookup.tls).
	CertificateLookupCA     CertificateUse = "LookupCA"
	CertificateLookupClient CertificateUse = "LookupClient"
)

// CertificateStatus is one certificate that a gateway makes use of. Of a chain or bundle it is the certificate that expires first.
type CertificateStatus struct {
	// secretName is the Secret that holds it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// use is what it is used for.
	// +required
	Use CertificateUse `json:"use,omitempty"`

	// subject is whom it names (RFC 4514).
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Subject string `json:"subject,omitempty"`

	// expiryTime is when it expires.
	// +required
	ExpiryTime metav1.Time `json:"expiryTime,omitempty,omitzero"`
}

// CertificateIssuerStatus says who has issued the server certificate.
type CertificateIssuerStatus struct {
	// id is derived from the issuer's name and key: it changes with either. Write it into the annotation
	// d1gateway.io/acknowledged-issuer when Thales knows of the change.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ID string `json:"id,omitempty"`

	// name of the issuer (RFC 4514).
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Name string `json:"name,omitempty"`

	// previousID and previousName are the issuer that was acknowledged last; absent when that is this one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	PreviousID string `json:"previousID,omitempty"`

	// previousName is the name that goes with previousID.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	PreviousName string `json:"previousName,omitempty"`
}

// SigningKeyStatus is one key that verifies access tokens.
type SigningKeyStatus struct {
	// id is the kid in the header of access tokens.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// algorithm of the key.
	// +required
	Algorithm SigningAlgorithm `json:"algorithm,omitempty"`

	// signsFrom is when it begins to sign.
	// +required
	SignsFrom metav1.Time `json:"signsFrom,omitempty,omitzero"`

	// expiryTime is when the last token that it has signed has expired, and it is dropped; absent while it has no successor.
	// +optional
	ExpiryTime metav1.Time `json:"expiryTime,omitempty,omitzero"`

	// lastUsedTime is when it last signed, to the hour; absent when no server replica has reported it.
	// +optional
	LastUsedTime metav1.Time `json:"lastUsedTime,omitempty,omitzero"`
}

// MerchantGatewayList is a list of MerchantGateways.
//
// +kubebuilder:object:root=true
type MerchantGatewayList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MerchantGateway `json:"items"`
}
