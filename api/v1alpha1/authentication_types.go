package v1alpha1

// OAuthMode says whether a bearer token is needed.
//
// +kubebuilder:validation:Enum=Required;Disabled
type OAuthMode string

// The OAuth modes.
const (
	// OAuthRequired needs a bearer token at the notification endpoint.
	OAuthRequired OAuthMode = "Required"
	// OAuthDisabled looks at no bearer token; the client certificate decides.
	OAuthDisabled OAuthMode = "Disabled"
)

// Authentication says how D1 proves who it is at the notification endpoint.
//
// +kubebuilder:validation:MinProperties=1
type Authentication struct {
	// oauth is Required (a bearer token from the token endpoint) or Disabled, which needs a required client certificate.
	// +optional
	// +default="Required"
	OAuth OAuthMode `json:"oauth,omitempty"`

	// clientCertificate says which client certificates D1 presents.
	// +optional
	// +default={"mode":"Disabled"}
	ClientCertificate ClientCertificate `json:"clientCertificate,omitempty,omitzero"`
}

// ClientCertificateMode says whether a client certificate is needed.
//
// +kubebuilder:validation:Enum=Disabled;Required
type ClientCertificateMode string

// The client certificate modes.
const (
	// ClientCertificateDisabled asks for none.
	ClientCertificateDisabled ClientCertificateMode = "Disabled"
	// ClientCertificateRequired refuses a caller without one.
	ClientCertificateRequired ClientCertificateMode = "Required"
)

// ClientCertificate says which client certificates D1 presents (mutual TLS).
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="self.mode != 'Required' || has(self.caSecretRef)",message="mode Required needs caSecretRef: the Secret with the CA certificates to trust",fieldPath=".caSecretRef"
type ClientCertificate struct {
	// mode is Required or Disabled.
	// +optional
	// +default="Disabled"
	Mode ClientCertificateMode `json:"mode,omitempty"`

	// caSecretRef names the Secret whose key ca.crt holds the CA certificates to trust, one or several. Trust Thales' client CA,
	// not one leaf: the leaf rotates.
	// +optional
	CASecretRef *SecretReference `json:"caSecretRef,omitempty,omitzero"`

	// subjects are the accepted subjects, each some attributes separated by commas such as "CN=d1-out,O=Thales". A certificate is accepted
	// when its subject has all attributes of one of them. When empty, every certificate of the CA is accepted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Subjects []CertificateSubject `json:"subjects,omitempty"`
}

// CertificateSubject is one or more attributes of a certificate's subject, such as "CN=d1-out,O=Thales".
//
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:Pattern=`^(CN|O|OU|C|L|ST|SERIALNUMBER)=[^,=]+(,(CN|O|OU|C|L|ST|SERIALNUMBER)=[^,=]+)*$`
type CertificateSubject string
